"""What is written of a run holds all that judges need, and a damaged file is noticed."""

from __future__ import annotations

import json

import pytest

from conformance.model import REGISTRY
from conformance.record import DamagedError, parse, text
from conformance.report import report
from conformance.runner import Run, judged
from conformance.transcript import LONGEST, Exchange, Message, Transcript


def test_a_run_is_judged_again_to_the_same_report(full_run: Run) -> None:
    """The report is a function of the file: the same bytes again, from nothing but the file."""
    again = judged(parse(full_run.transcript.source))
    assert json.dumps(report(again)) == json.dumps(report(full_run))
    assert (again.verdict, again.live) == ("certified", None)


def test_no_secret_of_a_run_is_in_its_file(full_run: Run) -> None:
    """Codes, keys, tokens, credentials: all that was registered was on the wire or in facts, and is not in the file."""
    assert full_run.live
    secrets = full_run.live.secrets.shown
    assert len(secrets) > 50
    assert [value for value in secrets if value in full_run.transcript.source] == []


def test_what_only_secrets_show_is_kept(gateway_run: Run, channel_run: Run) -> None:
    """Signatures, tokens and sealed goods were looked at before they were redacted."""
    posts = gateway_run.transcript.all("events", direction="received")
    assert all(e.observed["webhook_signature"] == {"verified": True} for e in posts)
    signed = gateway_run.transcript.all("events_signed", direction="received")
    assert all(e.observed["message_signature"] == {"verified": True, "keyid": True} for e in signed)
    token = gateway_run.transcript.one("secrets", "secret in the body").observed["token"]
    assert token["header"]["typ"] == "at+jwt"
    sealed = gateway_run.transcript.one("sealed_sale", "sealed reveal").observed["sealed"]
    assert sealed["goods"]["code"]["value"].startswith("redacted-")
    assert channel_run.transcript.one("sealed_purchase", "sealed").observed == {"opens": [True]}


def test_who_moves_the_clock_says_so(gateway_run: Run) -> None:
    """Every scenario that advanced the sandbox's clock is registered as one that does, and no other but one is.

    That one moves it only where an event's pauses could not be measured by waiting.
    """
    moves = gateway_run.transcript.all(
        operation="test_advance_clock", where=lambda e: e.status == 200 and e.asked["advance_seconds"] > 0
    )
    registered = {s.name for s in REGISTRY.stories("gateway") if s.clock}
    assert registered - {e.scenario for e in moves} <= {"events_retried_late"}
    assert {e.scenario for e in moves} <= registered


def test_the_head_says_how_it_was_run(full_run: Run) -> None:
    """Suite, standard, requirements, role, target, profile, selection and seed."""
    first = json.loads(full_run.transcript.source.splitlines()[0])
    for name in ("nonce", "began_at", "suite", "protocol", "requirements", "role", "target", "profile"):
        assert first[name] or name == "profile"
    assert (first["only"], first["disabled"], type(first["seed"])) == ([], [], int)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda s: s[:-100], "cut or damaged"),
        (lambda s: "".join(s.splitlines(keepends=True)[:-1]), "it has no end"),
        (lambda s: "".join(s.splitlines(keepends=True)[:5] + s.splitlines(keepends=True)[6:]), "digest"),
        (lambda s: s.replace('"status": 201', '"status": 200', 1), "digest"),
        (lambda s: "", "no transcript"),
        (lambda s: "[]\n", "no transcript"),
        (lambda s: '{"vgcp_transcript": 1}\n', "of version 1"),
    ],
)
def test_a_damaged_file_is_told(gateway_run: Run, harm: object, said: str) -> None:
    """Cut, without an end, without a line, with another byte, or something else altogether."""
    with pytest.raises(DamagedError, match=said):
        parse(harm(gateway_run.transcript.source))  # type: ignore[operator]


def test_what_is_written_reads_the_same_again() -> None:
    """Bytes that are no text, headers, errors and flaws survive; a body of a MiB is not kept, but its length is."""
    t = Transcript({"role": "channel"})
    large = Message((("A", "b"),), b" " * (LONGEST + 1), method="POST", url="http://h")
    odd = Message((("X", "ü"), ("X", "y")), b"\xff{", status=500)
    t.record(Exchange(t.number(), "s", "l", "sent", "op", large, odd, 0.1234567, 0.2, "lost", "size"))
    t.stopped["s"], t.broken["b"] = "no answer", "ours"
    t.note("list", [1, {"a": None}], "s")
    once = parse(text(t))
    seen = once.exchanges[0]
    assert (seen.request.omitted, seen.request.body) == (LONGEST + 1, b"")
    assert seen.response
    assert (seen.response.headers, seen.response.body) == (odd.headers, b"\\xff{")
    assert (once.stopped, once.broken, once.facts) == (t.stopped, t.broken, t.facts)
    assert text(once) == text(t)
