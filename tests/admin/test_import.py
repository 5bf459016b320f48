"""`vgcp gateway import` and `codes add`: whole or not at all, faults by line, never a code in what is printed."""

from __future__ import annotations

import pytest

from tests.admin.conftest import Merchant

CATALOGUE = """currency: USD
products:
  - id: nebula
    name: "Nebula"
    category: game_key
    delivery_kind: code
    price: 1499
    codes_file: codes.txt
    promotion: {label: Sale, list_price: 1999}
    restrictions: {max_per_order: 3}
    translations: {zh: {name: "星云"}}
  - id: prd_licence
    name: "A licence"
    category: licence
    delivery_kind: licence
    price: 500
  - id: pass
    name: "A pass"
    category: topup
    delivery_kind: licence
    price: 900
    quantity: 7
"""
CODES = "AAAA-1\r\nBBBB-2\r\n\r\nCCCC-3\r\n"


def test_a_catalogue_is_imported_and_can_be_again(merchant: Merchant) -> None:
    """Products, prices and codes of all kinds of stock; again, it changes what is different and adds what is new."""
    merchant.file("codes.txt", CODES)
    path = merchant.file("catalogue.yaml", CATALOGUE)
    first = merchant.json("import", path)
    assert first == {
        "products_created": 3,
        "products_changed": 0,
        "products_unchanged": 0,
        "codes_added": 3,
        "codes_known": 0,
    }
    assert merchant.json("import", path)["products_unchanged"] == 3
    merchant.file("codes.txt", CODES + "DDDD-4\n")
    merchant.file("catalogue.yaml", CATALOGUE.replace("1499", "1299"))
    again = merchant.json("import", path)
    assert (again["products_changed"], again["codes_added"], again["codes_known"]) == (1, 1, 3)
    stock = {row["product"]: row for row in merchant.json("stock")}
    assert {name: (row["kind"], row["available"]) for name, row in stock.items()} == {
        "prd_nebula": ("codes", 4),
        "prd_licence": ("unlimited", 0),
        "prd_pass": ("counted", 7),
    }
    assert merchant.json("audit")["balanced"] is True
    assert "prd_nebula" in merchant.run("stock").stdout
    assert [row["product"] for row in merchant.json("stock", "--low")] == ["prd_nebula"]


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_a_csv_file_is_imported(merchant: Merchant, mark: str) -> None:
    """With and without a byte order mark; quoted commas and Chinese letters are kept."""
    merchant.file("codes.txt", mark + CODES)
    text = (
        "id,name,category,delivery_kind,price,currency,codes_file,quantity,regions,max_per_order\n"
        'nebula,"Nebula, 星云",game_key,code,1499,EUR,codes.txt,,DE FR,2\n'
        "pass,Pass,topup,licence,900,EUR,,12,,\n"
    )
    assert merchant.json("import", merchant.file("prices.csv", mark + text))["codes_added"] == 3
    assert [row["available"] for row in merchant.json("stock")] == [3, 12]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.yaml", CATALOGUE.replace("price: 500", "price: 4.99"), "c.yaml line 12"),
        ("c.yaml", CATALOGUE.replace("id: pass", "id: nebula"), "c.yaml line 17"),
        ("c.yaml", CATALOGUE.replace("delivery_kind: licence", "delivery_kind: parcel"), "c.yaml line 12"),
        ("c.yaml", CATALOGUE.replace("category: topup", "colour: red"), "'colour' is not known"),
        ("c.yaml", CATALOGUE.replace("codes.txt", "none.txt"), "none.txt cannot be read"),
        ("c.yaml", CATALOGUE.replace("quantity: 7", "quantity: -7"), "line 17: quantity"),
        ("c.yaml", CATALOGUE.replace("list_price: 1999", "list_price: cheap"), "line 3: promotion"),
        ("c.yaml", "products: 7\n", "a list `products`"),
        ("c.yaml", "products:\n  - [unclosed\n", "c.yaml line 3"),
        (
            "c.csv",
            "id,name,category,delivery_kind,price,currency\nx,X,licence,licence,12,EUR\ny,Y\n",
            "c.csv line 3",
        ),
        (
            "c.csv",
            "id,name,category,delivery_kind,price,currency\nx,X,licence,licence,1.5,EUR\n",
            "c.csv line 2",
        ),
        (
            "c.csv",
            "id,name,category,delivery_kind,price,currency\nx,X,game_key,code,15,EUR\n",
            "codes or codes_file",
        ),
    ],
)
def test_wrong_lines_are_named_and_nothing_is_imported(
    merchant: Merchant, name: str, text: str, said: str
) -> None:
    """The message names file and line; the lines that were right are not imported either."""
    merchant.file("codes.txt", CODES)
    done = merchant.run("import", merchant.file(name, text), code=1)
    assert said in done.stderr
    assert "Nothing was imported" in done.stderr
    assert merchant.json("stock") == []


