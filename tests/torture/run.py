"""`make torture`: everything of the proof at length, with a table at the end. Exit code 1 when anything was found."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.http import services
from gateway.storage.migrate import upgrade
from tests.proof.test_machine import run_machine
from tests.torture import concurrency, crash, failing, overload, soak
from tests.torture.places import own_postgresql

Figures = dict[str, object] | None


@dataclass(frozen=True)
class Scene:
    """One row of the table."""

    name: str
    often: str
    run: Callable[[], Figures]


@dataclass(frozen=True)
class Length:
    """How much of everything."""

    examples: int
    seconds: float
    kills: int
    outage: float
    at_once: int
    soak: float


def say(line: str) -> None:
    """Progress, at once."""
    print(f"torture: {time.strftime('%H:%M:%S')} {line}", flush=True)


def fresh() -> Path:
    """A folder for one scene."""
    return Path(tempfile.mkdtemp(prefix="vgcp-torture-"))


def machine(kind: str, examples: int) -> Figures:
    """The state machine on one database."""
    if kind == "SQLite":
        url = f"sqlite:///{fresh()}/books.db"
        upgrade(url)
        run_machine(url, examples)
    else:
        with own_postgresql() as server:
            upgrade(server.url())
            run_machine(server.url(), examples)
    return {"steps of each": "up to 50"}


def killed(kind: str, kills: int) -> Figures:
    """Gateways killed on one database."""
    if kind == "SQLite":
        folder = fresh()
        database = f"sqlite:///{folder}/books.db"
        return asyncio.run(crash.gateways_killed(database, folder, kills=kills, seed=1, say=say))
    with own_postgresql() as server:
        work = crash.gateways_killed(server.url(), fresh(), kills=kills, seed=2, say=say)
        return asyncio.run(work)


def clock_back(seconds: float) -> Figures:
    """A clock that the test holds, in the place of the gateway's."""
    import gateway.main

    held = services.Clock()
    made, gateway.main.Clock = gateway.main.Clock, lambda: held  # type: ignore[assignment,misc]
    try:
        folder = fresh()
        return asyncio.run(failing.clock_set_back(f"sqlite:///{folder}/books.db", held, 2, seconds))
    finally:
        gateway.main.Clock = made  # type: ignore[misc]


def rushed(seconds: float) -> Figures:
    """64 buyers, three gateways."""
    with own_postgresql() as server:
        return asyncio.run(concurrency.rush(server.url(), fresh(), seconds=seconds))


def database_killed(kills: int) -> Figures:
    """PostgreSQL's postmaster."""
    with own_postgresql() as server:
        work = crash.database_killed(server, server.url(), fresh(), kills=kills, seed=3, say=say)
        return asyncio.run(work)


def frozen(seconds: float) -> Figures:
    """PostgreSQL stands still."""
    with own_postgresql() as server:
        return asyncio.run(failing.database_frozen(server, fresh(), seconds))


def gone(seconds: float) -> Figures:
    """PostgreSQL is not there."""
    with own_postgresql() as server:
        return asyncio.run(failing.database_gone(server, fresh(), seconds))


def flooded(at_once: int) -> Figures:
    """Too much at once."""
    with own_postgresql() as server:
        return asyncio.run(overload.flood(server.url(), fresh(), at_once=at_once, rounds=2))


def soaked(minutes: float) -> Figures:
    """A short soak; `make soak` has the long one."""
    with own_postgresql() as server:
        return asyncio.run(soak.soak(server.url(), fresh(), minutes=minutes, say=say))


def scenes(much: Length) -> list[Scene]:
    """All of it, in the order of the table."""
    half, outage = much.kills // 2, much.outage
    few = max(2, much.kills // 10)
    return [
        Scene("machine, SQLite", f"{much.examples} examples", lambda: machine("SQLite", much.examples)),
        Scene(
            "machine, PostgreSQL", f"{much.examples} examples", lambda: machine("PostgreSQL", much.examples)
        ),
        Scene("64 buyers, 3 gateways", f"{much.seconds:g} s", lambda: rushed(much.seconds)),
        Scene("gateway killed, SQLite", f"{half} times", lambda: killed("SQLite", half)),
        Scene("gateway killed, PostgreSQL", f"{half} times", lambda: killed("PostgreSQL", half)),
        Scene("PostgreSQL killed", f"{few} times", lambda: database_killed(few)),
        Scene("PostgreSQL frozen", f"{outage:g} s", lambda: frozen(outage)),
        Scene("PostgreSQL gone", f"{outage:g} s", lambda: gone(outage)),
        Scene("disk full, SQLite", "3 s", lambda: asyncio.run(failing.disk_full(fresh(), 3))),
        Scene("file limit, SQLite", "3 s", lambda: asyncio.run(failing.disk_full(fresh(), 3, mount=False))),
        Scene("disk full, PostgreSQL", "5 s", lambda: asyncio.run(failing.postgres_disk_full(fresh(), 5))),
        Scene("clock set back", "2 h", lambda: clock_back(1.5)),
        Scene("overload", f"{much.at_once} at once", lambda: flooded(much.at_once)),
        Scene("soak", f"{much.soak:g} min", lambda: soaked(much.soak)),
    ]


def play(scene: Scene) -> tuple[str, bool]:
    """What was found, and whether that is good."""
    try:
        found = scene.run()
    except Exception as error:
        traceback.print_exc()
        return f"FAILED: {type(error).__name__}: {str(error)[:200]}", False
    if found is None:
        return "not run: it needs root to mount a small disk", True
    return "nothing wrong; " + ", ".join(f"{name} {value}" for name, value in found.items()), True


def main() -> int:
    """Run the scenes that `--only` has in their names, or all."""
    options = argparse.ArgumentParser(description="The proof at length.")
    options.add_argument("--only", default="", help="scenes with this in their name")
    options.add_argument("--examples", type=int, default=150)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--outage", type=float, default=10)
    options.add_argument("--at-once", type=int, default=3000)
    options.add_argument("--soak", type=float, default=1, help="minutes")
    given = options.parse_args()
    much = Length(given.examples, given.seconds, given.kills, given.outage, given.at_once, given.soak)
    rows: list[tuple[str, str, str, str]] = []
    good = True
    for scene in scenes(much):
        if given.only not in scene.name:
            continue
        say(f"{scene.name} ({scene.often})")
        begun = time.monotonic()
        found, well = play(scene)
        good = good and well
        rows.append((scene.name, scene.often, f"{time.monotonic() - begun:.0f} s", found))
        say(found)
    print("\n| what | how often | took | found |\n|---|---|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
