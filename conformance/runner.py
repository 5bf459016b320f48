"""Select, drive, judge: one run of the suite against one implementation."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import pkgutil
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import conformance.judges
import conformance.scenarios
import spec
from conformance.fail_fast import EnoughError, FirstFailure
from conformance.model import (
    REGISTRY,
    AbortedError,
    Check,
    Finding,
    HarnessError,
    MissingError,
    Role,
    Scenario,
    Verdict,
    settle,
)
from conformance.transcript import Transcript
from conformance.wire import our_violations

SIDE_BY_SIDE = 8  # scenarios of one phase at a time


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be certified. `url` is the origin that serves /.well-known/vgcp."""

    role: Role
    url: str
    test_secret: str
    host: str = "127.0.0.1"  # where the suite listens, as the implementation can reach it
    profile: str = ""  # which it is to be certified for; "" is whatever it declares


class Session(Protocol):
    """What a role's driver gives its scenarios. Each role adds what it needs."""

    capabilities: frozenset[str]  # what the implementation declares in its discovery document


# Opens a role's session; raises AbortedError when there is nothing that can be certified (the run is void).
Opener = Callable[[Target, Transcript], AbstractAsyncContextManager[Session]]

OPENERS: dict[Role, str] = {
    "gateway": "conformance.driver.gateway_client",
    "channel": "conformance.driver.channel_client",
}


class Listener:
    """Hears how the run goes on. This one says nothing."""

    def begin(self, target: Target, scenarios: int, checks: int) -> None:
        """The run begins with so many scenarios to drive and checks to judge."""

    def driven(self, scenario: Scenario, seconds: float, stopped: str) -> None:
        """A scenario has ended; `stopped` says why early, if it did."""

    def judged(self, finding: Finding) -> None:
        """A check has its verdict."""


@dataclass
class Run:
    """A run and what was found. `void` says why nothing can be concluded, when that is so."""

    target: Target
    transcript: Transcript
    findings: list[Finding] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # check id -> why it was not tried after all
    void: str = ""
    implementation: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """certified, failed, partial or void."""
        seen = {f.verdict for f in self.findings}
        executed = seen - {
            Verdict.DISABLED,
            Verdict.UNVERIFIED,
            Verdict.NOT_APPLICABLE,
            Verdict.HARNESS_ERROR,
        }
        if self.void or not executed or Verdict.HARNESS_ERROR in seen:
            return "void"
        if Verdict.FAIL in seen:
            return "failed"
        if seen & {Verdict.INCONCLUSIVE, Verdict.UNVERIFIED, Verdict.DISABLED}:
            return "partial"
        return "certified" if Verdict.PASS in seen else "void"

    @property
    def exit_code(self) -> int:
        """0 certified, 1 failed, 2 partial, 3 void."""
        return ("certified", "failed", "partial", "void").index(self.verdict)

    def count(self, verdict: Verdict) -> int:
        """How many checks have this verdict."""
        return sum(f.verdict is verdict for f in self.findings)


def load(role: Role) -> None:
    """Import the role's modules of scenarios and judges (by their names), which register themselves."""
    for package in (conformance.scenarios, conformance.judges):
        for module in pkgutil.iter_modules(package.__path__):
            if module.name.startswith(f"{role}_"):
                importlib.import_module(f"{package.__name__}.{module.name}")


def checks_of(role: Role, profile: str = "") -> list[Check]:
    """All checks of the role; with a profile, those of the core and of that profile."""
    load(role)
    profiles = {r.id: r.profile for r in spec.requirements()}
    wanted = {"core", profile}
    return [c for c in REGISTRY.of(role) if not profile or profiles.get(c.requirement, "core") in wanted]


def selected(
    role: Role, only: Iterable[str] = (), profile: str = "", disable: Iterable[str] = ()
) -> list[Check]:
    """The checks of role and profile, or those named by id or requirement; raises KeyError for an unknown name."""
    wanted, unwanted = ({name.upper() for name in names} for names in (only, disable))
    known = checks_of(role, profile)
    unknown = (wanted | unwanted) - {c.id.upper() for c in known} - {c.requirement for c in known}
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    return [
        c
        for c in known
        if (not wanted or wanted & {c.id.upper(), c.requirement})
        and not unwanted & {c.id.upper(), c.requirement}
    ]


