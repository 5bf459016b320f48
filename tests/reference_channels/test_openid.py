"""The kit's way to an OpenID provider and back, at one on loopback that holds it to the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from reference_channels.kit import openid
from reference_channels.kit.openid import Endpoints, Provider, SignInError
from tests.fixtures.openid import Login, listening
from tests.reference_channels.signing_in import provider

VERIFIER = "v" * 64
BACK = {"redirect_uri": "http://127.0.0.1:1/return"}
BASIC, POST = ["client_secret_basic", "client_secret_post"], ["client_secret_post"]


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """A provider that listens."""
    async with listening() as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """The channel's line."""
    async with aiohttp.ClientSession() as session:
        yield session


async def code_of(http: aiohttp.ClientSession, known: Provider, ends: Endpoints) -> str:
    """Of somebody who has signed in."""
    there = openid.address(known, ends, VERIFIER, state="s", nonce="n" * 32, **BACK)
    async with http.get(there, allow_redirects=False) as answer:
        return openid.code_in(known, ends, URL(answer.headers["Location"]).query)


@pytest.mark.parametrize(
    ("ways", "secret", "in_body"),
    [(None, "s &%", False), (BASIC, "s &%", False), (POST, "s &%", True), (BASIC, "", False)],
)
async def test_a_code_brings_an_id_token_once(
    http: aiohttp.ClientSession, login: Login, ways: list[str] | None, secret: str, in_body: bool
) -> None:
    """By PKCE, and by a secret in the way that the provider takes it, or as a client without one."""
    login.secret = secret
    login.discovery = {"token_endpoint_auth_methods_supported": ways} if ways else {}
    known = provider(login)
    ends = await openid.discover(http, known)
    asked = BACK | {"code": await code_of(http, known, ends)}
    assert await openid.id_token(http, known, ends, VERIFIER, **asked) == login.tokens[0]
    assert ("client_secret" in login.bodies[0]) is in_body
    with pytest.raises(SignInError, match="failed: HTTP 400"):
        await openid.id_token(http, known, ends, VERIFIER, **asked)


async def test_another_verifier_brings_nothing(http: aiohttp.ClientSession, login: Login) -> None:
    """RFC 7636: who has only the code has nothing."""
    known = provider(login)
    ends = await openid.discover(http, known)
    asked = BACK | {"code": await code_of(http, known, ends)}
    with pytest.raises(SignInError, match="failed: HTTP 400"):
        await openid.id_token(http, known, ends, "w" * 64, **asked)
    assert login.tokens == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "another issuer's"),
        ({"issuer": None}, "another issuer's"),
        ({"token_endpoint": "http://login.example/token"}, "no safe endpoints"),
        ({"token_endpoint": "http://[login.example/"}, "no safe endpoints"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no safe endpoints"),
        ({"authorization_endpoint": None}, "no safe endpoints"),
        ({"padding": "x" * openid.MOST_BYTES}, "too long"),
    ],
)
async def test_a_discovery_document_that_is_not_good_is_not_used(
    http: aiohttp.ClientSession, login: Login, said: dict[str, Any], words: str
) -> None:
    """Another issuer's, one that leads elsewhere than to https or this machine, and one without end."""
    login.discovery = said
    with pytest.raises(SignInError, match=f"failed: .*{words}"):
        await openid.discover(http, provider(login))


@pytest.mark.parametrize(("place", "words"), [("moved", "HTTP 307"), ("nothing", "HTTP 404")])
async def test_a_token_endpoint_that_leads_on_is_not_followed(
    http: aiohttp.ClientSession, login: Login, place: str, words: str
) -> None:
    """Code, verifier and secret do not travel along."""
    ends = await openid.discover(http, provider(login))
    wrong = dataclasses.replace(ends, token=f"{login.issuer.issuer}/{place}")
    with pytest.raises(SignInError, match=f"failed: {words}"):
        await openid.id_token(http, provider(login), wrong, VERIFIER, code="c", **BACK)
    assert login.bodies == []


async def test_a_provider_that_is_away_is_told_from_one_that_refuses(
    http: aiohttp.ClientSession, login: Login
) -> None:
    """It may work later."""
    known = provider(login)
    ends = await openid.discover(http, known)
    login.away = True
    for work in (
        openid.discover(http, known),
        openid.id_token(http, known, ends, VERIFIER, code="c", **BACK),
    ):
        with pytest.raises(SignInError) as told:
            await work
        assert told.value.reason == "unreachable"
    gone = dataclasses.replace(known, issuer="http://127.0.0.1:1")
    with pytest.raises(SignInError, match="unreachable: ClientConnectorError"):
        await openid.discover(http, gone)


@pytest.mark.parametrize(
    ("url", "issuer", "good"),
    [
        ("https://a.example/t", "https://a.example", True),
        ("http://127.0.0.1:9/t", "http://localhost:9", True),
        ("http://127.0.0.1:9/t", "https://a.example", False),
        ("http://a.example/t", "http://localhost:9", False),
        ("https:///t", "https://a.example", False),
        ("", "https://a.example", False),
    ],
)
def test_where_a_provider_may_be(url: str, issuer: str, good: bool) -> None:
    """https; http on this machine only for an issuer that is on it."""
    assert openid.safe(url, issuer) is good


def test_no_secret_is_shown() -> None:
    """Not even by mistake, in a log."""
    assert "hush" not in repr(Provider("A", "https://a.example", "c", "hush"))
