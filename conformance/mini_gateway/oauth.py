"""Access tokens: client credentials with a secret or a signed assertion (RFC 6749, 7523, 8414, 9068)."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from typing import Any
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import SCOPES, Client, Json, World, new_key

LIFE = 600  # seconds
ALGORITHMS = ["Ed25519", "ES256", "RS256"]
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="vgcp"'}


def metadata(world: World, call: Call) -> Json:
    """RFC 8414 metadata."""
    grants = ["password"] if world.fault == "metadata_grants" else ["client_credentials"]
    return {
        "token_endpoint": f"{world.url}/vgcp/v1/oauth/token",
        "jwks_uri": f"{world.url}/vgcp/v1/oauth/jwks",
        "issuer": world.url,
        "grant_types_supported": grants,
        "response_types_supported": [],
        "scopes_supported": list(SCOPES),
        "token_endpoint_auth_methods_supported": [
            "private_key_jwt",
            "client_secret_post",
            "client_secret_basic",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
    }


def jwks(world: World, call: Call) -> Json:
    """The public keys."""
    return published(world)


def published(world: World, private: bool = False) -> Json:
    """All keys, as a set; `private` as well only where that is what is wrong."""
    kept = [] if world.fault == "old_keys_dropped" else world.retired
    return {"keys": [one.as_dict(private=private, use="sig", alg="Ed25519") for one in (world.key, *kept)]}


def test_renew_keys(world: World, call: Call) -> None:
    """Sign with a new key from now on."""
    world.retired.append(world.key)
    world.key = new_key()


def token(world: World, call: Call) -> Json:
    """Issue a token; raises Refusal as RFC 6749 section 5.2 names it."""
    form = call.form
    if not form.get("grant_type"):
        raise Refusal("invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise Refusal("unsupported_grant_type")
    client = _authenticate(world, call)
    scopes = _scopes(world, client, form.get("scope", ""))
    life = 86_400 if world.fault == "long_tokens" else LIFE
    at = int(world.now().timestamp())
    claims = {
        "iss": world.url,
        "sub": client.id,
        "client_id": client.id,
        "aud": f"{world.url}/vgcp/v1",
        "iat": at,
        "exp": at + life,
        "jti": secrets.token_hex(12),
        "scope": " ".join(scopes),
    }
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": world.key.kid}
    value = jwt.encode(header, claims, world.key, algorithms=ALGORITHMS)
    return {"scope": claims["scope"], "token_type": "Bearer", "expires_in": life, "access_token": value}


def _scopes(world: World, client: Client, wished: str) -> list[str]:
    asked = wished.split() or list(client.scopes)
    if world.fault != "scopes_for_all" and not set(asked) <= set(client.scopes):
        raise Refusal("invalid_scope")
    return asked


def _authenticate(world: World, call: Call) -> Client:
    if call.form.get("client_assertion"):
        return _by_assertion(world, call.form)
    client_id, secret = call.form.get("client_id", ""), call.form.get("client_secret", "")
    if call.authorization.startswith("Basic ") and world.fault != "no_basic":
        client_id, secret = _basic(call.authorization)
    client = world.clients.get(client_id)
    right = client is not None and hmac.compare_digest(secret.encode(), client.secret.encode())
    if client is None or not (right or (world.fault == "any_secret" and secret)):
        raise Refusal("invalid_client", headers={"WWW-Authenticate": "Basic"})
    return client


def _basic(header: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(header[6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _by_assertion(world: World, form: Any) -> Client:
    fault = world.fault
    value = form["client_assertion"]
    try:
        claimed = json.loads(base64.urlsafe_b64decode(value.split(".")[1] + "=="))
        client = world.clients[claimed["sub"]]
        keys = KeySet.import_key_set(client.jwks)  # type: ignore[arg-type]
        claims = jwt.decode(value, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, KeyError, IndexError, TypeError) as error:
        raise Refusal("invalid_client", "the assertion cannot be verified") from error
    now = world.now().timestamp()
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    wanted = {world.url, f"{world.url}/vgcp/v1/oauth/token"}
    wrong = (
        form.get("client_assertion_type") != ASSERTION
        or fault == "no_assertions"
        or claims.get("iss") != client.id
        or (not wanted & set(named) and fault != "assertion_audience")
        or (not isinstance(claims.get("exp"), int | float))
        or (claims["exp"] <= now and fault != "assertion_expired")
        or not claims.get("jti")
        or (claims["jti"] in client.assertions and fault != "assertion_replay")
    )
    if wrong:
        raise Refusal("invalid_client", "the assertion is not acceptable")
    client.assertions.add(claims["jti"])
    return client


def bearer(world: World, authorization: str) -> tuple[Client, set[str]]:
    """The client and the scopes of a Bearer token; raises Refusal unauthenticated."""
    challenge = {} if world.fault == "no_challenge" else CHALLENGE
    kind, _, value = authorization.partition(" ")
    refusal = Refusal("unauthenticated", headers=challenge)
    if kind.lower() != "bearer" or not value:
        raise refusal
    try:
        claims = _claims(world, value)
        client = world.clients[claims["sub"]]
    except (JoseError, ValueError, KeyError, IndexError, TypeError) as error:
        raise refusal from error
    if claims.get("exp", 0) <= world.now().timestamp() and world.fault != "tokens_forever":
        raise refusal
    return client, set(str(claims.get("scope", "")).split())


def _claims(world: World, value: str) -> Json:
    if world.fault == "unsigned_tokens":
        claims: Json = json.loads(base64.urlsafe_b64decode(value.split(".")[1] + "=="))
        return claims
    return jwt.decode(value, KeySet([world.key, *world.retired]), algorithms=["Ed25519"]).claims
