"""The goods in the clear: made, sealed, and opened again in one place only."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from gateway.core import wire
from gateway.core.model import Call, Delivery, Json, Unit
from gateway.core.ports import Books, Vault

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base32: nothing that is read as something else
GROUPS, GROUP = 5, 5
MEMBERS = {"code": "value", "licence": "key", "topup": "receipt"}
LINK_LIFE = timedelta(minutes=15)


def new_key() -> str:
    """A key of 25 characters in groups of five: 125 bits from the system's randomness, five to a character."""
    bits = secrets.randbits(5 * GROUPS * GROUP)
    drawn = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(GROUPS * GROUP))
    return "-".join(drawn[start : start + GROUP] for start in range(0, len(drawn), GROUP))


def open_goods(books: Books, vault: Vault, call: Call, delivery: Delivery) -> Json:
    """The Goods of spec/schemas/delivery.yaml: exactly the member that `kind` names (DLV-003)."""
    clear = _open(books, vault, delivery)
    if delivery.kind == "download":
        expires_at = (call.now + LINK_LIFE).replace(microsecond=0)
        link = {"url": sign_link(vault, clear, expires_at), "expires_at": wire.timestamp(expires_at)}
        return {"kind": "download", "download": link}
    member = MEMBERS[delivery.kind]
    return {"kind": delivery.kind, delivery.kind: {member: clear}}


def sign_link(vault: Vault, url: str, expires_at: datetime) -> str:
    """The URL with `expires` (seconds since 1970) and `signature` (HMAC over all before it) in its query (DLV-011)."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("expires", str(int(expires_at.timestamp())))]
    bare = urlunsplit(parts._replace(query=urlencode(query)))
    signature = vault.fingerprint(f"link {bare}".encode()).hex()
    return urlunsplit(parts._replace(query=urlencode([*query, ("signature", signature)])))


def link_holds(vault: Vault, url: str, now: datetime) -> bool:
    """Whether this gateway signed the link and it has not expired; for the host that serves the file."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = dict(query)
    if not query or query[-1][0] != "signature" or not given.get("expires", "").isdecimal():
        return False
    bare = urlunsplit(parts._replace(query=urlencode(query[:-1])))
    expected = vault.fingerprint(f"link {bare}".encode()).hex()
    genuine = hmac.compare_digest(expected.encode(), given["signature"].encode())
    return genuine and now < datetime.fromtimestamp(int(given["expires"]), UTC)


def _open(books: Books, vault: Vault, delivery: Delivery) -> str:
    if delivery.unit_id is not None:
        unit = books.get(Unit, delivery.unit_id)
        if unit is None:
            raise LookupError(f"unit {delivery.unit_id} of a delivery does not exist")
        return vault.open(unit.sealed, unit.key_id, unit.id).decode()
    if delivery.sealed is None or delivery.key_id is None:
        raise LookupError(f"delivery {delivery.id} has nothing in it")
    return vault.open(delivery.sealed, delivery.key_id, delivery.id).decode()
