"""Stories of what comes after the sale: refunds, replacements, disputes."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop
from conformance.model import scenario


def _line(order: Json) -> str:
    """The id of the order's first line."""
    lines = order.get("lines")
    first = lines[0] if isinstance(lines, list) and lines else {}
    return str(first.get("id", "none")) if isinstance(first, dict) else "none"


@scenario("refunds", role="gateway")
async def refunds(s: GatewaySession) -> None:
    """One of three units, more than is left, then the rest; and what was never paid."""
    shop = await s.shop()
    offer = await shop.offer(codes=s.codes(5))
    order = await shop.must("create_order", "order", body=shop.ordering(offer, 3))
    at, line = {"order_id": order["id"]}, _line(order)
    found = await shop.deliveries(order)
    await s.stock(offer, "stock before")
    one: Json = {"lines": [{"line_id": line, "quantity": 1}], "reason": "buyer_request"}
    await shop.do("create_refund", "refund one", path=at, body=one)
    await shop.do("get_order", "order after one", path=at)
    await s.stock(offer, "stock after one")
    more: Json = {"lines": [{"line_id": line, "quantity": 3}], "reason": "buyer_request"}
    await shop.do("create_refund", "refund too much", path=at, body=more)
    await s.stock(offer, "stock after too much")
    await shop.do("create_refund", "refund the rest", path=at, body={"reason": "goods_faulty"})
    await shop.do("get_order", "order after all", path=at)
    await s.stock(offer, "stock after all")
    await shop.do("list_refunds", "refunds", path=at)
    for delivery in found:
        await shop.reveal(delivery, "reveal refunded")
    sold = await shop.must("create_order", "not refunded", body=shop.ordering(offer))
    for delivery in await shop.deliveries(sold):
        await shop.reveal(delivery, "reveal not refunded")
    waiting = await shop.must("create_order", "pending", body=shop.ordering(offer, pay="pending"))
    at = {"order_id": waiting["id"]}
    unpaid = one | {"lines": [{"line_id": _line(waiting), "quantity": 1}]}
    await shop.do("create_refund", "refund pending", path=at, body=unpaid)


@scenario("replacements", role="gateway")
async def replacements(s: GatewaySession) -> None:
    """A dead code while there are others, and when there is none."""
    shop = await s.shop()
    offer = await shop.offer(codes=s.codes(3))
    order, delivery = await _sold(shop, offer, "order")
    await shop.reveal(delivery, "dead goods")
    await s.stock(offer, "stock before")
    wish = {"delivery_id": delivery["id"], "reason": "dead"}
    seen = await shop.do("create_replacement", "replace", path={"order_id": order["id"]}, body=wish)
    await s.stock(offer, "stock after")
    await shop.reveal(delivery, "reveal replaced")
    made = seen.answer.get("delivery")
    if isinstance(made, dict) and "id" in made:
        await shop.reveal(made, "other goods")
    await shop.deliveries(order, "deliveries after")
    last = await shop.offer(codes=s.codes(1))
    order, delivery = await _sold(shop, last, "last")
    wish = {"delivery_id": delivery["id"], "reason": "dead"}
    await shop.do("create_replacement", "replace with nothing", path={"order_id": order["id"]}, body=wish)
    await shop.reveal(delivery, "still there")


async def _sold(shop: Shop, offer: Json, label: str) -> tuple[Json, Json]:
    """An order of one, and its delivery."""
    order = await shop.must("create_order", label, body=shop.ordering(offer))
    found = await shop.deliveries(order, f"deliveries of {label}")
    return order, found[0] if found else {"id": "dlv_none"}


@scenario("disputes", role="gateway")
async def disputes(s: GatewaySession) -> None:
    """A payment is contested."""
    shop = await s.shop()
    offer = await shop.offer(quantity=3)
    order = await shop.must("create_order", "order", body=shop.ordering(offer))
    at = {"order_id": order["id"]}
    await shop.do("create_dispute", "dispute", path=at, body={"reason": "chargeback", "evidence": "case 1"})
    await shop.do("get_order", "order when disputed", path=at)
    part = await shop.must("create_order", "order of two", body=shop.ordering(offer, quantity=2))
    at = {"order_id": part["id"]}
    lines = [{"line_id": _line(part), "quantity": 1}]
    await shop.must(
        "create_refund", "part refunded", path=at, body={"reason": "buyer_request", "lines": lines}
    )
    await shop.do("create_dispute", "dispute of the rest", path=at, body={"reason": "chargeback"})
    await shop.do("get_order", "rest when disputed", path=at)