def test_duplicates_are_named_by_line_and_never_shown(merchant: Merchant) -> None:
    """Twice in one file, in two files, or with another product: refused by place; no code is printed."""
    path = merchant.file("catalogue.yaml", CATALOGUE)
    merchant.file("codes.txt", CODES + "AAAA-1\n")
    done = merchant.run("import", path, code=1)
    assert "codes.txt line 5: the same code as in codes.txt line 1" in done.stderr
    merchant.file("codes.txt", CODES)
    merchant.run("import", path)
    other = CATALOGUE.replace("nebula", "quasar").replace("prd_licence", "l2").replace("id: pass", "id: p2")
    done = merchant.run("import", merchant.file("other.yaml", other), code=1)
    assert "codes.txt line 4: another product has this code" in done.stderr
    assert len(merchant.json("stock")) == 3
    more = merchant.file("more.txt", "EEEE-5\nAAAA-1\nFFFF-6\n")
    assert merchant.json("codes", "add", "nebula", more)["codes_added"] == 2
    assert merchant.json("codes", "add", "nebula", more)["codes_known"] == 3
    twice = merchant.run("codes", "add", "nebula", merchant.file("twice.txt", "GGGG-7\nGGGG-7\n"), code=1)
    assert "twice.txt line 2" in twice.stderr
    for output in (done.output, twice.output, merchant.run("stock").output):
        assert not any(code in output for code in ("AAAA-1", "BBBB-2", "CCCC-3", "EEEE-5", "GGGG-7"))


def test_codes_go_to_an_offer_that_sells_codes(merchant: Merchant) -> None:
    """An unknown offer, one without codes, and a file that is not text are refused in words."""
    merchant.file("codes.txt", CODES)
    merchant.run("import", merchant.file("catalogue.yaml", CATALOGUE))
    more = merchant.file("more.txt", "EEEE-5\n")
    assert "0 offers are called 'nothing'" in merchant.run("codes", "add", "nothing", more, code=1).stderr
    assert "does not sell codes" in merchant.run("codes", "add", "pass", more, code=1).stderr
    long = merchant.file("long.txt", "x" * 600 + "\n")
    assert "long.txt line 1" in merchant.run("codes", "add", "nebula", long, code=1).stderr
    (merchant.folder / "latin.txt").write_bytes(b"ok\n\xe9\n")
    latin = merchant.run("codes", "add", "nebula", str(merchant.folder / "latin.txt"), code=1)
    assert "latin.txt line 2: not UTF-8" in latin.stderr


def test_what_an_import_cannot_change_is_refused(merchant: Merchant) -> None:
    """Another delivery kind or another kind of stock under the same product id is a fault, not a change."""
    merchant.file("codes.txt", CODES)
    merchant.run("import", merchant.file("catalogue.yaml", CATALOGUE))
    changed = CATALOGUE.replace("quantity: 7", "codes: [ZZZZ-9]")
    done = merchant.run("import", merchant.file("changed.yaml", changed), code=1)
    assert "changed.yaml line 17: the offer's stock is counted, not codes" in done.stderr
