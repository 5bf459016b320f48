"""What one channel sees of another: nothing."""

from __future__ import annotations

from typing import Any

from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, hold_of, order_of


def bare(answer: Answer) -> dict[str, Any]:
    """The problem without what differs for every request."""
    return {name: value for name, value in answer.json.items() if name not in ("trace_id", "request_id")}


async def requests_for(shop: TestChannel, ids: dict[str, str]) -> dict[str, Answer]:
    """Every operation that names a thing in its path, and those that name one in the body."""
    offer = {"id": ids["offer"], "price": {"amount": 1000, "currency": "EUR"}}
    from_hold = order_of(offer)
    from_hold["lines"][0]["reservation_id"] = ids["hold"]
    return {
        "get_offer": await shop.get(f"/offers/{ids['offer']}"),
        "get_order": await shop.get(f"/orders/{ids['order']}"),
        "get_reservation": await shop.get(f"/reservations/{ids['hold']}"),
        "release_reservation": await shop.request("DELETE", f"/reservations/{ids['hold']}"),
        "extend_reservation": await shop.post(f"/reservations/{ids['hold']}/extend"),
        "confirm_payment": await shop.post(f"/orders/{ids['order']}/payment", {"amount": offer["price"]}),
        "cancel_order": await shop.post(f"/orders/{ids['order']}/cancel"),
        "list_deliveries": await shop.get(f"/orders/{ids['order']}/deliveries"),
        "reveal_delivery": await shop.post(f"/deliveries/{ids['delivery']}/reveal"),
        "create_reservation": await shop.post("/reservations", hold_of(offer)),
        "create_order": await shop.post("/orders", order_of(offer)),
        "create_refund": await shop.post(f"/orders/{ids['order']}/refunds", {"reason": "other"}),
        "list_refunds": await shop.get(f"/orders/{ids['order']}/refunds"),
        "create_dispute": await shop.post(f"/orders/{ids['order']}/disputes", {"reason": "other"}),
        "create_replacement": await shop.post(
            f"/orders/{ids['order']}/replacements", {"delivery_id": ids["delivery"], "reason": "dead"}
        ),
        "create_order from a hold": await shop.post("/orders", from_hold),
    }


async def test_anothers_things_look_exactly_like_none(gateway: RunningGateway, shop: TestChannel) -> None:
    """AUT-011: status and body are equal but for trace and request id; and nothing has changed."""
    owner = await gateway.channel("owner")
    offer = await gateway.offer(codes=["A", "B", "C"], client_id=owner.client_id)
    order = (await owner.post("/orders", order_of(offer))).json
    hold = (await owner.post("/reservations", hold_of(offer))).json
    (delivery,) = (await owner.get(f"/orders/{order['id']}/deliveries")).json["items"]
    real = {"offer": offer["id"], "order": order["id"], "hold": hold["id"], "delivery": delivery["id"]}
    none = {name: value[:-4] + "zzzz" for name, value in real.items()}
    theirs, nobodys = await requests_for(shop, real), await requests_for(shop, none)
    for name, answer in theirs.items():
        assert (answer.status, answer.code) == (404, "not_found"), name
        assert bare(answer) == bare(nobodys[name]), name
    assert (await owner.get(f"/reservations/{hold['id']}")).json == hold
    assert (await gateway.stock(offer))["sold"] == 1


async def test_lists_and_references_are_ones_own(gateway: RunningGateway, shop: TestChannel) -> None:
    """AUT-012: neither by list nor by reference nor by cursor; and a reference is free for everybody."""
    owner = await gateway.channel("owner")
    offer = await gateway.offer(quantity=9, client_id=owner.client_id)
    shared = await gateway.offer(quantity=9)
    body = order_of(offer, reference="same")
    await owner.post("/orders", body)
    await owner.post("/reservations", hold_of(offer, reference="same"))
    for path in ("/orders", "/reservations"):
        assert (await shop.get(path)).json["items"] == []
        assert (await shop.get(path, params={"reference": "same"})).json["items"] == []
    assert [entry["offer_id"] for entry in (await shop.get("/offers")).json["items"]] == [shared["id"]]
    subjects = {event["subject"] for event in (await shop.get("/events")).json["items"]}
    assert subjects <= {shared["id"]}
    assert (await shop.post("/orders", order_of(shared, reference="same"))).status == 201
