"""Every operation that shows personal data asks the decision point first: found in the document, seen in the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import spec
from gateway.http.trace import Exchange
from tests.fixtures.buyers import Person, resolved
from tests.fixtures.gateway import RunningGateway, TestChannel, order_of
from tests.http.owning import buy
from tests.http.test_erasure import INPUT

MARK = "x-personal-data"
Json = dict[str, Any]


def marks(node: Any, document: Json, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every field of personal data that a schema can show."""
    if isinstance(node, dict):
        if isinstance(node.get(MARK), str):
            yield node[MARK]
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            group, name = reference.split("/")[2:]
            yield from marks(document["components"][group][name], document, seen | {reference})
        for value in node.values():
            yield from marks(value, document, seen)
    if isinstance(node, list):
        for item in node:
            yield from marks(item, document, seen)


def personal() -> dict[str, set[str]]:
    """Operations of the gateway's whose answers can hold personal data, and the fields of it."""
    document = spec.document("gateway")
    found: dict[str, set[str]] = {}
    for methods in document["paths"].values():
        for node in methods.values():
            if node["tags"] != ["test_control"]:
                answers = {code: answer for code, answer in node["responses"].items() if code.startswith("2")}
                fields = set(marks(answers, document))
                if fields:
                    found[node["operationId"]] = fields
    return found


