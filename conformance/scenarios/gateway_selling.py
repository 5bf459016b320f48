"""Stories of buying: from a hold, directly, pending and paid, refused for each reason."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import EUR, Json, buyer, word
from conformance.model import scenario

USD = {"amount": 1999, "currency": "USD"}
FORM = {
    "type": "object",
    "required": ["account"],
    "properties": {"account": {"type": "string", "pattern": "^[0-9]{6,12}$"}},
}
ACCOUNT = "733155409182"  # long enough to be nothing else


@scenario("sale", role="gateway")
async def sale(s: GatewaySession) -> None:
    """Hold, order from the hold, open the goods; then the same hold once more."""
    shop = await s.shop()
    codes = [f"{code} äß 试 \\\"' 0012 " for code in s.codes(4)]
    offer = await shop.offer(codes=codes)
    s.transcript.note("codes", codes)
    who = buyer()
    hold = await shop.must(
        "create_reservation", "hold", body=shop.holding(offer, 1, who, reference=word("hold"))
    )
    await shop.do("get_reservation", "hold again", path={"reservation_id": hold["id"]})
    params = {"reference": str(hold.get("reference", "none"))}
    await shop.do("list_reservations", "hold by reference", params=params)
    body = shop.ordering(offer, 1, who, reservation_id=hold["id"])
    order = await shop.must("create_order", "order", body=body)
    await shop.do("get_reservation", "hold used", path={"reservation_id": hold["id"]})
    await shop.do("get_order", "order again", path={"order_id": order["id"]})
    await shop.do("list_orders", "order by reference", params={"reference": body["reference"]})
    await s.stock(offer, "stock after one")
    again = shop.ordering(offer, 1, who, reservation_id=hold["id"])
    await shop.do("create_order", "hold used twice", body=again)
    second = await shop.must("create_order", "two more", body=shop.ordering(offer, 2))
    for each in (order, second):
        for delivery in await shop.deliveries(each, "deliveries"):
            await shop.reveal(delivery)
            await shop.reveal(delivery, "reveal again")
        await shop.deliveries(each, "deliveries after")
    await shop.do("get_order", "order at the end", path={"order_id": order["id"]})
    await s.stock(offer, "stock at the end")


@scenario("kinds", role="gateway")
async def kinds(s: GatewaySession) -> None:
    """A licence, a download, and goods without a limit."""
    shop = await s.shop()
    licence = await shop.offer(delivery_kind="licence")
    link = await shop.offer(
        delivery_kind="download", unlimited=True, download_url="https://files.example/a.zip"
    )
    for kind, offer in (("licence", licence), ("download", link)):
        order = await shop.must("create_order", f"{kind} order", body=shop.ordering(offer, 2))
        for delivery in await shop.deliveries(order, f"{kind} deliveries"):
            await shop.reveal(delivery, f"{kind} reveal")
    s.transcript.note("now", (await s.now()).timestamp())
    await s.stock(link, "unlimited stock")


@scenario("refusals", role="gateway")
async def refusals(s: GatewaySession) -> None:
    """Orders that are refused for one reason each, beside the same order without it."""
    shop = await s.shop()
    offer = await shop.offer(quantity=50, restrictions={"regions": ["DE", "AT"], "max_per_order": 3})
    await shop.order(offer, "right order", 1)
    await shop.order(offer, "most allowed", 3)
    await shop.order(offer, "too many", 4)
    cheap = {"amount": EUR["amount"] - 1, "currency": "EUR"}
    await s.stock(offer, "stock before refusals")
    await shop.order(offer, "wrong price", 1, unit_price=cheap)
    await shop.order(offer, "wrong currency", 1, unit_price=USD)
    await shop.order(offer, "wrong region", 1, who=buyer("US"))
    await s.stock(offer, "stock after refusals")
    used = shop.ordering(offer)
    await shop.do("create_order", "reference first", body=used)
    other = shop.ordering(offer) | {"reference": used["reference"]}
    await shop.do("create_order", "reference again", body=other)
    rare = await shop.offer(quantity=3)
    await shop.order(rare, "more than there is", 4)
    await s.stock(rare, "stock of the rare")
    await shop.order(await shop.offer(quantity=3), "all there is", 3)
    gone = await shop.offer(quantity=5)
    await shop.order(gone, "before withdrawal")
    await s.change(gone, "withdraw", withdrawn=True)
    await shop.order(gone, "after withdrawal")


@scenario("refused_lines", role="gateway")
async def refused_lines(s: GatewaySession) -> None:
    """Orders with several lines, and with buyer input."""
    shop = await s.shop()
    first, second = (
        await shop.offer(quantity=9),
        await shop.offer(quantity=2, price={"amount": 7, "currency": "EUR"}),
    )
    dollars = await shop.offer(quantity=9, price=USD)

    def cart(*lines: tuple[Json, int]) -> Json:
        body = shop.ordering(lines[0][0])
        body["lines"] = [{"offer_id": o["id"], "quantity": n, "unit_price": o["price"]} for o, n in lines]
        return body

    await shop.do("create_order", "two lines", body=cart((first, 3), (second, 1)))
    await s.stock(first, "first before")
    await shop.do("create_order", "second line sold out", body=cart((first, 3), (second, 2)))
    await s.stock(first, "first after")
    await shop.do("create_order", "one currency", body=cart((first, 1), (await shop.offer(quantity=9), 1)))
    await shop.do("create_order", "two currencies", body=cart((first, 1), (dollars, 1)))
    await shop.order(dollars, "dollars alone")
    asks = await shop.offer(quantity=9, buyer_input=FORM)
    await shop.order(asks, "right input", buyer_input={"account": ACCOUNT})
    await shop.order(asks, "wrong input", buyer_input={"account": "12"})
    await shop.order(asks, "no input")
    await shop.pages("list_events", "feed", limit=100)


@scenario("pending", role="gateway")
async def pending(s: GatewaySession) -> None:
    """Payment pending, then confirmed, or cancelled."""
    shop = await s.shop()
    offer = await shop.offer(quantity=10)
    order = await shop.must("create_order", "pending", body=shop.ordering(offer, 2, pay="pending"))
    at = {"order_id": order["id"]}
    s.transcript.note("order", order["id"])
    s.transcript.note("now", (await s.now()).timestamp())
    await s.stock(offer, "stock while pending")
    await shop.do("list_deliveries", "deliveries while pending", path=at)
    total = {"amount": 2 * EUR["amount"], "currency": "EUR"}
    card = {"method": "card"}
    await shop.do("confirm_payment", "paid", path=at, body={"amount": total} | card)
    await shop.do("list_deliveries", "deliveries when paid", path=at)
    await shop.do("get_order", "order when paid", path=at)
    await shop.do("cancel_order", "cancel fulfilled", path=at, body={"reason": "changed my mind"})
    await shop.do("get_order", "order after refused cancel", path=at)
    await s.stock(offer, "stock when paid")
    other = await shop.must("create_order", "to be cancelled", body=shop.ordering(offer, 3, pay="pending"))
    at = {"order_id": other["id"]}
    await s.stock(offer, "stock before cancel")
    await shop.do("cancel_order", "cancel", path=at, body={"reason": "changed my mind"})
    await s.stock(offer, "stock after cancel")
    total = {"amount": 3 * EUR["amount"], "currency": "EUR"}
    await shop.do("confirm_payment", "paid after cancel", path=at, body={"amount": total} | card)
    await shop.do("get_order", "order after cancel", path=at)
    last = await shop.must("create_order", "to be paid wrongly", body=shop.ordering(offer, 1, pay="pending"))
    wrong = {"amount": {"amount": EUR["amount"] - 1, "currency": "EUR"}}
    await shop.do("confirm_payment", "wrong amount", path={"order_id": last["id"]}, body=wrong | card)


@scenario("pages", role="gateway")
async def pages(s: GatewaySession) -> None:
    """Seven orders and holds, read in pages of two and of three."""
    shop = await s.shop()
    offer = await shop.offer(quantity=40)
    for number in range(7):
        order = await shop.order(offer, f"order {number}")
        hold = await shop.hold(offer, f"hold {number}")
        s.transcript.note(f"order {number}", order.answer.get("id"))
        s.transcript.note(f"hold {number}", hold.answer.get("id"))
    for limit in (2, 3):
        await shop.pages("list_orders", f"orders by {limit}", limit)
        await shop.pages("list_reservations", f"holds by {limit}", limit)
    page = await shop.do("list_orders", "first page", params={"limit": "2"})
    cursor = str(page.answer.get("next_cursor") or "none")
    await shop.do("list_orders", "second page", params={"limit": "2", "cursor": cursor})
    await shop.do("list_orders", "made-up cursor", params={"limit": "2", "cursor": "bm90LW91cnM"})
    holds = await shop.do("list_reservations", "first page of holds", params={"limit": "2"})
    other = str(holds.answer.get("next_cursor") or "none")
    await shop.do("list_orders", "another list's cursor", params={"limit": "2", "cursor": other})
