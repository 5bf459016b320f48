"""The pages as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.reference_channels.conftest import RunningShop, running_shop
from tests.reference_channels.plain import Browser
from tests.reference_channels.scripted import ScriptedGateway


async def test_search_categories_and_pages(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """Every offer is found by its words, its category, or on one of the pages."""
    for number in range(30):
        gateway.add(f"Game {number:02}", codes=1)
    gateway.add(
        "Mandarin in Songs", product={"category": "course", "translations": {"zh": {"name": "歌唱学中文"}}}
    )
    gateway.add("Beam", product={"category": "hologram"})
    await shop.sync()
    assert "32 offers" in await browser.go("/")
    first = set(re.findall(r"Game \d\d", browser.html))
    second = set(re.findall(r"Game \d\d", await browser.go("/?page=2")))
    assert len(first | second) == 30
    assert not first & second
    assert "1 offers" not in await browser.go("/?q=mandarin+SONGS")
    assert "1 offer" in browser.html
    assert "1 offer" in await browser.go("/?category=course")
    assert "Nothing found" in await browser.go("/?" + urlencode({"q": "<script>"}))
    assert "<script>" not in browser.html.replace("<script src", "")
    for page in ("0", "-1", "99", "x", "²"):
        await browser.go("/?" + urlencode({"page": page}))
        assert browser.status == 200
    async with Browser(shop, "zh-CN,zh;q=0.9") as chinese:
        assert "歌唱学中文" in await chinese.go("/?" + urlencode({"q": "学中文"}))


async def test_the_language_is_chosen_and_kept(shop: RunningShop, browser: Browser) -> None:
    """Accept-Language first, the switch wins, the cookie remembers."""
    assert '<html lang="en">' in await browser.go("/")
    assert '<html lang="zh-Hans">' in await browser.go("/?lang=zh")
    assert "我的订单" in await browser.go("/orders")
    assert '<html lang="en">' in await browser.go("/orders?lang=en")
    async with Browser(shop, "fr, zh-TW;q=0.8, en;q=0.5") as other:
        assert '<html lang="zh-Hans">' in await other.go("/")
    async with Browser(shop, "de;q=bad,,;q=1") as other:
        assert '<html lang="en">' in await other.go("/?lang=xx")


async def test_pages_are_locked_down(gateway: ScriptedGateway, shop: RunningShop, browser: Browser) -> None:
    """CSP without inline anything; cookies away from scripts; nothing from elsewhere; nothing inline to block."""
    offer = gateway.add()
    await shop.sync()
    for path in ("/", f"/offers/{offer['id']}", "/orders", "/nothing"):
        page = await browser.go(path)
        policy = browser.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r'\sstyle="|\son\w+="|<style|<script>', page)
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
        assert browser.headers["X-Content-Type-Options"] == "nosniff"
    async with shop.http.get(shop.url) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_over_https_cookies_stay_on_the_host(gateway: ScriptedGateway, tmp_path: Path) -> None:
    """Behind a TLS front the cookie is Secure and has the __Host- name."""
    async with (
        running_shop(tmp_path, gateway.url, public_url="https://shop.example") as shop,
        shop.http.get(shop.url) as answer,
    ):
        cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/offers/off_none", 404), ("/checkout", 405)]
)
async def test_errors_are_pages(shop: RunningShop, browser: Browser, path: str, status: int) -> None:
    """In the buyer's words and with a way back."""
    await browser.go(path)
    assert browser.status == status
    assert 'class="button main" href="/"' in browser.html


async def test_a_withdrawn_product_says_so(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """An old link leads to a page that tells, with 410."""
    offer = gateway.add()
    await shop.sync()
    gateway.change(offer["id"], status="withdrawn")
    await shop.sync()
    page = await browser.go(f"/offers/{offer['id']}")
    assert browser.status == 410
    assert "no longer on sale" in page


async def test_the_language_can_be_switched_after_a_form(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """A page that answered a form links to where it can be opened again, without opening the goods anew."""
    offer = gateway.add()
    await shop.sync()
    await browser.buy(offer)
    await browser.pay()
    order = browser.path
    await browser.go(order + "/reveal", browser.form("/reveal"))
    assert f'href="{order}?lang=zh"' in browser.html
    page = await browser.go(order + "?lang=zh")
    assert "显示兑换码" in page
    assert "CODE-" not in page


async def test_a_link_of_another_kind_is_no_link(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """A download is a link when it leads to the web; anything else is shown as text."""
    offer = gateway.add(delivery_kind="download")
    await shop.sync()
    for url, is_link in (("https://files.example/a?b=1&c=2", True), ("javascript:alert(1)", False)):
        goods = {"kind": "download", "download": {"url": url, "expires_at": "2030-01-01T00:00:00Z"}}
        gateway.reveal_delivery = lambda call, delivery_id, goods=goods: {"goods": goods}  # type: ignore[method-assign,misc]
        await browser.buy(offer)
        await browser.pay()
        page = await browser.go(browser.path + "/reveal", browser.form("/reveal"))
        assert ("data-goods>Download" in page) is is_link
        assert 'href="javascript' not in page


async def test_promotions_end(gateway: ScriptedGateway, shop: RunningShop, browser: Browser) -> None:
    """Shown with its end while it lasts, not after."""
    was = {"label": "Sale", "list_price": {"amount": 1999, "currency": "USD"}}
    now = gateway.add(
        "Now", promotion={**was, "ends_at": "2999-01-31T00:00:00Z"}, restrictions={"max_per_order": 4}
    )
    over = gateway.add("Over", promotion={**was, "ends_at": "2001-01-31T00:00:00Z"})
    await shop.sync()
    page = await browser.go(f"/offers/{now['id']}")
    assert "Until 2999-01-31" in page
    assert "Sale · Save 25%" in page
    assert "At most 4 per order." in page
    assert "Sale" not in await browser.go(f"/offers/{over['id']}")
