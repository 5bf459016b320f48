"""A fault of the suite voids the run; verdicts and exit codes follow the findings."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

import spec
from conformance import runner
from conformance.driver import channel_client
from conformance.mini_channel import MiniChannel
from conformance.mini_channel.problems import RefusalError
from conformance.model import (
    REGISTRY,
    AbortedError,
    Check,
    Finding,
    Outcome,
    Verdict,
    check,
    failed,
    inconclusive,
    passed,
    scenario,
    unverified,
)
from conformance.report import report
from conformance.runner import Run, Target, run, selected
from conformance.timing import REPEATS
from conformance.transcript import Exchange, Message, Transcript
from spec.frozen import REQUIREMENTS
from spec.loader import VERSION, parse
from spec.registry import requirements

HERE = Target("channel", "http://127.0.0.1:1", "secret")


@pytest.fixture
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A registry with nothing in it but what the test adds; and a session that does nothing."""

    @asynccontextmanager
    async def opened(target: Target, transcript: Transcript) -> AsyncIterator[SimpleNamespace]:
        says = json.dumps({"capabilities": [{"name": "events", "revision": 1}]}).encode()
        asked, answer = Message((), b"", method="GET", url="u"), Message((), says, status=200)
        number = transcript.number()
        transcript.record(Exchange(number, "discovery", "discovery", "sent", "", asked, answer, 0, 0))
        yield SimpleNamespace(capabilities=frozenset({"events"}), transcript=transcript)

    runner.load("channel")
    monkeypatch.setattr(runner, "load", lambda role: None)
    monkeypatch.setattr(channel_client, "open_session", opened)
    monkeypatch.setattr(REGISTRY, "checks", {})
    monkeypatch.setattr(REGISTRY, "scenarios", {})
    return iter(())


def add(outcomes: list[Outcome], drive: object = None, **more: str) -> None:
    """Register a scenario and a check of it."""

    async def story(session: object) -> None:
        """Drive nothing."""

    scenario("story", role="channel")(drive or story)  # type: ignore[arg-type]
    check("SEL-001", role="channel", title="t", scenarios=("story",), **more)(lambda t: outcomes)


@pytest.mark.usefixtures("empty_registry")
async def test_no_check_executed_is_void() -> None:
    """Without a single verdict on the implementation there is nothing to conclude."""
    result = await run(HERE)
    assert (result.verdict, result.exit_code, result.findings) == ("void", 3, [])


@pytest.mark.usefixtures("empty_registry")
async def test_a_crash_of_a_driver_is_a_fault_of_the_suite() -> None:
    """An exception in a scenario is named, and voids the run, however green the judge."""

    async def crash(session: object) -> None:
        raise ZeroDivisionError("ours")

    add([passed("fine")], crash)
    result = await run(HERE)
    assert (result.verdict, result.findings[0].verdict) == ("void", Verdict.HARNESS_ERROR)
    assert "ZeroDivisionError: ours (crash:" in result.findings[0].message


@pytest.mark.usefixtures("empty_registry")
async def test_a_crash_of_a_judge_is_a_fault_of_the_suite() -> None:
    """An exception in a judge voids the run."""

    async def story(session: object) -> None:
        """Drive nothing."""

    def crash(t: Transcript) -> list[Outcome]:
        raise KeyError("ours")

    scenario("story", role="channel")(story)
    check("SEL-001", role="channel", title="t", scenarios=("story",))(crash)
    result = await run(HERE)
    assert (result.verdict, result.exit_code) == ("void", 3)


@pytest.mark.usefixtures("empty_registry")
async def test_our_own_breach_of_the_schemas_voids_the_run() -> None:
    """A request of the suite that does not fit, and was not meant so, makes the run void."""

    async def breach(session: SimpleNamespace) -> None:
        t: Transcript = session.transcript
        body = Message(
            (("Content-Type", "application/json"),), b'{"advance_seconds": -1}', method="POST", url="u"
        )
        t.record(Exchange(t.number(), "story", "", "sent", "channel:test_advance_clock", body, None, 0, 0))

    add([passed("fine")], breach)
    result = await run(HERE)
    assert (result.verdict, result.exit_code) == ("void", 3)
    assert "fault of the suite: TestClock/advance_seconds" in result.void


@pytest.mark.usefixtures("empty_registry")
async def test_an_aborted_scenario_is_no_fault_of_the_suite() -> None:
    """A driver that cannot go on says why; the judge decides by what there is."""

    async def stop(session: object) -> None:
        raise AbortedError("the channel does not answer")

    add([passed("fine")], stop)
    result = await run(HERE)
    assert result.verdict == "certified"
    assert result.transcript.stopped == {"story": "the channel does not answer"}


@pytest.mark.usefixtures("empty_registry")
async def test_an_undeclared_capability_is_not_applicable() -> None:
    """And a run with nothing but that is void."""
    add([passed("fine")], capability="allotments")
    result = await run(HERE)
    assert (result.findings[0].verdict, result.verdict) == (Verdict.NOT_APPLICABLE, "void")


