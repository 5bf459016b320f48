"""Goods as a JWE for the buyer's key."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe
from joserfc.jwk import ECKey

from conformance.jwe import thumbprint
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Order, World

SECRET = {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}
ALGORITHMS = ("ECDH-ES", "ECDH-ES+A256KW")
REGISTRY = jwe.JWERegistry(algorithms=[*ALGORITHMS, "A256GCM", "A128GCM"], strict_check_header=False)


def recipient(world: World, call: Call) -> Json | None:
    """The key of the order that is asked for, as it is kept; raises Refusal."""
    given = call.body.get("recipient_key")
    if given is None or world.fault == "key_ignored":
        return None
    if world.fault == "core_only":
        raise Refusal("sealing_not_supported", pointer="/recipient_key")
    _check(world, given)
    point = {name: given.get(name, "") for name in ("kty", "crv", "x", "y")}
    return point | {"alg": given.get("alg", ALGORITHMS[0]), "kid": thumbprint(point)}


def _check(world: World, given: Json) -> None:
    private = sorted(SECRET & given.keys())
    if private and world.fault != "private_key_taken":
        raise _bad(private[0])
    if not private and world.fault != "any_curve":
        _check_point(given)
    if world.fault == "any_key_use" or private:
        return
    wrong = {
        "alg": given.get("alg", ALGORITHMS[0]) not in ALGORITHMS,
        "use": given.get("use", "enc") != "enc",
        "key_ops": not {"deriveKey", "deriveBits"}.issuperset(given.get("key_ops", ())),
    }
    for name in (name for name, bad in wrong.items() if bad):
        raise _bad(name)


def _check_point(given: Json) -> None:
    if given["kty"] != "EC":
        raise _bad("kty")
    if given.get("crv") != "P-256":
        raise _bad("crv")
    try:
        ECKey.import_key({name: given[name] for name in ("kty", "crv", "x", "y")}).public_key.public_numbers()
    except (KeyError, ValueError) as error:
        raise _bad("x") from error


def _bad(member: str) -> Refusal:
    return Refusal("recipient_key_invalid", pointer=f"/recipient_key/{member}")


def wrap(world: World, order: Order, delivery: Json, goods: Json) -> Json:
    """The goods sealed to the order's key; the goods themselves where the order has none."""
    key = order.body.get("recipient_key")
    replaced, late = "replaces" in delivery, order.body["payment"].get("method") == "late"
    first = not replaced and not late
    careless = {"sealed_in_clear": first, "replacement_in_clear": replaced, "late_in_clear": late}
    if key is None or careless.get(world.fault):
        return goods
    fault = world.fault
    header: Json = {
        "alg": ALGORITHMS[0] if fault == "sealed_other_alg" else key["alg"],
        "enc": "A128GCM" if fault == "sealed_otherwise" else "A256GCM",
        "kid": "the-buyers-key" if fault == "sealed_kid" else key["kid"],
        "vgcp_order_id": order.body["id"],
        "vgcp_delivery_id": "drop_another" if fault == "sealed_unnamed" else delivery["id"],
    }
    public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
    if fault == "sealed_to_another" and first:
        public = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    compact = jwe.encrypt_compact(header, json.dumps(goods).encode(), public, registry=REGISTRY)
    return {"kind": goods["kind"], "sealed": {"jwe": compact}}
