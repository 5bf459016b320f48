"""Probes, metrics, the log, and what no one expected."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import orjson
import pytest

from gateway.http.edge import Edge, joined
from gateway.logs import JsonFormatter, configure
from tests.fixtures.gateway import RunningGateway, TestChannel, call, order_of
from tests.http.shared import gateway

__all__ = ["gateway"]


async def test_probes_and_metrics(gateway: RunningGateway, shop: TestChannel) -> None:
    """Alive, ready, and counted; metrics only for this machine."""
    await shop.get("/offers")
    for path in ("/livez", "/readyz"):
        answer = await call("GET", gateway.url + path)
        assert (answer.status, answer.body) == (200, b"ok")
    metrics = (await call("GET", f"{gateway.url}/metrics")).body.decode()
    assert re.search(r'vgcp_requests_total\{operation="list_offers",status="200"\} 1\.0', metrics)
    assert "vgcp_requests_in_flight 0.0" in metrics
    relayed = await call("GET", f"{gateway.url}/metrics", headers={"X-Forwarded-For": "198.51.100.7"})
    assert relayed.status == 404


async def test_one_line_a_request_with_its_trace_and_no_secret(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """Every line is JSON; there are no bodies, tokens, secrets or codes in any."""
    offer = await gateway.offer(codes=["VERY-SECRET-CODE"])
    token = await shop.token()
    headers = {"Authorization": f"Bearer {token}"}
    order = await shop.post("/orders", order_of(offer), headers=headers)
    (delivery,) = (await shop.get(f"/orders/{order.json['id']}/deliveries")).json["items"]
    revealed = await shop.post(f"/deliveries/{delivery['id']}/reveal")
    assert revealed.json["goods"]["code"]["value"] == "VERY-SECRET-CODE"
    await shop.post("/orders", {"reference": "VERY-SECRET-CODE"})
    lines = [json.loads(line) for line in gateway.log_lines]
    (line,) = [line for line in lines if line["operation"] == "create_order" and line["status"] == 201]
    assert line["trace_id"] == order.headers["traceparent"].split("-")[1]
    assert line["request_id"] == order.headers["VGCP-Request-Id"]
    assert (line["channel"], line["method"], line["level"]) == (shop.client_id, "POST", "info")
    assert line["ms"] > 0
    (refused,) = [line for line in lines if line.get("code") == "invalid"]
    assert refused["status"] == 422
    everything = b"".join(gateway.log_lines).decode()
    for secret in ("VERY-SECRET-CODE", token, shop.client_secret, gateway.test_secret, shop.webhook_secret):
        assert secret not in everything


class Sent(list[Any]):
    """Collects what an application sends."""

    async def send(self, message: Any) -> None:
        """ASGI."""
        self.append(message)

    async def receive(self) -> Any:
        """ASGI."""
        return {"type": "http.request", "body": b""}


def scope(path: str = "/x") -> dict[str, Any]:
    """A request."""
    return {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": []}


async def test_the_unexpected_is_internal_and_the_details_are_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The caller gets the trace id to ask with, the log says under that id where it came from."""

    async def broken(*_: Any) -> None:
        raise KeyError("the code is SECRET")

    lines: list[bytes] = []
    sent = Sent()
    with caplog.at_level(logging.ERROR, "gateway.http"):
        await Edge(broken, _never, lines.append)(scope(), sent.receive, sent.send)
    problem = orjson.loads(sent[1]["body"])
    assert (sent[0]["status"], problem["code"]) == (500, "internal")
    assert b"SECRET" not in sent[1]["body"]
    (record,) = caplog.records
    written = orjson.loads(JsonFormatter().format(record))
    assert written["trace_id"] == problem["trace_id"]
    assert written["exception"][0]["type"] == "builtins.KeyError"
    assert "SECRET" not in json.dumps(written)
    assert orjson.loads(lines[0])["level"] == "error"


async def _never() -> bool:
    return False


async def test_not_ready_is_503() -> None:
    """While the database is away, say."""
    sent = Sent()
    await Edge(_never, _never, print)(scope("/readyz"), sent.receive, sent.send)
    assert sent[0]["status"] == 503


def test_headers_given_twice_are_joined() -> None:
    """RFC 9110 section 5.3."""
    assert joined([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": b"1, 3", b"b": b"2"}


def test_the_log_is_json_with_extra_members() -> None:
    """What was given as `extra` is a member of its own."""
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    try:
        configure("info", stream)
        logging.getLogger("gateway.test").warning("hello %s", "you", extra={"worker": 3})
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    line = json.loads(stream.getvalue())
    assert (line["message"], line["worker"], line["level"]) == ("hello you", 3, "warning")


def test_no_library_logs_where_a_node_is() -> None:
    """The URL of a chain's node may have a secret in it, and web3 writes it at the level debug."""
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    try:
        configure("debug", stream)
        logging.getLogger("web3.providers.AsyncHTTPProvider").debug("URI: %s", "https://node.example/SECRET")
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    assert stream.getvalue() == ""
