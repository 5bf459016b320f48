"""What the suite is made of: checks (data and one function), scenarios, verdicts, findings; their registry.

A *scenario* drives the implementation under test and records; it judges nothing. A *check* belongs to one
requirement and reads the transcript of its scenarios; it does no I/O. Both register themselves by decorator:

    @scenario("order_price", role="gateway")
    async def order_price(session: GatewaySession) -> None: ...

    @check("ORD-003", role="gateway", scenarios=("order_price",), title="A wrong price is refused", hint="…")
    def wrong_price(t: Transcript) -> Iterator[Outcome]:
        twin = t.one("order_price", label="right price")
        ...
        yield passed("the wrong price was refused with price_mismatch", refusal)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from conformance.hints import hints

if TYPE_CHECKING:
    from conformance.transcript import Exchange, Transcript

Role = Literal["gateway", "channel"]


class Verdict(StrEnum):
    """What a check found. Only `pass` is green; the order of the members is from worst to best."""

    HARNESS_ERROR = "harness_error"  # the suite itself is at fault; voids the run
    FAIL = "fail"
    WARN = "warn"  # a SHOULD that does not hold
    INCONCLUSIVE = "inconclusive"  # the evidence says neither yes nor no
    UNVERIFIED = "unverified"  # what it takes to judge did not happen, so nothing was shown
    DISABLED = "disabled"  # not selected in this run
    NOT_APPLICABLE = "not_applicable"  # the implementation does not declare the capability
    PASS = "pass"  # noqa: S105 - a verdict, not a password


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing a judge saw. `evidence` are numbers of exchanges in the transcript."""

    verdict: Verdict
    message: str
    evidence: tuple[int, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one requirement. `id` is the requirement's id, with -b, -c … when there are several."""

    id: str
    requirement: str
    role: Role
    title: str
    scenarios: tuple[str, ...]
    judge: Callable[[Transcript], Iterable[Outcome]]
    capability: str = ""
    hint: str = ""  # how to fix, shown with a failure unless the outcome brings its own
    also: tuple[str, ...] = ()  # capabilities that it takes beside its own

    @property
    def may_waver(self) -> bool:
        """Whether its judge calls `inconclusive` at all: only then is it worth looking whether to try again."""
        return "inconclusive" in self.judge.__code__.co_names


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one check, with its evidence."""

    check: Check
    verdict: Verdict
    message: str
    evidence: tuple[int, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One small story, driven and recorded. Scenarios of one phase run side by side, phases in order.

    One that advances the sandbox's clock has a phase to itself: the clock is everybody's.
    """

    name: str
    role: Role
    drive: Callable[[Any], Awaitable[None]]
    phase: int = 1
    capability: str = ""
    clock: bool = False  # it advances the sandbox's clock


class MissingError(LookupError):
    """Raised by the transcript's look-ups when the evidence is not there: the check becomes `unverified`."""


class AbortedError(Exception):
    """A driver cannot go on (no answer, a fixture refused); judges see what was recorded."""


class HarnessError(Exception):
    """Raised when the suite itself broke the protocol. Voids the run."""


@dataclass
class Registry:
    """All checks and scenarios of both roles, in the order of their definition."""

    checks: dict[tuple[Role, str], Check] = field(default_factory=dict)
    scenarios: dict[tuple[Role, str], Scenario] = field(default_factory=dict)

    def add_check(self, entry: Check) -> None:
        """Take a check; raises ValueError when its id is taken in its role."""
        if (entry.role, entry.id) in self.checks:
            raise ValueError(f"check {entry.id} is defined twice for {entry.role}")
        self.checks[entry.role, entry.id] = entry

    def add_scenario(self, entry: Scenario) -> None:
        """Take a scenario; raises ValueError when its name is taken in its role, or its phase by a clock's scenario."""
        if (entry.role, entry.name) in self.scenarios:
            raise ValueError(f"scenario {entry.name} is defined twice for {entry.role}")
        beside = [s for s in self.stories(entry.role) if s.phase == entry.phase]
        if beside and (entry.clock or beside[0].clock):
            raise ValueError(
                f"{entry.name} and {beside[0].name} share phase {entry.phase}, and one moves the clock"
            )
        self.scenarios[entry.role, entry.name] = entry

    def of(self, role: Role) -> list[Check]:
        """The checks of a role in order of requirement id."""
        return sorted((c for (r, _), c in self.checks.items() if r == role), key=lambda c: c.id)

    def stories(self, role: Role) -> list[Scenario]:
        """The scenarios of a role, phase by phase."""
        return sorted((s for (r, _), s in self.scenarios.items() if r == role), key=lambda s: s.phase)


REGISTRY = Registry()

Judge = Callable[["Transcript"], Iterable[Outcome]]
Drive = Callable[[Any], Awaitable[None]]


def check(
    requirement: str,
    *,
    role: Role,
    title: str,
    scenarios: tuple[str, ...],
    suffix: str = "",
    capability: str = "",
    hint: str = "",
    also: tuple[str, ...] = (),
) -> Callable[[Judge], Judge]:
    """Register the decorated judge. `suffix` ("b", "c" …) tells several checks of one requirement apart.

    How to fix what it finds stands in `hints/`, unless `hint` says it here.
    """

    def register(judge: Judge) -> Judge:
        name = f"{requirement}-{suffix}" if suffix else requirement
        remedy = hint or hints(role).get(name, "")
        REGISTRY.add_check(Check(name, requirement, role, title, scenarios, judge, capability, remedy, also))
        return judge

    return register


def scenario(
    name: str, *, role: Role, phase: int = 1, capability: str = "", clock: bool = False
) -> Callable[[Drive], Drive]:
    """Register the decorated driver function, which takes the role's session."""

    def register(drive: Drive) -> Drive:
        REGISTRY.add_scenario(Scenario(name, role, drive, phase, capability, clock))
        return drive

    return register


def _outcome(verdict: Verdict, message: str, exchanges: Iterable[Exchange], hint: str = "") -> Outcome:
    return Outcome(verdict, message, tuple(e.number for e in exchanges), hint)


def passed(message: str, *exchanges: Exchange) -> Outcome:
    """It holds, shown by these exchanges."""
    return _outcome(Verdict.PASS, message, exchanges)


def failed(message: str, *exchanges: Exchange, hint: str = "") -> Outcome:
    """It does not hold, shown by these exchanges. (Of a SHOULD the finding becomes `warn`.)"""
    return _outcome(Verdict.FAIL, message, exchanges, hint)


def unverified(message: str, *exchanges: Exchange) -> Outcome:
    """What it takes to judge did not happen."""
    return _outcome(Verdict.UNVERIFIED, message, exchanges)


def inconclusive(message: str, *exchanges: Exchange) -> Outcome:
    """It happened, but says neither yes nor no."""
    return _outcome(Verdict.INCONCLUSIVE, message, exchanges)


def holds(condition: bool, good: str, bad: str, *exchanges: Exchange, hint: str = "") -> Outcome:
    """`passed(good)` when the condition is true, else `failed(bad)`."""
    return passed(good, *exchanges) if condition else failed(bad, *exchanges, hint=hint)
