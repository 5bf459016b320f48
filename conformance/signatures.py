"""Verifies the signatures on posted events with the verifiers of independent libraries, whatever their dates are."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException, InvalidSignature
from standardwebhooks.webhooks import Webhook

from conformance.transcript import Message

COVERED = ("@method", "@target-uri", "content-type", "content-digest")


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

    def __init__(self, request: Message) -> None:
        self.method, self.url = request.method, request.url
        self.headers = dict(request.headers)


def by_message(request: Message, keys: Any) -> dict[str, Any]:
    """RFC 9421 by one of the keys (JWKs): `verified`, whether there is a `keyid`, and the `error` if there is one."""
    verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_Keys(keys))
    try:
        found = verifier.verify(
            _Posted(request),
            max_age=None,
            expect_tag="vgcp-event",
            require_components=COVERED,
            body=request.body,
        )
    except (HTTPMessageSignaturesException, ValueError, KeyError, TypeError) as error:
        return {"verified": False, "error": str(error)}
    return {"verified": True, "keyid": "keyid" in found[0].parameters}


def by_webhook(request: Message, secret: str) -> bool:
    """Whether one of the Standard Webhooks signatures is by this secret."""
    name, stamp = (request.header(h) or "" for h in ("webhook-id", "webhook-timestamp"))
    try:
        at = datetime.fromtimestamp(int(stamp), UTC)
        expected = Webhook(secret).sign(name, at, request.body.decode())
    except (ValueError, OverflowError, OSError, RuntimeError):
        return False
    return expected in (request.header("webhook-signature") or "").split()
