"""Tokens: how they are got, what they open, when they end."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from typing import Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey
from joserfc.jws import JWSRegistry

import spec
from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, call
from tests.http.shared import gateway

__all__ = ["gateway"]

GRANT = {"grant_type": "client_credentials"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def token(gateway: RunningGateway, form: dict[str, str], **headers: str) -> Answer:
    """What the token endpoint answers."""
    return await call("POST", f"{gateway.api}/oauth/token", data=form, headers=headers)


def basic(client: TestChannel) -> str:
    """An Authorization header."""
    return aiohttp.encode_basic_auth(client.client_id, client.client_secret)


def payload(access_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified."""
    parts = [part + "=" * (-len(part) % 4) for part in access_token.split(".")[:2]]
    header, claims = (json.loads(base64.urlsafe_b64decode(part)) for part in parts)
    return header, claims


async def test_metadata_and_keys_are_public(gateway: RunningGateway) -> None:
    """AUT-001, DSC-006, DSC-007: both documents name the same endpoints, and no private key member."""
    found = (await call("GET", f"{gateway.url}/.well-known/vgcp")).json
    metadata = (await call("GET", found["endpoints"]["authorization_server"])).json
    keys = (await call("GET", metadata["jwks_uri"])).json
    assert metadata["issuer"] == gateway.url
    assert metadata["token_endpoint"] == found["endpoints"]["token"] == f"{gateway.api}/oauth/token"
    assert keys == found["keys"]
    assert all("d" not in key for key in keys["keys"])


@pytest.mark.parametrize("method", ["basic", "post"])
async def test_a_client_secret_gets_a_token(gateway: RunningGateway, shop: TestChannel, method: str) -> None:
    """AUT-002, AUT-006: a JWT as RFC 9068 says, not to be kept by caches."""
    credentials = {"client_id": shop.client_id, "client_secret": shop.client_secret}
    if method == "basic":
        answer = await token(gateway, GRANT, Authorization=basic(shop))
    else:
        answer = await token(gateway, GRANT | credentials)
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 600)
    header, claims = payload(answer.json["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "EdDSA")
    assert claims["iss"] == gateway.url
    assert claims["sub"] == claims["client_id"] == shop.client_id
    assert claims["exp"] - claims["iat"] == 600
    assert set(claims["scope"].split()) == {
        "catalog",
        "inventory",
        "orders",
        "delivery",
        "events",
        "allotments",
        "identity",
        "consent",
        "ownership",
    }


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        (GRANT, "invalid_client"),
        (GRANT | {"client_id": "chn_nobody", "client_secret": "x"}, "invalid_client"),
        (GRANT | {"client_id": "\x00", "client_secret": "x"}, "invalid_client"),
        (GRANT | {"client_secret": "x"}, "invalid_client"),
        (GRANT | {"client_assertion": "x", "client_assertion_type": ASSERTION}, "invalid_client"),
        (GRANT | {"client_assertion": "x"}, "invalid_request"),
        (GRANT | {"client_assertion": "x", "client_secret": "y"}, "invalid_request"),
    ],
)
async def test_a_bad_token_request_has_its_own_error(
    gateway: RunningGateway, form: dict[str, str], code: str
) -> None:
    """RFC 6749 section 5.2, and a problem document in one."""
    answer = await token(gateway, form)
    problem = answer.json
    assert (problem["code"], problem["error"]) == (code, code), problem
    assert spec.validator("Problem").errors(problem) == []
    assert ("WWW-Authenticate" in answer.headers) == (answer.status == 401)


async def test_a_wrong_secret_looks_like_a_wrong_client(gateway: RunningGateway, shop: TestChannel) -> None:
    """AUT-005: nobody learns which clients there are."""
    forms = [
        GRANT | {"client_id": shop.client_id, "client_secret": "wrong"},
        GRANT | {"client_id": "chn_nobody", "client_secret": "wrong"},
    ]
    first, second = [(await token(gateway, form)).json for form in forms]
    for problem in (first, second):
        del problem["trace_id"], problem["request_id"]
    assert first == second


async def test_scopes_are_granted_only_as_registered(gateway: RunningGateway) -> None:
    """AUT-007, AUT-010."""
    reader = await gateway.channel("reader", scopes=["catalog"])
    refused = await token(gateway, GRANT | {"scope": "catalog orders"}, Authorization=basic(reader))
    assert refused.code == "invalid_scope"
    assert (await token(gateway, GRANT, Authorization=basic(reader))).json["scope"] == "catalog"
    assert (await reader.get("/offers")).status == 200
    answer = await reader.get("/orders")
    assert (answer.status, answer.code) == (403, "scope_missing")


async def test_a_narrower_token_opens_less(gateway: RunningGateway, shop: TestChannel) -> None:
    """AUT-010: it is the token that counts, not the client."""
    headers = {"Authorization": f"Bearer {await shop.token('events')}"}
    assert (await shop.get("/events", headers=headers)).status == 200
    assert (await shop.get("/orders", headers=headers)).code == "scope_missing"


