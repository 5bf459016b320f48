"""The public log of changes of ownership (spec/text/ownership_log.md): what an entry says, and how it is written.

The entry is a row of the change's own transaction. Its place in the tree comes later (relay/sequencer.py).
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from gateway.core import wire
from gateway.core.merkle import leaf_hash
from gateway.core.model import Call
from gateway.core.model_ownership_log import LogEntry
from gateway.core.ports import Books

ISSUED, SUSPENDED, RESUMED, CONSUMED = "issued", "suspended", "resumed", "consumed"
TRANSFERRED, REVOKED, EXPIRED = "transferred", "revoked", "expired"
CHANGES = (ISSUED, SUSPENDED, RESUMED, CONSUMED, TRANSFERRED, REVOKED, EXPIRED)
SALT_BYTES = 16


def commit_to(salt: bytes, account_id: str) -> bytes:
    """The commitment to an owner: nobody learns the account from it, and who knows the salt can show that it is this
    one. A new `salt` of 16 random bytes for each time that somebody owns something; kept with it, never logged."""
    if len(salt) != SALT_BYTES:
        raise ValueError("the salt has 16 bytes")
    return hashlib.sha256(salt + account_id.encode()).digest()


def append(books: Books, call: Call, entitlement_id: str, change: str, commitment: bytes) -> LogEntry:
    """Log a change of ownership, in the transaction that makes it. `change` is one of CHANGES, `commitment` is that of
    the owner from then on, by `commit_to`."""
    if change not in CHANGES:
        raise ValueError(f"no such change of ownership: {change}")
    leaf = render_leaf(entitlement_id, change, commitment, call.now)
    hashed = leaf_hash(leaf.encode())
    entry = LogEntry(books.new_id("log"), entitlement_id, leaf, hashed, call.now)
    books.put(entry)
    return entry


def render_leaf(entitlement_id: str, change: str, commitment: bytes, at: datetime) -> str:
    """The leaf as JSON in the canonical form of RFC 8785."""
    leaf = {
        "at": wire.timestamp(at),
        "change": change,
        "entitlement_id": entitlement_id,
        "owner": wire.base64url(commitment),
    }
    return json.dumps(leaf, separators=(",", ":"), sort_keys=True)
