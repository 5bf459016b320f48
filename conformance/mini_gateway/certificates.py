"""Certificates of ownership and their status lists, made and verified with the suite's own SD-JWT."""

from __future__ import annotations

import json
import secrets
import zlib
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.jwk import OKPKey

from conformance import sd_jwt
from conformance.mini_gateway import ownership
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Owned, World
from conformance.sd_jwt import encoded

LIST, PLACES, DIGESTS, LIFE = "stl_mini", 1024, 10, timedelta(days=30)
CURVES = {"OKP": "Ed25519", "EC": "P-256"}


def get_certificate_issuer(world: World, call: Call) -> Json:
    """Where the keys are."""
    return {"issuer": world.url, "jwks_uri": f"{world.url}/vgcp/v1/oauth/jwks"}


def issue_certificate(world: World, call: Call) -> Json:
    """A proof of ownership."""
    one = ownership.own(world, call)
    if one.body["status"] != "active" and world.fault != "certificate_of_consumed":
        raise Refusal("entitlement_not_active")
    holder = _holder(world, call.body.get("holder_key"))
    ends = world.now() + LIFE
    if "valid_until" in one.body:
        ends = min(ends, datetime.fromisoformat(one.body["valid_until"]))
    made = [_disclosure(world, name, value) for name, value in _disclosed(world, one).items()]
    decoys = 0 if world.fault == "certificate_without_decoys" else DIGESTS - len(made)
    hidden = [sd_jwt.digest(text) for text in (*made, *(secrets.token_hex(16) for _ in range(decoys)))]
    claims: Json = {
        "iss": world.url,
        "vct": sd_jwt.TYPE,
        "iat": int(world.now().timestamp()),
        "exp": int(ends.timestamp()),
        "status": {"status_list": {"idx": _place(world, one), "uri": _uri(world)}},
        "_sd": sorted(hidden),
        "_sd_alg": sd_jwt.HASH,
    } | ({"cnf": {"jwk": holder}} if holder else {})
    signed = _sign(_key(world), sd_jwt.FORMAT, claims)
    one.certificates += 1
    text = "~".join([signed, *made, ""])
    return {"format": "dc+sd-jwt", "certificate": text, "expires_at": world.stamp(ends)}


def _key(world: World) -> OKPKey:
    """What certificates are signed with."""
    return world.forged if world.fault == "certificate_unsigned" else world.key


def _sign(key: OKPKey, kind: str, claims: Json) -> str:
    header = {"alg": "Ed25519", "typ": kind, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=["Ed25519"])


def _holder(world: World, given: Json | None) -> Json | None:
    if given is None:
        return None
    if "d" in given:
        raise Refusal("holder_key_invalid", pointer="/holder_key/d")
    if given.get("crv") != CURVES.get(given["kty"], "none") and world.fault != "certificate_any_key":
        raise Refusal("holder_key_invalid", pointer="/holder_key/crv")
    return {name: given[name] for name in ("kty", "crv", "x", "y") if name in given}


def _disclosed(world: World, one: Owned) -> Json:
    product = one.body["product"]
    claims: Json = {
        "entitlement_id": one.body["id"],
        "product_id": product["id"],
        "product_name": product["name"],
        "product_kind": product["kind"],
        "acquired_at": one.body["acquired_at"],
        "channel": one.body["origin"]["channel"],
    }
    if one.period == 1:
        claims |= {"price": one.price, "order_id": one.body["order_id"]}
    if world.fault == "certificate_names_buyer":
        claims["buyer_id"] = one.body["buyer_id"]
    return claims


def _disclosure(world: World, name: str, value: object) -> str:
    salt = f"always the same {name}" if world.fault == "certificate_salt_again" else secrets.token_urlsafe(16)
    return encoded(json.dumps([salt, name, value]).encode())


def _place(world: World, one: Owned) -> int:
    if one.place is None:
        twice = [x for x in world.owned.values() if x.owner == one.owner and x.certificates > 1]
        if world.fault == "status_index_again" and twice and twice[0].place is not None:
            one.place = twice[0].place
            return one.place
        free = set(range(PLACES)) - world.statuses.keys()
        one.place = secrets.choice(sorted(free))
        world.statuses[one.place] = 0
    return one.place


def _uri(world: World) -> str:
    return f"{world.url}/vgcp/v1/status-lists/{LIST}"


def get_status_list(world: World, call: Call) -> str:
    """The list, signed."""
    if call.parts["list_id"] != LIST:
        raise Refusal("not_found", name="list_id", where="path")
    return _list(world, world.key, world.fault != "status_list_for_ever")


def _list(world: World, key: OKPKey, ends: bool = True) -> str:
    raw = bytearray(PLACES // 4)
    for place, status in world.statuses.items():
        raw[place // 4] |= status << place % 4 * 2
    at = int(world.now().timestamp())
    listed = {"bits": 2, "lst": encoded(zlib.compress(bytes(raw)))}
    claims: Json = {"sub": _uri(world), "iat": at, "exp": at + 3600, "ttl": 60, "status_list": listed}
    if not ends:
        del claims["exp"]
    return _sign(key, sd_jwt.LIST, claims)


def verify_certificate(world: World, call: Call) -> Json:
    """Whether a certificate holds."""
    body, keys = call.body, {"keys": [_key(world).as_dict(private=False)]}
    now, listed = world.now().timestamp(), _list(world, _key(world))
    found = sd_jwt.verify(body["certificate"], keys, now, listed, body.get("nonce"), body.get("audience"))
    reasons = list(found.reasons)
    if world.fault == "verifies_anything" and reasons == ["disclosure_invalid"]:
        reasons = []
    if world.fault == "verifies_unbound" and reasons == ["holder_proof_missing"]:
        reasons = []
    answer: Json = {"valid": not reasons, "reasons": reasons, "holder_proven": found.holder_proven}
    return answer | ({"claims": found.claims} if found.claims else {})
