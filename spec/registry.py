"""The registry of requirements: one row for each normative sentence of the prose."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from spec.frozen import REQUIREMENTS, frozen
from spec.loader import Json, parse

PROFILE = "core"
OBSERVED = ("wire", "test_control")
TESTABILITY = (*OBSERVED, "manual", "not_observable")


@dataclass(frozen=True)
class Requirement:
    """One row. `roles` are the sides it binds; `operation` is an operationId or None; `capability` is the tag of the
    operations that it is about, None when it is about all of them.

    `level` is MUST, SHOULD or MAY (MUST NOT counts as MUST). `testability` is how it can be found out: on the `wire` in
    normal trade, with `test_control`, or else not by a machine: by hand (`manual`) or from outside not at all
    (`not_observable`). Of the first two `checks` names the checks that verify it, of the others `excluded` says why.
    `mutants` are names of broken implementations that its check catches, `survivors` those that it does not, or
    `none`, each with the reason. `provisional` are those that came after the release of the version.
    """

    id: str
    level: str
    roles: tuple[str, ...]
    profile: str
    capability: str | None
    operation: str | None
    text: str
    checks: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()
    excluded: str | None = None
    testability: str = TESTABILITY[-1]
    survivors: Mapping[str, str] = field(default_factory=dict, hash=False)
    provisional: bool = False

    @property
    def role(self) -> str:
        """`gateway`, `channel` or `both`."""
        return self.roles[0] if len(self.roles) == 1 else "both"


def pages(folder: Path = REQUIREMENTS) -> list[Path]:
    """The files of rows, sorted; those that are called after a version are none."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name[0].isdigit())


def rows(folder: Path = REQUIREMENTS) -> Iterable[tuple[str, Json]]:
    """Every row with the stem of its file, in the order of files and rows."""
    for path in pages(folder):
        for row in parse(path.read_text("utf-8")) or []:
            yield path.stem, row


def requirement(row: Json, released: frozenset[str]) -> Requirement:
    """The value of one row; `released` are the ids of the frozen set. Raises KeyError for a missing field."""
    return Requirement(
        id=row["id"],
        level=row["level"],
        roles=tuple(row["roles"]),
        profile=row["profile"],
        capability=row["capability"],
        operation=row.get("operation"),
        text=row["text"],
        checks=tuple(row.get("checks") or ()),
        mutants=tuple(row.get("mutants") or ()),
        excluded=row.get("excluded"),
        testability=row["testability"],
        survivors=row.get("survivors") or {},
        provisional=row["id"] not in released,
    )


@cache
def requirements(folder: Path = REQUIREMENTS) -> tuple[Requirement, ...]:
    """All requirements, in the order of their files and rows."""
    released = frozenset(row["id"] for row in frozen(folder))
    return tuple(requirement(row, released) for _, row in rows(folder))
