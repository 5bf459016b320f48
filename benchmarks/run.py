"""`make bench`: how fast the gateway is, as ratios to yardsticks that are measured in the same minutes.

Absolute figures say more about the machine than about the program. So everything is measured in turns, round by round,
and the medians of the rounds are divided. Writes build/bench.json, build/bench.md and build/growth.svg.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import bare, report, requests
from benchmarks.load import Make, Result, measure
from benchmarks.processes import TABLES, Gateway, gateway, pgbench, plain, postgresql, run_sql
from benchmarks.report import Figures
from benchmarks.seed import Size, World, seed
from gateway.storage.keys import new_entry

OUT = Path("build")
FASTEST = 6_000  # orders a second that there must be codes for
PAGE = 500  # offers that a new channel asks for at once
FULFILLED, CREATED, OK = b'"status":"fulfilled"', b" 201 Created", b" 200 OK"


@dataclass(frozen=True)
class Plan:
    """How long, how often and how large. `growth` are numbers of old orders, ascending."""

    rounds: int
    seconds: float
    connections: int
    growth: tuple[int, ...]
    products: int
    offers: int


QUICK = Plan(2, 1.0, 64, (1_000, 3_000, 10_000), 100, 2_000)
FULL = Plan(3, 2.0, 64, (10_000, 100_000, 1_000_000), 1_000, 100_000)


@dataclass
class Place:
    """A gateway with something to sell."""

    name: str
    gateway: Gateway
    world: World
    token: str


Step = tuple[str, Callable[[str], object]]  # the figure's name, and what measures it


class Bench:
    """One run. Everything that it starts ends with `stack`."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        self.plan, self.folder, self.stack = plan, folder, stack
        self.figures = Figures()
        self.ring = new_entry()
        self.server = stack.enter_context(postgresql(folder / "postgresql"))
        self.yardstick = self.server.database("yardstick")
        run_sql(self.yardstick, *(one for one in TABLES.split(";") if one.strip()))
        self.databases: dict[str, str] = {}
        self.bare_url = ""

    def open(self, name: str, database: str, orders: int, hot: int, spread: int = 0) -> Place:
        """Seed a database and serve it. `hot` and `spread` say how many loads of either kind a round has."""
        started = time.perf_counter()
        plan = self.plan
        of_load = int(FASTEST * (plan.seconds + 0.5)) * plan.rounds
        codes = of_load * hot
        products, offers = (plan.products, plan.offers) if spread else (0, 0)
        size = Size(orders, codes, products, of_load * spread // plan.products, offers)
        world = seed(database, self.ring, size)
        say(f"{name}: {orders:,} orders, {codes:,} codes in {time.perf_counter() - started:.0f} s")
        self.databases[name] = database
        return self.serve(name, database, world)

    def serve(self, name: str, database: str, world: World, workers: int = 1) -> Place:
        """A gateway on a database that is there."""
        running = self.stack.enter_context(gateway(self.folder, name, database, self.ring, workers))
        return Place(name, running, world, running.token(world.client_id, world.client_secret))

    def load(
        self, name: str, place: Place, make: Make, expect: bytes, rate: float | None = None, scale: float = 1
    ) -> Result:
        """Load a gateway, and note the rate and the times under `name`."""
        seconds = self.plan.seconds * scale
        result = measure(
            place.gateway.url, make, expect, seconds, connections=self.plan.connections, rate=rate
        )
        self.figures.add(name, result.rate, "1/s")
        self.figures.add(f"{name}_p50", result.percentile(0.50), "ms")
        self.figures.add(f"{name}_p99", result.percentile(0.99), "ms")
        return result

    def orders(self, name: str, place: Place, rate: float | None = None) -> Result:
        """Orders of the hot product."""
        return self.load(name, place, requests.orders(place.token, [place.world.hot]), FULFILLED, rate)

    def pgbench(self, name: str, stocks: int) -> None:
        """The database's own limit."""
        tps = pgbench(self.server, self.yardstick, self.folder, stocks, self.plan.seconds)
        self.figures.add(name, tps, "1/s")

    def bare(self, name: str, path: str) -> None:
        """What a bare application that answers the same bytes can do."""
        made = requests.get(path, "")
        result = measure(self.bare_url, made, OK, self.plan.seconds * 0.5, connections=self.plan.connections)
        self.figures.add(name, result.rate, "1/s")

    def everything(self, place: Place, suffix: str) -> list[Step]:
        """What a gateway is asked to do, each under its name with this suffix."""
        world, token = place.world, place.token
        steps: list[Step] = [
            (f"orders_hot{suffix}", lambda name: self.orders(name, place)),
            (f"reservations_hot{suffix}", lambda name: self.load(name, place, holds(place), CREATED)),
            (f"orders_spread{suffix}", lambda name: self.load(name, place, many(place), FULFILLED)),
        ]
        for read, path in reads(world).items():
            made = requests.get(path, token)
            steps.append(
                (f"{read}{suffix}", lambda name, made=made: self.load(name, place, made, OK, scale=0.5))
            )
        return steps

    def intake(self, place: Place) -> None:
        """A new channel takes all offers in, page by page, as it would: one request after the other."""
        started, cursor, seen = time.perf_counter(), "", 0
        while True:
            answer = self._get(place, f"/vgcp/v1/offers?limit={PAGE}{cursor}")
            page = json.loads(answer)
            seen += len(page["items"])
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        if seen != place.world.feed:
            raise RuntimeError(f"the feed has {seen} offers, not {place.world.feed}")
        self.figures.add("intake", time.perf_counter() - started, "s")
        self.figures.add("intake_offers", seen, "offers")

    def _get(self, place: Place, path: str) -> bytes:
        return report.fetch(place.gateway.url + path, place.token)

    def memory(self, place: Place) -> None:
        """Each process of a gateway."""
        for process, size in place.gateway.memory().items():
            self.figures.add(f"memory_{place.name}_{process}", size, "MiB")

    def audit(self) -> None:
        """After all that: do the books balance? Raises RuntimeError."""
        for name, database in self.databases.items():
            wrong = report.audit(database, self.ring)
            if wrong:
                raise RuntimeError(f"the books of {name} do not balance: {wrong[:3]}")


def say(text: str) -> None:
    """Progress, for whoever waits."""
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True)


