"""A purchase in Chromium by keyboard alone; every page is accessible, in both languages, on desktop and phone,
light and dark."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.fixtures.browser import NEEDED
from tests.reference_channels.browsing import EACH, Window, opened, stock_up
from tests.reference_channels.conftest import RunningShop, running_shop
from tests.reference_channels.scripted import Fault, ScriptedGateway

pytestmark = NEEDED
WORDS = {
    "en": {
        "title": "Instant digital goods",
        "copied": "Copied",
        "held": "Kept for you",
        "delivered": "Delivered",
    },
    "zh": {"title": "数字商品，即买即得", "copied": "已复制", "held": "已为您保留", "delivered": "已交付"},
}


@pytest.fixture
async def stocked(gateway: ScriptedGateway, tmp_path: Path) -> AsyncIterator[RunningShop]:
    """A shop with a full shelf."""
    stock_up(gateway)
    async with running_shop(tmp_path / "shop", gateway.url, sync_every=3600) as shop:
        await shop.sync()
        yield shop


@pytest.fixture
async def window(
    request: pytest.FixtureRequest, stocked: RunningShop, chromium: Browser
) -> AsyncIterator[Window]:
    """A window with the language and size that the test asks for; scripts can be off."""
    clipboard = ["clipboard-read", "clipboard-write"]
    async with opened(chromium, stocked, permissions=clipboard, **getattr(request, "param", {})) as window:
        yield window


@pytest.mark.parametrize(("window", "language"), EACH, indirect=["window"])
async def test_a_purchase_by_keyboard(gateway: ScriptedGateway, window: Window, language: str) -> None:
    """From the offers to the copied code without a mouse; axe finds nothing on any page on the way."""
    page, words = window.page, WORDS[language]
    await page.goto(window.shop.url)
    assert words["title"] in await page.title()
    await window.accessible("offers")
    await window.picture(f"offers-{language}")

    await page.keyboard.press("Tab")
    assert await page.evaluate("() => document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await window.press(".card a")
    await window.accessible("product")
    await window.picture(f"product-{language}")

    await window.press("form[action='/checkout'] button")
    assert words["held"] in await page.inner_text("main")
    await window.accessible("checkout")

    await window.press("form[action$='/pay'] button")
    await window.accessible("order")
    assert not await page.locator("[data-goods]").count()
    await window.press("form[action$='/reveal'] button")
    await window.accessible("goods")
    await copied(window, gateway, words)
    await window.picture(f"order-{language}")

    await page.goto(window.shop.url + "/orders")
    assert words["delivered"] in await page.inner_text("main")
    await window.accessible("orders")
    assert not window.foreign
    assert not window.said, "the console is silent: no error, no blocked style or script"


async def copied(window: Window, gateway: ScriptedGateway, words: dict[str, str]) -> None:
    """The code is on the page, and in the clipboard after its button was pressed; not in the address."""
    code = await window.page.inner_text("[data-goods]")
    assert code in {entry["text"] for entry in gateway.deliveries.values()}
    await window.reach("[data-copy]")
    await window.page.keyboard.press("Enter")
    await window.page.wait_for_function(
        "words => document.getElementById('said').textContent === words", arg=words["copied"]
    )
    assert await window.page.evaluate("() => navigator.clipboard.readText()") == code
    assert code not in window.page.url


@pytest.mark.parametrize("window", [{"java_script_enabled": False}], indirect=True)
async def test_a_purchase_without_scripts(gateway: ScriptedGateway, window: Window) -> None:
    """With JavaScript off the purchase is the same; the copy button does not show."""
    page = window.page
    await page.goto(window.shop.url)
    await page.click(".card a")
    await page.click("form[action='/checkout'] button")
    await page.click("form[action$='/pay'] button")
    await page.click("form[action$='/reveal'] button")
    assert await page.inner_text("[data-goods]") in {entry["text"] for entry in gateway.deliveries.values()}
    assert not await page.locator("[data-copy]").is_visible()


async def test_pages_of_trouble_are_accessible(gateway: ScriptedGateway, window: Window) -> None:
    """Nothing found, not there, sold out, gateway away, still confirming, wrong card: all in words, all clean."""
    page, url = window.page, window.shop.url
    for path in ("/?q=nothing-like-this", "/nowhere", "/orders"):
        await page.goto(url + path)
        await window.accessible(path)
    await page.goto(url + "/?q=" + "paper")
    await page.goto(url + "/?page=2")
    await page.locator(".card.gone a").first.click()
    await window.accessible("sold out")

    gateway.faults = [Fault("create_reservation", count=4, status=503)]
    await page.goto(url)
    await page.click(".card a")
    await page.click("form[action='/checkout'] button")
    await window.accessible("waiting")
    gateway.faults = []
    await window.shop.control("POST", "/clock", {"advance_seconds": 5})
    await page.click("form[action$='/retry'] button")
    await page.fill("#card", "4000 0000 0000 0002")
    await page.click("form[action$='/pay'] button")
    await window.accessible("declined")
    await page.fill("#card", "4242 4242 4242 4242")
    gateway.faults = [Fault("create_order", count=4, status=503, retry_after="90")]
    await page.click("form[action$='/pay'] button")
    await page.wait_for_selector("[data-watch]")
    await window.accessible("confirming")


async def test_the_page_goes_on_when_the_order_is_confirmed(gateway: ScriptedGateway, window: Window) -> None:
    """A page that says "still confirming" turns into the order by itself."""
    page = window.page
    await page.goto(window.shop.url)
    await page.click(".card a")
    await page.click("form[action='/checkout'] button")
    gateway.faults = [Fault("create_order", status=503, retry_after="90")]
    await page.click("form[action$='/pay'] button")
    await page.wait_for_selector("[data-watch]")
    await window.shop.control("POST", "/clock", {"advance_seconds": 91})
    await page.wait_for_selector("form[action$='/reveal'] button")
    assert re.search(r"/orders/[\w-]+$", page.url)


async def test_the_language_can_be_switched(window: Window) -> None:
    """On any page, and it stays."""
    page = window.page
    await page.goto(window.shop.url + "/?category=course")
    await page.click(".langs a[hreflang=zh]")
    assert "category=course" in page.url
    await page.goto(window.shop.url + "/orders")
    assert await page.get_attribute("html", "lang") == "zh-Hans"
