"""A browser without scripts, for the tests of the pages."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from tests.reference_channels.conftest import RunningShop


class Browser:
    """Cookies and forms, and no scripts."""

    def __init__(self, shop: RunningShop, language: str = "en") -> None:
        self.shop = shop
        jar = aiohttp.CookieJar(unsafe=True)
        self.http = aiohttp.ClientSession(cookie_jar=jar, headers={"Accept-Language": language})
        self.status, self.html, self.path = 0, "", ""
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def go(self, path: str, data: dict[str, str] | None = None) -> str:
        """Open a page or post a form, and follow where it leads."""
        method = "GET" if data is None else "POST"
        async with self.http.request(method, self.shop.url + path, data=data) as answer:
            self.status, self.headers, self.path = answer.status, dict(answer.headers), answer.url.path_qs
            self.html = await answer.text()
        return self.html

    def form(self, action: str) -> dict[str, str]:
        """The hidden and filled-in fields of the form with this action's end."""
        (form,) = re.findall(rf'<form[^>]*action="[^"]*{action}"[^>]*>(.*?)</form>', self.html, re.S)
        found = {}
        for tag in re.findall(r"<input[^>]*>", form):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            if attributes.get("type") != "checkbox":
                found[attributes["name"]] = unescape(attributes.get("value", ""))
        return found

    async def buy(self, offer: dict[str, Any], **entered: str) -> str:
        """From the product page to the checkout."""
        await self.go(f"/offers/{offer['id']}")
        return await self.go("/checkout", self.form("/checkout") | entered)

    async def pay(self, **entered: str) -> str:
        """The payment form."""
        return await self.go(self.path + "/pay", self.form("/pay") | entered)
