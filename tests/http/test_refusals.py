"""What a request can do wrong, over the wire: always a problem document of the catalogue, and nothing has happened."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from yarl import URL

import spec
from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, call, order_of
from tests.http.shared import gateway

__all__ = ["gateway"]

JSON = {"Content-Type": "application/json"}


def check(answer: Answer, code: str) -> dict[str, Any]:
    """A valid problem with this code, its status, and the trace of the answer (ERR-001, ERR-008)."""
    problem = answer.json
    assert problem["code"] == code, problem
    assert answer.status == problem["status"] == spec.problems()[code].status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert spec.validator("Problem").errors(problem) == []
    assert answer.headers["traceparent"].split("-")[1] == problem["trace_id"]
    assert answer.headers["VGCP-Request-Id"] == problem["request_id"]
    return dict(problem)


async def post_raw(shop: TestChannel, raw: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Bytes to create_order."""
    sent = {"Idempotency-Key": uuid.uuid4().hex, **(JSON if headers is None else headers)}
    return await shop.request("POST", "/orders", data=raw, headers=sent)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"nonsense", b'{"a": NaN}', b'{"a": "\xff"}', b"[" * 200 + b"]" * 200]
)
async def test_bodies_that_are_not_json(shop: TestChannel, raw: bytes) -> None:
    """ERR-003."""
    check(await post_raw(shop, raw), "malformed")


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"text"', b"{}", b'{"lines": 1e400}'])
async def test_json_that_is_not_an_order(shop: TestChannel, raw: bytes) -> None:
    """ERR-002; a number beyond all bounds is not JSON to every parser."""
    answer = await post_raw(shop, raw)
    assert answer.code in ("invalid", "malformed")
    check(answer, answer.code)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "br"},
    ],
)
async def test_another_media_type(shop: TestChannel, headers: dict[str, str]) -> None:
    """ERR-004."""
    check(await post_raw(shop, b"{}", headers), "media_type_unsupported")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit(gateway: RunningGateway, shop: TestChannel, chunked: bool) -> None:
    """ERR-005: with its length declared or not; what is below is taken."""

    async def pieces() -> Any:
        for _ in range(6):
            yield b"x" * 64 * 1024

    raw: Any = pieces() if chunked else b"x" * 400 * 1024
    check(await post_raw(shop, raw), "body_too_large")
    offer = await gateway.offer(quantity=1, buyer_input={"type": "object"})
    body = order_of(offer)
    body["lines"][0]["buyer_input"] = {"note": "x" * 70_000}
    assert (await shop.post("/orders", body)).status == 201


async def test_each_bad_field_is_named(gateway: RunningGateway, shop: TestChannel) -> None:
    """ERR-002: by pointer in the body, by name elsewhere, and what was sent is not quoted."""
    offer = await gateway.offer(quantity=1)
    body = order_of(offer)
    body["lines"][0] |= {"quantity": "SECRET-1", "unit_price": {"amount": 1.5, "currency": "EUR"}}
    answer = await shop.post("/orders", body)
    problem = check(answer, "invalid")
    found = {(error["in"], error.get("pointer")) for error in problem["errors"]}
    assert found == {("body", "/lines/0/quantity"), ("body", "/lines/0/unit_price/amount")}
    assert b"SECRET-1" not in answer.body
    problem = check(await shop.get("/orders", params={"limit": "501", "cursor": ""}), "invalid")
    assert {(error["in"], error["name"]) for error in problem["errors"]} == {
        ("query", "limit"),
        ("query", "cursor"),
    }


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.0", "ten", "", "1e1", "9" * 30, "١"])
async def test_limits_out_of_range(shop: TestChannel, limit: str) -> None:
    """Between 1 and 500, in plain digits."""
    check(await shop.get("/orders", params={"limit": limit}), "invalid")


async def test_a_parameter_given_twice(shop: TestChannel) -> None:
    """Which one counts must not be a matter of taste."""
    check(await shop.get("/orders?limit=1&limit=2"), "invalid")


async def test_unknown_parameters_members_and_headers_are_ignored(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """CNV-001."""
    offer = await gateway.offer(quantity=1)
    assert (await shop.get("/orders?colour=blue", headers={"X-Else": "1"})).status == 200
    body = order_of(offer, colour="blue")
    body["lines"][0]["colour"] = "blue"
    assert (await shop.post("/orders", body)).status == 201


@pytest.mark.parametrize("cursor", ["x", "é", "A" * 512, "AAAAAAAA", "%00"])
async def test_cursors_that_were_not_issued(shop: TestChannel, cursor: str) -> None:
    """CNV-006."""
    check(await shop.get("/orders", params={"cursor": cursor}), "cursor_invalid")


async def test_a_cursor_of_another_list(gateway: RunningGateway, shop: TestChannel) -> None:
    """CNV-006."""
    await gateway.offer(quantity=1)
    cursor = (await shop.get("/offers")).json["next_cursor"]
    check(await shop.get("/events", params={"cursor": cursor}), "cursor_invalid")


@pytest.mark.parametrize(
    "path", ["/", "/vgcp", "/vgcp/v1", "/vgcp/v1/orders/", "/vgcp/v2/orders", "/favicon.ico"]
)
async def test_unknown_paths(gateway: RunningGateway, path: str) -> None:
    """ERR-006."""
    check(await call("GET", gateway.url + path), "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/vgcp/v1/orders", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/vgcp/v1/orders/ord_1", "GET, HEAD, OPTIONS"),
        ("GET", "/vgcp/v1/oauth/token", "OPTIONS, POST"),
        ("POST", "/.well-known/vgcp", "GET, HEAD, OPTIONS"),
        ("TRACE", "/vgcp/v1/events", "GET, HEAD, OPTIONS"),
    ],
)
async def test_methods_that_a_path_does_not_have(
    gateway: RunningGateway, method: str, path: str, allow: str
) -> None:
    """ERR-007."""
    answer = await call(method, gateway.url + path)
    check(answer, "method_not_allowed")
    assert answer.headers["Allow"] == allow


