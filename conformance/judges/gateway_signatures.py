"""Judges of the signatures on events."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import good, moment, tries
from conformance.model import MissingError, Outcome, check, failed, holds, passed
from conformance.timing import SIGNATURE_AGE
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="events")


@gateway("SIG-002", title="HTTP Message Signatures verify", scenarios=("events_signed",))
def message_signatures(t: Transcript) -> Iterator[Outcome]:
    """Ed25519 over method, target, media type and digest, by a key that discovery publishes."""
    good(t, "discovery", "discovery")
    seen = [e for e in tries(t, "events_signed") if "message_signature" in e.observed]
    if not seen:
        raise MissingError("no event with an HTTP message signature was posted")
    for exchange in seen:
        found = exchange.observed["message_signature"]
        if found["verified"]:
            yield holds(found["keyid"], "verified", "keyid is missing", exchange)
        else:
            yield failed(f"the signature does not verify: {found['error']}", exchange)


@gateway("SIG-003", title="Standard Webhooks signatures verify", scenarios=("events",))
def standard_webhooks(t: Transcript) -> Iterator[Outcome]:
    """HMAC-SHA256 with the channel's own secret."""
    good(t, "events", "client")
    seen = [e for e in tries(t, "events", "events by standard_webhooks") if "webhook_signature" in e.observed]
    if not seen:
        raise MissingError("no event with a webhook signature was posted")
    for exchange in seen:
        if exchange.observed["webhook_signature"]["verified"]:
            same = exchange.request.header("webhook-id") == exchange.asked.get("id")
            yield holds(same, "verified", "webhook-id is not the event's id", exchange)
        else:
            yield failed("the signature does not verify: no matching signature", exchange)


@gateway(
    "SIG-004", title="Every signature is dated now", scenarios=("events", "events_signed", "events_retried")
)
def dated_now(t: Transcript) -> Iterator[Outcome]:
    """Within 300 seconds of the try, by the wall's clock or by the sandbox's."""
    offset = _sandbox_offset(t)
    seen, wrong = 0, []
    for name in ("events", "events_signed", "events_retried"):
        for exchange in tries(t, name):
            dated = _date(exchange)
            if dated is None:
                continue
            seen += 1
            age = t.began_at + exchange.started - dated
            if min(abs(age), abs(age + offset)) > SIGNATURE_AGE.seconds:
                wrong.append((exchange, f"a signature dated {age:.0f} s before its try"))
    for exchange, words in wrong[:3]:
        yield failed(words, exchange)
    if seen and not wrong:
        yield passed(f"{seen} signatures dated now")


def _sandbox_offset(t: Transcript) -> float:
    """How far the sandbox's clock was ahead of the wall's when the run began, in seconds."""
    for exchange in t.all("sale"):
        made = moment(exchange.answer.get("created_at"))
        if made is not None:
            return made - (t.began_at + exchange.started)
    return 0.0


def _date(exchange: Exchange) -> float | None:
    stamp = exchange.request.header("webhook-timestamp")
    if stamp and stamp.isdigit():
        return float(stamp)
    for part in (exchange.request.header("signature-input") or "").split(";"):
        name, _, value = part.partition("=")
        if name == "created" and value.isdigit():
            return float(value)
    return None
