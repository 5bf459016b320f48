"""`python -m conformance.marks`: write into the registry which checks and mutants each requirement has.

The code is the source: a check names its requirement, a mutant the requirements that catch it. Rows keep everything
else. `stale()` says which rows differ from the code; a test holds that none does.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.model import REGISTRY, Role
from conformance.runner import load
from spec.loader import parse
from spec.registry import OBSERVED, pages
from spec.sync import dump

ROLES: tuple[Role, ...] = ("channel", "gateway")
Marks = dict[str, dict[str, list[str]]]


def marks() -> Marks:
    """`checks` and `mutants` by requirement id, as the code has them. A mutant is named by role and name."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: {"checks": set(), "mutants": set()})
    for role in ROLES:
        load(role)
        for entry in REGISTRY.of(role):
            found[entry.requirement]["checks"].add(entry.id)
        for name, requirement in _mutants(role):
            found[requirement]["mutants"].add(f"{role}:{name}")
    return {i: {kind: sorted(names) for kind, names in both.items()} for i, both in found.items()}


def _mutants(role: Role) -> Iterator[tuple[str, str]]:
    module = f"conformance.mutants.{role}"
    if importlib.util.find_spec(module) is None:
        return
    for mutant in importlib.import_module(module).MUTANTS:
        for requirement in mutant.fails:
            yield mutant.name, requirement


def marked(row: dict[str, Any], found: Marks) -> dict[str, Any]:
    """The row with the checks and mutants of the code; a reason for exclusion falls where there is a check."""
    kept = {key: value for key, value in row.items() if key not in ("checks", "mutants")}
    mine = {key: names for key, names in found.get(row["id"], {}).items() if names}
    if "checks" in mine:
        kept.pop("excluded", None)
        if kept.get("testability") not in OBSERVED:
            kept["testability"] = OBSERVED[0]
    return kept | mine


def files() -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """The registry's files and their rows."""
    for path in pages():
        yield path, parse(path.read_text("utf-8")) or []


def stale() -> list[str]:
    """Ids of rows whose checks or mutants are not those of the code."""
    found = marks()
    return [row["id"] for _, rows in files() for row in rows if marked(row, found) != row]


def write(testability: Mapping[str, str] | None = None) -> None:
    """Bring the registry's files up to the code, and to how requirements were found out, where that is given."""
    found, seen = marks(), testability or {}
    for path, rows in files():
        kept = [row | ({"testability": seen[row["id"]]} if row["id"] in seen else {}) for row in rows]
        text = dump(path.stem, [marked(row, found) for row in kept])
        if text != path.read_text("utf-8"):
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    changed = stale()
    write()
    sys.stdout.write(f"{len(changed)} rows changed\n")
