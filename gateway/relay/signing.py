"""Signs events by the scheme that the channel's discovery document names (SIG-001 to SIG-004)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from standardwebhooks import Webhook

from gateway.core.clients import webhook_secrets
from gateway.core.model import Channel
from gateway.core.ports import Vault
from gateway.relay.ports import SigningKeys

LABEL, TAG = "vgcp", "vgcp-event"
COMPONENTS = ("@method", "@target-uri", "content-type", "content-digest")


@dataclass
class Message:
    """A POST as the signature library wants to see it."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"


class Signer:
    """Makes the headers of a signed event."""

    def __init__(self, vault: Vault, keys: SigningKeys) -> None:
        self._vault = vault
        self._keys = keys

    def headers(self, channel: Channel, event_id: str, url: str, body: bytes, at: datetime) -> dict[str, str]:
        """All headers of the POST, dated `at`, the time of this try (SIG-004)."""
        if channel.signature_scheme == "rfc9421":
            return self._rfc9421(url, body, at)
        return self._standard_webhooks(channel, event_id, body, at)

    def _standard_webhooks(
        self, channel: Channel, event_id: str, body: bytes, at: datetime
    ) -> dict[str, str]:
        """One signature for each secret in force, so that the channel can change over at leisure (SIG-003)."""
        secrets_in_force = webhook_secrets(self._vault, channel, at)
        text = body.decode()
        return {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(Webhook(one).sign(event_id, at, text) for one in secrets_in_force),
        }

    def _rfc9421(self, url: str, body: bytes, at: datetime) -> dict[str, str]:
        """Ed25519 over method, target, type and digest (SIG-002, RFC 9421 section 3.1, RFC 9530)."""
        key_id, key = self._keys.current()
        message = Message(url, {"content-type": "application/json"})
        signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=_resolver(key_id, key))
        signer.sign(
            message,
            key_id=key_id,
            created=at,
            nonce=secrets.token_urlsafe(16),
            label=LABEL,
            tag=TAG,
            covered_component_ids=COMPONENTS,
            body=body,
        )
        return message.headers


def _resolver(key_id: str, key: Ed25519PrivateKey) -> MappingKeyResolver:
    return MappingKeyResolver(public_keys={}, private_keys={key_id: key})
