"""Plays the suite against right and wrong mini implementations, and keeps what its findings rest on."""

from __future__ import annotations

import asyncio
import importlib
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from conformance.exchanges.tidy import Tidy
from conformance.mini_channel import MiniChannel
from conformance.mini_gateway import MiniGateway
from conformance.model import Finding, Role, Verdict
from conformance.mutants import Mutant
from conformance.runner import Run, Target, run
from conformance.transcript import Exchange
from spec.registry import OBSERVED

Json = dict[str, Any]

FLOCK = 8  # runs side by side
SEED = 1  # of the suite's own choices, so that they are the same in every recording
TRIES = 3  # of a wrong implementation that loses a race only most of the time
EXCHANGES = 3  # of an example, at most
SECRET = "only-for-examples"  # noqa: S105 - of a sandbox that is gone a moment later
STANDARD = "standard_webhooks"
WRONG = (Verdict.FAIL, Verdict.WARN)
# Fixtures, and what stands for a buyer: trade would have them without test control.
FIXTURES = frozenset({"test_create_client", "test_create_offer", "test_reset", "test_sync", "test_purchase"})
# What only looks. It matters where a finding rests on it; everything else matters to whatever comes after it.
LOOKS = frozenset({"test_get_stock", "test_list_shelf", "test_get_purchase", "test_get_log"})


@asynccontextmanager
async def served(role: Role, fault: str = "", scheme: str = STANDARD) -> AsyncIterator[Target]:
    """The role's mini implementation, with a fault."""
    if role == "gateway":
        async with MiniGateway(fault, test_secret=SECRET) as gateway:
            yield Target(role, gateway.url, SECRET)
    else:
        async with MiniChannel(SECRET, fault, scheme) as channel:
            yield Target(role, channel.url, SECRET)


async def played(role: Role, only: Iterable[str] = (), fault: str = "", scheme: str = STANDARD) -> Run:
    """A run against it; raises RuntimeError when it is void."""
    async with served(role, fault, scheme) as target:
        result = await run(target, only, seed=SEED)
    if result.void:
        raise RuntimeError(f"{role} {fault}: {result.void}")
    return result


def mutants(role: Role, only: Iterable[str] = ()) -> dict[str, Mutant]:
    """The first mutant of each requirement, or of these."""
    wanted, found = set(only), dict[str, Mutant]()
    for mutant in importlib.import_module(f"conformance.mutants.{role}").MUTANTS:
        for requirement in sorted(mutant.fails):
            if not wanted or requirement in wanted:
                found.setdefault(requirement, mutant)
    return found


async def record(role: Role, only: Iterable[str] = ()) -> tuple[dict[str, Json], Run]:
    """The examples of the role, or of these requirements, and the run against the right implementation."""
    wrong, seats = mutants(role, only), asyncio.Semaphore(FLOCK)
    rights = {
        scheme: await played(role, only, scheme=scheme) for scheme in {m.scheme for m in wrong.values()}
    }

    async def one(requirement: str, mutant: Mutant) -> tuple[str, Json]:
        async with seats:
            for _ in range(TRIES):
                seen = await played(role, [requirement], mutant.name, mutant.scheme)
                if bad := failed(seen, requirement):
                    return requirement, example(bad, mutant, seen, rights[mutant.scheme])
        raise RuntimeError(f"{mutant.name} did not fail {requirement}")

    pairs = await asyncio.gather(*(one(*pair) for pair in wrong.items()))
    return dict(pairs), rights.get(STANDARD) or next(iter(rights.values()))


def failed(result: Run, requirement: str) -> Finding | None:
    """The first finding that says that the requirement does not hold."""
    mine = (f for f in result.findings if f.check.requirement == requirement and f.verdict in WRONG)
    return next(mine, None)


def example(bad: Finding, mutant: Mutant, wrong: Run, right: Run) -> Json:
    """What failed of the wrong run, beside the same of the right one."""
    good = next(f for f in right.findings if f.check.id == bad.check.id)
    shown = evidence(wrong, bad)[:EXCHANGES]
    same = (counterparts(right, wrong, shown, kind) for kind in (_kind_and_type, _kind))
    beside = next((found for found in same if found), evidence(right, good)[:EXCHANGES])
    return {
        "right": told(right, good, beside),
        "wrong": {"mutant": mutant.name} | told(wrong, bad, shown),
    }


def told(result: Run, finding: Finding, exchanges: list[Exchange]) -> Json:
    """What a finding says, and its exchanges, fit to be shown."""
    transcript, target = result.transcript, result.target
    tidy = Tidy(finding.check.requirement, target.role, target.url, transcript.began_at)
    shown = [tidy.exchange(transcript.as_data(one)) for one in exchanges]
    message = tidy.message(transcript.redact(finding.message))
    return {"check": finding.check.id, "message": message, "exchanges": shown}


def evidence(result: Run, finding: Finding) -> list[Exchange]:
    """The exchanges that a finding rests on."""
    by_number = {one.number: one for one in result.transcript.exchanges}
    return [by_number[number] for number in finding.evidence]


Kind = Callable[[Exchange], tuple[str, ...]]


def _kind(exchange: Exchange) -> tuple[str, ...]:
    return exchange.scenario, exchange.label, exchange.operation, exchange.direction


def _kind_and_type(exchange: Exchange) -> tuple[str, ...]:
    return (*_kind(exchange), str(exchange.asked.get("type", "")))  # events come in any order


def counterparts(right: Run, wrong: Run, shown: list[Exchange], kind: Kind) -> list[Exchange]:
    """The same exchanges of the right run, as far as they are there: the same one of those of a kind."""
    theirs: dict[tuple[str, ...], list[Exchange]] = defaultdict(list)
    ours: dict[tuple[str, ...], list[Exchange]] = defaultdict(list)
    for result, found in ((wrong, theirs), (right, ours)):
        for one in result.transcript.all():
            found[kind(one)].append(one)
    places = [(kind(one), theirs[kind(one)].index(one)) for one in shown]
    return [ours[name][min(place, len(ours[name]) - 1)] for name, place in places if ours[name]]


def found_out(runs: Iterable[Run]) -> dict[str, str]:
    """How each requirement was found out in runs of right implementations of both roles."""
    found: dict[str, str] = {}
    for result in runs:
        for finding in result.findings:
            needs = _needs_test_control(result, finding)
            name = finding.check.requirement
            if needs or name not in found:
                found[name] = OBSERVED[1] if needs else OBSERVED[0]
    return found


def _needs_test_control(result: Run, finding: Finding) -> bool:
    """Whether it rests on test control, or comes after what its scenarios have done by test control."""
    shown = evidence(result, finding)
    late = result.target.role == "gateway" and any(one.direction == "received" for one in shown)
    last = math.inf if late else max(finding.evidence, default=0)  # an event comes when it likes
    before = [
        e for e in result.transcript.all() if e.scenario in finding.check.scenarios and e.number <= last
    ]
    return any(_controls(one) and not _looks(one) for one in before) or any(_controls(one) for one in shown)


def _controls(exchange: Exchange) -> bool:
    name = exchange.operation.rpartition(":")[2]
    return name.startswith("test_") and name not in FIXTURES


def _looks(exchange: Exchange) -> bool:
    still = exchange.operation.endswith("test_advance_clock") and not exchange.asked.get("advance_seconds")
    return still or exchange.operation.rpartition(":")[2] in LOOKS
