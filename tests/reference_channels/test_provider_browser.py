"""Linking by an OpenID provider in Chromium: from two shops to a provider on another site, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from tests.fixtures.browser import NEEDED
from tests.fixtures.gateway import RunningGateway
from tests.fixtures.openid import Login, listening
from tests.reference_channels.browsing import EACH, Window, opened
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.test_provider_pages import providers, real

pytestmark = NEEDED
WORDS = {"en": "Sign-in with a provider", "zh": "通过身份提供方登录"}
__all__ = ["providers", "real"]


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """By another name than the shops, so that the way back crosses sites; it asks before it lets anybody back."""
    async with listening("localhost") as made:
        made.asks = True
        yield made


async def stay(route: Route) -> None:
    """Have the page that moves on stay where it is."""
    await route.fulfill(status=204)


async def looked_at(window: Window, login: Login) -> None:
    """The page that moves on, when it does not; and from there on by its link."""
    there = f"{login.issuer.issuer}/**"
    await window.page.route(there, stay)
    await window.press("form[action$='/provider'] button")
    await window.accessible("on the way")
    await window.page.unroute(there)
    await window.press("main a.button")


async def walked(window: Window, login: Login, words: str, look: bool) -> None:
    """From the shop to the provider and back, by keyboard: refused once, then signed in."""
    page = window.page
    await page.goto(f"{window.shop.url}/accounts")
    await window.accessible("a provider")
    login.refuses = "access_denied"
    if look:
        await looked_at(window, login)
    else:
        await window.press("form[action$='/provider'] button")
    await page.wait_for_url(f"{login.issuer.issuer}/authorize**")
    await window.press("a")
    assert await page.locator("section:has(#provider) [role=alert]").count() == 1
    await window.accessible("refused")
    login.refuses = ""
    await window.press("form[action$='/provider'] button")
    await page.wait_for_url(f"{login.issuer.issuer}/authorize**")
    assert await page.evaluate("() => document.referrer") == ""
    await window.press("a")
    assert page.url == f"{window.shop.url}/accounts#links"
    assert await page.inner_text("#link-1") == words


async def test_there_and_back_by_keyboard(
    real: RunningGateway, shops: list[RunningShop], chromium: Browser, login: Login
) -> None:
    """Nothing of the shop's policy is in the way, and the session's cookie comes back from the other site."""
    for shop, each in zip(shops, EACH, strict=True):
        options: dict[str, Any]
        options, language = each.values
        await shop.sync()
        async with opened(chromium, shop, **options) as window:
            await walked(window, login, WORDS[language], look=language == "en")
            assert all(url.startswith(login.issuer.issuer) for url in window.foreign)
            assert not window.said
    assert [len(login.tokens), len(login.bodies)] == [2, 2]
