"""A buyer in the web shop: reads pages, fills in their forms, presses their buttons. No browser, no protocol."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from processes import DemoError

TRIES = 60  # half-second looks at the shelf before giving up


class Page(HTMLParser):
    """What a buyer finds on a page: links with their text, forms with their fields, and the goods."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url, self.links, self.forms, self.goods = (
            url,
            list[tuple[str, str]](),
            list[dict[str, Any]](),
            list[str](),
        )
        self._link: str | None = None
        self._in_goods = self._in_total = False
        self.total = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, forms, fields and where the goods begin."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._link = given.get("href")
            self.links.append((self._link or "", given.get("aria-label", "")))
        elif tag == "form":
            self.forms.append({"action": given.get("action", ""), "fields": {}})
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1]["fields"][given["name"]] = given.get("value", "")
        elif tag == "code" and "data-goods" in given:
            self._in_goods = True
            self.goods.append("")
        elif tag == "p":
            self._in_total = given.get("class") == "total"
        elif tag == "strong" and self._in_total:
            self.total = " "

    def handle_endtag(self, tag: str) -> None:
        """Leave links and goods."""
        if tag == "a":
            self._link = None
        elif tag == "code":
            self._in_goods = False
        elif tag == "p":
            self._in_total = False

    def handle_data(self, data: str) -> None:
        """Text of a link or of the goods."""
        if self._in_goods:
            self.goods[-1] += data
        if self._in_total and self.total:
            self.total += data
        if self._link is not None and self.links:
            address, text = self.links[-1]
            self.links[-1] = (address, f"{text} {data}".strip())

    def link(self, text: str) -> str | None:
        """The address of the first link that says this."""
        return next((urljoin(self.url, address) for address, said in self.links if text in said), None)

    def form(self, action: str) -> dict[str, Any]:
        """The form whose action contains this. Raises DemoError when the page has none."""
        for form in self.forms:
            if action in form["action"]:
                return form
        raise DemoError(f"the page {urlsplit(self.url).path} has no form for {action}")


class Buyer:
    """One browser session."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def open(self, url: str) -> Page:
        """Follow a link."""
        async with self._http.get(url) as answer:
            answer.raise_for_status()
            return Page(str(answer.url), await answer.text())

    async def send(self, page: Page, action: str, **changes: str) -> Page:
        """Fill in a form and press its button."""
        form = page.form(action)
        async with self._http.post(
            urljoin(page.url, form["action"]), data=form["fields"] | changes
        ) as answer:
            answer.raise_for_status()
            return Page(str(answer.url), await answer.text())


async def buy_in_the_shop(shop_url: str, product: str) -> dict[str, Any]:
    """Find a product, hold it, pay with the test card, open the code.

    The summary holds {product, price, amount (cents), code_length}; the code itself goes nowhere.
    Raises DemoError when the shop does not lead a buyer to it.
    """
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        buyer = Buyer(http)
        for _ in range(TRIES):
            found = (await buyer.open(f"{shop_url}/?lang=en")).link(product)
            if found:
                break
            await asyncio.sleep(0.5)  # the shop is still reading the offer feed
        else:
            raise DemoError(f"the shop does not offer {product}")
        checkout = await buyer.send(await buyer.open(found), "/checkout", quantity="1")
        price = checkout.total.strip()
        order = await buyer.send(checkout, "/pay")
        for _ in range(TRIES):
            if any("/reveal" in form["action"] for form in order.forms):
                break
            await asyncio.sleep(0.5)  # the shop is still confirming
            order = await buyer.open(order.url)
        opened = await buyer.send(order, "/reveal")
        if len(opened.goods) != 1 or not re.fullmatch(r"\S+", opened.goods[0]):
            raise DemoError("the buyer paid and did not get one code")
        cents = int(re.sub(r"\D", "", price))
        return {"product": product, "price": price, "amount": cents, "code_length": len(opened.goods[0])}
