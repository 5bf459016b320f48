"""What a buyer's browser does between a shop and an OpenID provider."""

from __future__ import annotations

import re
from html import unescape

from reference_channels.kit.openid import Provider
from tests.fixtures.openid import Login
from tests.reference_channels.plain import Browser


def provider(login: Login) -> Provider:
    """As a channel knows it."""
    return Provider("Lantern ID", login.issuer.issuer, login.issuer.audience, login.secret)


async def begun(browser: Browser) -> str:
    """Press the button; where she is sent."""
    await browser.go("/accounts")
    page = await browser.go("/accounts/provider", browser.form("/accounts/provider"))
    found = re.findall(r'<a class="button" href="(http[^"]+)"', page)
    return unescape(found[0]) if found else ""


async def brought_back(browser: Browser, there: str) -> str:
    """Sign in; the address at the shop, not opened yet, to which the provider sends her back."""
    async with browser.http.get(there, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        place = answer.headers["Location"]
    assert place.startswith(f"{browser.shop.url}/accounts/provider/return?")
    return place.removeprefix(browser.shop.url)


async def signed_in(browser: Browser) -> str:
    """There and back."""
    return await browser.go(await brought_back(browser, await begun(browser)))
