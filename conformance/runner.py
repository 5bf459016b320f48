"""Select, drive, write down, judge: one run of the suite against one implementation.

A live run judges what it has just written, read again; `judged` does the same with a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import pkgutil
import secrets
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Protocol

import conformance.judges
import conformance.scenarios
import spec
from conformance import record, verdicts
from conformance.digests import suite_digest
from conformance.discovery import document, named
from conformance.fail_fast import FirstFailure
from conformance.model import REGISTRY, AbortedError, Check, Finding, HarnessError, Role, Scenario, Verdict
from conformance.timing import REPEATS, SIDE_BY_SIDE, Clock
from conformance.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be certified. `url` is the origin that serves /.well-known/vgcp."""

    role: Role
    url: str
    test_secret: str
    host: str = "127.0.0.1"  # where the suite listens, as the implementation can reach it
    profile: str = ""  # those that it is to be certified for, with commas; "" is whatever it declares


class Session(Protocol):
    """What a role's driver gives its scenarios. Each role adds what it needs."""

    capabilities: frozenset[str]  # what the implementation declares in its discovery document

    async def access(self) -> str:
        """A token for everything, "" where there is none to get."""


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
    transcript: Transcript  # as it is written: redacted
    findings: list[Finding] = field(default_factory=list)
    void: str = ""
    implementation: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    live: Transcript | None = (
        None  # as it was recorded, with its secrets; never written, none when read from a file
    )

    @property
    def verdict(self) -> str:
        """certified, failed, partial or void."""
        return verdicts.overall(self.findings, self.void)

    @property
    def exit_code(self) -> int:
        """0 certified, 1 failed, 2 partial, 3 void."""
        return verdicts.VERDICTS.index(self.verdict)

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
    """All checks of the role; with profiles, those of the core and of those ("identity,ownership")."""
    load(role)
    profiles = {r.id: r.profile for r in spec.requirements()}
    wanted = {"core", *profile.split(",")}
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
    seed: int | None = None,
    robustness: bool = False,
    clock: Clock | None = None,
    fail_fast: bool = False,
    within: AbstractAsyncContextManager[None] | None = None,
) -> Run:
    """Drive and judge. What the implementation does wrong is in the findings or `void`, never raised.

    `disable` names checks that are not to be judged, `seed` makes the suite's own choices the same again, `robustness`
    adds the section of that name to the report, `fail_fast` stops driving at the first failure. `within` is entered
    first; what it raises as AbortedError voids the run.
    """
    only, disable, hears = list(only), list(disable), listener or Listener()
    checks = selected(target.role, only, target.profile, disable)
    names = {name for c in checks for name in c.scenarios}
    stories = [s for s in REGISTRY.stories(target.role) if s.name in names]
    live = Transcript(_head(target, only, disable, seed), clock=clock or Clock())
    live.secret(target.test_secret)
    hears.begin(target, len(stories), len(checks))
    opener: Opener = importlib.import_module(OPENERS[target.role]).open_session
    void, first = "", FirstFailure(checks, live) if fail_fast else None
    try:
        async with within or nullcontext():
            async with opener(target, live) as session:
                with first.stopping() if first else nullcontext():
                    await drive(session, stories, live, hears, checks, first)
            live.end["seconds"] = round(live.now(), 3)
            if robustness:
                await _probe(opener, target, live)
    except AbortedError as reason:
        void = str(reason)
    except (HarnessError, Exception) as fault:  # whatever went wrong in our set-up, nothing was certified
        void = f"fault of the suite: {type(fault).__name__}: {fault}"
    ended = {"void": void} | (first.data() if first else {})
    live.end = {"seconds": round(live.now(), 3)} | live.end | ended
    result = judged(record.parse(record.text(live)), hears)
    result.target, result.live = target, live
    return result


async def _probe(opener: Opener, target: Target, live: Transcript) -> None:
    """Note the schema robustness as a fact, by a session and a transcript of its own; it has no say in the verdict."""
    from conformance import robustness  # it loads a large library

    beside = Transcript(live.head, clock=live.clock)
    with contextlib.suppress(AbortedError):  # what could be opened a moment ago; then the section is missing
        async with opener(target, beside) as session:
            found = await robustness.probe(target, await session.access(), live.head["seed"])
            live.facts[robustness.FACT] = found
    live.secret(*beside.secrets.shown)


def _head(target: Target, only: list[str], disable: list[str], seed: int | None) -> dict[str, object]:
    """What the transcript's first line says of the run."""
    return {
        "suite": {"name": "vgcp", "version": metadata.version("vgcp"), "digest": suite_digest()},
        "protocol": spec.VERSION,
        "requirements": record.requirements_digest(),
        "role": target.role,
        "target": target.url,
        "profile": target.profile,
        "only": sorted(only),
        "disabled": sorted(disable),
        "seed": secrets.randbelow(1 << 32) if seed is None else seed,
    }


def judged(t: Transcript, listener: Listener | None = None) -> Run:
    """The run that a transcript tells of, judged; raises KeyError for a selection that this suite does not know."""
    hears, head = listener or Listener(), t.head
    target = Target(head["role"], head["target"], "", profile=head["profile"])
    checks = checks_of(target.role, target.profile)
    wanted = {c.id for c in selected(target.role, head["only"], target.profile, head["disabled"])}
    chosen = wanted & {c.id for c in checks if verdicts.tried(c, t)}
    found = verdicts.findings(t, checks, chosen)
    for finding in found:
        if finding.check.id in chosen:
            hears.judged(finding)
    began = datetime.fromtimestamp(t.began_at, UTC)
    return Run(target, t, found, verdicts.void(t), named(document(t)), began, t.end.get("seconds", 0.0))


async def drive(
    session: Session,
    stories: list[Scenario],
    transcript: Transcript,
    hears: Listener,
    checks: list[Check],
    first: FirstFailure | None = None,
) -> None:
    """Drive the scenarios phase by phase; those of one phase side by side.

    After a phase, the scenarios of checks that are inconclusive are driven again, by themselves. `first` may end it
    early, with EnoughError.
    """

    async def one(story: Scenario) -> None:
        async with seats:
            await _one(session, story, transcript, hears)
        if first:
            first.driven(story.name)

    seats, done = asyncio.Semaphore(SIDE_BY_SIDE), set[str]()
    for _, phase in itertools.groupby(stories, key=lambda s: s.phase):
        now = list(phase)
        async with asyncio.TaskGroup() as together:
            for story in now:
                together.create_task(one(story))
        fresh = {story.name for story in now}
        done |= fresh
        ready = [
            c for c in checks if c.may_waver and fresh & set(c.scenarios) and done.issuperset(c.scenarios)
        ]
        for turn in range(1, REPEATS + 1):
            again = _undecided(transcript, ready)
            if not again:
                break
            for story in (one for one in now if one.name in again):
                transcript.set_aside(story.name, f"{story.name}, try {turn}")
                await one(story)


def _undecided(transcript: Transcript, ready: list[Check]) -> set[str]:
    """The scenarios of those checks that are inconclusive by what was driven so far."""
    found = [verdicts.finding(c, transcript, "MUST") for c in ready]
    return {n for f in found if f.verdict is Verdict.INCONCLUSIVE for n in f.check.scenarios}


async def _one(session: Session, story: Scenario, transcript: Transcript, hears: Listener) -> None:
    begun = transcript.now()
    with transcript.scene(story.name):
        await _drive(session, story, transcript)
    hears.driven(story, transcript.now() - begun, transcript.stopped.get(story.name, ""))


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
