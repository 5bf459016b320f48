"""Linking by an OpenID provider on the shop's pages, without JavaScript, at the gateway of this repository and at one
that the suite plays."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from conformance.driver.faults import Fault
from conformance.driver.played_gateway import PlayedGateway
from reference_channels.kit.openid import Provider
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import RunningGateway, in_process
from tests.fixtures.openid import SECRET, Login, listening
from tests.reference_channels.ada import Ada
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.plain import Browser
from tests.reference_channels.scripted import ScriptedGateway
from tests.reference_channels.signing_in import begun, brought_back, provider, signed_in
from tests.reference_channels.test_real_buyers import bought

LINKED = 'id="link-1">Sign-in with a provider'
DENIED, AWAY = "You did not sign in", "The provider cannot be reached"
FAILED, EXPIRED = "This sign-in could not be accepted", "This sign-in has expired"


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """A provider that listens."""
    async with listening() as made:
        yield made


@pytest.fixture
async def providers(login: Login) -> Sequence[Provider]:
    """Every shop knows it."""
    return [provider(login)]


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path, login: Login) -> AsyncIterator[RunningGateway]:
    """A gateway that trusts it, with the client id of the shops as audience."""
    path = tmp_path / "identity.yaml"
    row = {"issuer": login.issuer.issuer, "audience": login.issuer.audience}
    path.write_text(f"identity_providers: [{row}]")
    with in_process(sqlite_database(tmp_path, sqlite_template), identity_providers=path) as running:
        yield running


@pytest.fixture
async def ada(real: RunningGateway, shops: list[RunningShop]) -> AsyncIterator[Ada]:
    """She has bought in the first shop."""
    async with Ada(shops[0]) as browser:
        await bought(real, browser, "Harbour")
        yield browser


def told(browser: Browser) -> str:
    """What is said among the ways to link by a provider."""
    section = browser.html.partition('id="provider"')[2].partition("</section>")[0]
    found = re.findall(r'role="alert">([^<]+)<', section)
    assert len(found) <= 1
    return str(found[0]) if found else ""


async def test_linked_by_the_same_user_of_a_provider(
    real: RunningGateway, shops: list[RunningShop], ada: Ada, login: Login
) -> None:
    """IDN-011: signed in from both shops, her accounts are one; the end of a link parts them again."""
    async with Ada(shops[1]) as there:
        await bought(real, there, "Teahouse")
        for browser in (ada, there):
            assert LINKED in await signed_in(browser)
            assert (browser.path, told(browser)) == ("/accounts", "")
        await there.go("/data")
        await there.press("/data/personalisation", scope="all_channels")
        assert "Teahouse" in await ada.go("/goods")
        await ada.go("/accounts")
        await ada.press("/unlink")
        assert "Teahouse" not in await ada.go("/goods")
    assert len(login.tokens) == 2


async def test_another_user_of_the_provider_is_another_buyer(
    real: RunningGateway, shops: list[RunningShop], ada: Ada, login: Login
) -> None:
    """Each proves herself only."""
    assert LINKED in await signed_in(ada)
    login.subject = "s2"
    async with Ada(shops[1]) as ben:
        await bought(real, ben, "Teahouse")
        assert LINKED in await signed_in(ben)
        await ben.go("/data")
        await ben.press("/data/personalisation", scope="all_channels")
    assert "Teahouse" not in await ada.go("/goods")


async def test_what_goes_by_is_kept_nowhere(real: RunningGateway, ada: Ada, login: Login) -> None:
    """Code, verifier, id token and secrets are on no page, in no log and in no table of the shop."""
    there = await begun(ada)
    assert ada.headers["Refresh"] == f"0; url={there}"
    assert (ada.headers["Referrer-Policy"], ada.headers["Cache-Control"]) == ("no-referrer", "no-store")
    pages = ada.html
    back = await brought_back(ada, there)
    pages += await ada.go(back)
    assert LINKED in pages
    (body,) = login.bodies
    state = URL(back).query["state"]
    assert state not in ada.html
    logged = "\n".join(ada.shop.parts.ring.lines) + b"".join(real.log_lines).decode()
    kept = await ada.shop.parts.db.run(lambda db: "\n".join(db.iterdump()))
    assert "/accounts/provider/return" in logged
    for secret in (body["code"], body["code_verifier"], login.tokens[0], SECRET):
        assert secret not in pages + logged + kept
    assert state not in logged + kept


async def test_a_way_back_is_good_once_and_in_one_browser(ada: Ada, login: Login) -> None:
    """State: made up, another's, hers, and hers again. Who is led to somebody else's way back is not linked to her."""
    back = await brought_back(ada, await begun(ada))
    for wrong in ("/accounts/provider/return", str(URL(back).update_query(state="x" * 43))):
        await ada.go(wrong)
        assert told(ada).startswith(EXPIRED)
    async with Browser(ada.shop) as ben:
        await ben.go("/accounts")
        await ben.go(back)
        assert told(ben).startswith(EXPIRED)
        assert "Nothing yet" in ben.html
    assert login.bodies == []
    assert LINKED in await ada.go(back)
    await ada.go(back)
    assert told(ada).startswith(EXPIRED)
    assert len(login.bodies) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", DENIED),
        ("temporarily_unavailable", AWAY),
        ("invalid_scope", FAILED),
        ("<b>", FAILED),
    ],
)
async def test_who_does_not_sign_in_is_not_linked(ada: Ada, login: Login, error: str, words: str) -> None:
    """It is said in plain words, beside the button, and she can begin again."""
    login.refuses = error
    await signed_in(ada)
    assert told(ada).startswith(words)
    assert login.bodies == []
    login.refuses = ""
    assert LINKED in await signed_in(ada)


@pytest.mark.parametrize(
    ("named", "iss"),
    [(True, "https://other.example"), (True, ""), (True, None), (False, "https://other.example")],
)
async def test_an_answer_of_another_issuer_is_not_taken(
    ada: Ada, login: Login, named: bool, iss: str | None
) -> None:
    """RFC 9207: its code goes to nobody. Where a provider names itself, an answer without a name is not its."""
    login.discovery, login.answers = {"authorization_response_iss_parameter_supported": named}, {"iss": iss}
    await signed_in(ada)
    assert told(ada).startswith(FAILED)
    assert login.bodies == []


async def test_a_provider_that_names_itself_nowhere_is_taken(ada: Ada, login: Login) -> None:
    """As most do."""
    login.discovery, login.answers = {"authorization_response_iss_parameter_supported": False}, {"iss": None}
    assert LINKED in await signed_in(ada)


async def test_another_code_brings_nothing(shops: list[RunningShop], ada: Ada, login: Login) -> None:
    """A stolen code in her own way back: the provider holds it against the verifier."""
    async with Ada(shops[0]) as thief:
        stolen = URL(await brought_back(ada, await begun(ada))).query["code"]
        back = URL(await brought_back(thief, await begun(thief))).update_query(code=stolen)
        await thief.go(str(back))
        assert told(thief).startswith(FAILED)
    assert login.tokens == []


@pytest.mark.parametrize("claims", [{"nonce": "n" * 32}, {"nonce": None}, {"aud": "another-client"}])
async def test_an_id_token_that_was_made_for_anything_else_links_nothing(
    ada: Ada, login: Login, claims: dict[str, Any]
) -> None:
    """IDN-031, IDN-033: the gateway says so, and the buyer is told in words for a sign-in, not for a code."""
    login.claims = claims
    await signed_in(ada)
    assert told(ada).startswith(FAILED)
    assert "Nothing yet" in ada.html


async def test_a_provider_that_is_away_is_told(ada: Ada, login: Login) -> None:
    """Before, where no link is begun for it, and on the way back."""
    login.away = True
    assert await begun(ada) == ""
    assert told(ada).startswith(AWAY)
    client = await ada.shop.parts.link.client()
    (row,) = await ada.shop.parts.db.run(lambda db: db.execute("select id from buyers").fetchall())
    assert (await client.list_links(row[0]))["items"] == []
    login.away = False
    back = await brought_back(ada, await begun(ada))
    login.away = True
    await ada.go(back)
    assert told(ada).startswith(AWAY)


async def test_a_sign_in_that_took_too_long_is_told(real: RunningGateway, ada: Ada, login: Login) -> None:
    """By the shop's clock, where the code goes to nobody any more, and by the gateway's."""
    back = await brought_back(ada, await begun(ada))
    ada.shop.parts.clock.advance(3600)
    await ada.go(back)
    assert told(ada).startswith(EXPIRED)
    assert login.bodies == []
    ada.shop.parts.clock.reset()
    back = await brought_back(ada, await begun(ada))
    await real.control("/clock", {"advance_seconds": 3600})
    await ada.go(back)
    assert told(ada).startswith(EXPIRED)


async def test_a_gateway_that_cannot_say_leaves_it_open(ada: Ada, login: Login) -> None:
    """It has no keys of the issuer now: she is told to look, and no page has the code in its address."""
    login.discovery = {"jwks_uri": "http://127.0.0.1:1/keys"}
    await signed_in(ada)
    assert told(ada).startswith("We could not finish this right now")
    assert ada.path == "/accounts?told=sign_in_unsure"
    assert "您" in await ada.go(f"{ada.path}&lang=zh")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("link_kind_not_supported", "This way is not available"),
        ("link_limit_reached", "That was too often for now"),
        ("entitlement_not_active", "That did not work"),
    ],
)
async def test_a_link_that_is_not_begun_is_told(
    played: PlayedGateway, lumen: RunningShop, code: str, words: str
) -> None:
    """An issuer that the gateway does not trust, too many links, and what nobody expects."""
    played.faults.append(Fault(("create_link",), "", code=code, retry_after=3600))
    await lumen.sync()
    async with Browser(lumen) as browser:
        assert await begun(browser) == ""
        assert told(browser).startswith(words)
        await browser.go("/accounts?told=a.b")
        assert told(browser).startswith("That did not work")


async def test_only_what_is_set_up_is_offered(
    gateway: ScriptedGateway, shop: RunningShop, lumen: RunningShop
) -> None:
    """An issuer that is not in the file is not there; nor is any, without buyers at the gateway. An error page repeats
    no code."""
    await lumen.sync()
    async with Browser(lumen) as browser:
        await browser.go("/accounts")
        fields = browser.form("/accounts/provider")
        await browser.go("/accounts/provider", fields | {"issuer": "https://other.example"})
        assert browser.status == 404
        await browser.go("/accounts/provider", fields | {"csrf": "x"})
        assert browser.status == 403
    await shop.sync()
    async with Browser(shop) as browser:
        assert "hush" not in await browser.go("/accounts/provider/return?code=hush&state=hush")
        assert browser.status == 404


@pytest.mark.parametrize("providers", [()])
async def test_without_providers_nothing_is_said_of_them(lumen: RunningShop) -> None:
    """Whatever an address says."""
    await lumen.sync()
    async with Browser(lumen) as browser:
        assert 'id="provider"' not in await browser.go("/accounts?told=sign_in_denied")
        await browser.go("/accounts/provider", {"csrf": browser.form("/mail")["csrf"]})
        assert browser.status == 404
