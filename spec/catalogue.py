"""The closed catalogue of problems, the life of an order and the profiles, as values."""

from dataclasses import dataclass
from functools import cache

from spec.loader import read

URN = "urn:vgcp:problem:"


@dataclass(frozen=True)
class ProblemType:
    """One row of `problems.yaml`.

    `retry` says what helps: `no`, `same` (the same request with the same key, later), `refresh` (a new token)
    or `changed` (a request that differs). `oauth` is the RFC 6749 error code, at the token endpoint only.
    """

    code: str
    status: int
    title: str
    retry: str
    oauth: str | None = None

    @property
    def type(self) -> str:
        """The problem document's `type` (RFC 9457, section 3.1.1)."""
        return URN + self.code

    @property
    def retryable(self) -> bool:
        """The problem document's `retryable`: whether the same request may succeed later."""
        return self.retry == "same"


@dataclass(frozen=True)
class Transitions:
    """A life of states: `table` maps (state, event) to the state that follows. What it has not is refused."""

    states: tuple[str, ...]
    initial: str
    final: frozenset[str]
    table: dict[tuple[str, str], str]

    @property
    def events(self) -> tuple[str, ...]:
        """All events, in the order in which they first stand in the table."""
        return tuple(dict.fromkeys(event for _, event in self.table))

    def steps(self) -> frozenset[tuple[str, str]]:
        """The (from, to) pairs that an observer can see from one state to the next."""
        return frozenset((source, target) for (source, _), target in self.table.items())


@dataclass(frozen=True)
class Profile:
    """A set of capabilities that certify together, by role."""

    id: str
    title: str
    gateway: tuple[str, ...]
    channel: tuple[str, ...]


@cache
def _problems() -> dict[str, ProblemType]:
    return {code: ProblemType(code, **row) for code, row in read("problems.yaml").items()}


def problems() -> dict[str, ProblemType]:
    """The catalogue by code. A fresh dict of shared values."""
    return dict(_problems())


@cache
def transitions() -> Transitions:
    """The transition table of the order. Raises ValueError when two rows have one (from, event)."""
    return _life("order_transitions.yaml")


@cache
def entitlement_transitions() -> Transitions:
    """The transition table of the entitlement, in the hands of one owner. Raises as `transitions` does."""
    return _life("entitlement_transitions.yaml")


def _life(name: str) -> Transitions:
    node = read(name)
    table: dict[tuple[str, str], str] = {}
    for row in node["transitions"]:
        key = (row["from"], row["event"])
        if key in table:
            raise ValueError(f"two rows for {key}")
        table[key] = row["to"]
    return Transitions(tuple(node["states"]), node["initial"], frozenset(node["final"]), table)


@cache
def profiles() -> tuple[Profile, ...]:
    """All profiles."""
    return tuple(
        Profile(name, row["title"], tuple(row["gateway"]), tuple(row["channel"]))
        for name, row in read("profiles.yaml").items()
    )
