"""Reads a catalogue (YAML or CSV) and its code files, and names every fault by its line, never by a code."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import spec
from gateway.admin import limits
from gateway.core.model import Json

PRODUCT = ("id", "name", "description", "brand", "category", "image_url", "translations")
KNOWN = {
    *PRODUCT, "price", "currency", "delivery_kind", "promotion", "restrictions", "buyer_input", "download_url", "codes",
    "codes_file", "quantity", "low_threshold", "safety_stock", "regions", "max_per_order",
    "purchase_limit", "purchase_limit_days", "purchase_limit_tiers", "channel_limit", "channel_limit_days",
    "consistency", "supplier",
}  # fmt: skip
LEVELS = ("quantity", "low_threshold", "safety_stock")
NUMBERS = {
    "price", "max_per_order", "purchase_limit", "purchase_limit_days", "channel_limit", "channel_limit_days", *LEVELS,
}  # fmt: skip
KINDS = ("code", "licence", "download", "topup", "token")
CLASSES = ("strict", "allotment")
STOCKED = {"codes", "codes_file", *LEVELS}  # what goods made on demand have none of
LONGEST_CODE = 512  # characters; as in the standard's TestOfferRequest
BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Code:
    """One code, and where it stands. Never printed."""

    text: str = field(repr=False)
    place: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One product to be sold. `codes` None and `quantity` None: unlimited. Levels that are None stay as they are."""

    place: str
    product: Json
    price: int
    currency: str
    delivery_kind: str
    promotion: Json | None
    restrictions: Json | None
    buyer_input: Json | None
    download_url: str | None
    codes: list[Code] | None
    quantity: int | None
    low_threshold: int | None
    safety_stock: int | None
    consistency: str | None = None
    supplier: str | None = None


