"""Sealed delivery: the buyer's public key, and goods as a JWE that only its private half opens (DLV-020 to DLV-033)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from joserfc import jwe
from joserfc.jwk import ECKey

from gateway.core.errors import ProtocolError, refuse
from gateway.core.model import Json, Order

ALGORITHMS = ("ECDH-ES", "ECDH-ES+A256KW")  # RFC 7518 section 4.6; the first where the key names none
CONTENT = "A256GCM"
CURVE, SIZE = "P-256", 32  # bytes of a coordinate (RFC 7518 section 6.2.1.2)
# RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1: whatever kind of key it is, these are not for others
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
KEY_OPS = {"deriveKey", "deriveBits"}  # RFC 7517 section 4.3, of Diffie-Hellman
POINTER = "/recipient_key"
# names of our own in the header, and no others that the library does not know
_registry = jwe.JWERegistry(algorithms=[*ALGORITHMS, CONTENT], strict_check_header=False)


def accept(given: Json | None, offered: bool = True) -> Json | None:
    """The key of an order as it is kept: public members, `alg`, and the thumbprint (RFC 7638) as `kid`.

    None when there is none. Raises ProtocolError `sealing_not_supported` (DLV-028) or `recipient_key_invalid`
    (DLV-025 to DLV-027), which never repeats a value.
    """
    if given is None:
        return None
    if not offered:
        raise refuse(
            "sealing_not_supported", POINTER, "This gateway does not seal goods; order without a key."
        )
    for name in PRIVATE:
        if name in given:
            raise _bad(name, "This member is private. The key is known to others now: make a new one.")
    _check_kind(given)
    x, y = (_coordinate(given, name) for name in ("x", "y"))
    public: dict[str, Any] = {"kty": "EC", "crv": CURVE, "x": x, "y": y}
    try:
        key = ECKey.import_key(public)
        key.public_key.public_numbers()  # the library makes the point here, and refuses one that is off the curve
    except ValueError as error:
        raise _bad("x", "The point is not on the curve.") from error
    return {**public, "alg": given.get("alg", ALGORITHMS[0]), "kid": key.thumbprint()}


def seal(goods: Json, order: Order, delivery_id: str) -> str:
    """The goods as a compact JWE for the order's key; its header names order and delivery (DLV-021 to DLV-024)."""
    key = order.recipient_key
    if key is None:
        raise LookupError(f"order {order.id} has no key to seal to")
    header = {
        "alg": key["alg"],
        "enc": CONTENT,
        "kid": key["kid"],
        "cty": "json",
        "vgcp_order_id": order.id,
        "vgcp_delivery_id": delivery_id,
    }
    public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
    return jwe.encrypt_compact(header, orjson.dumps(goods), public, registry=_registry)


def _check_kind(given: Json) -> None:
    if given["kty"] != "EC":
        raise _bad("kty", "Only EC keys are sealed to.")
    if given.get("crv") != CURVE:
        raise _bad("crv", f"Only {CURVE} is sealed to.")
    if given.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        raise _bad("alg", f"Only {' and '.join(ALGORITHMS)} are sealed by.")
    if given.get("use", "enc") != "enc":
        raise _bad("use", "Only a key for encryption is sealed to.")
    if not KEY_OPS.issuperset(given.get("key_ops", ())):
        raise _bad("key_ops", "The key is for something else than deriving.")


def _coordinate(given: Json, name: str) -> str:
    """The member as it is: base64url without padding of exactly 32 bytes, in the one spelling that there is."""
    text = str(given.get(name, ""))
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SIZE or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise _bad(name, f"Is not {SIZE} bytes in base64url without padding.")
    return text


def _bad(member: str, detail: str) -> ProtocolError:
    return refuse("recipient_key_invalid", f"{POINTER}/{member}", detail)
