"""The transcript finds evidence, says why it is missing, and never writes a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.model import MissingError
from conformance.record import write
from conformance.transcript import Exchange, Message, Transcript

CODE = 'A "code" \\ 漢字'


def exchange(t: Transcript, scenario: str, label: str, body: bytes = b"{}", **more: object) -> Exchange:
    """Record a sent exchange that was answered by 200."""
    request = Message(
        (("Authorization", "Bearer tok-123"),), b"", method="GET", url="http://h/x?code=tok-123"
    )
    answer = Message((("Content-Type", "application/json"),), body, status=200)
    number = t.number()
    return t.record(Exchange(number, scenario, label, "sent", "op", request, answer, 0.0, 0.1))


def test_look_ups_say_why_nothing_is_there() -> None:
    """A missing exchange or fact names what is missing, and why its scenario stopped."""
    t = Transcript()
    found = exchange(t, "buy", "bought")
    assert t.one("buy", "bought") is found
    t.stopped["sell"] = "no answer"
    with pytest.raises(MissingError, match=r"no exchange sold in sell \(no answer\)"):
        t.one("sell", "sold")
    with pytest.raises(MissingError, match="did not get to offer"):
        t.fact("sell", "offer")


async def test_scenes_and_claims_say_whose_an_exchange_is() -> None:
    """Facts and claims belong to the scene they are made in."""
    t = Transcript()
    with t.scene("buy"):
        t.note("offer", "off_1")
        t.claim("off_1")
    assert t.fact("buy", "offer") == "off_1"
    assert (t.owner('{"offer_id": "off_1"}'), t.owner("off_2"), t.scenario) == ("buy", "", "")


def test_secrets_are_never_written(tmp_path: Path) -> None:
    """URLs, headers, bodies and facts are redacted, plain and JSON-escaped; equal secrets stay equal."""
    t = Transcript()
    t.secret("tok-123", CODE)
    exchange(t, "buy", "bought", json.dumps({"code": CODE, "again": CODE}).encode())
    t.note("codes", [CODE], "buy")
    write(t, tmp_path / "t.jsonl")
    text = (tmp_path / "t.jsonl").read_text()
    assert "tok-123" not in text
    assert "漢字" not in text
    assert "\\u6f22" not in text
    head, fact, line, _ = (json.loads(each) for each in text.splitlines())
    body = json.loads(line["response"]["body"])
    assert head == {"vgcp_transcript": 2, "nonce": t.nonce, "began_at": t.began_at}
    assert body["code"] == body["again"] == fact["value"][0]
    assert body["code"].startswith("redacted-")


def test_a_problem_counts_only_when_it_is_a_proper_one() -> None:
    """The code is read only from a document whose media type, status and type agree."""
    body = {"type": "urn:vgcp:problem:not_found", "status": 404, "code": "not_found"}
    kinds = {
        ("application/problem+json", 404): "not_found",
        ("application/json", 404): "",
        ("application/problem+json", 400): "",
    }
    for (media, status), code in kinds.items():
        answer = Message((("content-type", media),), json.dumps(body).encode(), status=status)
        seen = Exchange(1, "", "", "sent", "op", Message((), b""), answer, 0, 0)
        assert seen.problem == code


def test_what_is_no_json_object_reads_as_empty() -> None:
    """A judge can read members of any answer without falling over."""
    for body in (b"", b"[]", b"nonsense", b"\xff"):
        answer = Message((), body, status=200)
        seen = Exchange(1, "", "", "sent", "op", Message((), body), answer, 0, 0)
        assert (seen.answer, seen.asked, seen.problem) == ({}, {}, "")
    lost = Exchange(1, "", "", "sent", "op", Message((), b""), None, 0, 0, "gone")
    assert (lost.status, lost.answer, lost.header("x")) == (0, {}, None)
