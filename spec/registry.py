"""The registry of requirements: one row for each normative sentence of the prose."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from spec.loader import FOLDER, Json, parse

PROFILE = "core"


@dataclass(frozen=True)
class Requirement:
    """One row. `roles` are the sides it binds; `operation` is an operationId or None; `capability` is the tag of the
    operations that it is about, None when it is about all of them.

    `level` is MUST, SHOULD or MAY (MUST NOT counts as MUST). Either `checks` names the checks that verify it, or
    `excluded` says why nothing can. `mutants` are names of broken implementations that its check catches.
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

    @property
    def role(self) -> str:
        """`gateway`, `channel` or `both`."""
        return self.roles[0] if len(self.roles) == 1 else "both"


def rows(folder: Path = FOLDER / "requirements") -> Iterable[tuple[str, Json]]:
    """Every row with the stem of its file, in the order of files and rows."""
    for path in sorted(folder.glob("*.yaml")):
        for row in parse(path.read_text("utf-8")) or []:
            yield path.stem, row


def requirement(row: Json) -> Requirement:
    """The value of one row. Raises KeyError for a missing field."""
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
    )


@cache
def requirements() -> tuple[Requirement, ...]:
    """All requirements, in the order of their files and rows."""
    return tuple(requirement(row) for _, row in rows())
