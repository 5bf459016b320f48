"""Id tokens of a real provider: discovery and keys over HTTP, rotation, outages; and the file that names it."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.core.errors import ProtocolError
from gateway.http.identity_providers import LIFE, PAUSE, Provider, Providers
from gateway.identity_providers import read_providers
from tests.fixtures.buyers import AUDIENCE, Issuer, resolved
from tests.fixtures.gateway import in_process
from tests.fixtures.openid import Login, listening

LINK = {"challenge": {"nonce": "n" * 32}}


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """A provider that listens."""
    async with listening() as made:
        yield made


class Timer:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def timer() -> Timer:
    """At its beginning."""
    return Timer()


@pytest.fixture
async def providers(login: Login, timer: Timer) -> AsyncIterator[Providers]:
    """That trust the login, by its discovery document."""
    async with aiohttp.ClientSession() as session:
        known = {login.issuer.issuer: Provider(login.issuer.issuer, AUDIENCE)}
        yield Providers(session, known, lambda: datetime.now(UTC), timer)


async def test_keys_are_fetched_once_and_again(login: Login, providers: Providers, timer: Timer) -> None:
    """By discovery, kept for an hour, and looked for when a token names a new one, but not at each bad token."""
    at = login.issuer.issuer
    claims = await providers.verify(at, login.issuer.token(LINK, "s1"))
    assert claims is not None
    assert (claims.issuer, claims.subject, claims.nonce) == (at, "s1", "n" * 32)
    assert await providers.verify(at, login.issuer.token(LINK, "s2")) is not None
    assert login.asked == 1
    login.issuer.key = Issuer().key
    assert await providers.verify(at, login.issuer.token(LINK, "s1")) is None
    timer.now = PAUSE
    assert await providers.verify(at, login.issuer.token(LINK, "s1")) is not None
    timer.now += LIFE
    await providers.verify(at, login.issuer.token(LINK, "s1"))
    assert login.asked == 3


async def test_keys_may_come_in_pieces(login: Login, providers: Providers) -> None:
    """As a body over a real network does."""
    login.pieces = 3
    assert await providers.verify(login.issuer.issuer, login.issuer.token(LINK, "s1")) is not None


async def test_a_slow_provider_holds_up_no_other(login: Login, timer: Timer) -> None:
    """Keys of one are looked for while those of another are on their way."""
    at, away = login.issuer.issuer, "http://127.0.0.1:1"
    known = {at: Provider(at, AUDIENCE), away: Provider(away, AUDIENCE, f"{at}/keys")}
    login.gate.clear()
    async with aiohttp.ClientSession() as session:
        both = Providers(session, known, lambda: datetime.now(UTC), timer)
        both.trust(at, AUDIENCE, login.issuer.jwks)
        slow = asyncio.create_task(both.verify(away, login.issuer.token(LINK, "s1")))
        while not login.asked:
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(both.verify(at, login.issuer.token(LINK, "s1")), 2) is not None
        login.gate.set()
        assert await slow is None


async def test_the_last_keys_serve_while_the_provider_is_away(
    login: Login, providers: Providers, timer: Timer
) -> None:
    """And without any, nothing is refused for it: the caller is told to come again."""
    login.away = True
    with pytest.raises(ProtocolError, match="unavailable"):
        await providers.verify(login.issuer.issuer, login.issuer.token(LINK, "s1"))
    login.away = False
    assert await providers.verify(login.issuer.issuer, login.issuer.token(LINK, "s1")) is not None
    login.away, timer.now = True, 2 * LIFE
    assert await providers.verify(login.issuer.issuer, login.issuer.token(LINK, "s1")) is not None


@pytest.mark.parametrize("token", ["", "x", "x.y.z", "é.é.é", "eyJhbGciOiJub25lIn0.e30."])
async def test_what_is_no_token_does_not_hold(login: Login, providers: Providers, token: str) -> None:
    """Whatever is sent."""
    assert await providers.verify(login.issuer.issuer, token) is None


async def test_a_shared_secret_is_no_signature(login: Login, providers: Providers) -> None:
    """HS256 by the bytes of the public key, the oldest trick there is."""
    header = {"alg": "HS256", "kid": login.issuer.key.kid}
    claims: dict[str, Any] = {"iss": login.issuer.issuer, "aud": AUDIENCE, "sub": "s1", "exp": 4_000_000_000}
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    mark = hmac.digest(login.issuer.key.as_pem(private=False), signed, "sha256")
    forged = f"{signed.decode()}.{urlsafe_b64encode(mark).rstrip(b'=').decode()}"
    assert await providers.verify(login.issuer.issuer, forged) is None


async def test_a_gateway_takes_tokens_of_the_providers_in_its_file(login: Login, tmp_path: Path) -> None:
    """IDN-011, from the merchant's file to a linked account."""
    path = tmp_path / "providers.yaml"
    path.write_text(f"identity_providers:\n- issuer: {login.issuer.issuer}\n  audience: {AUDIENCE}\n")
    with in_process(f"sqlite:///{tmp_path}/gateway.db", identity_providers=path) as gateway:
        shops = [await gateway.channel(name) for name in ("shop", "bot")]
        for shop in shops:
            mia = await resolved(shop, "mia")
            link = (await mia.begin("id_token", issuer=login.issuer.issuer)).json
            assert (await mia.confirm(link, id_token=login.issuer.token(link, "s1"))).status == 200
        assert (await mia.profile())["linked"] is True


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- x", "no list"),
        ("identity_providers: [1]", "no list"),
        ("{", "no YAML"),
        ("identity_providers: [{issuer: 'https://a.example'}]", "has no audience"),
        ("identity_providers: [{issuer: 'http://a.example', audience: x}]", "issuer is an https URL"),
        ("identity_providers: [{issuer: 'https://a.example', audience: x, jwks_uri: 'ftp://a'}]", "jwks_uri is"),
        ("identity_providers: [{issuer: 'https://a.example', audience: x, secret: y}]", "unknown: secret"),
        ("identity_providers: [{issuer: 'https://a.example', audience: x}, {issuer: 'https://a.example', audience: y}]",
         "twice"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, word: str) -> None:
    """At the start, in the operator's words."""
    path = tmp_path / "providers.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=word):
        read_providers(path)
