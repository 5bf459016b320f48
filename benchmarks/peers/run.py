"""`make bench-peers`: the same hot sale on Vendure and on the gateway, in turns, on one PostgreSQL server.

Installs Vendure with npm into build/peers. Prints a table and writes build/bench-peers.json. Without Node.js it says
what is missing and ends with 69 (`EX_UNAVAILABLE`).
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import click

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import report
from benchmarks.peers import sale, vendure
from benchmarks.peers.own import Own
from benchmarks.processes import gateway, postgresql
from benchmarks.seed import Size, seed
from gateway.storage.keys import new_entry

OUT = Path("build")
UNAVAILABLE = 69
PATIENCE = 300  # seconds that one request may take
WAYS = {"baskets filled before": False, "in one go": True}
COLUMNS = {
    "payments_per_second": "paid orders/s, payment alone",
    "orders_per_second": "paid orders/s, whole checkout",
    "sold": "sold",
    "oversold": "oversold",
    "without_goods": "orders without goods",
    "refused": "refused",
    "failed": "failed",
    "counter": "sold by its own counter",
}
Shop = vendure.Vendure | Own


def say(text: str) -> None:
    """Progress, for whoever waits."""
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True)


def sell(
    shop: Shop, product: str, in_one_go: bool, buyers: int, units: int, at_once: int
) -> tuple[dict[str, float], Counter[str]]:
    """One sale of one product."""

    async def run() -> sale.Sold:
        connector = aiohttp.TCPConnector(limit=at_once)
        patience = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(connector=connector, timeout=patience) as http:
            guests = [shop.guest(http, product) for _ in range(buyers)]
            return await sale.hold(guests, at_once, in_one_go)

    sale.untouched(shop.books(product, units), units)
    sold = asyncio.run(run())
    return sale.count(sold, shop.books(product, units), units), sold.reasons


def run(rounds: int, buyers: int, units: int, at_once: int, folder: Path, stack: ExitStack) -> dict[str, Any]:
    """All rounds, after one sale on each shop that warms it up and is not counted."""
    server = stack.enter_context(postgresql(folder / "postgresql"))
    products = 1 + rounds * len(WAYS)
    ring, database = new_entry(), server.database("vgcp")
    world = seed(database, ring, Size(0, 0, products, units))
    mine = stack.enter_context(gateway(folder, "gateway", database, ring))
    own = Own(mine.url, mine.token(world.client_id, world.client_secret), world.spread, database)
    peers = stack.enter_context(
        vendure.vendure(folder, OUT / "peers", server.database("vendure"), products, units)
    )
    say(
        f"PostgreSQL {server.version}, fsync and synchronous commit on; {products} products of {units} units in each"
    )
    shops: tuple[Shop, ...] = (peers, own)
    for shop in shops:
        sell(shop, shop.products[0], True, at_once, units, at_once)
    sales: list[dict[str, Any]] = []
    for number in range(rounds):
        for turn, (way, in_one_go) in enumerate(WAYS.items()):
            for shop in shops:
                product = shop.products[1 + number * len(WAYS) + turn]
                counted, reasons = sell(shop, product, in_one_go, buyers, units, at_once)
                sales.append({"shop": shop.name, "way": way, **counted, "reasons": dict(reasons)})
                say(f"round {number + 1} of {rounds}: {shop.name}, {way}: {counted['sold']} sold of {units}")
    wrong = report.audit(database, ring)
    if wrong:
        raise RuntimeError(f"the books of the gateway do not balance: {wrong[:3]}")
    return {"sales": sales, "summary": summary(sales), "postgresql": server.version}


def summary(sales: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians over the rounds, for each shop and way."""
    kinds = list(dict.fromkeys((one["shop"], one["way"]) for one in sales))
    return [
        {"shop": shop, "way": way}
        | {
            name: statistics.median(one[name] for one in sales if (one["shop"], one["way"]) == (shop, way))
            for name in COLUMNS
        }
        for shop, way in kinds
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """The summary in Markdown."""
    lines = [f"| shop | sale | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for row in rows:
        figures = (
            f"{row[name]:,.1f}" if name.endswith("second") else f"{row[name]:,.0f}" for name in COLUMNS
        )
        lines.append(f"| {row['shop']} | {row['way']} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each sale is held.")
@click.option("--buyers", default=200, show_default=True, help="Guests who want one unit each.")
@click.option("--units", default=100, show_default=True, help="Units that there are.")
@click.option("--at-once", default=64, show_default=True, help="Guests who are served at a time.")
def main(rounds: int, buyers: int, units: int, at_once: int) -> None:
    """Install, sell, count, print the table."""
    try:
        vendure.programs()
        say(f"installing Vendure with npm into {OUT / 'peers'}, unless it is there")
        vendure.install(OUT / "peers")
    except vendure.Missing as missing:
        click.echo(f"bench-peers: {missing}", err=True)
        sys.exit(UNAVAILABLE)
    folder = Path(tempfile.mkdtemp(prefix="vgcp-peers-"))
    started, load = datetime.now(UTC), round(os.getloadavg()[0], 1)
    try:
        with ExitStack() as stack:
            found = run(rounds, buyers, units, at_once, folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    about = {
        "measured": f"{started:%Y-%m-%d}",
        "rounds": rounds,
        "buyers": buyers,
        "units": units,
        "at_once": at_once,
        "cores": os.cpu_count(),
        "load_average_before": load,
        "vendure": json.loads((vendure.HERE / "package.json").read_text("utf-8"))["dependencies"][
            "@vendure/core"
        ],
    }
    (OUT / "bench-peers.json").write_text(json.dumps({"about": about, **found}, indent=2) + "\n", "utf-8")
    click.echo(table(found["summary"]))
    minutes = (datetime.now(UTC) - started).total_seconds() / 60
    click.echo(f"{minutes:.1f} minutes, medians of {rounds} rounds; see {OUT / 'bench-peers.json'}")


if __name__ == "__main__":
    main()
