"""Judges of the signatures on events, with the verifiers of independent libraries."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException, InvalidSignature
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conformance.judges.gateway_evidence import dig, good, moment, tries
from conformance.model import MissingError, Outcome, check, failed, holds, passed
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="events")
COVERED = ("@method", "@target-uri", "content-type", "content-digest")
WINDOW = 300  # seconds


class _Keys(HTTPSignatureKeyResolver):
    """The Ed25519 keys of a discovery document."""

    def __init__(self, keys: Any) -> None:
        self._keys = keys if isinstance(keys, list) else []

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        for key in self._keys:
            if isinstance(key, dict) and key.get("kid") == key_id and key.get("crv") == "Ed25519":
                raw = str(key.get("x"))
                return Ed25519PublicKey.from_public_bytes(
                    base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
                )
        raise InvalidSignature(f"discovery publishes no Ed25519 key {key_id}")


class _Verifier(HTTPMessageVerifier):
    """Leaves the date to SIG-004."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        if not isinstance(sig_input.params.get("created"), int):
            raise InvalidSignature("created is missing")


class _Posted:
    """A recorded post as the library reads it."""

    def __init__(self, exchange: Exchange) -> None:
        self.method, self.url = exchange.request.method, exchange.request.url
        self.headers = dict(exchange.request.headers)


def _verify(exchange: Exchange, keys: Any) -> Any:
    """The signature's parameters; raises HTTPMessageSignaturesException."""
    verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_Keys(keys))
    found = verifier.verify(
        _Posted(exchange),
        max_age=None,
        expect_tag="vgcp-event",
        require_components=COVERED,
        body=exchange.request.body,
    )
    return found[0].parameters


@gateway("SIG-002", title="HTTP Message Signatures verify", scenarios=("events_signed",))
def message_signatures(t: Transcript) -> Iterator[Outcome]:
    """Ed25519 over method, target, media type and digest, by a key that discovery publishes."""
    keys = dig(good(t, "discovery", "discovery").answer, "keys", "keys")
    seen = [e for e in tries(t, "events_signed") if e.request.header("Signature")]
    if not seen:
        raise MissingError("no event with an HTTP message signature was posted")
    for exchange in seen:
        try:
            found = _verify(exchange, keys)
        except (HTTPMessageSignaturesException, ValueError, KeyError, TypeError) as error:
            yield failed(f"the signature does not verify: {error}", exchange)
        else:
            yield holds("keyid" in found, "verified", "keyid is missing", exchange)


@gateway("SIG-003", title="Standard Webhooks signatures verify", scenarios=("events",))
def standard_webhooks(t: Transcript) -> Iterator[Outcome]:
    """HMAC-SHA256 with the channel's own secret."""
    client = good(t, "events", "client")
    secret = str(client.answer.get("webhook_secret"))
    seen = [
        e for e in tries(t, "events", "events by standard_webhooks") if e.request.header("webhook-signature")
    ]
    if not seen:
        raise MissingError("no event with a webhook signature was posted")
    for exchange in seen:
        try:
            _check_webhook(exchange, secret)
        except (WebhookVerificationError, ValueError) as error:
            yield failed(f"the signature does not verify: {error}", exchange)
        else:
            same = exchange.request.header("webhook-id") == exchange.asked.get("id")
            yield holds(same, "verified", "webhook-id is not the event's id", exchange)


def _check_webhook(exchange: Exchange, secret: str) -> None:
    """Verify as the library does, but whatever the date is: that is SIG-004."""
    hook = Webhook(secret)
    name, stamp = (exchange.request.header(h) or "" for h in ("webhook-id", "webhook-timestamp"))
    expected = hook.sign(name, datetime.fromtimestamp(int(stamp), UTC), exchange.request.body.decode())
    if expected not in (exchange.request.header("webhook-signature") or "").split():
        raise WebhookVerificationError("no matching signature")


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
            if abs(age) > WINDOW and abs(age + offset) > WINDOW:
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
