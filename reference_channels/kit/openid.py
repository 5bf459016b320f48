"""The way to an OpenID provider and back: Authorization Code Flow with PKCE (OpenID Connect Core 1.0 section 3.1,
RFC 7636, RFC 9207). The id token is the gateway's to verify; here nobody reads it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

import aiohttp
from yarl import URL

from reference_channels.kit.errors import Json

CONFIGURATION = "/.well-known/openid-configuration"
HERE = {"127.0.0.1", "localhost", "::1"}
MOST_BYTES, MOST_TOKEN = 256 * 1024, 16384
TIMEOUT = aiohttp.ClientTimeout(total=5)
# What a provider says when she refused, or when it cannot now (RFC 6749 section 4.1.2.1); all else is `failed`.
ERRORS = {
    "access_denied": "denied",
    "server_error": "unreachable",
    "temporarily_unavailable": "unreachable",
}


class SignInError(Exception):
    """Nobody has signed in. `reason`: `denied` (she did not want to), `unreachable` (later it may work), `failed`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Provider:
    """An issuer, what buyers know it as, and who the channel is there; without a secret it is a public client."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What a discovery document says: two URLs, whether answers name their issuer, and whether a secret goes into a
    header."""

    authorization: str
    token: str
    names_issuer: bool
    basic: bool


async def discover(http: aiohttp.ClientSession, provider: Provider) -> Endpoints:
    """The provider's endpoints (OpenID Connect Discovery 1.0 section 4). Raises SignInError."""
    found = await _ask(http, "GET", provider.issuer.rstrip("/") + CONFIGURATION)
    ends = [found.get("authorization_endpoint"), found.get("token_endpoint")]
    if found.get("issuer") != provider.issuer:
        raise SignInError("failed", "the discovery document is another issuer's")
    if not all(isinstance(end, str) and safe(end, provider.issuer) for end in ends):
        raise SignInError("failed", "the discovery document has no safe endpoints")
    ways = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    named = found.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(str(ends[0]), str(ends[1]), named, "client_secret_basic" in ways)


def safe(url: str, issuer: str = "http:") -> bool:
    """Whether it is https, or http on this machine for an issuer that is: who answers there says who she is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    here = parts.scheme == "http" and issuer.startswith("http:") and parts.hostname in HERE
    return bool(parts.hostname) and (parts.scheme == "https" or here)


def address(provider: Provider, ends: Endpoints, verifier: str, **asked: str) -> URL:
    """Where she signs in. `asked`: `redirect_uri`, `state`, `nonce`."""
    digest = hashlib.sha256(verifier.encode()).digest()
    asked |= {
        "response_type": "code",
        "scope": "openid",
        "client_id": provider.client_id,
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return URL(ends.authorization).update_query(asked)


def code_in(provider: Provider, ends: Endpoints, answer: Mapping[str, str]) -> str:
    """The code that she brings back from the provider. Raises SignInError, also for another issuer's answer."""
    issuer = answer.get("iss")
    if issuer != provider.issuer and (issuer is not None or ends.names_issuer):
        raise SignInError("failed", "another issuer's answer")
    if "error" in answer:
        raise SignInError(ERRORS.get(answer["error"], "failed"), "the provider answers with an error")
    if not answer.get("code"):
        raise SignInError("failed", "there is no code")
    return answer["code"]


async def id_token(
    http: aiohttp.ClientSession, provider: Provider, ends: Endpoints, verifier: str, **asked: str
) -> str:
    """The id token for a code. `asked`: `code`, `redirect_uri`. Raises SignInError."""
    form = {"grant_type": "authorization_code", "code_verifier": verifier, **asked}
    headers = {}
    if provider.client_secret and ends.basic:  # RFC 6749 section 2.3.1
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    else:
        form["client_id"] = provider.client_id
        form |= {"client_secret": provider.client_secret} if provider.client_secret else {}
    token = (await _ask(http, "POST", ends.token, data=form, headers=headers)).get("id_token")
    if not isinstance(token, str) or not 0 < len(token) <= MOST_TOKEN:
        raise SignInError("failed", "there is no id token")
    return token


async def _ask(http: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Json:
    """The JSON object of a good answer. Redirects are not followed: code and secret would travel along."""
    raw = b""
    try:
        async with http.request(method, url, timeout=TIMEOUT, allow_redirects=False, **options) as answer:
            async for piece in answer.content.iter_any():
                raw += piece
                if len(raw) > MOST_BYTES:
                    raise SignInError("failed", "the answer is too long")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SignInError("unreachable", type(error).__name__) from error
    if answer.status != 200:
        away = answer.status >= 500 or answer.status == 429
        raise SignInError("unreachable" if away else "failed", f"HTTP {answer.status}")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SignInError("failed", "the answer is no JSON") from error
    return found if isinstance(found, dict) else {}
