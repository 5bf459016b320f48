"""Is this event really from the gateway? Verify before anything else is looked at (SIG-005 to SIG-010).

Both schemes of the standard: HTTP Message Signatures (RFC 9421 with Content-Digest, RFC 9530; Ed25519) and
Standard Webhooks (HMAC-SHA256). Time comes from a clock that the caller gives, in seconds since 1970.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import http_message_signatures as hms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reference_channels.kit.errors import Json

TOLERANCE = 300
TAG = "vgcp-event"
COVERED = ("@method", "@target-uri", "content-type", "content-digest")


class SignatureRefused(Exception):
    """The call is not to be acted on. `code` is signature_missing, signature_invalid or signature_expired."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call as it came in: absolute `url`, headers as received, and the raw bytes of the body."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def verify_standard_webhook(call: SignedCall, secret: str, now: float) -> None:
    """Verify by Standard Webhooks; `secret` is `whsec_` and base64. Any one of the signatures may hold
    (rotation).

    Raises SignatureRefused.
    """
    sent_id = call.headers.get("webhook-id", "")
    sent_at = call.headers.get("webhook-timestamp", "")
    signatures = call.headers.get("webhook-signature", "")
    if not secret:
        # Nothing is signed with an empty key.
        raise SignatureRefused("signature_invalid" if signatures else "signature_missing")
    if not (sent_id and sent_at and signatures):
        raise SignatureRefused("signature_missing")
    if not (sent_at.isascii() and sent_at.isdigit()):
        raise SignatureRefused("signature_invalid")
    content = f"{sent_id}.{sent_at}.".encode() + call.body
    expected = hmac.new(_key(secret), content, hashlib.sha256).digest()
    given = [part[3:] for part in signatures.split(" ") if part.startswith("v1,")]
    if not any(hmac.compare_digest(expected, _decoded(each)) for each in given):
        raise SignatureRefused("signature_invalid")
    if abs(now - int(sent_at)) > TOLERANCE:
        raise SignatureRefused("signature_expired")


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4))


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except binascii.Error:
        return b""


class _Keys(hms.HTTPSignatureKeyResolver):
    """Finds the gateway's Ed25519 key by the signature's keyid."""

    def __init__(self, keys: list[Json]) -> None:
        self._keys = {str(each.get("kid")): each for each in keys if each.get("crv") == "Ed25519"}

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        encoded = str(self._keys[key_id]["x"])
        return Ed25519PublicKey.from_public_bytes(
            base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        )


class _Verifier(hms.HTTPMessageVerifier):
    """Leaves the time window to us: the library would read the machine's clock."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        if type(sig_input.params.get("created")) is not int:
            raise hms.InvalidSignature("created is missing")


def verify_rfc9421(call: SignedCall, keys: list[Json], now: float) -> None:
    """Verify by RFC 9421 with the Ed25519 keys (JWKs) of the gateway's discovery document. One holding
    signature is enough.

    Raises SignatureRefused.
    """
    if not all(call.headers.get(name) for name in ("Signature-Input", "Signature", "Content-Digest")):
        raise SignatureRefused("signature_missing")
    verifier = _Verifier(signature_algorithm=hms.algorithms.ED25519, key_resolver=_Keys(keys))
    times = [_created(verifier, call, label) for label in _labels(verifier, call)]
    holding = [each for each in times if each is not None]
    if not holding:
        raise SignatureRefused("signature_invalid")
    if not any(abs(now - created) <= TOLERANCE for created in holding):
        raise SignatureRefused("signature_expired")


def _labels(verifier: _Verifier, call: SignedCall) -> list[str]:
    """The labels of all signatures in the call."""
    try:
        return list(verifier._parse_signature_dictionary(call.headers["Signature-Input"]))
    except Exception as error:
        raise SignatureRefused("signature_invalid") from error


def _created(verifier: _Verifier, call: SignedCall, label: str) -> int | None:
    """When the signature with this label was made, or None when it does not hold for this call and body."""
    try:
        results = verifier.verify(
            call, max_age=None, expect_tag=TAG, expect_label=label, require_components=COVERED, body=call.body
        )
    except (hms.HTTPMessageSignaturesException, ValueError, KeyError):
        return None
    return int(results[0].parameters["created"])


def key_ids(call: SignedCall) -> set[str]:
    """The key ids that an RFC 9421 call claims to be signed with; not verified, only good to fetch new
    keys for."""
    if "Signature-Input" not in call.headers:
        return set()
    verifier = _Verifier(signature_algorithm=hms.algorithms.ED25519, key_resolver=_Keys([]))
    try:
        parsed = verifier._parse_signature_dictionary(call.headers["Signature-Input"])
    except Exception:
        return set()
    return {str(each.params["keyid"]) for each in parsed.values() if "keyid" in each.params}
