"""A gateway in memory that does what a test tells it to: the right thing, or fail in one way. Real sockets,
real signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import http_message_signatures as hms
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = dict[str, Any]
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two byte long").decode()
OPERATIONS = {
    ("GET", r"/\.well-known/vgcp"): "get_discovery",
    ("POST", r"/vgcp/v1/oauth/token"): "issue_token",
    ("GET", r"/vgcp/v1/offers"): "list_offers",
    ("GET", r"/vgcp/v1/offers/([^/]+)"): "get_offer",
    ("POST", r"/vgcp/v1/reservations"): "create_reservation",
    ("GET", r"/vgcp/v1/reservations"): "list_reservations",
    ("DELETE", r"/vgcp/v1/reservations/([^/]+)"): "release_reservation",
    ("POST", r"/vgcp/v1/reservations/([^/]+)/extend"): "extend_reservation",
    ("POST", r"/vgcp/v1/orders"): "create_order",
    ("GET", r"/vgcp/v1/orders"): "list_orders",
    ("GET", r"/vgcp/v1/orders/([^/]+)"): "get_order",
    ("GET", r"/vgcp/v1/orders/([^/]+)/deliveries"): "list_deliveries",
    ("POST", r"/vgcp/v1/deliveries/([^/]+)/reveal"): "reveal_delivery",
    ("GET", r"/vgcp/v1/events"): "list_events",
}


def stamp(ahead: float = 0) -> str:
    """RFC 3339, so many seconds from now."""
    return (
        (datetime.now(UTC) + timedelta(seconds=ahead))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


@dataclass
class Call:
    """One request as it came in, and how it was answered (0: not at all)."""

    operation: str
    headers: Json
    body: Any
    query: Json
    status: int = 0
    at: float = 0.0


@dataclass
class Fault:
    """The next `count` calls of the operation go wrong: a problem, or no answer before or after the work is done."""

    operation: str
    count: int = 1
    status: int = 0
    code: str = "unavailable"
    retry_after: str | None = None
    drop: str = ""  # "before" or "after" the work
    retryable: bool = True


class Refused(Exception):
    """A problem document is the answer."""

    def __init__(
        self, status: int, code: str, retryable: bool = False, retry_after: str | None = None
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.retryable, self.retry_after = status, code, retryable, retry_after


@dataclass
class Shelf:
    """An offer document and the codes behind it."""

    offer: Json
    codes: list[str] = field(default_factory=list)


class ScriptedGateway:
    """`async with ScriptedGateway() as gateway`: serves on loopback until left."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.kid = "key-1"
        self.shelves: dict[str, Shelf] = {}
        self.feed: list[Json] = []
        self.events: list[Json] = []
        self.holds: dict[str, Json] = {}
        self.orders: dict[str, Json] = {}
        self.deliveries: dict[str, Json] = {}
        self.replays: dict[tuple[str, str], Json] = {}
        self.tokens: set[str] = set()
        self.token_life = 600
        self.hold_life = 600.0
        self.order_status = "fulfilled"
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    # What tests set up and look at

    def add(self, name: str = "Starfall", codes: int = 5, price: int = 1499, **members: Any) -> Json:
        """Put an offer with so many codes on the feed; `members` go into the Offer or, as `product`, into it."""
        offer_id = f"off_{secrets.token_hex(8)}"
        product = {"id": f"prd_{secrets.token_hex(6)}", "name": name, "category": "game_key"} | members.pop(
            "product", {}
        )
        offer = {
            "id": offer_id, "revision": 1, "status": "active", "product": product,
            "price": {"amount": price, "currency": "USD"}, "delivery_kind": "code",
            "availability": {"status": "in_stock" if codes else "out_of_stock"}, "consistency": "strict",
            "verification_level": "none", "updated_at": stamp(),
        } | members  # fmt: skip
        self.shelves[offer_id] = Shelf(offer, [f"CODE-{secrets.token_hex(8).upper()}" for _ in range(codes)])
        self.feed.append({"offer_id": offer_id, "revision": 1, "deleted": False, "offer": offer})
        return offer

    def change(self, offer_id: str, **members: Any) -> Json:
        """A new revision of an offer, on the feed."""
        shelf = self.shelves[offer_id]
        shelf.offer = {**shelf.offer, **members, "revision": shelf.offer["revision"] + 1}
        self.feed.append(
            {
                "offer_id": offer_id,
                "revision": shelf.offer["revision"],
                "deleted": False,
                "offer": shelf.offer,
            }
        )
        return shelf.offer

    def delete(self, offer_id: str) -> None:
        """A tombstone on the feed."""
        revision = self.shelves.pop(offer_id).offer["revision"] + 1
        self.feed.append({"offer_id": offer_id, "revision": revision, "deleted": True})

    def made(self, operation: str) -> list[Call]:
        """The calls of an operation, in order."""
        return [call for call in self.calls if call.operation == operation]

    def event(self, kind: str, subject: str, revision: int, **data: Any) -> Json:
        """An Event document."""
        return {
            "id": f"evt_{secrets.token_hex(10)}", "type": kind, "subject": subject, "revision": revision,
            "occurred_at": stamp(),
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01", "data": data,
        }  # fmt: skip

    # Signing

    def webhook_headers(
        self, event: Json, body: bytes, at: float | None = None, secret: str = SECRET
    ) -> dict[str, str]:
        """Headers by Standard Webhooks."""
        when = str(int(at or time.time()))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, f"{event['id']}.{when}.".encode() + body, hashlib.sha256).digest()
        return {
            "webhook-id": event["id"], "webhook-timestamp": when, "Content-Type": "application/json",
            "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        }  # fmt: skip

    def rfc9421_headers(
        self, url: str, body: bytes, at: float | None = None, label: str = "vgcp"
    ) -> dict[str, str]:
        """Headers by RFC 9421."""
        message = _Message(url)
        hms.HTTPMessageSigner(signature_algorithm=hms.algorithms.ED25519, key_resolver=_Resolver(self.key)).sign(
            message, key_id=self.kid, created=datetime.fromtimestamp(at or time.time(), UTC), label=label,
            tag="vgcp-event", nonce=secrets.token_hex(8), body=body,
            covered_component_ids=("@method", "@target-uri", "content-type", "content-digest"),
        )  # fmt: skip
        return message.headers

    @property
    def jwk(self) -> Json:
        """The public key."""
        raw = self.key.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x, "use": "sig", "alg": "EdDSA"}

    # Serving

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        operation, parts = _find(request)
        is_json = request.content_type == "application/json"
        body = json.loads(await request.read() or b"null") if is_json else dict(await request.post())
        call = Call(operation, dict(request.headers), body, dict(request.query), at=time.monotonic())
        self.calls.append(call)
        try:
            fault = self._fault(operation)
            if fault and fault.drop == "before":
                raise ConnectionAbortedError
            if fault and not fault.drop:
                raise Refused(fault.status, fault.code, fault.retryable, fault.retry_after)
            self._authorize(operation, call)
            answer = self._replayed(operation, call, parts)
            if fault:
                raise ConnectionAbortedError
        except ConnectionAbortedError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        except Refused as refused:
            call.status = refused.status
            return _problem(refused)
        call.status = 201 if operation in ("create_reservation", "create_order") else 200
        return web.json_response(answer, status=call.status)

    def _fault(self, operation: str) -> Fault | None:
        for fault in self.faults:
            if fault.operation == operation and fault.count > 0:
                fault.count -= 1
                return fault
        return None

    def _authorize(self, operation: str, call: Call) -> None:
        if operation in ("get_discovery", "issue_token"):
            return
        if call.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refused(401, "unauthenticated")

    def _replayed(self, operation: str, call: Call, parts: tuple[str, ...]) -> Json:
        """The work of the operation, once for each idempotency key."""
        key = (operation, call.headers.get("Idempotency-Key", ""))
        if key[1] and key in self.replays:
            first = self.replays[key]
            if first["body"] != call.body:
                raise Refused(422, "idempotency_key_reused")
            return dict(first["answer"])
        answer: Json = getattr(self, operation)(call, *parts)
        if key[1]:
            self.replays[key] = {"body": call.body, "answer": answer}
        return answer

    def get_discovery(self, call: Call) -> Json:
        """Who this gateway is."""
        capabilities = ("catalog", "inventory", "orders", "delivery", "events")
        return {
            "protocol": "vgcp", "role": "gateway", "name": "Scripted", "versions": ["1.0"], "sandbox": True,
            "capabilities": [{"name": name, "revision": 1} for name in capabilities], "profiles": ["core"],
            "endpoints": {"api": f"{self.url}/vgcp/v1", "token": f"{self.url}/vgcp/v1/oauth/token"},
            "implementation": {"name": "scripted", "version": "0"}, "keys": {"keys": [self.jwk]},
        }  # fmt: skip

    def issue_token(self, call: Call) -> Json:
        """A token for anyone who is `shop`."""
        if (call.body.get("client_id"), call.body.get("client_secret")) != ("shop", "s3cret"):
            raise Refused(401, "invalid_client")
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.token_life,
            "scope": "catalog",
        }

    def list_offers(self, call: Call) -> Json:
        """Two entries a page, so that there are pages."""
        return self._page(self.feed, call)

    def list_events(self, call: Call) -> Json:
        """The event feed."""
        return self._page(self.events, call)

    def _page(self, items: list[Json], call: Call) -> Json:
        cursor = call.query.get("cursor", "at-0")
        if not cursor.startswith("at-"):
            raise Refused(400, "cursor_invalid")
        start = int(cursor.removeprefix("at-"))
        size = min(int(call.query.get("limit", 100)), 20)
        end = min(len(items), start + size)
        return {"items": items[start:end], "next_cursor": f"at-{end}", "has_more": end < len(items)}

    def get_offer(self, call: Call, offer_id: str) -> Json:
        """One offer."""
        return self.shelves[offer_id].offer

    def create_reservation(self, call: Call) -> Json:
        """Hold codes."""
        shelf = self.shelves.get(call.body["offer_id"])
        if shelf is None:
            raise Refused(404, "not_found")
        quantity = call.body["quantity"]
        taken = sum(
            h["quantity"]
            for h in self.holds.values()
            if (h["offer_id"], h["status"]) == (shelf.offer["id"], "active")
        )
        if len(shelf.codes) - taken < quantity:
            raise Refused(409, "out_of_stock")
        hold = {
            "id": f"rsv_{secrets.token_hex(8)}", "offer_id": shelf.offer["id"], "quantity": quantity,
            "status": "active",
            "unit_price": shelf.offer["price"], "buyer": call.body["buyer"], "reference": call.body["reference"],
            "created_at": stamp(), "expires_at": stamp(self.hold_life),
        }  # fmt: skip
        self.holds[hold["id"]] = hold
        return dict(hold)

    def list_reservations(self, call: Call) -> Json:
        """By reference."""
        found = [h for h in self.holds.values() if h["reference"] == call.query["reference"]]
        return {"items": found, "has_more": False}

    def extend_reservation(self, call: Call, hold_id: str) -> Json:
        """Keep it longer."""
        self.holds[hold_id]["expires_at"] = stamp(call.body["ttl_seconds"])
        return self.holds[hold_id]

    def release_reservation(self, call: Call, hold_id: str) -> Json:
        """Give it back."""
        if self.holds[hold_id]["status"] == "active":
            self.holds[hold_id]["status"] = "released"
        return self.holds[hold_id]

    def create_order(self, call: Call) -> Json:
        """Sell from a hold."""
        line = call.body["lines"][0]
        hold = self.holds[line["reservation_id"]]
        if any(order["reference"] == call.body["reference"] for order in self.orders.values()):
            raise Refused(409, "reference_in_use")
        if hold["status"] != "active":
            raise Refused(409, "reservation_not_active")
        hold["status"] = "consumed"
        total = {**hold["unit_price"], "amount": hold["unit_price"]["amount"] * line["quantity"]}
        order = {
            "id": f"ord_{secrets.token_hex(8)}", "reference": call.body["reference"], "status": self.order_status,
            "revision": 3, "buyer": call.body["buyer"], "total": total, "created_at": stamp(), "updated_at": stamp(),
            "lines": [{"id": "lin_1", "product_id": "prd_1", "total": total, **line}],
            "payment": {"status": "collected", "amount": total}, "trace_id": call.headers["traceparent"][3:35],
        }  # fmt: skip
        self.orders[order["id"]] = order
        self._deliver(order, self.shelves[line["offer_id"]])
        return dict(order)

    def _deliver(self, order: Json, shelf: Shelf) -> None:
        for _ in range(order["lines"][0]["quantity"]):
            delivery = {
                "id": f"dlv_{secrets.token_hex(8)}", "order_id": order["id"], "line_id": "lin_1", "status": "ready",
                "kind": shelf.offer["delivery_kind"], "reveal_count": 0, "created_at": stamp(),
            }  # fmt: skip
            self.deliveries[delivery["id"]] = {"delivery": delivery, "text": shelf.codes.pop(0)}

    def list_orders(self, call: Call) -> Json:
        """By reference."""
        found = [o for o in self.orders.values() if o["reference"] == call.query["reference"]]
        return {"items": found, "has_more": False}

    def get_order(self, call: Call, order_id: str) -> Json:
        """One order."""
        return self.orders[order_id]

    def list_deliveries(self, call: Call, order_id: str) -> Json:
        """What there is to hand over."""
        found = [d["delivery"] for d in self.deliveries.values() if d["delivery"]["order_id"] == order_id]
        return {"items": found, "has_more": False}

    def reveal_delivery(self, call: Call, delivery_id: str) -> Json:
        """The goods."""
        entry = self.deliveries[delivery_id]
        if entry["delivery"]["status"] == "voided":
            raise Refused(410, "delivery_voided")
        kind = entry["delivery"]["kind"]
        content = {
            "code": {"value": entry["text"]},
            "licence": {"key": entry["text"]},
            "download": {"url": f"{self.url}/files/{entry['text']}", "expires_at": stamp(3600)},
        }[kind]
        return {"delivery": entry["delivery"], "goods": {"kind": kind, kind: content}}


def _find(request: web.Request) -> tuple[str, tuple[str, ...]]:
    for (method, pattern), operation in OPERATIONS.items():
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            return operation, match.groups()
    raise AssertionError(f"the channel called {request.method} {request.path}")


def _problem(refused: Refused) -> web.Response:
    document = {
        "type": f"urn:vgcp:problem:{refused.code}", "title": refused.code, "status": refused.status,
        "code": refused.code,
        "retryable": refused.retryable, "trace_id": secrets.token_hex(16),
    }  # fmt: skip
    headers = {"Retry-After": refused.retry_after} if refused.retry_after is not None else {}
    text = json.dumps(document)
    return web.Response(
        status=refused.status, text=text, content_type="application/problem+json", headers=headers
    )


class _Resolver(hms.HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self._key


class _Message:
    def __init__(self, url: str) -> None:
        self.method, self.url, self.headers = "POST", url, {"Content-Type": "application/json"}
