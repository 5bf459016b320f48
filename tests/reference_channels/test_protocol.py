"""The channel document: discovery, events, test control."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import spec
from tests.reference_channels.conftest import TEST_SECRET, RunningShop, running_shop
from tests.reference_channels.scripted import ScriptedGateway


@pytest.fixture(params=["standard_webhooks", "rfc9421"])
async def listening(
    request: pytest.FixtureRequest, gateway: ScriptedGateway, tmp_path: Path
) -> AsyncIterator[RunningShop]:
    """A shop for each signature scheme, with its feeds read."""
    async with running_shop(tmp_path, gateway.url, signature_scheme=request.param, sync_every=3600) as shop:
        yield shop


async def post(
    gateway: ScriptedGateway, shop: RunningShop, event: dict[str, Any], at: float | None = None, **change: Any
) -> tuple[int, dict[str, Any]]:
    """Post an event, signed as the shop asks; `body` and `headers` change it after it was signed."""
    discovery = await (await shop.http.get(f"{shop.url}/.well-known/vgcp")).json()
    url, body = discovery["endpoints"]["events"], json.dumps(event).encode()
    if discovery["signature_scheme"] == "rfc9421":
        headers = gateway.rfc9421_headers(url, body, at)
    else:
        headers = gateway.webhook_headers(event, body, at)
    headers |= change.get("headers", {})
    async with shop.http.post(url, data=change.get("body", body), headers=headers) as answer:
        text = await answer.text()
        problem = json.loads(text) if text else {}
        assert not problem or not spec.validator("Problem").errors(problem)
        return answer.status, problem


async def test_discovery_fits_the_standard(listening: RunningShop) -> None:
    """DSC-002, DSC-008 to DSC-010."""
    async with listening.http.get(f"{listening.url}/.well-known/vgcp") as answer:
        document = await answer.json()
    assert not spec.validator("Discovery").errors(document)
    assert (document["role"], document["sandbox"]) == ("channel", True)
    assert {"events", "test_control"} <= {each["name"] for each in document["capabilities"]}


async def test_a_new_price_is_shown(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """SEL-005, at once and without reading the feed."""
    offer = gateway.add()
    await listening.sync()
    changed = gateway.change(offer["id"], price={"amount": 999, "currency": "USD"})
    status, _ = await post(gateway, listening, gateway.event("offer.updated", offer["id"], 2, offer=changed))
    assert status == 204
    assert (await listening.shelf())[offer["id"]]["price"]["amount"] == 999


async def test_withdrawn_is_off_sale_and_stale_news_do_not_bring_it_back(
    gateway: ScriptedGateway, listening: RunningShop
) -> None:
    """SEL-004, EVT-014: neither an older event nor an older feed entry."""
    offer = gateway.add()
    await listening.sync()
    gone = {**offer, "revision": 5, "status": "withdrawn"}
    assert (await post(gateway, listening, gateway.event("offer.withdrawn", offer["id"], 5, offer=gone)))[
        0
    ] == 204
    assert offer["id"] not in await listening.shelf()
    stale = {**offer, "revision": 4}
    assert (await post(gateway, listening, gateway.event("offer.updated", offer["id"], 4, offer=stale)))[
        0
    ] == 204
    gateway.change(offer["id"])
    await listening.sync()
    assert offer["id"] not in await listening.shelf()
    assert (await listening.buy(offer))["reason"] == "offer_withdrawn"


async def test_a_withdrawal_without_a_snapshot_counts_too(
    gateway: ScriptedGateway, listening: RunningShop
) -> None:
    """A deleted offer has nothing left to show."""
    offer = gateway.add()
    await listening.sync()
    await post(gateway, listening, gateway.event("offer.withdrawn", offer["id"], 2))
    assert offer["id"] not in await listening.shelf()


async def test_sold_out_is_not_buyable(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """SEL-012: listed, but without a button."""
    offer = gateway.add()
    await listening.sync()
    sold = {**offer, "revision": 2, "availability": {"status": "out_of_stock"}}
    await post(gateway, listening, gateway.event("availability.changed", offer["id"], 2, offer=sold))
    assert (await listening.shelf())[offer["id"]]["buyable"] is False


async def test_an_event_takes_effect_once(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """EVT-012, EVT-013: 2xx again, and nothing happens, even where the feed went on since."""
    offer = gateway.add()
    await listening.sync()
    event = gateway.event(
        "offer.updated", offer["id"], 1, offer={**offer, "price": {"amount": 1, "currency": "USD"}}
    )
    assert (await post(gateway, listening, event))[0] == 204
    back = gateway.event("offer.updated", offer["id"], 1, offer=offer)
    await post(gateway, listening, back)
    assert (await post(gateway, listening, event))[0] == 204
    assert (await listening.shelf())[offer["id"]]["price"]["amount"] == 1499


async def test_unknown_events_and_members_are_taken(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """EVT-015, CNV-001, CNV-002."""
    event = gateway.event("planet.aligned", "pla_1", 1, planet={"mass": 1})
    assert (await post(gateway, listening, {**event, "mood": "good"}))[0] == 204


async def test_forged_events_are_refused(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """SIG-005 to SIG-009: with the right problem, and without effect."""
    offer = gateway.add()
    await listening.sync()
    gone = gateway.event("offer.withdrawn", offer["id"], 9)
    forged = json.dumps({**gone, "revision": 99}).encode()
    assert (await post(gateway, listening, gone, body=forged))[1]["code"] == "signature_invalid"
    assert (await post(gateway, listening, gone, time.time() - 400))[1]["code"] == "signature_expired"
    assert (await post(ScriptedGateway(), listening, gone, headers={"webhook-signature": "v1,AAAA"}))[
        0
    ] == 401
    async with listening.http.post(f"{listening.url}/vgcp/v1/events", json=gone) as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, "signature_missing")
    async with listening.http.post(f"{listening.url}/vgcp/v1/events", data=b"{not json") as answer:
        assert (await answer.json())["code"] == "signature_missing"
    assert offer["id"] in await listening.shelf()


async def test_signed_nonsense_is_refused_in_words(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """ERR-010: schema errors are named; the signature comes first."""
    event: dict[str, Any] = gateway.event("offer.updated", "off_1", 1)
    del event["data"]
    status, problem = await post(gateway, listening, event)
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["errors"]


async def test_a_rotated_key_is_fetched(gateway: ScriptedGateway, tmp_path: Path) -> None:
    """The gateway signs with a key that it publishes since: the shop reads its discovery again."""
    async with running_shop(tmp_path, gateway.url, signature_scheme="rfc9421", sync_every=3600) as shop:
        await shop.sync()
        shop.parts.link._read_at -= 60
        fresh = ScriptedGateway()
        gateway.key, gateway.kid = fresh.key, "key-2"
        assert (await post(gateway, shop, gateway.event("some.thing", "off_1", 1)))[0] == 204


async def test_the_event_feed_catches_up(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """EVT-016: what was posted while the shop was away, once, and in order."""
    offer = gateway.add()
    await listening.sync()
    for revision in range(2, 45):
        changed = {**offer, "revision": revision, "price": {"amount": revision, "currency": "USD"}}
        gateway.events.append(gateway.event("offer.updated", offer["id"], revision, offer=changed))
    await listening.sync()
    assert (await listening.shelf())[offer["id"]]["price"]["amount"] == 44
    pages = len(gateway.made("list_events"))
    await listening.sync()
    assert len(gateway.made("list_events")) == pages + 1


async def test_an_event_finishes_an_order(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """order.updated: what the gateway says of an order is what the buyer sees; nothing older counts."""
    gateway.order_status = "fulfilling"
    offer = gateway.add()
    await listening.sync()
    await listening.buy(offer, reveal=False)
    order = next(iter(gateway.orders.values()))
    done = {**order, "status": "fulfilled", "revision": 7}
    assert (await post(gateway, listening, gateway.event("order.updated", order["id"], 7, order=done)))[
        0
    ] == 204
    seen = await listening.control("GET", "/purchases/intent-1")
    assert seen["outcome"] == "fulfilled"
    assert "goods_shown" not in seen


async def test_an_expired_hold_ends_the_checkout(gateway: ScriptedGateway, listening: RunningShop) -> None:
    """reservation.expired: too late to pay."""
    offer = gateway.add()
    await listening.sync()
    await listening.buy(offer, pay=False)
    hold = next(iter(gateway.holds.values()))
    hold["status"] = "expired"
    await post(gateway, listening, gateway.event("reservation.expired", hold["id"], 2, reservation=hold))
    assert (await listening.buy(offer))["reason"] == "hold_expired"


async def test_the_feed_keeps_the_shelf(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """CAT-009, CAT-010: by cursor, with tombstones."""
    first, second = gateway.add("One"), gateway.add("Two")
    await shop.sync()
    assert set(await shop.shelf()) == {first["id"], second["id"]}
    gateway.delete(first["id"])
    await shop.sync()
    assert set(await shop.shelf()) == {second["id"]}
    first_reads = [call for call in gateway.made("list_offers") if "cursor" not in call.query]
    assert len(first_reads) == 1


async def test_test_control_asks_for_its_secret(shop: RunningShop) -> None:
    """TST-004: on every operation, before anything else."""
    operations = [each for each in spec.operations("channel") if each.id.startswith("test_")]
    assert len(operations) == 18
    for operation in operations:
        url = shop.url + re.sub(r"\{\w+\}", "x", operation.path)
        for headers in ({}, {"VGCP-Test-Secret": "wrong"}, {"VGCP-Test-Secret": TEST_SECRET + "x"}):
            async with shop.http.request(operation.method, url, headers=headers, data=b"{") as answer:
                assert answer.status == 401, operation.id
                assert (await answer.json())["code"] == "test_secret_invalid"


async def test_outside_of_a_sandbox_there_is_no_test_control(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """TST-006, DSC-010."""
    async with running_shop(tmp_path, gateway.url, test_secret=None) as shop:
        for operation in spec.operations("channel"):
            if operation.id.startswith("test_"):
                url = shop.url + re.sub(r"\{\w+\}", "x", operation.path)
                async with shop.http.request(
                    operation.method, url, headers={"VGCP-Test-Secret": ""}
                ) as answer:
                    assert (await answer.json())["code"] == "not_found"
        async with shop.http.get(f"{shop.url}/.well-known/vgcp") as answer:
            document = await answer.json()
    assert document["sandbox"] is False
    assert "test_control" not in {each["name"] for each in document["capabilities"]}


async def test_reset_forgets_and_points_elsewhere(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """TST-009: the old gateway hears nothing any more."""
    await shop.sync()
    offer = gateway.add()
    await shop.sync()
    await shop.buy(offer)
    async with ScriptedGateway() as other:
        elsewhere = {
            "url": other.url,
            "client_id": "shop",
            "client_secret": "s3cret",
            "webhook_secret": "whsec_b3RoZXI=",
        }
        await shop.control("POST", "/reset", {"gateway": elsewhere})
        gateway.calls.clear()
        assert (await shop.control("GET", "/log"))["lines"][:1] != [], "the log goes on"
        another = other.add()
        await shop.sync()
        assert set(await shop.shelf()) == {another["id"]}
        bought = await shop.buy(another)
        assert bought["outcome"] == "fulfilled", bought
        assert not gateway.calls
        async with shop.http.get(
            f"{shop.url}/vgcp/v1/test/purchases/none", headers={"VGCP-Test-Secret": TEST_SECRET}
        ) as got:
            assert (await got.json())["code"] == "not_found"


async def test_without_a_gateway_control_says_unavailable(tmp_path: Path) -> None:
    """A shop that is not connected starts, shows empty shelves, and says so."""
    async with running_shop(tmp_path, None) as shop:
        async with shop.http.post(
            f"{shop.url}/vgcp/v1/test/sync", headers={"VGCP-Test-Secret": TEST_SECRET}
        ) as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "unavailable")
            assert answer.headers["Retry-After"]
        async with shop.http.get(shop.url) as answer:
            assert "shelves are being filled" in await answer.text()
        async with shop.http.get(f"{shop.url}/healthz") as answer:
            assert await answer.json() == {"status": "ok", "connected": False}


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/vgcp/v1/nothing", None, "not_found"),
        ("GET", "/vgcp/v1/events", None, "method_not_allowed"),
        ("POST", "/vgcp/v1/events", b"x" * 300_000, "body_too_large"),
        ("POST", "/vgcp/v1/test/purchases", b"{", "malformed"),
        ("POST", "/vgcp/v1/test/purchases", b"{}", "invalid"),
        ("POST", "/vgcp/v1/test/purchases", b"[]", "invalid"),
        ("POST", "/vgcp/v1/test/clock", b'{"advance_seconds": -1}', "invalid"),
        ("POST", "/vgcp/v1/test/reset", b'{"gateway": {}}', "invalid"),
    ],
)
async def test_errors_are_problem_documents(
    shop: RunningShop, method: str, path: str, body: bytes | None, code: str
) -> None:
    """ERR-010: of the catalogue, with the trace of the answer and a request id."""
    headers = {"VGCP-Test-Secret": TEST_SECRET, "Content-Type": "application/json"}
    async with shop.http.request(method, shop.url + path, data=body, headers=headers) as answer:
        problem = await answer.json()
        assert answer.content_type == "application/problem+json"
        assert (problem["code"], answer.status) == (code, spec.problems()[code].status)
        assert not spec.validator("Problem").errors(problem)
        assert answer.headers["traceparent"][3:35] == problem["trace_id"]
        assert answer.headers["VGCP-Request-Id"] == problem["request_id"]
        assert ("Allow" in answer.headers) is (code == "method_not_allowed")


async def test_another_media_type_is_refused(shop: RunningShop) -> None:
    """JSON only."""
    headers = {"VGCP-Test-Secret": TEST_SECRET, "Content-Type": "text/plain"}
    async with shop.http.post(f"{shop.url}/vgcp/v1/test/clock", data=b"{}", headers=headers) as answer:
        assert (await answer.json())["code"] == "media_type_unsupported"


async def test_answers_fit_their_schemas(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """What test control answers is what the channel document promises."""
    offer = gateway.add()
    await shop.sync()
    answers = {
        "TestShelf": await shop.control("GET", "/shelf"),
        "TestPurchase": await shop.buy(offer),
        "TestClockState": await shop.control("POST", "/clock", {"advance_seconds": 1}),
        "TestLog": await shop.control("GET", "/log"),
    }
    for kind, document in answers.items():
        assert not spec.validator(kind).errors(document), kind


async def test_the_log_is_json_with_traces(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """Each line of a request has its trace and request id; no query, no secret."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    async with shop.http.get(f"{shop.url}/?q=private", headers=headers) as answer:
        assert answer.headers["traceparent"][3:35] == trace_id
        request_id = answer.headers["VGCP-Request-Id"]
    lines = [json.loads(line) for line in (await shop.control("GET", "/log"))["lines"]]
    (mine,) = [line for line in lines if line.get("request_id") == request_id]
    assert (mine["trace_id"], mine["path"], mine["status"]) == (trace_id, "/", 200)
    assert not [
        line for line in lines if "private" in str(line) or TEST_SECRET in str(line) or "s3cret" in str(line)
    ]


async def test_every_operation_of_the_document_is_served(shop: RunningShop) -> None:
    """The channel document and the routes agree."""
    async with aiohttp.ClientSession() as http:
        for operation in spec.operations("channel"):
            url = shop.url + re.sub(r"\{\w+\}", "x", operation.path)
            async with http.request(operation.method, url) as answer:
                assert answer.status not in (404, 405), operation.id
