"""Signs events as a gateway would, by libraries alone, rightly or wrongly on purpose (SIG-001 to SIG-004)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import http_message_signatures as hms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

from conformance.chance import hexes

COMPONENTS = ("@method", "@target-uri", "content-type", "content-digest")
STANDARD, RFC9421 = "standard_webhooks", "rfc9421"


@dataclass
class Signable:
    """A request as the signing library wants it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def whsec() -> str:
    """A new Standard Webhooks secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def jwk_of(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    """The public key as a JWK (RFC 8037)."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"}


class Signer:
    """Has a gateway's secret and key, and a stranger's. `how` says what to get wrong:

    good, unsigned, wrong_key, garbage, old (301 s), ahead (by 400 s), rotated (one bad signature before the good one).
    """

    def __init__(self, webhook_secret: str, wall: Callable[[], float]) -> None:
        """`wall` is the clock to date by, in seconds since 1970."""
        self.secret, self.stranger, self._wall = webhook_secret, whsec(), wall
        self.kid = f"suite-{hexes(4)}"
        self.key, self.other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key that verifies good signatures."""
        return jwk_of(self.key, self.kid)

    def sign(self, scheme: str, how: str, url: str, event_id: str, body: bytes) -> dict[str, str]:
        """The headers of one signed POST of `body`, Content-Type included."""
        when = self._wall() + {"old": -330, "ahead": 400}.get(how, 0)
        if how == "unsigned":
            return {"Content-Type": "application/json"}
        if scheme == RFC9421:
            return self._rfc9421(how, url, when, body)
        return self._standard(how, event_id, when, body)

    def _standard(self, how: str, event_id: str, when: float, body: bytes) -> dict[str, str]:
        stamp = datetime.fromtimestamp(int(when), UTC)
        good = Webhook(self.secret).sign(event_id, stamp, body.decode())
        bad = Webhook(self.stranger).sign(event_id, stamp, body.decode())
        shown = {"wrong_key": bad, "rotated": f"{bad} {good}", "garbage": "v1,AAAA"}.get(how, good)
        return {
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(when)),
            "webhook-signature": shown,
        }

    def _rfc9421(self, how: str, url: str, when: float, body: bytes) -> dict[str, str]:
        message = Signable("POST", url, {"Content-Type": "application/json"})
        if how == "rotated":
            self._add(message, self.other, "retired-key", "old", when, body)
        self._add(message, self.other if how == "wrong_key" else self.key, self.kid, "vgcp", when, body)
        if how == "garbage":
            message.headers["Signature"] = "vgcp=:" + base64.b64encode(bytes(64)).decode() + ":"
        return message.headers

    def _add(
        self, message: Signable, key: Ed25519PrivateKey, kid: str, label: str, when: float, body: bytes
    ) -> None:
        resolver = hms.MappingKeyResolver(public_keys={}, private_keys={kid: key})
        signer = hms.HTTPMessageSigner(signature_algorithm=hms.algorithms.ED25519, key_resolver=resolver)
        signer.sign(
            message,
            key_id=kid,
            created=datetime.fromtimestamp(int(when), UTC),
            nonce=hexes(16),
            label=label,
            tag="vgcp-event",
            covered_component_ids=COMPONENTS,
            append_if_signature_exists="Signature" in message.headers,
            body=body,
            use_existing_digest="Content-Digest" in message.headers,
        )