def run(plan: Plan, folder: Path, stack: ExitStack) -> Figures:
    """The whole of it."""
    bench = Bench(plan, folder, stack)
    say(f"PostgreSQL {bench.server.version}, fsync and synchronous commit on")
    grown = [
        bench.open(f"at_{count}", bench.server.database(f"at_{count}"), count, 1 if n else 4, 0 if n else 2)
        for n, count in enumerate(plan.growth)
    ]
    main = grown[0]
    sqlite = bench.open("sqlite", f"sqlite:///{folder / 'sqlite.db'}", plan.growth[0], 1, 1)
    two = bench.serve("two_workers", bench.databases[main.name], main.world, workers=2)
    paths = reads(main.world)
    bodies = [report.fetch(main.gateway.url + path, main.token) for path in paths.values()]
    bench.bare_url = stack.enter_context(plain(folder, bodies))
    steps: list[Step] = [
        ("pgbench_hot", lambda name: bench.pgbench(name, 1)),
        ("pgbench_spread", lambda name: bench.pgbench(name, 1_000)),
        *bench.everything(main, ""),
        *((f"{name}_bare", lambda name, n=n: bench.bare(name, f"/{n}")) for n, name in enumerate(paths)),
        *bench.everything(two, "_two_workers"),
        ("bare_sqlite", lambda name: bare_sqlite(bench, name)),
        *bench.everything(sqlite, "_sqlite"),
        *((f"orders_{one.name}", lambda name, one=one: bench.orders(name, one)) for one in grown),
    ]
    for number in range(1, plan.rounds + 1):
        for name, step in steps:
            step(name)
            say(f"round {number} of {plan.rounds}: {name}: {bench.figures.newest()}")
    paced = 0.7 * bench.figures.median("orders_hot")
    for _ in range(plan.rounds):
        result = bench.orders("orders_paced", main, rate=paced)
        say(f"paced at 70% of the peak, {paced:,.0f}/s: p99 {result.percentile(0.99):,.0f} ms")
    bench.intake(main)
    say(f"a new channel takes all offers in: {bench.figures.newest()}")
    for place in (*grown, sqlite, two):
        bench.memory(place)
    bench.audit()
    say("all books balance")
    return bench.figures