async def run(
    target: Target,
    only: Iterable[str] = (),
    listener: Listener | None = None,
    *,
    disable: Iterable[str] = (),
    fail_fast: bool = False,
) -> Run:
    """Drive and judge. What the implementation does wrong is in the findings or `void`, never raised.

    `disable` names checks that are not to be judged; `fail_fast` stops driving at the first failure.
    """
    hears, checks = listener or Listener(), selected(target.role, only, target.profile, disable)
    names = {name for c in checks for name in c.scenarios}
    stories = [s for s in REGISTRY.stories(target.role) if s.name in names]
    result, begun = Run(target, Transcript()), time.monotonic()
    result.transcript.secret(target.test_secret)
    hears.begin(target, len(stories), len(checks))
    capabilities: frozenset[str] = frozenset()
    opener: Opener = importlib.import_module(OPENERS[target.role]).open_session
    try:
        async with opener(target, result.transcript) as session:
            capabilities = session.capabilities
            result.implementation = getattr(session, "implementation", "")
            first = _first_failure(checks, result.transcript, capabilities) if fail_fast else None
            await drive(session, stories, result.transcript, hears, first)
            result.left_out = first.reasons(checks) if first else {}
    except AbortedError as reason:
        result.void = str(reason)
    except (HarnessError, Exception) as fault:  # whatever went wrong in our set-up, nothing was certified
        result.void = f"fault of the suite: {type(fault).__name__}: {fault}"
    judge(result, [c for c in checks if c.id not in result.left_out], capabilities, hears)
    result.seconds = time.monotonic() - begun
    return result


def _first_failure(checks: list[Check], transcript: Transcript, capabilities: frozenset[str]) -> FirstFailure:
    levels = _levels()
    return FirstFailure(
        checks, lambda entry: _judge(entry, transcript, capabilities, levels[entry.requirement])
    )


async def drive(
    session: Session,
    stories: list[Scenario],
    transcript: Transcript,
    hears: Listener,
    first: FirstFailure | None = None,
) -> None:
    """Drive the scenarios phase by phase; those of one phase side by side. Ends early at the first failure."""
    seats = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(story: Scenario) -> None:
        async with seats:
            begun = time.monotonic()
            with transcript.scene(story.name):
                await _drive(session, story, transcript)
            hears.driven(story, time.monotonic() - begun, transcript.stopped.get(story.name, ""))
        if first:
            first.driven(story.name)

    try:
        for _, phase in itertools.groupby(stories, key=lambda s: s.phase):
            async with asyncio.TaskGroup() as together:
                for story in phase:
                    together.create_task(one(story))
    except* EnoughError:
        pass  # what was not driven to its end is left out, with the reason


async def _drive(session: Session, story: Scenario, transcript: Transcript) -> None:
    if story.capability and story.capability not in session.capabilities:
        transcript.stopped[story.name] = f"{story.capability} is not declared"
        return
    try:
        await story.drive(session)
    except AbortedError as reason:
        transcript.stopped[story.name] = str(reason)
    except Exception as error:  # a driver must not crash on what it meets: that is our fault, and said so
        where = traceback.extract_tb(error.__traceback__)[-1]
        transcript.broken[story.name] = f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"


def judge(result: Run, checks: list[Check], capabilities: frozenset[str], hears: Listener) -> None:
    """Give every check of the role its finding; those not selected are disabled."""
    levels = _levels()
    provisional = {r.id for r in spec.requirements() if r.provisional}
    ours = our_violations(result.transcript)
    if ours:
        result.void = f"fault of the suite: {ours[0].message} (exchange {ours[0].exchange.number})"
    chosen, needed = {c.id for c in checks}, _needed(result.target)
    for entry in checks_of(result.target.role, result.target.profile):
        if entry.id in chosen:
            finding = _judge(entry, result.transcript, capabilities, levels[entry.requirement])
            if finding.verdict is Verdict.NOT_APPLICABLE and entry.capability in needed:
                finding = Finding(entry, Verdict.UNVERIFIED, f"{finding.message}, and the profile needs it")
            if entry.requirement in provisional:
                finding = undecided(finding)
        else:
            finding = Finding(entry, Verdict.DISABLED, result.left_out.get(entry.id, "not selected"))
        result.findings.append(finding)
        if entry.id in chosen:
            hears.judged(finding)


def undecided(finding: Finding) -> Finding:
    """The finding of a provisional requirement: it came after the release, so it may warn and decides nothing."""
    if finding.verdict not in (Verdict.FAIL, Verdict.UNVERIFIED, Verdict.INCONCLUSIVE):
        return finding
    return replace(finding, verdict=Verdict.WARN, message=f"provisional: {finding.message}")


def _levels() -> dict[str, str]:
    return defaultdict(lambda: "MUST", ((r.id, r.level) for r in spec.requirements()))


def _needed(target: Target) -> tuple[str, ...]:
    """The capabilities of the profile that it is to be certified for."""
    found = [profile for profile in spec.profiles() if profile.id == target.profile]
    return () if not found else found[0].gateway if target.role == "gateway" else found[0].channel


def _judge(entry: Check, transcript: Transcript, capabilities: frozenset[str], level: str) -> Finding:
    broken = [transcript.broken[name] for name in entry.scenarios if name in transcript.broken]
    if broken:
        return Finding(entry, Verdict.HARNESS_ERROR, broken[0])
    if entry.capability and capabilities and entry.capability not in capabilities:
        return Finding(entry, Verdict.NOT_APPLICABLE, f"{entry.capability} is not declared")
    try:
        return settle(entry, entry.judge(transcript), level)
    except MissingError as reason:
        return Finding(entry, Verdict.UNVERIFIED, str(reason.args[0]))
    except Exception as error:  # a judge must cope with whatever is in the transcript
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"
        return Finding(entry, Verdict.HARNESS_ERROR, message)
