"""Channels as OAuth clients: registration, secrets, rotation with an overlap."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.errors import ProtocolError, at
from gateway.core.model import Call, Channel, Json
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

SCOPES = (
    "catalog",
    "inventory",
    "orders",
    "delivery",
    "events",
    "allotments",
    "identity",
    "consent",
    "ownership",
)
OVERLAP = timedelta(days=1)
_NOBODY = "hmac-sha256$" + "00" * 16 + "$" + "00" * 32


@dataclass(frozen=True, slots=True)
class NewClient:
    """A channel to be registered. Holds are counted in units; None takes the default."""

    name: str
    scopes: tuple[str, ...] = SCOPES
    jwks: Json | None = None
    events_url: str | None = None
    signature_scheme: str = "standard_webhooks"
    max_open_holds: int = 10_000
    max_open_holds_per_buyer: int = 100
    rate_limit_per_minute: int = 60_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """A channel with its secrets in the clear: shown once, kept nowhere."""

    channel: Channel
    client_secret: str
    webhook_secret: str


def register_client(books: Books, vault: Vault, call: Call, cmd: NewClient) -> Credentials:
    """Add a channel. Raises ProtocolError `invalid` for a scope that there is not."""
    strange = [
        at(f"/scopes/{n}", "There is no such scope.") for n, one in enumerate(cmd.scopes) if one not in SCOPES
    ]
    if strange:
        raise ProtocolError("invalid", "", *strange)
    channel_id = books.new_id("chn")
    secret, webhook_secret = new_secret(), new_webhook_secret()
    channel = Channel(
        id=channel_id,
        name=cmd.name,
        secret_hash=hash_secret(secret),
        jwks=cmd.jwks,
        scopes=cmd.scopes,
        events_url=cmd.events_url,
        signature_scheme=cmd.signature_scheme,
        webhook_secret=vault.seal(webhook_secret.encode(), channel_id),
        webhook_key_id=vault.current_key_id,
        max_open_holds=cmd.max_open_holds,
        max_open_holds_per_buyer=cmd.max_open_holds_per_buyer,
        rate_limit_per_minute=cmd.rate_limit_per_minute,
        active=True,
        created_at=call.now,
    )
    books.put(channel)
    return Credentials(channel, secret, webhook_secret)


def rotate_secrets(
    books: Books, vault: Vault, call: Call, channel_id: str, overlap: timedelta = OVERLAP
) -> Credentials:
    """New secrets; the old ones are taken, and events signed with both, for `overlap`.

    Raises ProtocolError `not_found`.
    """
    channel = books.get(Channel, channel_id)
    if channel is None:
        raise ProtocolError("not_found", "There is no such channel.")
    secret, webhook_secret = new_secret(), new_webhook_secret()
    rotated = replace(
        channel,
        secret_hash=hash_secret(secret),
        webhook_secret=vault.seal(webhook_secret.encode(), channel_id),
        webhook_key_id=vault.current_key_id,
        old_secret_hash=channel.secret_hash,
        old_webhook_secret=channel.webhook_secret,
        old_webhook_key_id=channel.webhook_key_id,
        old_until=call.now + overlap,
    )
    books.put(rotated)
    return Credentials(rotated, secret, webhook_secret)


def verify_secret(channel: Channel | None, secret: str, now: datetime) -> bool:
    """Whether this is the channel's secret, or its old one in the overlap. The same work whoever asks."""
    in_overlap = channel is not None and channel.old_until is not None and now < channel.old_until
    hashes = [
        channel.secret_hash if channel else None,
        channel.old_secret_hash if channel and in_overlap else None,
    ]
    held = [_matches(known or _NOBODY, secret) and known is not None for known in hashes]
    return channel is not None and channel.active and any(held)


def webhook_secrets(vault: Vault, channel: Channel, now: datetime) -> list[str]:
    """The `whsec_` secrets that its events are signed with now, newest first (SIG-003, SIG-010)."""
    sealed = [(channel.webhook_secret, channel.webhook_key_id)]
    if channel.old_until is not None and now < channel.old_until:
        sealed.append((channel.old_webhook_secret, channel.old_webhook_key_id))
    return [vault.open(box, key_id, channel.id).decode() for box, key_id in sealed if box and key_id]


def new_secret() -> str:
    """256 bits from the system's randomness."""
    return secrets.token_urlsafe(32)


def new_webhook_secret() -> str:
    """A Standard Webhooks secret: whsec_ and base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def hash_secret(secret: str) -> str:
    """Salted HMAC-SHA256. A fast hash is right here: the secret has 256 bits, so there is nothing to guess."""
    salt = secrets.token_bytes(16)
    return f"hmac-sha256${salt.hex()}${_digest(salt, secret)}"


def _digest(salt: bytes, secret: str) -> str:
    return hmac.new(salt, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _matches(known: str, secret: str) -> bool:
    _, salt, digest = known.split("$")
    return hmac.compare_digest(_digest(bytes.fromhex(salt), secret), digest)