def reads(world: World) -> dict[str, str]:
    """The reads by name."""
    return {"offer_read": f"/vgcp/v1/offers/{world.hot}", "page_read": "/vgcp/v1/offers?limit=100"}


def holds(place: Place) -> Make:
    """Holds on one product."""
    return requests.reservations(place.token, place.world.held)


def many(place: Place) -> Make:
    """Orders over all products."""
    return requests.orders(place.token, place.world.spread)


def bare_sqlite(bench: Bench, name: str) -> None:
    """A loop of SQLite transactions by hand, for the gateway on SQLite."""
    path = bench.folder / "bare.db"
    for old in bench.folder.glob("bare.db*"):
        old.unlink()
    bench.figures.add(name, bare.measure(path, bench.plan.seconds * 0.5), "1/s")


def ratios(figures: Figures, growth: tuple[int, ...]) -> dict[str, float]:
    """Medians over medians of the same run."""
    pairs = {
        "orders_hot": ("orders_hot", "pgbench_hot"),
        "orders_spread": ("orders_spread", "pgbench_spread"),
        "reservations_hot": ("reservations_hot", "pgbench_hot"),
        "growth_1m_over_10k": (f"orders_at_{growth[-1]}", f"orders_at_{growth[0]}"),
        "offer_read": ("offer_read", "offer_read_bare"),
        "page_read": ("page_read", "page_read_bare"),
        "two_workers_over_one": ("orders_hot_two_workers", "orders_hot"),
        "sqlite_over_bare_loop": ("orders_hot_sqlite", "bare_sqlite"),
    }
    return {
        name: round(figures.median(top) / figures.median(under), 3) for name, (top, under) in pairs.items()
    }


@click.command()
@click.option("--quick", is_flag=True, help="A minute with little of everything: to see that it works.")
@click.option("--rounds", type=int, help="How often everything is measured, in turns.")
@click.option("--seconds", type=float, help="How long each measurement lasts.")
def main(quick: bool, rounds: int | None, seconds: float | None) -> None:
    """Measure, tell what is going on, print the table."""
    base = QUICK if quick else FULL
    plan = Plan(
        rounds or base.rounds,
        seconds or base.seconds,
        base.connections,
        base.growth,
        base.products,
        base.offers,
    )
    folder = Path(tempfile.mkdtemp(prefix="vgcp-bench-"))
    started, load = datetime.now(UTC), round(os.getloadavg()[0], 1)
    try:
        with ExitStack() as stack:
            figures = run(plan, folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = ratios(figures, plan.growth)
    OUT.mkdir(exist_ok=True)
    about = {
        "measured": f"{started:%Y-%m-%d}",
        "seconds": plan.seconds,
        "rounds": plan.rounds,
        "growth": plan.growth,
        "cores": os.cpu_count(),
        "load_average_before": load,
    }
    summary = {"about": about, "ratios": found, "raw": figures.raw()}
    (OUT / "bench.json").write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    table = report.table(found, figures)
    (OUT / "bench.md").write_text(table, "utf-8")
    (OUT / "growth.svg").write_text(report.growth_svg(figures, plan.growth), "utf-8")
    minutes = (datetime.now(UTC) - started).total_seconds() / 60
    click.echo(table)
    click.echo(f"{minutes:.1f} minutes, medians of {plan.rounds} rounds; see {OUT / 'bench.json'}")


if __name__ == "__main__":
    main()
