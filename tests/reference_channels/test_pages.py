"""The pages as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

import spec
from reference_channels.trade import fields, money
from reference_channels.webshop.pages import texts
from tests.reference_channels.conftest import RunningShop, running_shop
from tests.reference_channels.scripted import Fault, ScriptedGateway

REGIONS = {"regions": ["DE", "FR"], "max_per_order": 3}
INPUT = {
    "type": "object",
    "required": ["player", "level"],
    "properties": {
        "player": {
            "type": "string",
            "minLength": 3,
            "title": "Player name",
            "description": "As in the game.",
        },
        "level": {"type": "integer"},
        "server": {"enum": ["EU", "US"]},
        "news": {"type": "boolean"},
        "mail": {"type": "string", "format": "email"},
    },
}


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


@pytest.fixture
async def browser(shop: RunningShop) -> AsyncIterator[Browser]:
    """An English browser."""
    async with Browser(shop) as running:
        yield running


async def test_a_purchase_without_scripts(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """Offers, product, checkout, payment, order, goods: forms only, and the code in no address."""
    offer = gateway.add("Starfall", product={"brand": "Northlight", "description": "Space & time"})
    await shop.sync()
    assert "Space &amp; time" in await browser.go("/")
    assert "$14.99" in await browser.buy(offer)
    assert browser.path.startswith("/checkout/")
    assert "Kept for you" in browser.html
    await browser.pay()
    assert browser.path.startswith("/orders/")
    assert "CODE-" not in browser.html
    await browser.go(browser.path + "/reveal", browser.form("/reveal"))
    (code,) = re.findall(r"CODE-[0-9A-F]+", browser.html)
    assert code == next(iter(gateway.deliveries.values()))["text"]
    assert browser.headers["Cache-Control"] == "no-store"
    assert code not in browser.path
    assert "Delivered" in await browser.go("/orders")
    assert gateway.made("create_order")[0].body["buyer"]["locale"] == "en"


async def test_a_later_refund_is_told(gateway: ScriptedGateway, shop: RunningShop, browser: Browser) -> None:
    """A part given back is said beside the goods; an order given back as a whole has no goods to open."""
    offer = gateway.add()
    await shop.sync()
    await browser.buy(offer)
    await browser.pay()
    page = browser.path
    assert "given back" not in browser.html
    (order,) = gateway.orders.values()
    for status, amount in (("partially_refunded", 500), ("refunded", 999)):
        money = {"amount": amount, "currency": "USD"}
        refund = {
            "id": f"rfd_{amount}", "order_id": order["id"], "reason": "goods_faulty", "status": "instructed",
            "amount": money, "lines": [{"line_id": "lin_1", "quantity": 1, "amount": money}],
            "instruction": {"action": "return_payment", "collected_by": "channel", "amount": money},
            "created_at": order["created_at"],
        }  # fmt: skip
        assert not spec.validator("Refund").errors(refund)
        order |= {
            "status": status,
            "revision": order["revision"] + 1,
            "refunds": [*order.get("refunds", []), refund],
        }
        gateway.events.append(gateway.event("order.updated", order["id"], order["revision"], order=order))
        await shop.sync()
        shown = re.sub(r"<[^>]+>", " ", await browser.go(page))
        paid_back = {500: "$5.00", 999: "$14.99"}[amount]
        assert f"{paid_back} of your payment has been given back." in shown
        assert ("Show my code" in shown) == (status == "partially_refunded")


async def test_another_browser_sees_nothing_of_it(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """DLV-012: not the order, not its goods, not its state."""
    offer = gateway.add()
    await shop.sync()
    await browser.buy(offer)
    await browser.pay()
    order = browser.path
    async with Browser(shop) as stranger:
        await stranger.go("/offers/" + offer["id"])
        csrf = stranger.form("/checkout")["csrf"]
        for path, data in ((order, None), (order + "/state", None), (order + "/reveal", {"csrf": csrf})):
            await stranger.go(path, data)
            assert stranger.status == 404
        assert "No orders yet" in await stranger.go("/orders")


async def test_a_form_of_another_site_is_refused(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """CSRF: no token, or the token of another session, does nothing."""
    offer = gateway.add()
    await shop.sync()
    await browser.go(f"/offers/{offer['id']}")
    form = browser.form("/checkout")
    async with Browser(shop) as stranger:
        await stranger.go(f"/offers/{offer['id']}")
        for csrf in ("", "x", form["csrf"]):
            await stranger.go("/checkout", {**form, "csrf": csrf})
            assert stranger.status == 403
    assert not gateway.holds


async def test_the_same_form_sent_twice_is_one_order(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """SEL-009: the intent is in the form."""
    offer = gateway.add()
    await shop.sync()
    await browser.go(f"/offers/{offer['id']}")
    form = browser.form("/checkout")
    await browser.go("/checkout", form)
    await browser.go("/checkout", form)
    payment = browser.form("/pay")
    path = browser.path
    await browser.go(path + "/pay", payment)
    await browser.go(path + "/pay", payment)
    assert browser.path.startswith("/orders/")
    assert len(gateway.orders) == 1


async def test_a_wrong_card_takes_no_money(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """The form comes back with words; the hold stays; the number is nowhere."""
    offer = gateway.add()
    await shop.sync()
    await browser.buy(offer)
    checkout = browser.path
    for card, words in (("4000 0000 0000 0002", "declined"), ("5555 5555 5555 4444", "Only the test card")):
        await browser.go(checkout)
        assert words in await browser.pay(card=card)
        assert browser.status == 422
    await browser.go(checkout)
    assert "Please enter a name" in await browser.pay(holder=" ")
    assert not gateway.orders
    lines = (await shop.control("GET", "/log"))["lines"]
    assert not [line for line in lines if "5555" in line and "4444" in line]


async def test_cancelling_gives_the_hold_back(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """SEL-015."""
    offer = gateway.add()
    await shop.sync()
    await browser.buy(offer)
    await browser.go(browser.path + "/cancel", browser.form("/cancel"))
    assert "You cancelled. You have not been charged." in browser.html
    assert [hold["status"] for hold in gateway.holds.values()] == ["released"]


async def test_sold_out_is_said_in_words(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """SEL-007, and the product page of what is sold out has no button."""
    offer, none = gateway.add(codes=1), gateway.add("Nothing left", codes=0)
    await shop.sync()
    gateway.shelves[offer["id"]].codes.clear()
    assert "Somebody was faster, it is sold out. You have not been charged." in await browser.buy(offer)
    page = await browser.go(f"/offers/{none['id']}")
    assert "Sold out" in page
    assert "/checkout" not in page


async def test_a_gateway_that_is_away_is_said_in_words(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """At every step: nothing kept yet, being confirmed, goods safe; and it goes on afterwards."""
    offer = gateway.add()
    await shop.sync()
    gateway.faults = [Fault("create_reservation", count=4, status=503)]
    assert "Nothing has been kept for you yet" in await browser.buy(offer)
    await shop.control("POST", "/clock", {"advance_seconds": 5})
    await browser.go(browser.path + "/retry", browser.form("/retry"))
    gateway.faults = [Fault("create_order", count=4, status=503, retry_after="120")]
    assert "you have not been charged twice" in await browser.pay()
    state = await browser.http.get(f"{shop.url}{browser.path}/state")
    assert await state.json() == {"state": "paid"}
    gateway.faults = []
    await shop.control("POST", "/clock", {"advance_seconds": 130})
    gateway.faults = [Fault("list_deliveries", count=4, status=503)]
    await browser.go(browser.path)
    order = browser.path
    assert "Your goods are safe" in await browser.go(order + "/reveal", browser.form("/reveal"))
    assert browser.status == 503
    await browser.go(order + "/reveal", browser.form("/reveal"))
    assert "CODE-" in browser.html


async def test_a_changed_price_is_shown_before_paying(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """SEL-002: the held price, with the old one beside it."""
    offer = gateway.add()
    await shop.sync()
    gateway.change(offer["id"], price={"amount": 1999, "currency": "USD"})
    page = await browser.buy(offer)
    assert "it was $14.99 and is $19.99 now" in page
    assert "Pay $19.99" in page


async def test_what_an_offer_asks_is_a_form(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """SEL-003, SEL-014: fields from the schema, named when they are wrong, sent when they are right."""
    offer = gateway.add(buyer_input=INPUT, restrictions=REGIONS)
    await shop.sync()
    page = await browser.buy(offer, **{"in.player": "ab", "in.level": "x", "region": "DE"})
    assert browser.status == 422
    assert "Please check: Player name" in page
    assert 'value="ab"' in page
    assert page.count('aria-invalid="true"') == 2
    entered = {
        "in.player": "ada#1",
        "in.level": "7",
        "in.server": "EU",
        "in.news": "on",
        "region": "DE",
        "quantity": "2",
    }
    await browser.buy(offer, **entered)
    await browser.pay()
    line = gateway.made("create_order")[0].body["lines"][0]
    assert line["buyer_input"] == {"player": "ada#1", "level": 7, "server": "EU", "news": True}
    assert line["quantity"] == 2
    assert "cannot be sold in your country" in await browser.buy(offer, **(entered | {"region": "US"}))


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


async def test_too_many_holds_are_said_in_words(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """The gateway's cap is no outage: the buyer is told what to do, and can go on."""
    offer = gateway.add()
    await shop.sync()
    gateway.faults = [Fault("create_reservation", status=429, code="hold_limit_reached", retry_after="30")]
    assert "Too many orders are open at once" in await browser.buy(offer)
    await shop.control("POST", "/clock", {"advance_seconds": 31})
    await browser.go(browser.path + "/retry", browser.form("/retry"))
    assert "Kept for you" in browser.html


