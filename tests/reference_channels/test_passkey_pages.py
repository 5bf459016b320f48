"""Linking by a passkey on the shop's pages, without JavaScript, at a gateway that the suite plays."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from conformance.driver.faults import Fault
from conformance.driver.played_gateway import PlayedGateway
from tests.reference_channels.ada import Ada
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.test_pages import Browser


@pytest.fixture
async def ada(lumen: RunningShop, played: PlayedGateway) -> AsyncIterator[Ada]:
    """She has bought Harbour Nights."""
    async with Ada(lumen) as browser:
        await browser.shops(played)
        yield browser


async def test_linking_by_a_passkey(played: PlayedGateway, ada: Ada) -> None:
    """Begun by her, on a page of the gateway; the code that it shows is entered here, mistyped once."""
    await ada.go("/accounts")
    page = await ada.press("/passkey")
    assert "The next page is the merchant&#39;s, 127.0.0.1" in page
    (link,) = played.world.links.values()
    (way,) = re.findall(r'<a [^>]*href="http[^>]*>', page)
    assert (link["document"]["kind"], link["told"]["passkey"]["url"] in way) == ("passkey", True)
    assert 'target="_blank" rel="noopener noreferrer"' in way
    assert link["secret"] not in page
    assert "Use a passkey" not in page, "one at a time"
    assert "This code is not right" in await ada.press("/confirm", code="zzzz-zzzz")
    assert ada.status == 422
    assert "Passkey" in await ada.press("/confirm", code=link["secret"])
    assert link["document"]["status"] == "confirmed"
    assert "Since" in ada.html


async def test_the_way_to_the_page_of_passkeys_is_told_once(played: PlayedGateway, ada: Ada) -> None:
    """It is in one answer that nobody may keep or pass on, and in no log and no table of the shop."""
    await ada.go("/accounts")
    await ada.press("/passkey")
    assert ada.headers["Cache-Control"] == "no-store"
    assert ada.headers["Referrer-Policy"] == "no-referrer"
    (link,) = played.world.links.values()
    assert link["told"]["passkey"]["url"] in ada.html
    assert "begin again" in await ada.go("/accounts")
    ticket = link["told"]["passkey"]["url"].partition("#")[2]
    await ada.press("/confirm", code=link["secret"])
    logged = "\n".join(ada.shop.parts.ring.lines)
    kept = await ada.shop.parts.db.run(lambda db: "\n".join(db.iterdump()))
    for secret in (ticket, link["secret"]):
        assert secret not in ada.html + logged + kept


async def test_a_link_by_passkey_is_taken_up_again_or_dropped(played: PlayedGateway, ada: Ada) -> None:
    """Whoever comes back can enter the code, or drop it and begin again."""
    await ada.go("/accounts")
    await ada.press("/passkey")
    (dropped,) = played.world.links.values()
    await ada.go("/accounts")
    assert "Use a passkey" in await ada.press("/unlink")
    assert dropped["document"]["status"] == "ended"
    await ada.press("/passkey")
    await ada.go("/accounts")
    link = list(played.world.links.values())[-1]
    await ada.press("/confirm", code=link["secret"])
    assert link["document"]["status"] == "confirmed"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("link_limit_reached", "That was too often for now"),
        ("link_kind_not_supported", "This way is not available"),
    ],
)
async def test_a_passkey_that_is_refused_is_told(
    played: PlayedGateway, ada: Ada, code: str, words: str
) -> None:
    """In plain words, beside the button, and it can be tried again."""
    played.faults.append(Fault(("create_link",), "", code=code, retry_after=3600))
    await ada.go("/accounts")
    page = await ada.press("/passkey")
    assert words in page.partition('id="passkey"')[2].partition("</section>")[0]
    assert ada.status == 422
    assert "Use your passkey" in await ada.press("/passkey")


async def test_a_link_that_ended_meanwhile_is_told(played: PlayedGateway, ada: Ada) -> None:
    """The code comes too late: it is said so, and she can begin again."""
    await ada.go("/accounts")
    await ada.press("/passkey")
    (link,) = played.world.links.values()
    link["document"]["status"] = "ended"
    page = await ada.press("/confirm", code=link["secret"])
    assert page.count("has expired or was used already") == 1
    assert "Use a passkey" in page


async def test_what_was_mistyped_is_told_where_it_was(played: PlayedGateway, ada: Ada) -> None:
    """Two codes are awaited; only the field with the wrong one is marked."""
    await ada.go("/accounts")
    await ada.press("/mail", email="ada@shop.example")
    await ada.press("/passkey")
    mailed, _ = played.world.links.values()
    await ada.press(f"{mailed['document']['id']}/confirm", code="zzzz-zzzz")
    assert ada.html.count('aria-invalid="true"') == 1
    assert re.search(r'id="mailed-code-1"[^>]*aria-invalid', ada.html)


async def test_passkeys_are_offered_where_the_gateway_has_them(
    played: PlayedGateway, lumen: RunningShop
) -> None:
    """Where it does not declare them there is no such button, and nothing is asked for."""
    played.without = ("passkeys",)
    await lumen.sync()
    async with Browser(lumen) as browser:
        page = await browser.go("/accounts")
        assert "Send me a code" in page
        assert "passkey" not in page
        await browser.go("/accounts/passkey", {"csrf": browser.form("/mail")["csrf"]})
        assert browser.status == 404
    assert played.transcript.all(operation="create_link") == []
