"""A purchase in Chromium by keyboard alone; every page is accessible, in both languages, on desktop and phone,
light and dark."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, Request, async_playwright

from tests.reference_channels.browsing import ARGUMENTS, CHROMIUM, PICTURES, stock_up
from tests.reference_channels.conftest import RunningShop, running_shop
from tests.reference_channels.scripted import Fault, ScriptedGateway

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; `make browser` installs it"),
    pytest.mark.timeout(240),
]
VIEWS = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
LOCALES = {"en": "en-US", "zh": "zh-CN"}
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


class Chromium:
    """One window with a profile of its own. `foreign` collects requests to anywhere but the shop, `said` the
    console."""

    def __init__(self, context: BrowserContext, page: Page, shop: RunningShop) -> None:
        self.context, self.page, self.shop = context, page, shop
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
        """No axe violation in light and in dark, and nothing wider than the window."""
        for scheme in ("dark", "light"):
            await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = await Axe().run(self.page)
            assert found.violations_count == 0, f"{where} {scheme}: {found.generate_report()}"
        wide = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await self.page.evaluate(wide), f"{where} scrolls sideways"

    async def picture(self, name: str) -> None:
        """For the README, when asked for."""
        if PICTURES is not None:
            await self.page.evaluate("() => window.scrollTo(0, 0)")
            size = self.page.viewport_size or {"width": 1280, "height": 860}
            # Below an order on a wide page there is nothing to see.
            height = 540 if name.startswith("order") and size["width"] > 800 else size["height"]
            clip: Any = {"x": 0, "y": 0, "width": size["width"], "height": height}
            await self.page.screenshot(path=PICTURES / f"shop-{name}.png", clip=clip)


@pytest.fixture
async def window(
    request: pytest.FixtureRequest, stocked: RunningShop, tmp_path: Path
) -> AsyncIterator[Chromium]:
    """A window with the language and size that the test asks for; scripts can be off."""
    options: dict[str, Any] = {
        "locale": "en-US",
        "viewport": VIEWS["desktop"],
        **getattr(request, "param", {}),
    }
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=CHROMIUM, args=ARGUMENTS, timeout=60_000,
            permissions=["clipboard-read", "clipboard-write"], **options,
        )  # fmt: skip
        yield Chromium(context, context.pages[0], stocked)
        await context.close()


def each(language: str, view: str) -> Any:
    """A parameter for the window and the names that go with it."""
    options = {"locale": LOCALES[language], "viewport": VIEWS[view], "has_touch": view == "phone"}
    return pytest.param(options, language, view, id=f"{language}-{view}")


@pytest.mark.parametrize(
    ("window", "language", "view"),
    [each(language, view) for language in LOCALES for view in VIEWS],
    indirect=["window"],
)
async def test_a_purchase_by_keyboard(
    gateway: ScriptedGateway, window: Chromium, language: str, view: str
) -> None:
    """From the offers to the copied code without a mouse; axe finds nothing on any page on the way."""
    page, words = window.page, WORDS[language]
    suffix = language if view == "desktop" else f"{language}-phone"
    await page.goto(window.shop.url)
    assert words["title"] in await page.title()
    await window.accessible("offers")
    await window.picture(f"offers-{suffix}")

    await page.keyboard.press("Tab")
    assert await page.evaluate("() => document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await window.press(".card a")
    await window.accessible("product")
    await window.picture(f"product-{suffix}")

    await window.press("form[action='/checkout'] button")
    assert words["held"] in await page.inner_text("main")
    await window.accessible("checkout")

    await window.press("form[action$='/pay'] button")
    await window.accessible("order")
    assert not await page.locator("[data-goods]").count()
    await window.press("form[action$='/reveal'] button")
    await window.accessible("goods")
    await copied(window, gateway, words)
    await window.picture(f"order-{suffix}")

    await page.goto(window.shop.url + "/orders")
    assert words["delivered"] in await page.inner_text("main")
    await window.accessible("orders")
    assert not window.foreign
    assert not window.said, "the console is silent: no error, no blocked style or script"


async def copied(window: Chromium, gateway: ScriptedGateway, words: dict[str, str]) -> None:
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
async def test_a_purchase_without_scripts(gateway: ScriptedGateway, window: Chromium) -> None:
    """With JavaScript off the purchase is the same; the copy button does not show."""
    page = window.page
    await page.goto(window.shop.url)
    await page.click(".card a")
    await page.click("form[action='/checkout'] button")
    await page.click("form[action$='/pay'] button")
    await page.click("form[action$='/reveal'] button")
    assert await page.inner_text("[data-goods]") in {entry["text"] for entry in gateway.deliveries.values()}
    assert not await page.locator("[data-copy]").is_visible()


async def test_pages_of_trouble_are_accessible(gateway: ScriptedGateway, window: Chromium) -> None:
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


async def test_the_page_goes_on_when_the_order_is_confirmed(
    gateway: ScriptedGateway, window: Chromium
) -> None:
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


async def test_the_language_can_be_switched(window: Chromium) -> None:
    """On any page, and it stays."""
    page = window.page
    await page.goto(window.shop.url + "/?category=course")
    await page.click(".langs a[hreflang=zh]")
    assert "category=course" in page.url
    await page.goto(window.shop.url + "/orders")
    assert await page.get_attribute("html", "lang") == "zh-Hans"
