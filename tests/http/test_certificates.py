"""Certificates of ownership, over real sockets: verified by the reference library, by the suite and by the gateway."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey
from jwcrypto.jwk import JWK
from sd_jwt.holder import SDJWTHolder
from sd_jwt.verifier import SDJWTVerifier

import spec
from gateway.core import sd_jwt
from gateway.core.wire import base64url
from gateway.http.jose import client_registry
from tests.fixtures.gateway import RunningGateway, TestChannel, call
from tests.http.owning import buy, certificate, claims_of, only

VENUE = "https://venue.example"
ALL = {"entitlement_id", "product_id", "product_name", "product_kind", "acquired_at", "channel", "price",
       "order_id"}  # fmt: skip


async def keys(gateway: RunningGateway) -> Any:
    """What the reference library asks for: the key of an issuer and a header."""
    published = (await call("GET", f"{gateway.api}/oauth/jwks")).json["keys"]

    def find(issuer: str, header: dict[str, Any]) -> JWK:
        assert (issuer, header["typ"], header["alg"]) == (gateway.url, "dc+sd-jwt", "EdDSA")
        return JWK.from_json(json.dumps(next(one for one in published if one["kid"] == header["kid"])))

    return find


async def verdict(shop: TestChannel, shown: str, **asked: str) -> dict[str, Any]:
    """The gateway's own."""
    answer = await shop.post("/certificates/verify", {"certificate": shown, **asked})
    assert answer.status == 200, answer.body
    return dict(answer.json)


def holder() -> tuple[OKPKey, dict[str, Any]]:
    """A holder's key, and its public members."""
    key = OKPKey.generate_key("Ed25519")
    return key, {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}


def bound(shown: str, key: OKPKey | ECKey, alg: str, nonce: str, age: int = 0, typ: str = "kb+jwt") -> str:
    """A presentation with its key binding."""
    said = {"iat": int(time.time()) - age, "aud": VENUE, "nonce": nonce, "sd_hash": sd_jwt.digest(shown)}
    header = {"alg": alg, "typ": typ}
    return shown + jws.serialize_compact(header, json.dumps(said).encode(), key, registry=client_registry)


