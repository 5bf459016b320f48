"""What a certificate of ownership says, and to which keys one can be bound (spec/text/ownership.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from gateway.core import ownership, status_lists, wire
from gateway.core.errors import ProtocolError, refuse
from gateway.core.model import Call, Channel, Delivery, Json, Order
from gateway.core.model_ownership import Entitlement
from gateway.core.ports import Books, Vault
from gateway.core.sealing import PRIVATE
from gateway.core.signing_keys import CERTIFICATE_LIFE

TYPE = "urn:vgcp:ownership:1"
DIGESTS = 10  # of each certificate, decoys included (OWN-017)
POINTER = "/holder_key"
KINDS = {"OKP": ("Ed25519", ("x",)), "EC": ("P-256", ("x", "y"))}


@dataclass(frozen=True, slots=True)
class Draft:
    """A certificate before it is signed: what everybody sees, and what the holder can disclose."""

    list_id: str
    place: int
    issued_at: datetime
    expires_at: datetime
    holder_key: Json | None
    disclosable: Json


def issue_certificate(
    books: Books, vault: Vault, call: Call, entitlement_id: str, holder_key: Json | None
) -> Draft:
    """Prove an active entitlement. `holder_key` is what `accept_key` gave.

    Raises ProtocolError `not_found` or `entitlement_not_active` (OWN-019).
    """
    owned = ownership.active(books, call, entitlement_id)
    placed = status_lists.place_of(books, vault, call, owned)
    ends = [call.now + CERTIFICATE_LIFE, *([owned.expires_at] if owned.expires_at else [])]
    return Draft(
        list_id=placed.status_list_id or "",
        place=placed.status_index or 0,
        issued_at=call.now,
        expires_at=min(ends).replace(microsecond=0),
        holder_key=holder_key,
        disclosable=_disclosable(books, owned),
    )


def accept_key(given: Json | None) -> Json | None:
    """The public members of a holder's key (OWN-018).

    Raises ProtocolError `holder_key_invalid`, which names the member and repeats no value.
    """
    if given is None:
        return None
    for name in PRIVATE:
        if name in given:
            raise _bad(name, "This member is private. The key is known to others now: make a new one.")
    if given["kty"] not in KINDS:
        raise _bad("kty", "Keys are OKP with Ed25519 or EC with P-256.")
    curve, members = KINDS[given["kty"]]
    if given.get("crv") != curve:
        raise _bad("crv", f"The curve of this kind of key is {curve}.")
    public: Json = {"kty": given["kty"], "crv": curve, **{name: given.get(name, "") for name in members}}
    if key_of(public) is None:
        raise _bad("x", "It is no point of the curve.")
    return public


def key_of(public: Json) -> OKPKey | ECKey | None:
    """The key to verify with; None when it is none."""
    kind = public.get("kty")
    if kind not in KINDS or public.get("crv") != KINDS[kind][0]:
        return None
    try:
        key = OKPKey.import_key(public) if kind == "OKP" else ECKey.import_key(public)
        key.as_der()  # the library makes the point here, and refuses one that is off the curve
    except (ValueError, TypeError, JoseError):
        return None
    return key


def _disclosable(books: Books, owned: Entitlement) -> Json:
    """Each a disclosure of its own (OWN-015). A later owner has paid no price that is known here, and has no order."""
    channel = books.get(Channel, owned.channel_id)
    claims: Json = {
        "entitlement_id": owned.id,
        "product_id": owned.product["id"],
        "product_name": owned.product["name"],
        "product_kind": owned.product["kind"],
        "acquired_at": wire.timestamp(owned.acquired_at),
        "channel": channel.name if channel else "",
    }
    order = books.get(Order, owned.order_id) if owned.period == 1 else None
    delivery = books.get(Delivery, owned.delivery_id) if order else None
    if order is None or delivery is None:
        return claims
    line = next(one for one in order.lines if one["id"] == delivery.line_id)
    return {**claims, "price": line["unit_price"], "order_id": order.id}


def _bad(member: str, detail: str) -> ProtocolError:
    return refuse("holder_key_invalid", f"{POINTER}/{member}", detail)
