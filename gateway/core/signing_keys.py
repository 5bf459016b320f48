"""The gateway's own Ed25519 keys, for tokens, events, leases and certificates: made, and replaced with an overlap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
from joserfc.jwk import OKPKey

from gateway.core.model import SigningKey
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

# Longer than anything lives that a key signs: tokens, leases, and the longest, certificates of ownership (OWN-023).
CERTIFICATE_LIFE = timedelta(days=30)
OVERLAP = CERTIFICATE_LIFE + timedelta(hours=2)
# A key is published before it signs, so that by then every process and every cache of the key set knows it.
PUBLISHED_BEFORE = timedelta(minutes=2)


def create_signing_key(books: Books, vault: Vault, now: datetime) -> SigningKey:
    """A new key, which signs once it has been published for a while. Sealed under its id; an RFC 8037 JWK."""
    kid = books.new_id("key")
    key = OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig", "alg": "EdDSA"})
    secret = orjson.dumps(key.as_dict(private=True))
    public = dict(key.as_dict(private=False))
    row = SigningKey(kid, vault.seal(secret, kid), vault.current_key_id, public, now, None)
    books.put(row)
    return row


def signing_now(rows: Sequence[SigningKey], now: datetime) -> SigningKey:
    """Of these, oldest first, the one that signs: the newest that is known everywhere; the oldest if none is yet."""
    ready = [row for row in rows if row.created_at + PUBLISHED_BEFORE <= now]
    return ready[-1] if ready else rows[0]


def renew_signing_key(books: Books, vault: Vault, now: datetime, known: Sequence[SigningKey]) -> SigningKey:
    """A new key; the known ones stay published until what they have signed has expired."""
    for row in known:
        if row.retired_at is None:
            books.put(replace(row, retired_at=now + OVERLAP))
    return create_signing_key(books, vault, now)
