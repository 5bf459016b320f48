"""The gateway's signing keys: sealed, published, replaced with an overlap."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.core.errors import ProtocolError
from gateway.core.signing_keys import OVERLAP, PUBLISHED_BEFORE
from gateway.http.keys import KeyRing
from gateway.http.services import Clock
from gateway.http.tokens import CACHE_SIZE, Tokens
from gateway.storage.combiner import Combiner
from gateway.storage.engine import open_engine
from gateway.storage.queries import DatabaseQueries
from gateway.storage.vault import AesVault
from tests.fixtures.gateway import VAULT_KEYS, RunningGateway, TestChannel, call
from tests.http.owning import buy, certificate

ISSUER = "https://gateway.example"


class Two:
    """Two processes' rings over one database."""

    def __init__(self, first: KeyRing, second: KeyRing) -> None:
        self.first, self.second = first, second
        self.clock = Clock()


@pytest.fixture
async def rings(database_url: str) -> AsyncIterator[Two]:
    """The second is loaded after the first has made the first key."""
    engine = open_engine(database_url)
    combiner, queries, vault = Combiner(engine), DatabaseQueries(engine), AesVault(VAULT_KEYS)
    two = Two(KeyRing(queries, combiner, vault), KeyRing(queries, combiner, vault))
    await two.first.load(two.clock.now())
    await two.second.load(two.clock.now())
    yield two
    await combiner.close()
    await engine.close()


def tokens(ring: KeyRing) -> Tokens:
    """Over this ring."""
    return Tokens(ring, ISSUER, ISSUER + "/vgcp/v1", 600)


async def test_the_first_key_is_made_once_and_never_published_with_its_private_part(rings: Two) -> None:
    """DSC-007; a second process takes the key that is there."""
    assert rings.first.kid == rings.second.kid
    assert rings.first.public == rings.second.public
    (published,) = rings.first.public["keys"]
    assert published["kid"] == rings.first.kid
    assert "d" not in published


async def test_a_rotation_is_noticed_by_nobody(rings: Two) -> None:
    """A new key is published first and signs later; what the old one signed is good until it has expired."""
    now, old_kid = rings.clock.now(), rings.first.kid
    old = tokens(rings.first).issue("chn_1", ["orders"], now, "j1")
    new_kid = await rings.first.rotate(now)
    assert len(rings.first.public["keys"]) == 2
    assert rings.first.kid == old_kid
    later = now + PUBLISHED_BEFORE
    await rings.second.load(later)
    assert rings.second.kid == new_kid
    new = tokens(rings.second).issue("chn_1", ["orders"], now, "j2")
    for ring in (rings.first, rings.second):
        assert (await tokens(ring).verify(old, now)).channel_id == "chn_1"
        assert (await tokens(ring).verify(new, now)).scopes == {"orders"}
    await rings.second.load(now + OVERLAP)
    assert [key["kid"] for key in rings.second.public["keys"]] == [new_kid]
    with pytest.raises(ProtocolError):
        await tokens(rings.second).verify(old, now + OVERLAP)


async def test_a_token_under_a_key_that_is_new_here_is_looked_up_once(rings: Two) -> None:
    """Another process made the key a moment ago; who sends rubbish does not have the keys read each time."""
    now = rings.clock.now()
    await rings.first.rotate(now)
    row = rings.first._rows[-1]
    rings.first._take([row], now)
    token = tokens(rings.first).issue("chn_1", ["orders"], now, "j")
    assert row.id not in [key["kid"] for key in rings.second.public["keys"]]
    assert (await tokens(rings.second).verify(token, now)).channel_id == "chn_1"
    looked = rings.second._looked
    with pytest.raises(ProtocolError):
        await tokens(rings.second).verify("a.b.c", now)
    assert rings.second._looked == looked


async def test_the_cache_of_tokens_respects_expiry_and_is_bounded(rings: Two) -> None:
    """AUT-009: a token that was verified a moment ago is refused once its time is over."""
    now, issuing = rings.clock.now(), tokens(rings.first)
    token = issuing.issue("chn_1", ["orders"], now, "j")
    assert await issuing.verify(token, now) is await issuing.verify(token, now)
    with pytest.raises(ProtocolError) as caught:
        await issuing.verify(token, now + timedelta(seconds=600))
    assert caught.value.code == "unauthenticated"
    some = await issuing.verify(token, now)
    issuing._cache = {str(number): some for number in range(CACHE_SIZE)}
    await issuing.verify(token, now)
    assert len(issuing._cache) <= CACHE_SIZE


async def test_a_token_for_somebody_else_is_refused(rings: Two) -> None:
    """RFC 9068 section 4: issuer and audience are ours."""
    now = rings.clock.now()
    for issuer, audience in (("https://else.example", ISSUER + "/vgcp/v1"), (ISSUER, "https://else.example")):
        token = Tokens(rings.first, issuer, audience, 600).issue("chn_1", ["orders"], now, "j")
        with pytest.raises(ProtocolError):
            await tokens(rings.first).verify(token, now)


async def test_a_sandbox_renews_its_key(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-023: what the old key has signed is known by it still; the new one signs once everybody can know it."""
    one = await buy(shop, await gateway.offer())
    kids = [kid_of(await certificate(shop, one["id"]))]
    assert (await gateway.control("/keys/renew")).status == 204
    assert kid_of(await certificate(shop, one["id"])) == kids[0]
    await gateway.control("/clock", {"advance_seconds": 121})
    kids.append(kid_of(await certificate(shop, one["id"])))
    for days, known in ((29, kids), (2, kids[1:])):
        await gateway.control("/clock", {"advance_seconds": days * 86_400})
        found = (await call("GET", f"{gateway.api}/oauth/jwks")).json["keys"]
        assert [each["kid"] for each in found] == known
    assert kids[0] != kids[1]


def kid_of(text: str) -> str:
    """The key that a certificate names."""
    head = text.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