def forged(good: str, gateway: RunningGateway) -> dict[str, str]:
    """Tokens that must not be taken."""
    header, claims = payload(good)
    stranger = OKPKey.generate_key("Ed25519", {"kid": header["kid"]})
    registry = JWSRegistry(algorithms=["Ed25519", "HS256"])

    def signed(**changes: Any) -> str:
        head = {"alg": "Ed25519", "typ": "at+jwt", "kid": header["kid"]}
        return jwt.encode(head, claims | changes, stranger, registry=registry)

    h, body, signature = good.split(".")
    wide = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    return {
        "another key": signed(),
        "another scope": f"{h}.{wide}.{signature}",
        "no signature": f"{none}.{body}.",
        "cut": good[:-4],
        "garbage": "garbage",
        "long": "x" * 10_000,
    }


async def test_a_token_that_this_gateway_did_not_sign_is_refused(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """AUT-013, AUT-008."""
    good = await shop.token()
    for name, bad in forged(good, gateway).items():
        answer = await shop.get("/offers", headers={"Authorization": f"Bearer {bad}"})
        assert (answer.status, answer.code) == (401, "unauthenticated"), name
    for header in ("", "Bearer", "Basic abc", good, "Bearer " + good + " x"):
        answer = await shop.get("/offers", headers={"Authorization": header})
        assert (answer.status, answer.code) == (401, "unauthenticated"), header


class Asserting:
    """A client with a key instead of a secret."""

    def __init__(self, gateway: RunningGateway, key: Any, alg: str) -> None:
        self.gateway, self.key, self.alg = gateway, key, alg
        self.client_id = ""

    async def register(self) -> None:
        """With the public key."""
        made = await self.gateway.channel("keyed", jwks=KeySet([self.key]).as_dict(private=False))
        self.client_id = made.client_id

    def assertion(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Valid unless changed; None leaves a claim out."""
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self.gateway.api}/oauth/token",
            "exp": int(time.time()) + 60,
            "jti": uuid.uuid4().hex,
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        header = header or {"alg": self.alg, "kid": self.key.kid}
        return jwt.encode(header, claims, self.key, registry=JWSRegistry(algorithms=[self.alg]))

    async def ask(self, assertion: str) -> Answer:
        """For a token."""
        form = GRANT | {"client_assertion_type": ASSERTION, "client_assertion": assertion}
        return await token(self.gateway, form)


@pytest.fixture
async def keyed(gateway: RunningGateway) -> Asserting:
    """A registered one."""
    client = Asserting(gateway, OKPKey.generate_key("Ed25519", {"kid": "k1"}), "Ed25519")
    await client.register()
    return client


async def test_a_signed_assertion_gets_a_token(gateway: RunningGateway, keyed: Asserting) -> None:
    """AUT-003: addressed to the endpoint or to the issuer, alone or among others."""
    for audience in (f"{gateway.api}/oauth/token", gateway.url, ["https://else.example", gateway.url]):
        answer = await keyed.ask(keyed.assertion(aud=audience))
        assert answer.status == 200, answer.body
    curve = Asserting(gateway, ECKey.generate_key("P-256", {"kid": "k2"}), "ES256")
    await curve.register()
    assert (await curve.ask(curve.assertion())).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 99_999_999_999},
        {"nbf": 99_999_999_999},
        {"aud": "https://else.example"},
        {"aud": None},
        {"iss": "chn_else"},
        {"sub": "chn_else"},
        {"jti": None},
    ],
)
async def test_a_wrong_assertion_is_refused(keyed: Asserting, changes: dict[str, Any]) -> None:
    """AUT-004, RFC 7523 section 3."""
    answer = await keyed.ask(keyed.assertion(**changes))
    assert (answer.status, answer.code) == (401, "invalid_client"), answer.body


async def test_an_assertion_is_good_once(keyed: Asserting) -> None:
    """AUT-004: a replay is refused."""
    assertion = keyed.assertion()
    assert (await keyed.ask(assertion)).status == 200
    assert (await keyed.ask(assertion)).code == "invalid_client"


async def test_an_assertion_by_another_key_is_refused(gateway: RunningGateway, keyed: Asserting) -> None:
    """Also by a key with the same id, and by the public key taken for a shared secret."""
    stranger = Asserting(gateway, OKPKey.generate_key("Ed25519", {"kid": "k1"}), "Ed25519")
    stranger.client_id = keyed.client_id
    assert (await keyed.ask(stranger.assertion())).code == "invalid_client"
    head, claims, _ = keyed.assertion().split(".")
    head = encoded({"alg": "HS256", "kid": "k1"})
    public = base64.urlsafe_b64decode(keyed.key.as_dict(private=False)["x"] + "=")
    mac = hmac.digest(public, f"{head}.{claims}".encode(), "sha256")
    forged_by_hmac = f"{head}.{claims}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert (await keyed.ask(forged_by_hmac)).code == "invalid_client"


def encoded(part: dict[str, Any]) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def test_an_assertion_need_not_name_its_key(gateway: RunningGateway) -> None:
    """Whichever of the client's keys fits will do; keys that make no sense are no way in."""
    keys = [OKPKey.generate_key("Ed25519", {"kid": "a"}), ECKey.generate_key("P-256", {"kid": "b"})]
    made = await gateway.channel("keyed", jwks=KeySet(keys).as_dict(private=False))
    client = Asserting(gateway, keys[1], "ES256")
    client.client_id = made.client_id
    assert (await client.ask(client.assertion(header={"alg": "ES256"}))).status == 200
    odd = await gateway.channel("odd", jwks={"keys": [{"kty": "odd", "kid": "b"}]})
    client.client_id = odd.client_id
    assert (await client.ask(client.assertion())).code == "invalid_client"
