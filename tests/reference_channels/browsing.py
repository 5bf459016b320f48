"""A window on a shop for the browser tests, and the shelf it looks at."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import Browser, Page, Request

from tests.fixtures.browser import accessible
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.scripted import ScriptedGateway

ROOT = Path(__file__).parents[2]
# Set VGCP_SCREENSHOTS=1 to write the pictures for the README; else the tests leave the tree as it is.
PICTURES = ROOT / "docs" / "img" if os.environ.get("VGCP_SCREENSHOTS") == "1" else None
SOLD_OUT, FEW = 7, 4
VIEWS: Any = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 360, "height": 800}}
LOCALES = {"en": "en-US", "zh": "zh-CN"}


class Window:
    """One window with a profile of its own. `foreign` collects requests to anywhere but the shop, `said` the
    console."""

    def __init__(self, page: Page, shop: RunningShop) -> None:
        self.page, self.shop = page, shop
        self.foreign: list[str] = []
        self.said: list[str] = []
        page.on("request", self._watch)
        page.on("console", lambda message: self.said.append(message.text))
        page.set_default_timeout(20_000)

    def _watch(self, request: Request) -> None:
        if not request.url.startswith(self.shop.url):
            self.foreign.append(request.url)

    async def press(self, selector: str) -> None:
        """Move the focus by Tab until it is on the element, see that it shows, and press Enter."""
        await self.reach(selector)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def reach(self, selector: str) -> None:
        """Tab to the element; fails when the keyboard does not get there or nobody could see that it did."""
        script = "s => document.activeElement !== null && document.activeElement.matches(s)"
        for _ in range(200):
            if await self.page.evaluate(script, selector):
                break
            await self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"the keyboard does not reach {selector}")
        visible = """() => { let e = document.activeElement; while (e) {
            if (getComputedStyle(e).outlineStyle !== 'none') return true; e = e.parentElement } return false }"""
        assert await self.page.evaluate(visible), f"the focus on {selector} cannot be seen"

    async def accessible(self, where: str) -> None:
        """In both sizes, and in light and dark; see there."""
        await accessible(self.page, where, list(VIEWS.values()))

    async def picture(self, name: str) -> None:
        """For the README, when asked for: in each size."""
        own = self.page.viewport_size
        for view, size in VIEWS.items() if PICTURES else ():
            await self.page.set_viewport_size(size)
            await self.page.evaluate("() => window.scrollTo(0, 0)")
            # Below an order on a wide page there is nothing to see.
            height = 540 if name.startswith("order") and view == "desktop" else size["height"]
            clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": height}
            end = "-phone" if view == "phone" else ""
            await self.page.screenshot(path=f"{PICTURES}/shop-{name}{end}.png", clip=clip)
        await self.page.set_viewport_size(own or VIEWS["desktop"])


@asynccontextmanager
async def opened(chromium: Browser, shop: RunningShop, **options: Any) -> AsyncIterator[Window]:
    """A window on a shop; a wide one of somebody who speaks English, unless `options` say otherwise."""
    chosen: Any = {"locale": "en-US", "viewport": VIEWS["desktop"]} | options
    context = await chromium.new_context(**chosen)
    yield Window(await context.new_page(), shop)
    await context.close()


def each(language: str, view: str) -> Any:
    """A parameter for the window and the language that goes with it."""
    options = {"locale": LOCALES[language], "viewport": VIEWS[view], "has_touch": view == "phone"}
    return pytest.param(options, language, id=f"{language}-{view}")


# Each language and each size is walked through; what is seen on the way is looked at in both sizes.
EACH = [each("en", "desktop"), each("zh", "phone")]


def stock_up(gateway: ScriptedGateway) -> None:
    """Put the demonstration's catalogue on the gateway's feed: one sold out, one nearly gone, some on promotion."""
    catalogue = yaml.safe_load((ROOT / "demo" / "catalogue.yaml").read_text("utf-8"))
    for number, entry in enumerate(catalogue["products"]):
        gateway.add(
            entry["name"],
            codes=0 if number == SOLD_OUT else 20,
            price=entry["price"],
            delivery_kind=entry["delivery_kind"],
            product=_product(entry),
            **_terms(entry, catalogue["currency"], number),
        )


def _product(entry: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        name: entry[name] for name in ("brand", "category", "description", "translations") if name in entry
    }
    return {"id": "prd_" + entry["id"].replace("-", "_"), **kept}


def _terms(entry: dict[str, Any], currency: str, number: int) -> dict[str, Any]:
    terms: dict[str, Any] = {name: entry[name] for name in ("restrictions", "buyer_input") if name in entry}
    if "promotion" in entry:
        price = {"amount": entry["promotion"]["list_price"], "currency": currency}
        terms["promotion"] = {"label": entry["promotion"]["label"], "list_price": price}
    if number == FEW:
        terms["availability"] = {"status": "low_stock", "quantity": 3}
    return terms