def shown(value: Any, schema: Json, types: Json) -> Iterator[str]:
    """The fields of personal data that are really in an answer."""
    while "$ref" in schema:
        schema = types[schema["$ref"].rsplit("/", 1)[1]]
    if MARK in schema:
        yield schema[MARK]
    if isinstance(value, dict):
        for name, item in value.items():
            if name in schema.get("properties", {}):
                yield from shown(item, schema["properties"][name], types)
    if isinstance(value, list):
        for item in value:
            yield from shown(item, schema["items"], types)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Every exchange as the access log sees it."""
    from gateway.http.edge import Edge

    noted: list[Exchange] = []
    line = Edge._line
    monkeypatch.setattr(
        Edge, "_line", lambda self, exchange, ms: (noted.append(exchange), line(self, exchange, ms))
    )
    return noted


async def everything(gateway: RunningGateway) -> list[tuple[str, Any]]:
    """Each of those operations once, with its answer, for a buyer of whom there is something to show."""
    shop = await gateway.channel("shop")
    limit = {"purchase_limit": {"quantity": 9}}
    offer = await gateway.offer(codes=["A", "B", "C", "D"], price=500, buyer_input=INPUT, restrictions=limit)
    bought: list[tuple[str, Any]] = []

    async def go(name: str, method: str, path: str, body: Any = None) -> Any:
        answer = await (shop.post(path, body) if method == "POST" else shop.request(method, path, json=body))
        assert answer.status < 300, (name, answer.body)
        bought.append((name, answer.json if answer.headers["Content-Type"] == "application/json" else None))
        return answer.json if bought[-1][1] is not None else None

    def order(reference: str, **more: Any) -> Any:
        made = order_of(offer, reference=reference, **more)
        made["buyer"] = {"reference": "mia", "region": "DE"}
        made["lines"][0]["buyer_input"] = {"player": "Mia"}
        return made

    buyer = await go(
        "resolve_buyer", "POST", "/buyers/resolve", {"subject": "mia", "email": "mia@shop.example"}
    )
    who = f"/buyers/{buyer['id']}"
    held = {"offer_id": offer["id"], "quantity": 1, "buyer": {"reference": "mia"}}
    hold = await go("create_reservation", "POST", "/reservations", held)
    await go("extend_reservation", "POST", f"/reservations/{hold['id']}/extend", {"ttl_seconds": 600})
    for name, method, path in (
        ("get_reservation", "GET", f"/reservations/{hold['id']}"),
        ("list_reservations", "GET", "/reservations"),
        ("release_reservation", "DELETE", f"/reservations/{hold['id']}"),
    ):
        await go(name, method, path)
    waiting = await go("create_order", "POST", "/orders", order("w", payment={"status": "pending"}))
    await go("confirm_payment", "POST", f"/orders/{waiting['id']}/payment", {"amount": waiting["total"]})
    other = await go("create_order", "POST", "/orders", order("c", payment={"status": "pending"}))
    await go("cancel_order", "POST", f"/orders/{other['id']}/cancel")
    dispute = {"reason": "fraud", "evidence": "She says so."}
    await go("create_dispute", "POST", f"/orders/{waiting['id']}/disputes", dispute)
    await go("get_order", "GET", f"/orders/{waiting['id']}")
    await go("list_orders", "GET", "/orders")
    await go("get_buyer", "GET", who)
    await linked(go, Person(shop, buyer["id"], "mia"), who)
    await go("set_consent", "PUT", f"{who}/consents/marketing", {"decision": "given"})
    for name, path in (
        ("get_consent", "/consents/marketing"),
        ("list_consents", "/consents"),
        ("list_receipts", "/consents/marketing/receipts"),
        ("list_data_uses", "/data-uses"),
        ("export_buyer", "/export"),
    ):
        await go(name, "GET", who + path)
    await owning(go, shop, waiting["id"], buyer["id"])
    await go("list_events", "GET", "/events")
    other_buyer = await resolved(shop, "ann")
    await go("erase_buyer", "DELETE", f"/buyers/{other_buyer.id}")
    return bought


async def owning(go: Any, shop: TestChannel, order_id: str, buyer_id: str) -> None:
    """The operations on what she owns, of whom somebody else has it then."""
    delivery = (await shop.get(f"/orders/{order_id}/deliveries")).json["items"][0]
    one = f"/entitlements/{delivery['entitlement_id']}"
    await go("get_entitlement", "GET", one)
    await go("list_ownership_changes", "GET", f"{one}/history")
    await go("list_entitlements", "GET", f"/buyers/{buyer_id}/entitlements")
    bought = await buy(shop, await shop.gateway.offer(), "mia")
    await go("issue_certificate", "POST", f"/entitlements/{bought['id']}/certificates")
    code = (await shop.post(f"/entitlements/{bought['id']}/transfers")).json["code"]
    friend = await resolved(shop, "friend")
    await go("accept_transfer", "POST", "/transfers/accept", {"buyer_id": friend.id, "code": code})
    await go("consume_entitlement", "POST", f"/entitlements/{bought['id']}/consume")


async def linked(go: Any, mia: Person, who: str) -> None:
    """The operations on links."""
    begun = await go(
        "create_link", "POST", f"{who}/links", {"kind": "email_code", "email_code": {"email": "m@x.example"}}
    )
    mails = (await mia.shop.gateway.control("/mails/read", {"email": "m@x.example"})).json["mails"]
    await go("confirm_link", "POST", f"{who}/links/{begun['id']}/confirm", {"code": mails[-1]["code"]})
    ann = await resolved(mia.shop, "bea")
    code = (await ann.begin("link_code")).json["link_code"]["code"]
    await go("redeem_link_code", "POST", f"{who}/links/redeem", {"code": code})
    await go("list_links", "GET", f"{who}/links")
    await go("delete_link", "DELETE", f"{who}/links/{begun['id']}")


async def test_every_operation_that_shows_personal_data_asks(
    gateway: RunningGateway, asked: list[Exchange]
) -> None:
    """CNS-017: none is left out, and each has asked for every such field that stands in its answer."""
    wanted = personal()
    answers = await everything(gateway)
    assert {name for name, _ in answers} == wanted.keys()
    noted: dict[str, set[str]] = {}
    for exchange in asked:
        noted.setdefault(exchange.operation, set()).update(field for _, field in exchange.data_uses)
    for name, answer in answers:
        operation = spec.operation("gateway", name)
        assert noted[name], name
        if name == "get_buyer":
            assert answer["purchase_limits"]
        if operation.response_type is not None:
            types = spec.standalone(operation.response_type)["components"]["schemas"]
            found = set(shown(answer, types[operation.response_type], types))
            assert found <= noted[name], name
