"""Linking by a passkey in Chromium: from the shop to the gateway's page and back, with an authenticator of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.fixtures.browser import NEEDED
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import RunningGateway, in_process
from tests.http.test_passkey_page import AUTHENTICATOR, Visit
from tests.reference_channels.browsing import EACH, Window, opened
from tests.reference_channels.conftest import RunningShop

pytestmark = NEEDED
WORDS = {
    "en": {"open": "Open the merchant's page", "ask": "Use my passkey", "linked": "Passkey"},
    "zh": {"open": "打开商家页面", "ask": "使用我的通行密钥", "linked": "通行密钥"},
}


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[RunningGateway]:
    """A gateway that is called by a name, which passkeys want."""
    with in_process(sqlite_database(tmp_path, sqlite_template), host="localhost") as running:
        yield running


async def opened_page(window: Window, passkeys: list[Any]) -> Visit:
    """The gateway's page in a tab of its own, on a device with these passkeys."""
    context = window.page.context
    await window.reach("a[target='_blank']")
    async with context.expect_page() as opening:
        await window.page.keyboard.press("Enter")
    page = await opening.value
    cdp = await context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    device = (await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR}))[
        "authenticatorId"
    ]
    for each in passkeys:
        await cdp.send("WebAuthn.addCredential", {"authenticatorId": device, "credential": each})
    return Visit(page, cdp, device)


async def linked(window: Window, words: dict[str, str], passkeys: list[Any]) -> list[Any]:
    """By keyboard from the shop to the page, with these passkeys or a new one, and back; those on the device then."""
    page = window.page
    await page.goto(f"{window.shop.url}/accounts")
    await window.press("form[action$='/passkey'] button")
    assert words["open"] in await page.inner_text("main")
    visit = await opened_page(window, passkeys)
    assert await visit.page.evaluate("() => [window.opener, document.referrer]") == [None, ""]
    assert words["ask"] in await visit.page.inner_text("main")
    await visit.press("#use" if passkeys else "#make")
    code, found = await visit.code(), await visit.passkeys()
    await visit.page.close()
    await window.reach("#opened-code-1")
    await page.keyboard.type(code)
    await window.press("form[action$='/confirm'] button")
    assert await page.inner_text("#link-1") == words["linked"]
    await window.accessible("linked")
    return found


async def profiles(shops: list[RunningShop]) -> list[dict[str, Any]]:
    """Of the one buyer of each shop."""
    read = "select id from buyers"
    found = []
    for shop in shops:
        rows = await shop.parts.db.run(lambda db: db.execute(read).fetchall())
        client = await shop.parts.link.client()
        found += [await client.get_buyer(row[0]) for row in rows]
    return found


@pytest.mark.parametrize(("options", "language"), EACH)
async def test_from_two_shops_to_the_page_and_back(
    real: RunningGateway, shops: list[RunningShop], chromium: Browser, options: dict[str, Any], language: str
) -> None:
    """PSK-001: a passkey that is made on the way from one shop and used on the way from the other joins the two."""
    passkeys: list[Any] = []
    for shop in shops:
        await shop.sync()
        async with opened(chromium, shop, **options) as window:
            passkeys = await linked(window, WORDS[language], passkeys)
            assert not window.foreign
            assert not window.said
            assert await window.page.evaluate("() => [localStorage.length, sessionStorage.length]") == [0, 0]
    assert len(passkeys) == 1
    assert [each["linked"] for each in await profiles(shops)] == [True, True]
