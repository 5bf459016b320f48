"""The correct mini gateway is certified, and quickly."""

from __future__ import annotations

import pytest

import spec
from conformance import timing
from conformance.mini_gateway import MiniGateway
from conformance.mini_gateway.routes import ROUTES
from conformance.model import REGISTRY, Verdict
from conformance.runner import Run, Target, run
from tests.conformance.conftest import flawless

CLOCK = ("advance", "what time is it")


def test_the_correct_gateway_is_certified_and_again(gateway_runs: list[Run]) -> None:
    """Every check passes, nothing stopped or broke; also when the clock is ahead and much was left behind."""
    for result in gateway_runs:
        flawless(result)
        assert len({f.check.requirement for f in result.findings}) >= 30


async def test_only_what_is_asked_for_is_driven() -> None:
    """One requirement is judged by its own scenarios; the rest is disabled and the run partial."""
    async with MiniGateway() as gateway:
        result = await run(Target("gateway", gateway.url, gateway.test_secret), ("ORD-003",))
    assert {f.check.id for f in result.findings if f.verdict is not Verdict.DISABLED} == {"ORD-003"}
    assert {e.scenario for e in result.transcript.exchanges} <= {"discovery", "refusals"}
    assert (result.verdict, result.exit_code) == ("partial", 2)


def test_the_mini_gateway_serves_the_document() -> None:
    """Its routes are the operations of the gateway document, with their scopes, types and statuses."""
    own = {(r.operation, r.method, r.path, r.body or None, r.status, r.key) for r in ROUTES}
    form = {"TokenRequest": None}
    document = {
        (
            o.id,
            o.method,
            o.path,
            form.get(str(o.request_type), o.request_type),
            o.response_status,
            o.idempotent,
        )
        for o in spec.operations("gateway")
        if o.security != "signed"
    }
    assert own == document


def test_the_registry_names_the_checks_and_mutants() -> None:
    """Every requirement of gateways has checks or a reason why it has none."""
    checked = {entry.requirement for entry in REGISTRY.of("gateway")}
    for row in spec.requirements():
        if "gateway" in row.roles and row.id not in checked:
            assert row.excluded or row.checks, row.id


async def test_a_busy_machine_tells_pauses_by_the_sandbox_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the suite was late itself, an event's tries are seen again by a clock that is moved."""
    monkeypatch.setattr(timing, "UNSTEADY", -1.0)
    for pause, verdict in ((1.0, Verdict.PASS), (0.1, Verdict.INCONCLUSIVE)):
        async with MiniGateway(retry_pause=pause) as gateway:
            result = await run(Target("gateway", gateway.url, gateway.test_secret), ("EVT-007",))
        assert result.transcript.fact("events_retried_late", "moved")
        assert [f.verdict for f in result.findings if f.check.id == "EVT-007"] == [verdict]