@pytest.mark.usefixtures("empty_registry")
@pytest.mark.parametrize("outcome", [failed("wrong"), unverified("unseen"), inconclusive("unclear")])
async def test_a_provisional_requirement_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    """What came after the release warns; of a requirement that was released with it the same is decisive."""
    shutil.copytree(REQUIREMENTS, tmp_path / "requirements")
    path = tmp_path / "requirements" / f"{VERSION}.yaml"
    kept = [row for row in parse(path.read_text("utf-8")) if row["id"] != "SEL-001"]
    path.write_text(json.dumps(kept), "utf-8")
    add([outcome])
    check("SEL-002", role="channel", title="t", scenarios=("story",))(lambda t: [passed("fine")])
    before = await run(HERE)
    assert before.verdict != "certified"
    later = requirements(tmp_path / "requirements")
    monkeypatch.setattr(spec, "requirements", lambda: later)
    after = await run(HERE)
    first, second = after.findings
    assert (after.verdict, second.verdict) == ("certified", Verdict.PASS)
    assert (first.verdict, first.message) == (Verdict.WARN, f"provisional: {outcome.message}")
    assert [one.get("provisional") for one in report(after)["findings"]] == [True, None]


@pytest.mark.usefixtures("empty_registry")
@pytest.mark.parametrize(
    ("steady_at", "verdict", "driven"), [(2, "certified", 2), (99, "partial", 1 + REPEATS)]
)
async def test_what_is_inconclusive_is_driven_again(steady_at: int, verdict: str, driven: int) -> None:
    """By itself, a bounded number of times; the last try counts, and the others stay in the transcript."""
    turns: list[str] = []

    async def story(session: SimpleNamespace) -> None:
        turns.append(session.transcript.scenario)
        session.transcript.note("turn", len(turns))

    def judge(t: Transcript) -> Iterator[Outcome]:
        yield passed("steady") if t.fact("story", "turn") >= steady_at else inconclusive("too busy")

    scenario("story", role="channel")(story)
    check("SEL-001", role="channel", title="t", scenarios=("story",))(judge)
    result = await run(HERE)
    assert (result.verdict, turns) == (verdict, ["story"] * driven)
    earlier = [name for name, key in result.transcript.facts if key == "turn" and name != "story"]
    assert earlier == [f"story, try {n}" for n in range(1, driven)]


async def test_a_wrong_secret_is_void() -> None:
    """A channel that cannot be reset cannot be certified, and the reason is given."""
    async with MiniChannel("right") as channel:
        result = await run(Target("channel", channel.url, "wrong"))
    assert (result.verdict, result.count(Verdict.PASS)) == ("void", 0)
    assert "401 test_secret_invalid" in result.void


class Boaster(MiniChannel):
    """Declares sealed delivery, and knows nothing of it."""

    async def _purchase(self, request: web.Request) -> web.Response:
        if "recipient_key" in await request.json():
            raise RefusalError("invalid", "recipient_key: what is that?")
        return await super()._purchase(request)


async def test_what_is_declared_and_not_there_fails() -> None:
    """Not a matter of missing evidence: the discovery document promised it."""
    async with Boaster(HERE.test_secret) as channel:
        result = await run(Target("channel", channel.url, HERE.test_secret), ("DLV-034", "DLV-035"))
    found = [f for f in result.findings if f.verdict is not Verdict.DISABLED]
    assert [(f.check.id, f.verdict) for f in found] == [("DLV-034", Verdict.FAIL), ("DLV-035", Verdict.FAIL)]
    assert "sealed_delivery is declared, and nothing of it could be seen" in found[0].message
    assert (result.void, result.verdict, found[0].evidence) == ("", "failed", (1,))


@pytest.mark.parametrize(
    ("verdicts", "verdict", "code"),
    [
        ([Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE], "certified", 0),
        ([Verdict.PASS, Verdict.FAIL, Verdict.UNVERIFIED], "failed", 1),
        ([Verdict.PASS, Verdict.UNVERIFIED], "partial", 2),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], "partial", 2),
        ([Verdict.PASS, Verdict.DISABLED], "partial", 2),
        ([Verdict.UNVERIFIED, Verdict.NOT_APPLICABLE], "void", 3),
        ([Verdict.WARN], "void", 3),
        ([Verdict.PASS, Verdict.FAIL, Verdict.HARNESS_ERROR], "void", 3),
        ([], "void", 3),
    ],
)
def test_exit_codes(verdicts: list[Verdict], verdict: str, code: int) -> None:
    """Skipped is not green, and nothing at all is void."""
    entry = Check("SEL-001", "SEL-001", "channel", "t", (), lambda t: [])
    result = Run(HERE, Transcript(), [Finding(entry, v, "m") for v in verdicts])
    assert (result.verdict, result.exit_code) == (verdict, code)


def test_unknown_names_are_refused() -> None:
    """--only with a name that fits no check is an error that names it."""
    assert {c.id for c in selected("channel", ("sel-002",))} == {"SEL-002", "SEL-002-b"}
    rest = selected("channel", disable=("SEL-002", "SIG-006"))
    assert not {"SEL-002", "SEL-002-b", "SIG-006"} & {c.id for c in rest}
    with pytest.raises(KeyError, match="ABC-002"):
        selected("channel", disable=("ABC-002",))
    with pytest.raises(KeyError, match="ABC-001"):
        selected("channel", ("ABC-001", "SEL-002"))