async def test_head_and_options(gateway: RunningGateway, shop: TestChannel) -> None:
    """HEAD is GET without the body (RFC 9110 section 9.3.2); OPTIONS tells the methods."""
    full, head = await shop.get("/offers"), await shop.request("HEAD", "/offers")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == full.headers["Content-Length"]
    options = await call("OPTIONS", f"{gateway.api}/orders")
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")


@pytest.mark.parametrize("path", ["/orders/%ff", "/orders/" + "x" * 129, "/orders/%00"])
async def test_path_parameters_that_no_id_can_be(shop: TestChannel, path: str) -> None:
    """Not UTF-8, too long, or with a character that no database takes."""
    url = URL(shop.gateway.api + path, encoded=True)
    headers = {"Authorization": f"Bearer {await shop.token()}"}
    check(await call("GET", url, headers=headers), "invalid")


async def test_the_rate_limit(gateway: RunningGateway) -> None:
    """LIM-001, LIM-002: the quota is told, then refused; others are still served."""
    slow = await gateway.channel("slow", rate_limit_per_minute=3)
    answers = [await slow.get("/offers") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"default";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"default";r=2;t=')
    check(answers[3], "rate_limited")
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    assert (await (await gateway.channel("other")).get("/offers")).status == 200


@pytest.mark.parametrize(("status", "code"), [(503, "unavailable"), (429, "rate_limited"), (500, "internal")])
async def test_ordered_faults(gateway: RunningGateway, shop: TestChannel, status: int, code: str) -> None:
    """The next calls fail and do nothing; then it works with the same key."""
    offer = await gateway.offer(quantity=1)
    fault = {"operation_id": "create_order", "count": 2, "status": status, "retry_after_seconds": 3}
    assert (await gateway.control("/faults", fault)).status == 204
    body = order_of(offer)
    for _ in range(2):
        answer = await shop.post("/orders", body, key="k")
        check(answer, code)
        assert answer.headers["Retry-After"] == "3"
    assert (await gateway.stock(offer))["sold"] == 0
    assert (await shop.post("/orders", body, key="k")).status == 201


async def test_faults_that_make_no_sense(gateway: RunningGateway) -> None:
    """An operation that there is not, or nothing that is to happen."""
    for body in (
        {"operation_id": "fly", "count": 1, "status": 503},
        {"operation_id": "get_order", "count": 1},
    ):
        check(await gateway.control("/faults", body), "invalid")


async def test_traces_go_through(gateway: RunningGateway, shop: TestChannel) -> None:
    """TRC-001 to TRC-005: the caller's trace is on the answer, the order and its events."""
    trace = uuid.uuid4().hex
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    offer = await gateway.offer(quantity=1)
    answer = await shop.post("/orders", order_of(offer), headers=parent)
    assert answer.headers["traceparent"].split("-")[1] == trace
    assert answer.headers["traceparent"].split("-")[2] != "00f067aa0ba902b7"
    assert answer.json["trace_id"] == trace
    events = await events_of(shop, answer.json["id"])
    assert {event["traceparent"].split("-")[1] for event in events} == {trace}
    bad = await shop.get("/orders", headers={"traceparent": "00-zz"})
    assert bad.status == 200
    assert bad.headers["traceparent"].split("-")[1] != trace


async def events_of(shop: TestChannel, subject: str) -> list[dict[str, Any]]:
    """The events about it, which are numbered in a moment."""
    for _ in range(100):
        items = (await shop.get("/events", params={"limit": 500})).json["items"]
        found = [event for event in items if event["subject"] == subject]
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("no events")


async def test_bytes_that_are_not_http(gateway: RunningGateway) -> None:
    """Answered by a problem too."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
    raw = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b"400 Bad Request" in raw
    assert b'"code":"malformed"' in raw


async def test_an_unreachable_channel(gateway: RunningGateway) -> None:
    """A channel whose discovery document cannot be read is not registered."""
    for url in ("http://127.0.0.1:9/", gateway.url, f"{gateway.url}/livez"):
        check(await gateway.control("/clients", {"name": "x", "channel_url": url}), "channel_unreachable")
