"""The goods: made, sealed by the vault or to the buyer's key, and opened again in one place only."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from gateway.core import sealing, wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Call, Delivery, Json, Offer, Order, Unit
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace
from gateway.core.suppliers import LONGEST_GOODS

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base32: nothing that is read as something else
GROUPS, GROUP = 5, 5
MEMBERS = {"code": "value", "licence": "key", "topup": "receipt"}  # a token has several, and is kept as JSON
TOKEN = ("chain", "asset", "token_id", "owner", "transaction")
LINK_LIFE = timedelta(minutes=15)


def new_key() -> str:
    """A key of 25 characters in groups of five: 125 bits from the system's randomness, five to a character."""
    bits = secrets.randbits(5 * GROUPS * GROUP)
    drawn = "".join(ALPHABET[bits >> 5 * place & 31] for place in range(GROUPS * GROUP))
    return "-".join(drawn[start : start + GROUP] for start in range(0, len(drawn), GROUP))


def check_made(kind: str, made: str) -> None:
    """Raises ProtocolError `invalid`, without saying what they are, when goods that a supplier made are not as the
    standard has them."""
    if not 0 < len(made) <= LONGEST_GOODS:
        raise ProtocolError("invalid", f"The goods are not between 1 and {LONGEST_GOODS} characters long.")
    if kind != "token":
        return
    try:
        token = orjson.loads(made)
    except ValueError:
        token = None
    if not isinstance(token, dict) or not all(isinstance(token.get(name), str) for name in TOKEN):
        raise ProtocolError("invalid", "The goods are no token.")


def put_in(
    books: Books,
    vault: Vault,
    order: Order,
    offer: Offer,
    unit: Unit | None,
    delivery_id: str,
    made: str | None = None,
) -> tuple[bytes | None, str | None]:
    """What a new delivery keeps of its goods, and the vault key that opens it; nothing where its unit has the code.

    `made` is what a supplier has made of it; else it is the unit's, or drawn here.
    For an order with a key the code leaves its unit and the vault for good (DLV-032): from here on only the buyer
    opens it. A link is no secret that lies here, but made at each opening.
    """
    kind = offer.delivery_kind
    if kind != "download" and order.recipient_key is not None:
        clear = made or (new_key() if unit is None else _open_unit(vault, unit))
        if unit is not None:
            books.put(replace(unit, sealed=None, key_id=None))
        return sealing.seal(_in_the_clear(kind, clear), order, delivery_id).encode(), None
    if unit is not None:
        return None, None
    clear = made or ((offer.download_url or "") if kind == "download" else new_key())
    return vault.seal(clear.encode(), delivery_id), vault.current_key_id


def open_goods(books: Books, vault: Vault, call: Call, delivery: Delivery) -> Json:
    """The Goods of spec/schemas/delivery.yaml: exactly the member that `kind` names (DLV-003), or `sealed`."""
    if delivery.sealed_to is not None and delivery.key_id is None and delivery.sealed is not None:
        return _sealed(delivery.kind, delivery.sealed.decode())
    clear = _open(books, vault, delivery)
    if delivery.kind != "download":
        return _in_the_clear(delivery.kind, clear)
    expires_at = (call.now + LINK_LIFE).replace(microsecond=0)
    link = {"url": sign_link(vault, clear, expires_at), "expires_at": wire.timestamp(expires_at)}
    goods = {"kind": "download", "download": link}
    if delivery.sealed_to is None:
        return goods
    order = books.get(Order, delivery.order_id)
    if order is None:
        raise LookupError(f"order {delivery.order_id} of a delivery does not exist")
    return _sealed("download", sealing.seal(goods, order, delivery.id))


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
        return _open_unit(vault, unit)
    if delivery.sealed is None or delivery.key_id is None:
        raise LookupError(f"delivery {delivery.id} has nothing in it")
    return vault.open(delivery.sealed, delivery.key_id, delivery.id).decode()


def _open_unit(vault: Vault, unit: Unit) -> str:
    if unit.sealed is None or unit.key_id is None:
        raise LookupError(f"the code of unit {unit.id} is its buyer's alone")
    return vault.open(unit.sealed, unit.key_id, unit.id).decode()


def _in_the_clear(kind: str, clear: str) -> Json:
    if kind == "token":
        return {"kind": kind, kind: orjson.loads(clear)}
    return {"kind": kind, kind: {MEMBERS[kind]: clear}}


def _sealed(kind: str, compact: str) -> Json:
    return {"kind": kind, "sealed": {"jwe": compact}}
