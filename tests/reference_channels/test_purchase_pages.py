"""A purchase on the pages as a browser without JavaScript sees them, and what may get in its way."""

from __future__ import annotations

import re
from typing import Any

import spec
from reference_channels.trade import fields
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.plain import Browser
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
