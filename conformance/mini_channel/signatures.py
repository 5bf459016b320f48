"""Verifies signed events in both schemes (SIG-005 to SIG-010), by libraries."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import http_message_signatures as hms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from conformance.mini_channel.faults import Faults
from conformance.mini_channel.problems import RefusalError

WINDOW = 300


@dataclass(frozen=True)
class SignedCall:
    """A call as it came in, as the signing library wants it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def standard(call: SignedCall, secret: str, faults: Faults) -> None:
    """Verify by Standard Webhooks; raises RefusalError."""
    stamp, shown = call.headers.get("webhook-timestamp", ""), call.headers.get("webhook-signature", "")
    if not (stamp and shown and call.headers.get("webhook-id")):
        if faults("accepts_unsigned"):
            return
        raise RefusalError("signature_missing")
    in_time = stamp.isdigit() and abs(time.time() - int(stamp)) <= WINDOW
    if not in_time and not faults("no_time_window"):
        raise RefusalError("signature_expired")
    if faults("first_signature_only"):
        shown = shown.split(" ")[0]
    expected = base64.b64decode(_expected(call, secret, stamp).partition(",")[2])
    given = [part[3:] for part in shown.split(" ") if part.startswith("v1,")]
    if not any(_decoded(each) == expected for each in given):
        raise RefusalError("signature_invalid")


def _expected(call: SignedCall, secret: str, stamp: str) -> str:
    try:
        when = datetime.fromtimestamp(int(stamp), UTC)
        return Webhook(secret).sign(call.headers["webhook-id"], when, call.body.decode())
    except (ValueError, WebhookVerificationError) as error:
        raise RefusalError("signature_invalid") from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


class _Verifier(hms.HTTPMessageVerifier):
    """The time window is ours: an expired signature has a code of its own."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Leave it to `rfc9421`."""


def rfc9421(call: SignedCall, keys: list[dict[str, Any]], faults: Faults) -> None:
    """Verify by RFC 9421 with Content-Digest; raises RefusalError."""
    if not all(name in call.headers for name in ("Signature", "Signature-Input", "Content-Digest")):
        if faults("accepts_unsigned"):
            return
        raise RefusalError("signature_missing")
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(call.body).digest()).decode()}:"
    if call.headers["Content-Digest"] != digest and not faults("digest_unchecked"):
        raise RefusalError("signature_invalid")
    if faults("digest_only"):
        made = [int(each) for each in re.findall(r"created=(\d+)", call.headers["Signature-Input"])]
        if not any(abs(time.time() - created) <= WINDOW for created in made):
            raise RefusalError("signature_expired")
        return
    known = {k["kid"]: _public(k) for k in keys if k.get("crv") == "Ed25519"}
    resolver = hms.MappingKeyResolver(public_keys=known, private_keys={})
    verifier = _Verifier(signature_algorithm=hms.algorithms.ED25519, key_resolver=resolver)
    labels = list(verifier._parse_signature_dictionary(call.headers["Signature-Input"]))
    if faults("first_signature_only"):
        labels = labels[:1]
    found = [c for label in labels if (c := _created(verifier, call, label, faults)) is not None]
    if not found:
        raise RefusalError("signature_invalid")
    if not any(abs(time.time() - created) <= WINDOW for created in found) and not faults("no_time_window"):
        raise RefusalError("signature_expired")


def _public(key: dict[str, Any]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))


def _created(verifier: _Verifier, call: SignedCall, label: str, faults: Faults) -> int | None:
    components = ("@method", "@target-uri", "content-type", "content-digest")
    body = None if faults("digest_unchecked") else call.body
    try:
        found = verifier.verify(
            call, expect_label=label, expect_tag="vgcp-event", require_components=components, body=body
        )
    except (hms.HTTPMessageSignaturesException, ValueError, KeyError):
        return None
    return int(found[0].parameters["created"])
