"""A passing and a failing exchange for each checked requirement, as they really went.

`python -m conformance.exchanges` plays the suite against the mini implementations, right and wrong, and keeps of each
run what its finding rests on: cut to what matters, without secrets, and with the same names for what differs from run
to run. It also writes into the registry how each requirement was found out (its testability).

    {"ORD-003": {"right": {"check", "message", "exchanges": […]}, "wrong": {"mutant", "check", "message", "exchanges"}}}

An exchange has `label` (what the suite calls it), `asks` (`suite`, or the role under test), `request` (method, path),
`headers`, `body`, `status`, `answer_headers` and `answer`; what is empty is left out. `error` stands for no answer.
Where something did not come that should have, there are none, and `message` is all.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from conformance.model import Role

Json = dict[str, Any]
FOLDER = Path(__file__).parent


@cache
def examples(role: Role) -> dict[str, Json]:
    """The role's examples by requirement. Shared: do not change them."""
    found: dict[str, Json] = json.loads((FOLDER / f"{role}.json").read_text("utf-8"))
    return found


def write(role: Role, found: dict[str, Json]) -> None:
    """Put the role's examples into the package."""
    rows = [
        f"{_line(name)}: {{{_side(pair, 'right')},{_side(pair, 'wrong')}}}"
        for name, pair in sorted(found.items())
    ]
    (FOLDER / f"{role}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
    examples.cache_clear()


def _side(pair: Json, side: str) -> str:
    """One exchange a line, so that a change of one is a change of a line."""
    head = {name: value for name, value in pair[side].items() if name != "exchanges"}
    lines = ",\n".join(f"   {_line(one)}" for one in pair[side]["exchanges"])
    return f'\n {_line(side)}: {_line(head)[:-1]}, "exchanges": [\n{lines}]}}'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