class Faults(Exception):
    """What is wrong with a file: one line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def read_catalogue(path: Path) -> list[Entry]:
    """All products of the file. Raises Faults with everything that is wrong, or OSError."""
    text = _text(path)
    rows = list(_csv_rows(path, text) if path.suffix.lower() == ".csv" else _yaml_rows(path, text))
    faults: list[str] = []
    entries: list[Entry] = []
    for place, row in rows:
        found = list(_row_faults(row))
        if found:
            faults += [f"{place}: {fault}" for fault in found]
            continue
        try:
            entries.append(_entry(path.parent, place, row))
        except Faults as wrong:
            faults += wrong.lines
    faults += _repeated(entries)
    if faults:
        raise Faults(faults)
    return entries


def read_codes(path: Path) -> list[Code]:
    """One code a line, byte for byte; empty lines are left out. Raises Faults or OSError."""
    lines = _text(path).split("\n")
    codes = [
        Code(line.removesuffix("\r"), f"{path.name} line {number}")
        for number, line in enumerate(lines, 1)
        if line.removesuffix("\r")
    ]
    _check(codes)
    return codes


def _check(codes: list[Code]) -> None:
    faults = []
    for code in codes:
        if not 1 <= len(code.text) <= LONGEST_CODE:
            faults.append(f"{code.place}: a code has 1 to {LONGEST_CODE} characters")
        elif "\0" in code.text:
            faults.append(f"{code.place}: holds a zero byte")
    if faults:
        raise Faults(faults)


def repeated(codes: list[Code]) -> list[str]:
    """Faults for codes that stand there twice."""
    first: dict[str, str] = {}
    faults = []
    for code in codes:
        if first.setdefault(code.text, code.place) != code.place:
            faults.append(f"{code.place}: the same code as in {first[code.text]}")
    return faults


def _repeated(entries: list[Entry]) -> list[str]:
    first: dict[str, str] = {}
    faults = []
    for entry in entries:
        product_id = entry.product["id"]
        if first.setdefault(product_id, entry.place) != entry.place:
            faults.append(f"{entry.place}: product {product_id!r} is there already, at {first[product_id]}")
    return faults + repeated([code for entry in entries for code in entry.codes or ()])


def _text(path: Path) -> str:
    """The file as text, with or without a byte order mark."""
    try:
        return path.read_bytes().decode("utf-8").removeprefix(BOM)
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise Faults([f"{path.name} line {line}: not UTF-8"]) from error


def _yaml_rows(path: Path, text: str) -> Iterator[tuple[str, Json]]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name} line {mark.line + 1}" if mark else path.name
        raise Faults([f"{place}: {getattr(error, 'problem', None) or 'no YAML'}"]) from error
    if not isinstance(document, dict) or not isinstance(document.get("products"), list):
        raise Faults(
            [f"{path.name}: a catalogue has a list `products` (and may have a `currency` for all of them)"]
        )
    nodes = _products(root)
    for node, product in zip(nodes, document["products"], strict=True):
        place = f"{path.name} line {node.start_mark.line + 1}"
        if not isinstance(product, dict):
            raise Faults([f"{place}: a product is a mapping, as `- id: …`"])
        yield place, {"currency": document.get("currency"), **product}


def _products(root: Any) -> list[yaml.Node]:
    """The nodes of the list `products`, which know their lines."""
    return list(next(value for key, value in root.value if key.value == "products").value)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, Json]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for record in reader:
            place = f"{path.name} line {reader.line_num}"
            if None in record or None in record.values():
                raise Faults([f"{place}: not as many fields as the first line has"])
            yield (
                place,
                {name.strip(): _number(name.strip(), value) for name, value in record.items() if value != ""},
            )
    except csv.Error as error:
        raise Faults([f"{path.name} line {reader.line_num}: {error}"]) from error


def _number(name: str, value: str) -> Any:
    """Cells that are numbers or lists; what is no number stays text, and is refused as such."""
    if name in NUMBERS:
        return int(value) if value.strip().isdecimal() else value
    if name == "purchase_limit_tiers":
        return limits.tiers(value)
    return value.split() if name == "regions" else value


def _row_faults(row: Json) -> Iterator[str]:
    for name in sorted(set(row) - KNOWN):
        yield f"{name!r} is not known; known are {', '.join(sorted(KNOWN))}"
    money = {"amount": row.get("price"), "currency": row.get("currency")}
    for what, kind, value in (
        ("product", "Product", _product(row)),
        ("price (in minor units, so 14.99 is 1499)", "Money", money),
        ("restrictions", "Restrictions", limits.restrictions(row) or {}),
    ):
        for pointer, message in spec.validator(kind).errors(value):
            yield f"{what}{pointer and ', '}{pointer}: {message}"
    yield from limits.faults(row)
    promotion = row.get("promotion")
    if promotion is not None and (
        not isinstance(promotion, dict) or type(promotion.get("list_price")) is not int
    ):
        yield "promotion has a label, and a list_price in minor units"
    yield from _stock_faults(row)


def _stock_faults(row: Json) -> Iterator[str]:
    kind = row.get("delivery_kind")
    if kind not in KINDS:
        yield f"delivery_kind is one of {', '.join(KINDS)}"
    if row.get("consistency", CLASSES[0]) not in CLASSES:
        yield f"consistency is one of {', '.join(CLASSES)}"
    if sum(name in row for name in ("codes", "codes_file", "quantity")) > 1:
        yield "only one of codes, codes_file and quantity"
    for name in LEVELS:
        if name in row and (type(row[name]) is not int or row[name] < 0):
            yield f"{name} is a whole number, not below 0"
    if kind == "download" and not row.get("download_url"):
        yield "a download needs download_url"
    if kind == "code" and not {"codes", "codes_file", "supplier"} & set(row):
        yield "codes need codes or codes_file, or a supplier"
    if "codes" in row and not isinstance(row["codes"], list):
        yield "codes is a list of texts"
    yield from _supply_faults(row, kind)


def _supply_faults(row: Json, kind: Any) -> Iterator[str]:
    if kind in ("topup", "token") and "supplier" not in row:
        yield f"a {kind} needs the supplier that makes it"
    if "supplier" not in row:
        return
    if kind == "download" or STOCKED & set(row) or not isinstance(row["supplier"], str):
        yield f"a supplier's name goes with code, licence, topup and token, with none of {', '.join(sorted(STOCKED))}"
    if row.get("consistency") == "allotment":
        yield "what a supplier makes on demand cannot be leased"


def _entry(folder: Path, place: str, row: Json) -> Entry:
    promotion = row.get("promotion")
    if promotion is not None:
        promotion = {
            **promotion,
            "list_price": {"amount": promotion["list_price"], "currency": row["currency"]},
        }
    codes = None
    if "codes_file" in row:
        codes = _codes_of(folder / str(row["codes_file"]), place)
    elif "codes" in row:
        codes = [Code(str(text), f"{place}, code {number}") for number, text in enumerate(row["codes"], 1)]
        _check(codes)
    return Entry(
        place=place,
        product=_product(row),
        price=row["price"],
        currency=row["currency"],
        delivery_kind=row["delivery_kind"],
        promotion=promotion,
        restrictions=limits.restrictions(row),
        buyer_input=row.get("buyer_input"),
        download_url=row.get("download_url"),
        codes=codes,
        quantity=row.get("quantity"),
        low_threshold=row.get("low_threshold"),
        safety_stock=row.get("safety_stock"),
        consistency=row.get("consistency"),
        supplier=row.get("supplier"),
    )


def _codes_of(path: Path, place: str) -> list[Code]:
    try:
        return read_codes(path)
    except OSError as error:
        raise Faults([f"{place}: {path} cannot be read: {error.strerror}"]) from error


def product_id(own: str) -> str:
    """A merchant's own article number as an id of the standard: `starfall` becomes `prd_starfall`; an id stays."""
    return own if spec.validator("Id").is_valid(own) else f"prd_{own}"


def _product(row: Json) -> Json:
    found = {name: row[name] for name in PRODUCT if row.get(name) is not None}
    return found | ({"id": product_id(str(row["id"]))} if row.get("id") is not None else {})
