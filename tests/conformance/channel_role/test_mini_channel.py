"""The correct mini channel is certified, whatever its signature scheme, and quickly."""

from __future__ import annotations

from conformance.driver.signer import RFC9421, STANDARD
from conformance.mini_channel import MiniChannel
from conformance.model import Verdict
from conformance.runner import Run, Target, run
from tests.conformance.conftest import flawless

SECRET = "only-for-tests"


async def certify(scheme: str = STANDARD, fault: str = "", only: tuple[str, ...] = ()) -> Run:
    """Certify a mini channel."""
    async with MiniChannel(SECRET, fault, scheme) as channel:
        return await run(Target("channel", channel.url, SECRET), only)


def test_the_correct_channel_is_certified(channel_run: Run) -> None:
    """Every check passes, nothing stopped or broke."""
    flawless(channel_run)


async def test_the_correct_channel_is_certified_in_the_other_scheme() -> None:
    """The same where events are signed by RFC 9421."""
    flawless(await certify(RFC9421))


async def test_a_channel_of_another_design_is_certified() -> None:
    """One that holds nothing, but orders with payment pending and then confirms, is certified as well."""
    async with MiniChannel(SECRET, holds=False) as channel:
        result = await run(Target("channel", channel.url, SECRET))
    found = {f.check.id: f.verdict for f in result.findings if f.verdict is not Verdict.PASS}
    assert found == {"SEL-015": Verdict.NOT_APPLICABLE}
    assert result.verdict == "certified"


def test_thirty_requirements_of_the_channel_are_checked(channel_run: Run) -> None:
    """At least thirty requirements have a check that passed."""
    assert len({f.check.requirement for f in channel_run.findings if f.verdict is Verdict.PASS}) >= 30


def test_what_is_judged_rests_on_evidence(channel_run: Run) -> None:
    """Every passed check but a few that rest on the whole transcript names the exchanges that show it."""
    without = {f.check.id for f in channel_run.findings if not f.evidence}
    assert without <= {"IDM-009"}


async def test_only_what_is_asked_for_is_driven() -> None:
    """--only judges one check by its own scenarios; the rest is disabled and the run partial."""
    result = await certify(only=("SIG-006",))
    assert {f.check.id for f in result.findings if f.verdict is not Verdict.DISABLED} == {"SIG-006"}
    assert {e.scenario for e in result.transcript.exchanges} <= {"discovery", "reset", "signatures", ""}
    assert (result.verdict, result.exit_code) == ("partial", 2)
