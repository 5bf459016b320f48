"""The sale that other engines are compared in: what can be checked of it without Node.js."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import vendure
from benchmarks.peers.run import summary, table
from benchmarks.peers.sale import Books, Failed, Guest, Refused, Sold, count, hold, untouched

ROOT = Path(__file__).parents[2]
UNITS = 10


class Shelf:
    """A shop of counted units. `careful`: looks and takes in one step; else what it read may be out of date."""

    def __init__(self, careful: bool) -> None:
        self.careful, self.left, self.orders = careful, UNITS, 0

    def books(self) -> Books:
        """As a database would tell."""
        return Books(self.orders, min(self.orders, UNITS), UNITS - self.left, self.left)


class Buyer:
    """Buys one unit of a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.ready = shelf, False

    async def prepare(self) -> None:
        """Take a while."""
        await asyncio.sleep(0)
        self.ready = True

    async def pay(self) -> None:
        """Take one, if there seem to be any."""
        assert self.ready
        seen = self.shelf.left
        if not self.shelf.careful:
            await asyncio.sleep(0)
        if not seen:
            raise Refused("sold out")
        self.shelf.left = seen - 1
        self.shelf.orders += 1


class Broken:
    """A guest whom the shop fails."""

    async def prepare(self) -> None:
        """Fail before paying."""
        raise Failed("deadlock")

    async def pay(self) -> None:
        """Never reached."""
        raise AssertionError("a guest who is not ready must not pay")


@pytest.mark.parametrize("in_one_go", [False, True])
def test_sale_of_a_careful_shop(in_one_go: bool) -> None:
    """All units are sold and no more, and everybody else is counted as refused or failed."""
    shelf = Shelf(careful=True)
    untouched(shelf.books(), UNITS)
    guests: list[Guest] = [*(Buyer(shelf) for _ in range(25)), Broken()]
    sold = asyncio.run(hold(guests, 8, in_one_go))
    found = count(sold, shelf.books(), UNITS)
    counted = ("paid", "sold", "oversold", "without_goods", "refused", "failed", "unseen")
    assert [found[name] for name in counted] == [10, 10, 0, 0, 15, 1, 0]
    assert sold.reasons == {"deadlock": 1}
    assert found["payments_per_second"] >= found["orders_per_second"] > 0


@pytest.mark.parametrize("in_one_go", [False, True])
def test_sale_of_a_careless_shop(in_one_go: bool) -> None:
    """A shop that writes back what it read sells too much, and the count says how much."""
    shelf = Shelf(careful=False)
    guests: list[Guest] = [Buyer(shelf) for _ in range(25)]
    sold = asyncio.run(hold(guests, 8, in_one_go))
    found = count(sold, shelf.books(), UNITS)
    assert found["sold"] == found["paid"] > UNITS
    assert found["oversold"] == found["without_goods"] == found["sold"] - UNITS
    assert found["paid"] + found["refused"] == 25


def test_orders_that_nobody_was_told_of_are_counted() -> None:
    """What the database has and no guest saw is `unseen`, and a sale in which nobody paid has no rate."""
    found = count(Sold(failed=1), Books(1, 1, 1, 9), UNITS)
    assert (found["unseen"], found["payments_per_second"], found["orders_per_second"]) == (1, 0.0, 0.0)


@pytest.mark.parametrize("books", [Books(0, 0, 0, 30), Books(1, 1, 0, UNITS), Books(0, 0, 1, UNITS)])
def test_sale_begins_with_the_stock_it_says(books: Books) -> None:
    """Other stock than was said, or something sold already, stops the run."""
    with pytest.raises(RuntimeError, match="10 units began with"):
        untouched(books, UNITS)


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        ({"errorCode": "INSUFFICIENT_STOCK_ERROR", "message": "No items: insufficient stock"}, Refused),
        (
            {
                "errorCode": "ORDER_STATE_TRANSITION_ERROR",
                "message": "Cannot transition",
                "transitionError": "due to insufficient stock of Sale 1",
            },
            Refused,
        ),
        ({"errorCode": "ORDER_PAYMENT_STATE_ERROR", "message": "not now"}, Failed),
    ],
)
def test_refusals_of_vendure(one: dict[str, str], wanted: type[Exception]) -> None:
    """Only want of stock counts as a refusal."""
    with pytest.raises(wanted):
        vendure.read({"data": {"step": {"__typename": "SomeError", **one}}})


def test_other_answers_of_vendure() -> None:
    """An order tells its state, and an error of GraphQL is a failure."""
    paid = {"data": {"step": {"__typename": "Order", "state": "PaymentSettled"}}}
    assert vendure.read(paid) == "PaymentSettled"
    with pytest.raises(Failed, match="deadlock"):
        vendure.read({"errors": [{"message": "deadlock detected"}], "data": None})


def test_medians_of_the_rounds() -> None:
    """The table has a line for each shop and way, with the median of its rounds."""
    figures = count(Sold(paid=1, paying=1.0), Books(1, 1, 1, 9), UNITS)
    sales = [{"shop": "A", "way": "in one go", **figures, "sold": number} for number in (1, 9, 3)]
    (row,) = summary(sales)
    assert row["sold"] == 3
    assert table([row]).splitlines()[2].startswith("| A | in one go | 1.0 | 1.0 | 3 | 0 |")


def bench_peers(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own, with the programs of this path only."""
    command = [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / "peers" / "run.py")]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_says_that_node_is_missing(tmp_path: Path) -> None:
    """Without Node.js it names what is missing, ends with 69, and leaves nothing."""
    answer = bench_peers(tmp_path, str(tmp_path))
    assert answer.returncode == 69
    assert "node and npm not found" in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "npm", "said"),
    [
        ("v18.20.0", "exit 0", "Node.js v18.20.0 found: 20 or later"),
        ("v20.0.0", "echo no disk >&2; exit 1", "no disk"),
    ],
)
def test_says_what_of_node_will_not_do(tmp_path: Path, version: str, npm: str, said: str) -> None:
    """A Node.js that is too old, and an npm that cannot install, are told, and end with 69 too."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("node", f"echo {version}"), ("npm", npm)):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (programs / name).chmod(0o755)
    answer = bench_peers(tmp_path, str(programs))
    assert answer.returncode == 69
    assert said in answer.stderr


def test_versions_are_exact_and_nothing_is_locked() -> None:
    """package.json names exact versions; a lock file would name somebody's registry, and is not kept."""
    wanted: dict[str, Any] = json.loads((vendure.HERE / "package.json").read_text("utf-8"))
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted["dependencies"].values())
    assert set(wanted["dependencies"]) == {"@vendure/core", "pg"}
    assert list(vendure.HERE.glob("*lock*")) == []
