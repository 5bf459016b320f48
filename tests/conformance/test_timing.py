"""Times have names, the standard's among them their requirement, and come from one clock."""

from __future__ import annotations

import ast
from pathlib import Path

import conformance
import spec
from conformance.timing import LIMITS, Clock
from conformance.transcript import Transcript

ROOT = Path(conformance.__file__).parent
DRIVING = ("driver", "judges", "scenarios")


def test_every_limit_is_a_requirements() -> None:
    """The requirement that a limit names is there, and speaks of a time."""
    rows = {row.id: row.text for row in spec.requirements()}
    assert [limit.requirement for limit in LIMITS if limit.requirement not in rows] == []
    assert all(limit.seconds > 0 for limit in LIMITS)


def test_the_clock_is_injected() -> None:
    """A transcript tells the time of the clock that it was given."""
    now = [100.0]
    t = Transcript(clock=Clock(lambda: now[0], lambda: 1_800_000_000.0))
    now[0] = 107.5
    assert (t.began_at, t.now(), t.wall()) == (1_800_000_000.0, 7.5, 1_800_000_000.0)


def test_nobody_looks_at_another_clock() -> None:
    """No driver, judge or scenario reads the time by itself, or waits for a time without a name."""
    found = []
    for path in (path for folder in DRIVING for path in (ROOT / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import) and "time" in [alias.name for alias in node.names]:
                found.append((path.name, "import time"))
            if isinstance(node, ast.Call) and _unnamed(ast.unparse(node.func), node.args):
                found.append((path.name, ast.unparse(node)))
    assert found == []


def _unnamed(called: str, given: list[ast.expr]) -> bool:
    """Whether a call asks the machine for the time, or sleeps for a number."""
    number = bool(given) and isinstance(given[0], ast.Constant) and given[0].value != 0
    return called in ("datetime.now", "datetime.utcnow") or (called == "asyncio.sleep" and number)
