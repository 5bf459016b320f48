"""What a caller does when it does not know whether an operation worked (`orphans.yaml`, docs/after-a-timeout.md)."""

from dataclasses import dataclass
from functools import cache

from spec.loader import ROLES, read
from spec.wire import operations

AGAIN = {
    "as_is": "the same request",
    "same_key": "the same request with the same `Idempotency-Key`",
    "never": "not before looking",
}

PAGE = """\
# After a timeout

No answer, a broken connection, 500 or 503: the caller does not know whether the operation worked. What it does
then, for every operation. Made from [`spec/orphans.yaml`](../spec/orphans.yaml) by `make spec`; change it there.

Sending again keeps to the pauses of `Retry-After`, grows them, and ends some time. "Find out by" is the pull that tells
what became of the push.
"""


@dataclass(frozen=True)
class Orphan:
    """One row: `again` is a key of `AGAIN`; `find` an operation of the gateway or channel document, or None."""

    role: str
    operation: str
    again: str
    find: str | None
    then: str


@cache
def orphans() -> tuple[Orphan, ...]:
    """All rows, in the order of the file."""
    return tuple(
        Orphan(role, operation, row["again"], row["find"], row["then"])
        for role in ROLES
        for operation, row in read("orphans.yaml")[role].items()
    )


def page() -> str:
    """The page of the documentation: a table for each side that is called."""
    known = {(row.role, row.operation): row for row in orphans()}
    parts = [PAGE]
    for role in ROLES:
        parts.append(
            f"\n## Calling a {role}\n\n| operation | send again | find out by | then |\n|---|---|---|---|\n"
        )
        for operation in operations(role):
            row = known[role, operation.id]
            find = f"`{row.find}`" if row.find else ""
            parts.append(f"| `{operation.id}` | {AGAIN[row.again]} | {find} | {row.then} |\n")
    return "".join(parts)
