"""My goods, my accounts and your data in Chromium: by keyboard alone, accessible in both languages, on desktop and
phone, light and dark."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from conformance.driver.played_gateway import PlayedGateway
from tests.fixtures.browser import NEEDED
from tests.reference_channels.browsing import EACH, Window, opened
from tests.reference_channels.conftest import RunningShop

pytestmark = NEEDED
WORDS = {
    "en": {"held": "On hold", "sealed": "Give this code to the new owner", "gone": "Your data is erased"},
    "zh": {"held": "暂时冻结", "sealed": "把这个码交给新所有者", "gone": "您的数据已删除"},
}


@pytest.fixture
async def window(
    request: pytest.FixtureRequest, played: PlayedGateway, lumen: RunningShop, chromium: Browser
) -> AsyncIterator[Window]:
    """A window on a shop whose gateway knows buyers, with an offer on the shelf."""
    price = {"amount": 1999, "currency": "EUR"}
    offer = {"product_name": "Harbour Nights", "price": price, "delivery_kind": "code", "codes": ["PLAYED-1"]}
    await played.control("POST", "/offers", offer)
    await lumen.sync()
    async with opened(chromium, lumen, **request.param) as window:
        yield window


async def bought(window: Window, played: PlayedGateway) -> None:
    """Buy it by keyboard; something of another channel is hers as well."""
    await window.page.goto(window.shop.url)
    await window.press(".card a")
    await window.press("form[action='/checkout'] button")
    await window.press("form[action$='/pay'] button")
    rows = await window.shop.parts.db.run(lambda db: db.execute("select buyer from intents").fetchall())
    played.world.grant(rows[0][0], "Kyoto Tea Course", status="suspended")


@pytest.mark.parametrize(("window", "language"), EACH, indirect=["window"])
async def test_all_of_it_by_keyboard(played: PlayedGateway, window: Window, language: str) -> None:
    """Goods, proof, handing on, linking, allowing, erasing: no mouse, and axe finds nothing on any page on the way."""
    page, words = window.page, WORDS[language]
    await bought(window, played)
    await window.press("nav a[href='/goods']")
    assert words["held"] in await page.inner_text("main")
    await window.accessible("goods")
    await proven_and_offered(window, words)
    await linked(window, played)
    await allowed_and_erased(window, words)
    assert not window.foreign
    # The console tells of the answers 422 to what was mistyped on purpose, and of nothing else.
    assert not [line for line in window.said if "422" not in line]


async def bound(window: Window) -> None:
    """The key's field unfolds, tells what is wrong with what was pasted, and takes a key."""
    page = window.page
    await window.reach("main summary")
    await page.keyboard.press("Enter")
    await window.accessible("before a key is pasted")
    await window.reach("#holder-key")
    await page.keyboard.insert_text("{")
    await window.press("form[action$='/certificate'] button")
    assert await page.get_attribute("#holder-key", "aria-invalid") == "true"
    await window.accessible("no key")
    await window.reach("#holder-key")
    await page.keyboard.insert_text(json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}))
    await window.reach("form[action$='/certificate'] button")
    async with page.expect_download():
        await page.keyboard.press("Enter")


async def proven_and_offered(window: Window, words: dict[str, str]) -> None:
    """The file with what she chooses, and a code for the new owner."""
    page = window.page
    await window.press(".entry:has(.pill.in) a")
    await window.accessible("good")
    await window.reach("#show-price")
    await page.keyboard.press("Space")
    assert await page.is_checked("#show-price")
    await window.reach("form[action$='/certificate'] button")
    async with page.expect_download() as download:
        await page.keyboard.press("Enter")
    assert (await download.value).suggested_filename == "ownership-harbour-nights.sd-jwt"
    await bound(window)
    await window.press("form[action$='/transfer'] button")
    assert words["sealed"] in await page.inner_text("main")
    await window.accessible("offered")
    code = await page.inner_text("#transfer-code")
    assert code not in page.url
    await page.goto(window.shop.url + "/goods")
    await window.reach("#code")
    await page.keyboard.type("nonsense")
    await window.press("form[action$='/accept'] button")
    await window.accessible("wrong code")


async def linked(window: Window, played: PlayedGateway) -> None:
    """By a code that was mailed, mistyped once; a code to show; and the way to the gateway's page."""
    page = window.page
    await window.press("nav a[href='/accounts']")
    await window.accessible("accounts")
    await window.press("form[action$='/show'] button")
    await window.accessible("link code")
    await window.reach("#email")
    await page.keyboard.type("ada@shop.example")
    await window.press("form[action$='/mail'] button")
    await window.accessible("mailed")
    link = next(one for one in played.world.links.values() if one["document"]["kind"] == "email_code")
    for code in ("zzzz-zzzz", link["secret"]):
        await window.reach("#mailed-code-1")
        await page.keyboard.type(code)
        await window.press("form[action$='/confirm'] button")
        await window.accessible(f"after {code}")
    assert link["document"]["status"] == "confirmed"
    await window.press("form[action$='/passkey'] button")
    await window.accessible("the way to the page")
    await window.reach("a[target='_blank']")
    await window.reach("#opened-code-1")
    await window.press("section:has(#opened-code-1) form[action$='/unlink'] button")
    await window.reach("main summary")
    await page.keyboard.press("Enter")
    await window.reach("form[action$='/unlink'] button")
    await window.accessible("before a link is ended")


async def allowed_and_erased(window: Window, words: dict[str, str]) -> None:
    """A consent for all her accounts, its receipts, and the end of it all."""
    page = window.page
    await window.press("nav a[href='/data']")
    await window.accessible("data")
    await window.reach("#marketing-this_channel")
    await page.keyboard.press("ArrowDown")
    await window.press("form[action$='/data/marketing'] button")
    assert await page.locator("#marketing .pill.in").count() == 1
    await window.accessible("allowed")
    await window.press("#marketing a")
    await window.accessible("receipts")
    await page.goto(window.shop.url + "/data")
    await window.press("a[href='/data/erase']")
    await window.accessible("erase")
    await window.reach("#sure")
    await page.keyboard.press("Space")
    await window.press("form[action$='/erase'] button")
    assert words["gone"] in await page.inner_text("main")
    await window.accessible("erased")