async def test_goods_that_are_not_there_yet_are_said_in_words(
    gateway: ScriptedGateway, shop: RunningShop, browser: Browser
) -> None:
    """Fulfilled, but nothing to hand over yet: not an empty page."""
    offer = gateway.add()
    await shop.sync()
    await browser.buy(offer)
    await browser.pay()
    gateway.deliveries.clear()
    await browser.go(browser.path + "/reveal", browser.form("/reveal"))
    assert "The goods are on their way" in browser.html


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


def test_both_languages_say_the_same() -> None:
    """Every key in both, with the same values to fill in."""
    english, chinese = texts.WORDS.texts("en"), texts.WORDS.texts("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        assert set(re.findall(r"{\w+}", english[key])) == set(re.findall(r"{\w+}", chinese[key])), key


def test_what_is_not_known_has_general_words() -> None:
    """CNV-002: reasons, categories, kinds and states of the future; a missing key of ours is a mistake."""
    assert texts.say("en", "reason.from_the_future") == "The order could not be completed."
    assert texts.say("en", "category.hologram") == "More"
    assert texts.say("en", "product.kind.hologram") == "Delivered right after payment"
    with pytest.raises(KeyError):
        texts.say("en", "no.such")


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [
        (1499, "USD", "$14.99", "US$14.99"),
        (5, "EUR", "€0.05", "€0.05"),
        (123456789, "JPY", "¥123,456,789", "JP¥123,456,789"),
        (1500, "KWD", "KWD\u00a01.500", "KWD\u00a01.500"),
        (9007199254740991, "CNY", "CN¥90,071,992,547,409.91", "¥90,071,992,547,409.91"),
    ],
)
def test_money_is_exact(amount: int, currency: str, english: str, chinese: str) -> None:
    """No float touches it; each currency with its own decimals."""
    assert money.money(amount, currency, "en") == english
    assert money.money(amount, currency, "zh") == chinese


def test_a_saving_is_never_overstated() -> None:
    """Rounded down; nothing for a list price that is lower."""
    assert money.saving(1499, 1999) == 25
    assert money.saving(1000, 999) == 0
    assert money.saving(1, 0) == 0


def test_fields_come_from_the_schema() -> None:
    """Kinds and labels by type, enum and format; what is no schema is left out."""
    properties: Any = INPUT["properties"]
    offer = {"buyer_input": {**INPUT, "properties": {**properties, "odd": True}}}
    kinds = {field.name: (field.kind, field.label, field.required) for field in fields.schema_fields(offer)}
    assert kinds == {
        "player": ("text", "Player name", True),
        "level": ("number", "Level", True),
        "server": ("select", "Server", False),
        "news": ("checkbox", "News", False),
        "mail": ("email", "Mail", False),
    }