async def test_the_reference_library_verifies_ours(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-014, OWN-015: with all disclosures, with the product alone, and with none."""
    one = await buy(shop, await gateway.offer(codes=["SECRET"], product_name="Ölfarben 画"))
    text, find = await certificate(shop, one["id"]), await keys(gateway)
    everything = SDJWTVerifier(text, find).get_verified_payload()
    assert everything.keys() >= ALL
    assert (everything["product_name"], everything["order_id"]) == ("Ölfarben 画", one["order_id"])
    assert spec.validator("CertificateClaims").errors(everything) == []
    shown = SDJWTVerifier(only(text, "product_id"), find).get_verified_payload()
    assert (shown["product_id"], shown.keys() & ALL) == (one["product"]["id"], {"product_id"})
    assert SDJWTVerifier(only(text), find).get_verified_payload().keys() & ALL == set()
    assert "SECRET" not in json.dumps(everything)
    assert one["buyer_id"] not in json.dumps(everything)


async def test_its_holder_chooses_and_binds(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-018, OWN-025: the library's holder shows one claim under a P-256 key; library and gateway accept it."""
    pair = JWK.generate(kty="EC", crv="P-256")
    public = {name: json.loads(pair.export_public())[name] for name in ("kty", "crv", "x", "y")}
    one = await buy(shop, await gateway.offer())
    text = await certificate(shop, one["id"], holder_key={**public, "kid": "hers", "use": "sig"})
    assert claims_of(text)["cnf"] == {"jwk": public}
    hers = SDJWTHolder(text)
    hers.create_presentation({"product_name": True}, "n-1", VENUE, pair, "ES256")
    shown = hers.sd_jwt_presentation
    found = SDJWTVerifier(shown, await keys(gateway), VENUE, "n-1").get_verified_payload()
    assert found.keys() & ALL == {"product_name"}
    seen = await verdict(shop, shown, nonce="n-1", audience=VENUE)
    assert (seen["valid"], seen["holder_proven"], seen["claims"]["product_name"]) == (True, True, "A game")
    for asked in ({"nonce": "n-2"}, {"audience": "https://elsewhere.example"}):
        assert (await verdict(shop, shown, **asked))["reasons"] == ["holder_proof_invalid"]


async def test_bindings_that_do_not_hold(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-025: of another key, too old, of another type, over other disclosures, or none where one is asked for."""
    key, public = holder()
    text = await certificate(shop, (await buy(shop, await gateway.offer()))["id"], holder_key=public)
    good = bound(only(text, "product_id"), key, "EdDSA", "n")
    assert (await verdict(shop, good, nonce="n"))["valid"] is True
    stranger, _ = holder()
    wrong = [
        bound(text, stranger, "EdDSA", "n"),
        bound(text, key, "EdDSA", "n", age=3600),
        bound(text, key, "EdDSA", "n", typ="JWT"),
        text + good.rpartition("~")[2],
    ]
    for one in wrong:
        assert (await verdict(shop, one, nonce="n"))["reasons"] == ["holder_proof_invalid"]
        assert (await verdict(shop, one))["valid"] is False
    assert (await verdict(shop, text, nonce="n"))["reasons"] == ["holder_proof_missing"]
    unbound = await certificate(shop, (await buy(shop, await gateway.offer()))["id"])
    assert (await verdict(shop, bound(unbound, key, "EdDSA", "n"), nonce="n"))["valid"] is False
    assert (await verdict(shop, unbound))["valid"] is True


async def test_what_is_not_ours(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-024: forged, tampered with, of foreign disclosures or another type, revoked, expired, and none at all."""
    one = await buy(shop, await gateway.offer())
    text, other = await certificate(shop, one["id"]), await certificate(shop, one["id"])
    head, payload, signature = text.partition("~")[0].split(".")
    rest = text.partition("~")[2]
    foreign = other.split("~")[1]
    lease = {"typ": "vgcp-lease+jwt", "alg": "EdDSA", "kid": claims_of(text)["iss"]}
    wrong = {
        "nothing": "malformed",
        "a.b.c~": "malformed",
        f"{head}.{payload[:-2]}AA.{signature}~{rest}": "signature_invalid",
        f"{text}{foreign}~": "disclosure_invalid",
        f"{text}{text.split('~')[1]}~": "disclosure_invalid",
        f"{text}!!~": "disclosure_invalid",
        jws.serialize_compact(lease, b"{}", OKPKey.generate_key("Ed25519"), registry=client_registry)
        + "~": "type_unknown",
    }
    for shown, reason in wrong.items():
        assert await verdict(shop, shown) == {"valid": False, "reasons": [reason], "holder_proven": False}
    await shop.post(f"/entitlements/{one['id']}/consume")
    seen = await verdict(shop, text)
    assert (seen["valid"], seen["reasons"], seen["claims"]["order_id"]) == (
        False,
        ["revoked"],
        one["order_id"],
    )
    await gateway.control("/clock", {"advance_seconds": 31 * 86_400})
    shop.forget_token()
    assert (await verdict(shop, text))["reasons"] == ["expired"]


async def test_what_nobody_would_write(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-024: a proof or a header that says what none says, and a disclosure too deep to be read, get a verdict."""
    key, public = holder()
    text = await certificate(shop, (await buy(shop, await gateway.offer()))["id"], holder_key=public)
    _head, payload, signature = text.partition("~")[0].split(".")

    def proof(payload: bytes) -> str:
        header = {"alg": "EdDSA", "typ": "kb+jwt"}
        return text + jws.serialize_compact(header, payload, key, registry=client_registry)

    odd = base64url(
        json.dumps({**jws.extract_compact(text.partition("~")[0].encode()).headers(), "crit": 5}).encode()
    )
    wrong = {
        proof(b"[]"): "holder_proof_invalid",
        proof(b'{"iat": "now"}'): "holder_proof_invalid",
        proof(b'{"iat": null}'): "holder_proof_invalid",
        f"{text}{odd}.{payload}.{signature}": "holder_proof_invalid",
        f"{odd}.{payload}.{signature}~": "signature_invalid",
        f"{text}{base64url(b'[' * 12_000)}~": "disclosure_invalid",
    }
    for shown, reason in wrong.items():
        assert (await verdict(shop, shown))["reasons"] == [reason]


async def test_a_reset_leaves_no_certificate(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-022, OWN-024: a sandbox that forgot a purchase stands by no proof of it, and gives its place to none."""
    old = await certificate(shop, (await buy(shop, await gateway.offer()))["id"])
    assert (await gateway.control("/reset")).status == 204
    assert (await verdict(shop, old))["valid"] is False
    new = await certificate(shop, (await buy(shop, await gateway.offer()))["id"])
    assert (await verdict(shop, new))["valid"] is True
    assert (await verdict(shop, old))["reasons"] == ["status_unknown"]
    assert claims_of(old)["status"] != claims_of(new)["status"]


async def test_certificates_cannot_be_joined(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-015, OWN-017, OWN-022: new salts each time, as many digests always, a place of one's own in the list."""
    one, two = [await buy(shop, await gateway.offer(), f"b{number}") for number in range(2)]
    first, again, other = [await certificate(shop, id_) for id_ in (one["id"], one["id"], two["id"])]
    digests = [claims_of(text)["_sd"] for text in (first, again, other)]
    assert [len({*found}) for found in digests] == [10, 10, 10]
    assert not {*digests[0]} & {*digests[1]}
    assert digests[0] == sorted(digests[0])
    places = [claims_of(text)["status"]["status_list"]["idx"] for text in (first, again, other)]
    assert places[0] == places[1] != places[2]
    assert abs(places[0] - places[2]) > 1


@pytest.mark.parametrize(
    ("key", "pointer"),
    [
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "/holder_key/kty"),
        ({"kty": "OKP", "crv": "X25519", "x": "AA"}, "/holder_key/crv"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "/holder_key/x"),
        ({"kty": "OKP", "crv": "Ed25519"}, "/holder_key/x"),
        ({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, "/holder_key/crv"),
        ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "/holder_key/x"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}, "/holder_key/d"),
    ],
    ids=["kind", "curve", "point", "empty", "other curve", "no point", "private"],
)
async def test_keys_that_are_refused(
    gateway: RunningGateway, shop: TestChannel, key: dict[str, str], pointer: str
) -> None:
    """OWN-018: named, and never repeated."""
    one = await buy(shop, await gateway.offer())
    answer = await shop.post(f"/entitlements/{one['id']}/certificates", {"holder_key": key})
    assert (answer.status, answer.code) == (422, "holder_key_invalid")
    assert answer.json["errors"][0]["pointer"] == pointer


async def test_where_the_keys_are(gateway: RunningGateway) -> None:
    """A verifier that knows the issuer finds the keys by it."""
    found = (await call("GET", f"{gateway.url}/.well-known/jwt-vc-issuer")).json
    assert found["issuer"] == gateway.url
    assert (await call("GET", found["jwks_uri"])).json["keys"]
