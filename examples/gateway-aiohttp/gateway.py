#!/usr/bin/env python3
"""A VGCP gateway in one file: aiohttp, everything in memory, no database.

Written from the standard's text and documents alone. Handlers are plain functions that never await, so each
request is atomic: what it reads cannot change before it writes. A handler checks everything, then changes things.

    python gateway.py --port 8080 --test-secret s3cret
"""
# The lines are laid out by hand.
# fmt: off

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import logging
import re
import secrets
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import unquote

import aiohttp
import jsonschema_rs
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

Json = dict[str, Any]
API = "/vgcp/v1"
SCOPES = ["catalog", "inventory", "orders", "delivery", "events"]
BODY_LIMIT = 256 * 1024
TOKEN_LIFE = timedelta(minutes=10)
HOLD_LIFE, LONGEST_HOLD, RUSH_HOLD = timedelta(minutes=15), timedelta(hours=2), timedelta(minutes=2)
EXTENSIONS = 3
PAYMENT_TIME = timedelta(minutes=30)
DOWNLOAD_TIME = timedelta(hours=1)
RETRY_PAUSES = [2**n for n in range(12)] + [3600] * 72  # seconds; three days in all
log = logging.getLogger("gateway")

# The catalogue, by status. A title is the code in words.
CODES_BY_STATUS = {
    400: "invalid_request invalid_scope unsupported_grant_type malformed idempotency_key_missing cursor_invalid",
    401: "unauthenticated test_secret_invalid invalid_client",
    403: "scope_missing region_not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    409: "out_of_stock offer_withdrawn price_mismatch purchase_limit_reached channel_limit_reached duplicate_code "
    "reservation_not_active reservation_mismatch extension_limit_reached reference_in_use amount_mismatch "
    "transition_not_allowed exceeds_order",
    410: "delivery_voided",
    413: "body_too_large",
    415: "media_type_unsupported",
    422: "invalid idempotency_key_reused channel_unreachable currency_mixed quantity_not_allowed "
    "buyer_input_invalid sealing_not_supported",
    429: "hold_limit_reached rate_limited",
    500: "internal",
    503: "unavailable",
}
STATUS = {code: status for status, codes in CODES_BY_STATUS.items() for code in codes.split()}

class Refused(Exception):
    """Ends a request with a problem. `at` names a field: "/pointer" into the body, else "query:name" and the like."""

    def __init__(self, code: str, detail: str = "", at: str = "", **more: Any) -> None:
        super().__init__(code)
        self.code, self.headers, self.members = code, more.pop("headers", {}), more
        if detail:
            self.members["detail"] = detail
        if at:
            self.members["errors"] = [field_error(at, detail)]

def field_error(at: str, detail: str) -> Json:
    """One row of a problem's `errors`."""
    if at.startswith("/") or not at:
        return {"detail": detail[:1000], "in": "body", "pointer": at}
    place, _, name = at.partition(":")
    return {"detail": detail[:1000], "in": place, "name": name}

# ---------------------------------------------------------------- shapes of requests, as JSON Schema

def thing(required: str = "", /, **members: Json) -> Json:
    """Schema of an open object."""
    return {"type": "object", "required": required.split(), "properties": members}

def text(longest: int, pattern: str = "", shortest: int = 0) -> Json:
    """Schema of a string."""
    schema: Json = {"type": "string", "minLength": shortest, "maxLength": longest}
    return schema | ({"pattern": pattern} if pattern else {})

def number(least: int, most: int) -> Json:
    """Schema of a whole number."""
    return {"type": "integer", "minimum": least, "maximum": most}

def some(items: Json, most: int, least: int = 0) -> Json:
    """Schema of an array."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}

ID = text(73, r"^[a-z]{2,8}_[0-9A-Za-z_-]{1,64}$")
REFERENCE = text(128, "^[!-~]+$", 1)
MONEY = thing("amount currency", amount=number(0, 2**53 - 1), currency=text(3, "^[A-Z]{3}$"))
BUYER = thing(
    "reference", reference=REFERENCE, region=text(2, "^[A-Z]{2}$"),
    locale=text(35, "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"),
)
OPEN: Json = {"type": "object"}
FLAG: Json = {"type": "boolean"}
LINK = text(2048, "^https?://[^ ]+$")
HOLD = thing(
    "offer_id quantity buyer", offer_id=ID, quantity=number(1, 1000), buyer=BUYER, reference=REFERENCE,
    ttl_seconds=number(1, 86400),
)
EXTENSION = thing(ttl_seconds=number(1, 86400))
LINE = thing(
    "offer_id quantity unit_price", offer_id=ID, quantity=number(1, 1000), unit_price=MONEY,
    reservation_id=ID, buyer_input=OPEN,
)
PAID = thing("status", status={"enum": ["collected", "pending"]}, method=text(64), reference=REFERENCE)
ORDER = thing(
    "reference buyer lines payment", reference=REFERENCE, buyer=BUYER, lines=some(LINE, 50, 1), payment=PAID,
    recipient_key=thing("kty", kty=text(16)),
)
PAYMENT = thing("amount", amount=MONEY, method=text(64), reference=REFERENCE)
CANCELLATION = thing(reason=text(256))
REFUND = thing(
    "reason", lines=some(thing("line_id quantity", line_id=ID, quantity=number(1, 1000)), 50, 1),
    reason=text(64, "", 1), reference=REFERENCE,
)
DISPUTE = thing("reason", reason=text(64, "", 1), amount=MONEY, evidence=text(4096, "", 1))
REPLACEMENT = thing("delivery_id reason", delivery_id=ID, reason=text(256, "", 1))
REVEAL = thing(reason=text(128))
LIMIT = thing("quantity", quantity=number(0, 1_000_000), days=number(1, 366))
CODES = some(text(512, "", 1), 1000)
RESTRICTIONS = thing(
    regions=some(text(2, "^[A-Z]{2}$"), 300), max_per_order=number(1, 1000), purchase_limit=LIMIT,
    channel_limit=LIMIT,
)
NEW_OFFER = thing(
    "product_name price delivery_kind", product_name=text(200, "", 1), price=MONEY, codes=CODES,
    delivery_kind={"enum": ["code", "licence", "download", "topup"]}, quantity=number(0, 1_000_000),
    download_url=LINK, restrictions=RESTRICTIONS, buyer_input=OPEN, safety_stock=number(0, 1_000_000),
    client_id=text(128), consistency={"enum": ["strict", "allotment"]},
)
OFFER_CHANGE = thing(
    price=MONEY, withdrawn=FLAG, deleted=FLAG, add_codes=CODES, void_available=number(0, 1_000_000)
)
NEW_CLIENT = thing(
    "name", name=text(128, "", 1), channel_url=LINK, scopes=some(text(64), 32),
    jwks=thing("keys", keys=some(thing("kty kid", kty=text(16), kid=text(128, "", 1)), 32)),
    max_open_holds=number(1, 100_000), max_open_holds_per_buyer=number(1, 100_000),
    rate_limit_per_minute=number(1, 1_000_000),
)
CLOCK = thing("advance_seconds", advance_seconds=number(0, 31_536_000))
FAULT = thing(
    "operation_id count", operation_id=text(64, "", 1), count=number(1, 1000),
    status={"enum": [429, 500, 503]}, drop_answer=FLAG, retry_after_seconds=number(0, 3600),
)

@cache
def validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    """A compiled schema, of its JSON text."""
    return jsonschema_rs.Draft202012Validator(json.loads(schema))

def misfits(schema: Json, value: object, prefix: str = "") -> list[Json]:
    """What is wrong with a value, as rows of `errors`; a missing member is named itself."""
    found = []
    for error in itertools.islice(validator(json.dumps(schema)).iter_errors(value), 100):
        path = [*error.instance_path]
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            path.append(error.kind.property)
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
        found.append(field_error(prefix + pointer, error.message))
    return found

# ---------------------------------------------------------------- what the gateway keeps

@dataclass
class Client:
    """A registered channel."""

    id: str
    secret: str
    webhook_secret: str
    scopes: list[str]
    keys: Json
    most_holds: int
    most_holds_per_buyer: int
    per_minute: int
    endpoint: str = ""  # where its events are posted; "" is nowhere
    scheme: str = ""
    window: tuple[int, int] = (0, 0)  # minute, requests in it
    events: list[Json] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[str, int, str]] = field(default_factory=dict)  # by operation and key
    assertions: set[str] = field(default_factory=set)  # every jti seen
    tries: list[Try] = field(default_factory=list)  # events that it has not taken
    postman: asyncio.Task[None] | None = None  # who posts them just now

@dataclass
class Item:
    """An offer and the stock behind it. `room` is None for unlimited stock."""

    body: Json  # the offer as it is shown
    only_for: str
    safety: int
    room: int | None  # unsold and unheld
    counted: bool
    download_url: str = ""
    codes: deque[str] = field(default_factory=deque)
    reserved: int = 0
    sold: int = 0
    voided: int = 0
    deleted: bool = False
    turn: int = 0  # place in the feed

    @property
    def sellable(self) -> int:
        """Units that can be held or ordered now."""
        return 2**53 - 1 if self.room is None else max(0, self.room - self.safety)

    def take(self, units: int, held: bool = False) -> None:
        """Sell units, or hold them."""
        if self.room is not None:
            self.room -= units
        if held:
            self.reserved += units
        else:
            self.sold += units

    def unhold(self, units: int, sell: bool) -> None:
        """Turn held units into sold ones, or put them back."""
        self.reserved -= units
        if sell:
            self.sold += units
        elif self.room is not None:
            self.room += units

@dataclass
class Hold:
    """A reservation, as it is shown and what else is known of it."""

    body: Json
    owner: Client
    item: Item
    ends: datetime
    extended: int = 0

    @property
    def active(self) -> bool:
        """Whether it still keeps its units."""
        return bool(self.body["status"] == "active")

@dataclass
class Sale:
    """An order, its deliveries and refunds."""

    body: Json
    owner: Client
    items: list[Item]  # of the lines
    ends: datetime | None = None  # when its payment is due
    at: datetime = field(default_factory=lambda: datetime.now(UTC))  # when it was ordered
    parcels: list[Parcel] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)  # units by line that are not refunded

@dataclass
class Parcel:
    """A delivery and the goods in it."""

    body: Json
    sale: Sale
    secret: str

@dataclass
class Call:
    """One request, parsed. `client` is None for test control."""

    client: Client | None
    path: dict[str, str]
    query: dict[str, str]
    body: Json
    trace: str  # the whole traceparent
    origin: str
    channel: Json  # of test_create_client: where the channel's events go, and how signed

    @property
    def who(self) -> Client:
        """The channel that calls."""
        assert self.client is not None
        return self.client

    @property
    def trace_id(self) -> str:
        """The trace id of the traceparent."""
        return self.trace.split("-")[1]

@dataclass
class Try:
    """An event that is to be posted."""

    event: Json
    due: datetime
    pauses: Iterator[int]

class Market:
    """All state of the sandbox, and its clock."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.numbers = itertools.count(1)
        self.turns = itertools.count(1)
        self.clients: dict[str, Client] = {}
        self.items: dict[str, Item] = {}
        self.holds: dict[str, Hold] = {}
        self.sales: dict[str, Sale] = {}
        self.parcels: dict[str, Parcel] = {}
        self.known_codes: set[str] = set()
        self.faults: dict[str, list[Json]] = {}
        self.lapsed: dict[tuple[str, str, str], list[tuple[datetime, int]]] = {}  # by client, offer and buyer
        self.audit: list[Json] = []

    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.now(UTC) + self.ahead

    def id(self, kind: str) -> str:
        """A new id; ids of one kind sort by age."""
        return f"{kind}_{next(self.numbers):08d}"

    def tell(self, client: Client, kind: str, subject: str, revision: int, trace: str, data: Json) -> None:
        """Note an event for one channel, and have it posted."""
        event = {
            "data": json.loads(json.dumps(data)), "id": self.id("note"), "occurred_at": stamp(self.now()),
            "revision": revision, "subject": subject, "traceparent": trace, "type": kind,
        }
        client.events.append(event)
        if client.endpoint:
            client.tries.append(Try(event, self.now(), iter(RETRY_PAUSES)))

    # -- offers

    def changed(self, item: Item, kind: str, trace: str) -> None:
        """An offer has changed: it gets a new revision and place in the feed, and its channels are told."""
        item.turn = next(self.turns)
        item.body["revision"] += 1
        item.body["updated_at"] = stamp(self.now())
        for client in self.clients.values():
            if item.only_for in ("", client.id):
                offer, id_ = item.body, str(item.body["id"])
                self.tell(client, kind, id_, offer["revision"], trace, {"offer": offer})

    def restock(self, items: Iterable[Item], trace: str) -> None:
        """Show which of these offers have sold out or come back."""
        for item in items:
            status = "in_stock" if item.sellable else "out_of_stock"
            if item.body["availability"]["status"] != status:
                item.body["availability"]["status"] = status
                if not item.deleted:
                    self.changed(item, "availability.changed", trace)

    def visible(self, client: Client, offer_id: str, at: str = "") -> Item:
        """An offer of the channel; refused when there is none."""
        item = self.items.get(offer_id)
        if item is None or item.deleted or item.only_for not in ("", client.id):
            raise Refused("not_found", "No such offer.", at)
        return item

    # -- time

    def settle(self) -> None:
        """Do what has fallen due: end holds and orders whose time is over."""
        now = self.now()
        for hold in [h for h in self.holds.values() if h.active and h.ends <= now]:
            self.end_hold(hold, "expired")
            body = hold.body
            key = (hold.owner.id, body["offer_id"], body["buyer"]["reference"])
            self.lapsed.setdefault(key, []).append((hold.ends, body["quantity"]))
            trace = new_trace(body["trace_id"])
            self.tell(hold.owner, "reservation.expired", body["id"], 1, trace, {"reservation": body})
            self.restock([hold.item], trace)
        for sale in self.sales.values():
            if sale.body["status"] == "payment_required" and sale.ends and sale.ends <= now:
                trace = new_trace(sale.body["trace_id"])
                self.unhold(sale, trace)
                self.moved(sale, "expired", trace)

    def end_hold(self, hold: Hold, status: str) -> None:
        """Give a hold's units back."""
        hold.body["status"] = status
        hold.item.unhold(hold.body["quantity"], sell=False)

    def unhold(self, sale: Sale, trace: str) -> None:
        """Give back the units that an unpaid order keeps."""
        for line, item in zip(sale.body["lines"], sale.items, strict=True):
            item.unhold(line["quantity"], sell=False)
        sale.body["payment"]["status"] = "voided"
        self.restock(sale.items, trace)

    # -- orders

    def moved(self, sale: Sale, status: str, trace: str) -> None:
        """An order has a new state, or new content: its channel is told."""
        order = sale.body
        order["status"], order["updated_at"] = status, stamp(self.now())
        order["revision"] += 1
        data = {
            **order, "lines": [{k: v for k, v in x.items() if k != "buyer_input"} for x in order["lines"]],
        }
        self.tell(sale.owner, "order.updated", order["id"], order["revision"], trace, {"order": data})

    def fulfil(self, sale: Sale, trace: str) -> None:
        """Hand over everything of an order whose units are taken."""
        sale.body["payment"] |= {"collected_at": stamp(self.now()), "status": "collected"}
        for line, item in zip(sale.body["lines"], sale.items, strict=True):
            sale.left[line["id"]] = line["quantity"]
            for _ in range(line["quantity"]):
                self.pack(sale, line["id"], item)
        self.moved(sale, "fulfilled", trace)
        for parcel in sale.parcels:
            self.announce(parcel, trace)

    def pack(self, sale: Sale, line_id: str, item: Item, replaces: str = "") -> Parcel:
        """Make one delivery of a unit that has been taken."""
        body: Json = {
            "created_at": stamp(self.now()), "id": self.id("parcel"), "kind": item.body["delivery_kind"],
            "line_id": line_id, "order_id": sale.body["id"], "reveal_count": 0, "status": "ready",
        }
        if replaces:
            body["replaces"] = replaces
        secret = item.download_url or (item.codes.popleft() if item.codes else secrets.token_urlsafe(12))
        parcel = Parcel(body, sale, secret)
        sale.parcels.append(parcel)
        self.parcels[body["id"]] = parcel
        return parcel

    def announce(self, parcel: Parcel, trace: str) -> None:
        """Tell the channel that a delivery is there."""
        data = {"delivery": parcel.body}
        self.tell(parcel.sale.owner, "delivery.ready", parcel.body["id"], 1, trace, data)

    def refund(self, sale: Sale, units: dict[str, int], reason: str, more: Json) -> Json:
        """Take units of lines back; answers the refund."""
        lines = []
        for line in sale.body["lines"]:
            if count := units.get(line["id"], 0):
                amount = count * line["unit_price"]["amount"]
                lines.append({"amount": money(sale, amount), "line_id": line["id"], "quantity": count})
                sale.left[line["id"]] -= count
                open_ones = [p for p in sale.parcels if p.body["line_id"] == line["id"] and alive(p)]
                for parcel in sorted(open_ones, key=lambda p: int(p.body["reveal_count"]))[:count]:
                    parcel.body["status"], parcel.secret = "voided", ""
        total = money(sale, sum(x["amount"]["amount"] for x in lines))
        instruction = {"action": "return_payment", "amount": total, "collected_by": "channel"}
        if "reference" in sale.body["payment"]:
            instruction["payment_reference"] = sale.body["payment"]["reference"]
        refund = {
            "amount": total, "created_at": stamp(self.now()), "id": self.id("payback"),
            "instruction": instruction, "lines": lines, "order_id": sale.body["id"], "reason": reason,
            "status": "instructed", **more,
        }
        sale.body.setdefault("refunds", []).append(refund)
        return refund

    # -- limits

    def check_limits(self, client: Client, item: Item, buyer: str, units: int, at: str) -> None:
        """Refuse units beyond what one buyer, or the channel, may have of the product."""
        limits = item.body.get("restrictions", {})
        for name, whom in (("purchase_limit", buyer), ("channel_limit", "")):
            if limit := limits.get(name):
                had = self.had(client, item, whom, limit.get("days"))
                if had + units > limit["quantity"]:
                    raise Refused(f"{name}_reached", f"{had} of {limit['quantity']} are taken.", at)

    def had(self, client: Client, item: Item, buyer: str, days: int | None) -> int:
        """Units that the channel (or one buyer of it) holds, or has bought in these days and kept."""
        since = datetime.min.replace(tzinfo=UTC)
        if days:
            midnight = self.now().replace(hour=0, minute=0, second=0, microsecond=0)
            since = midnight - timedelta(days=days - 1)
        units: int = sum(h.body["quantity"] for h in self.open_holds(client, item, buyer))
        for sale in self.sales.values():
            if sale.owner is not client or (buyer and sale.body["buyer"]["reference"] != buyer):
                continue
            waiting = sale.body["status"] == "payment_required"
            for line, sold in zip(sale.body["lines"], sale.items, strict=True):
                if sold is item:
                    kept = sale.left[line["id"]] if sale.at >= since else 0
                    units += line["quantity"] if waiting else kept
        return units

    def open_holds(self, client: Client, item: Item | None = None, buyer: str = "") -> list[Hold]:
        """The channel's active holds: of an offer, of a buyer."""
        return [
            h
            for h in self.holds.values()
            if h.active
            and h.owner is client
            and item in (None, h.item)
            and (not buyer or h.body["buyer"]["reference"] == buyer)
        ]

    def waiting(self, client: Client, item: Item, buyer: str) -> int:
        """Units that unpaid orders of a buyer keep."""
        return sum(
            line["quantity"]
            for sale in self.sales.values()
            if sale.owner is client
            and sale.body["status"] == "payment_required"
            and sale.body["buyer"]["reference"] == buyer
            for line, kept in zip(sale.body["lines"], sale.items, strict=True)
            if kept is item
        )

    def check_caps(self, client: Client, buyer: str) -> None:
        """Refuse one hold more than the channel, or one buyer of it, may have open."""
        if len(self.open_holds(client)) >= client.most_holds:
            raise Refused("hold_limit_reached", "The channel has enough open holds.", headers=wait(60))
        if len(self.open_holds(client, None, buyer)) >= client.most_holds_per_buyer:
            raise Refused("hold_limit_reached", "The buyer has enough open holds.", headers=wait(60))

    def check_fairness(self, client: Client, item: Item, buyer: str, units: int) -> None:
        """Refuse what would lock others out: nearly a whole stock for one, or for those who let holds lapse."""
        if item.room is None:
            return
        stock = item.sellable + item.reserved
        mine = sum(h.body["quantity"] for h in self.open_holds(client, item, buyer))
        if stock >= 20 and mine + self.waiting(client, item, buyer) + units > stock * 4 // 5:
            raise Refused("hold_limit_reached", "Leave some for others.", headers=wait(300))
        hour_ago = self.now() - timedelta(hours=1)
        lapsed = {
            key[2]: [units for ended, units in rows if ended > hour_ago]
            for key, rows in self.lapsed.items()
            if key[:2] == (client.id, item.body["id"])
        }
        if len(lapsed.get(buyer, [])) >= 3:
            raise Refused("hold_limit_reached", "You let your holds lapse.", headers=wait(600))
        if sum(map(sum, lapsed.values())) * 2 >= stock:
            ours = sum(h.body["quantity"] for h in self.open_holds(client, item))
            if (ours + units) * 2 > stock:
                raise Refused("hold_limit_reached", "This channel's holds lapse.", headers=wait(600))

market = Market()

def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

def money(sale: Sale, amount: int) -> Json:
    """An amount in the order's currency."""
    return {"amount": amount, "currency": sale.body["total"]["currency"]}

def alive(parcel: Parcel) -> bool:
    """Whether a delivery is not voided."""
    return bool(parcel.body["status"] != "voided")

def wait(seconds: int) -> dict[str, str]:
    """The header that says when to come back."""
    return {"Retry-After": str(seconds)}

def new_trace(trace_id: str = "") -> str:
    """A traceparent: the next span of a trace, or a new trace."""
    return f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"

# ---------------------------------------------------------------- operations

@dataclass(frozen=True)
class Operation:
    """One row of the document. `scope` "" is public, "test" is test control."""

    name: str
    method: str
    path: str
    scope: str
    status: int
    body: Json | None
    body_needed: bool
    keyed: bool
    run: Callable[[Call], Json | None]

OPERATIONS: list[Operation] = []
Handler = Callable[[Call], Json | None]

def op(
    route: str, scope: str = "", status: int = 200, body: Json | None = None, **flags: bool
) -> Callable[[Handler], Handler]:
    """Serve an operation by the decorated function, whose name is the operationId."""
    method, path = route.split()

    def register(run: Handler) -> Handler:
        needed, keyed = flags.get("needed", True), flags.get("keyed", False)
        OPERATIONS.append(Operation(run.__name__, method, path, scope, status, body, needed, keyed, run))
        return run

    return register

@op("GET /.well-known/vgcp")
def get_discovery(call: Call) -> Json:
    names = [*SCOPES, "test_control"] if server.test_secret else SCOPES
    return {
        "capabilities": [{"name": name, "revision": 1} for name in names],
        "endpoints": {
            "api": call.origin + API,
            "authorization_server": call.origin + "/.well-known/oauth-authorization-server",
            "token": f"{call.origin}{API}/oauth/token",
        },
        "implementation": {"name": "gateway-aiohttp", "version": "1"},
        "keys": server.public_keys,
        "name": "Corner shop wholesale",
        "profiles": ["core"],
        "protocol": "vgcp",
        "role": "gateway",
        "sandbox": bool(server.test_secret),
        "versions": ["1.0"],
    }

@op("GET /.well-known/oauth-authorization-server")
def get_authorization_server(call: Call) -> Json:
    return {
        "grant_types_supported": ["client_credentials"],
        "issuer": call.origin,
        "jwks_uri": f"{call.origin}{API}/oauth/jwks",
        "response_types_supported": [],
        "scopes_supported": SCOPES,
        "token_endpoint": f"{call.origin}{API}/oauth/token",
        "token_endpoint_auth_methods_supported": [
            "private_key_jwt", "client_secret_post", "client_secret_basic",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256", "EdDSA"],
    }

@op(f"GET {API}/oauth/jwks")
def get_jwks(call: Call) -> Json:
    return server.public_keys

@op(f"POST {API}/oauth/token", "form")
def issue_token(call: Call) -> Json:
    form = call.body
    if "grant_type" not in form:
        raise oauth_refusal("invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise oauth_refusal("unsupported_grant_type", "use client_credentials")
    client = authenticate(form, call.origin)
    scopes = form.get("scope", "").split() or client.scopes
    if not set(scopes) <= set(client.scopes):
        raise oauth_refusal("invalid_scope", "ask for less")
    now = int(market.now().timestamp())
    claims = {
        "aud": call.origin + API, "client_id": client.id, "exp": now + int(TOKEN_LIFE.total_seconds()),
        "iat": now, "iss": call.origin, "jti": secrets.token_hex(12), "scope": " ".join(scopes),
        "sub": client.id,
    }
    header = {"alg": "ES256", "kid": server.token_key.kid, "typ": "at+jwt"}
    return {
        "access_token": jwt.encode(header, claims, server.token_key),
        "expires_in": int(TOKEN_LIFE.total_seconds()), "scope": " ".join(scopes), "token_type": "Bearer",
    }

def oauth_refusal(code: str, detail: str) -> Refused:
    """A problem that is an OAuth error too."""
    headers = {"WWW-Authenticate": 'Basic realm="vgcp"'} if code == "invalid_client" else {}
    return Refused(code, detail, headers=headers, error=code, error_description=detail)

def authenticate(form: Json, origin: str) -> Client:
    """The client of a token request, by assertion, or by a secret from the form or the Basic header."""
    if "client_assertion" in form:
        return assertion_client(form, origin)
    client = market.clients.get(form.get("client_id", ""))
    given = form.get("client_secret", "")
    if client is None or not hmac.compare_digest(client.secret.encode(), given.encode()):
        raise oauth_refusal("invalid_client", "unknown client or wrong secret")
    return client

def assertion_client(form: Json, origin: str) -> Client:
    """The client that signed the assertion (RFC 7523); each assertion is good once."""
    if form.get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
        raise oauth_refusal("invalid_request", "unknown client_assertion_type")
    try:
        part = form["client_assertion"].split(".")[1]
        client = market.clients[json.loads(unbase64(part))["sub"]]
        keys = KeySet.import_key_set(client.keys)  # type: ignore[arg-type]
        claims = jwt.decode(form["client_assertion"], keys, algorithms=["ES256", "RS256", "EdDSA"]).claims
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        right = claims["iss"] == claims["sub"] == client.id == form.get("client_id", client.id)
        right = right and bool({origin, f"{origin}{API}/oauth/token"} & set(audience))
        right = right and claims["exp"] > market.now().timestamp() and claims["jti"] not in client.assertions
    except (JoseError, KeyError, IndexError, TypeError, ValueError, AttributeError):
        right = False
    if not right:
        raise oauth_refusal("invalid_client", "the assertion does not hold")
    client.assertions.add(claims["jti"])
    return client

def unbase64(text_: str) -> bytes:
    """Base64url, without padding."""
    return base64.urlsafe_b64decode(text_ + "=" * (-len(text_) % 4))

# -- lists

def page(call: Call, name: str, rows: list[tuple[int, Json]], feed: bool = False) -> Json:
    """A page of rows, each with its place, in rising order of places; a feed always has a cursor."""
    limit = call.query.get("limit", "100")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= 500):
        raise Refused("invalid", "From 1 to 500.", "query:limit")
    name = f"{name} {call.who.id}"
    after = read_cursor(name, call.query["cursor"]) if "cursor" in call.query else None
    rest = [row for row in rows if after is None or row[0] > after]
    shown = rest[: int(limit)]
    answer: Json = {"has_more": len(rest) > len(shown), "items": [body for _, body in shown]}
    if feed or answer["has_more"]:
        answer["next_cursor"] = cursor(name, shown[-1][0] if shown else after or 0)
    return answer

def cursor(name: str, place: int) -> str:
    """An opaque, signed cursor of one list."""
    seal = hmac.new(server.cursor_key, f"{name} {place}".encode(), hashlib.sha256).hexdigest()[:20]
    return f"{place:x}.{seal}"

def read_cursor(name: str, given: str) -> int:
    """The place that a cursor of this list names."""
    try:
        place = int(given.partition(".")[0], 16)
    except ValueError:
        place = 0
    if not hmac.compare_digest(cursor(name, place).encode(), given.encode()):
        raise Refused("cursor_invalid", "Start again without one.", "query:cursor")
    return place

def newest_first(bodies: Iterable[Json]) -> list[tuple[int, Json]]:
    """Rows of things in the order in which they were made, turned round."""
    return [(-place, body) for place, body in enumerate(bodies)][::-1]

# -- catalog

def entry(item: Item) -> Json:
    """An offer as the feed has it."""
    head = {"deleted": item.deleted, "offer_id": item.body["id"], "revision": item.body["revision"]}
    return head if item.deleted else {**head, "offer": item.body}

@op(f"GET {API}/offers", "catalog")
def list_offers(call: Call) -> Json:
    seen = [i for i in market.items.values() if i.only_for in ("", call.who.id)]
    return page(call, "offers", [(i.turn, entry(i)) for i in sorted(seen, key=lambda i: i.turn)], feed=True)

@op(f"GET {API}/offers/{{offer_id}}", "catalog")
def get_offer(call: Call) -> Json:
    return market.visible(call.who, call.path["offer_id"]).body

# -- inventory

def sold_where(item: Item, buyer: Json, at: str) -> None:
    """Refuse a buyer in a region, or of none, where the offer may not be sold."""
    regions = item.body.get("restrictions", {}).get("regions")
    if regions is not None and buyer.get("region") not in regions:
        raise Refused("region_not_allowed", "The merchant has no rights there.", at)

def check_quantity(item: Item, units: int, at: str) -> None:
    """Refuse more units than one order may have."""
    most = item.body.get("restrictions", {}).get("max_per_order", units)
    if units > most:
        raise Refused("quantity_not_allowed", f"At most {most}.", at)

@op(f"POST {API}/reservations", "inventory", 201, HOLD, keyed=True)
def create_reservation(call: Call) -> Json:
    want, client = call.body, call.who
    item = market.visible(client, want["offer_id"], "/offer_id")
    units, buyer = want["quantity"], want["buyer"]["reference"]
    if item.body["status"] == "withdrawn":
        raise Refused("offer_withdrawn", "It was taken off sale.", "/offer_id")
    sold_where(item, want["buyer"], "/buyer/region")
    check_quantity(item, units, "/quantity")
    market.check_limits(client, item, buyer, units, "/quantity")
    if units > item.sellable:
        raise Refused("out_of_stock", f"{item.sellable} left.", "/quantity")
    market.check_caps(client, buyer)
    market.check_fairness(client, item, buyer, units)
    life = min(timedelta(seconds=want.get("ttl_seconds", HOLD_LIFE.total_seconds())), LONGEST_HOLD)
    if item.room is not None and item.reserved > item.sellable:
        life = min(life, RUSH_HOLD)
    item.take(units, held=True)
    hold = Hold({}, client, item, market.now() + life)
    hold.body = {
        "buyer": want["buyer"], "created_at": stamp(market.now()), "expires_at": stamp(hold.ends),
        "id": market.id("hold"), "offer_id": want["offer_id"], "quantity": units, "status": "active",
        "trace_id": call.trace_id, "unit_price": item.body["price"],
    }
    if "reference" in want:
        hold.body["reference"] = want["reference"]
    market.holds[hold.body["id"]] = hold
    market.restock([item], call.trace)
    return hold.body

def own_hold(call: Call, hold_id: str, at: str = "") -> Hold:
    """A hold of the channel's."""
    hold = market.holds.get(hold_id)
    if hold is None or hold.owner is not call.who:
        raise Refused("not_found", "No such hold.", at)
    return hold

@op(f"GET {API}/reservations", "inventory")
def list_reservations(call: Call) -> Json:
    wanted = call.query.get("reference")
    mine = [h.body for h in market.holds.values() if h.owner is call.who]
    found = [b for b in mine if wanted is None or b.get("reference") == wanted]
    return page(call, f"holds {wanted}", newest_first(found))

@op(f"GET {API}/reservations/{{reservation_id}}", "inventory")
def get_reservation(call: Call) -> Json:
    return own_hold(call, call.path["reservation_id"]).body

@op(f"DELETE {API}/reservations/{{reservation_id}}", "inventory")
def release_reservation(call: Call) -> Json:
    hold = own_hold(call, call.path["reservation_id"])
    if hold.active:
        market.end_hold(hold, "released")
        market.restock([hold.item], call.trace)
    return hold.body

@op(
    f"POST {API}/reservations/{{reservation_id}}/extend", "inventory", 200, EXTENSION, keyed=True,
    needed=False,
)
def extend_reservation(call: Call) -> Json:
    hold = own_hold(call, call.path["reservation_id"])
    if not hold.active:
        raise Refused("reservation_not_active", "Make a new one.")
    if hold.extended >= EXTENSIONS:
        raise Refused("extension_limit_reached", "Buy it or leave it.")
    hold.extended += 1
    wish = timedelta(seconds=call.body.get("ttl_seconds", HOLD_LIFE.total_seconds()))
    hold.ends = market.now() + min(wish, LONGEST_HOLD)
    hold.body["expires_at"] = stamp(hold.ends)
    return hold.body

# -- orders

@op(f"POST {API}/orders", "orders", 201, ORDER, keyed=True)
def create_order(call: Call) -> Json:
    want, client, buyer = call.body, call.who, call.body["buyer"]
    if "recipient_key" in want:
        raise Refused("sealing_not_supported", "Order without a key.", "/recipient_key")
    if any(s.owner is client and s.body["reference"] == want["reference"] for s in market.sales.values()):
        raise Refused("reference_in_use", "Choose another.", "/reference")
    if len({line["unit_price"]["currency"] for line in want["lines"]}) > 1:
        raise Refused("currency_mixed", "Split it.", "/lines")
    basket = [check_line(call, line, f"/lines/{n}") for n, line in enumerate(want["lines"])]
    pending = want["payment"]["status"] == "pending"
    check_basket(call, basket, pending)
    sale = new_sale(call, [item for item, _ in basket])
    for (item, hold), line in zip(basket, want["lines"], strict=True):
        if hold is not None:
            hold.body["status"] = "consumed"
            if not pending:
                item.unhold(line["quantity"], sell=True)
        else:
            item.take(line["quantity"], held=pending)
    market.sales[sale.body["id"]] = sale
    if pending:
        sale.ends = market.now() + PAYMENT_TIME
        sale.body["payment"]["due_at"] = stamp(sale.ends)
        market.moved(sale, "payment_required", call.trace)
    else:
        market.fulfil(sale, call.trace)
    market.restock(sale.items, call.trace)
    log.info("order %s of %s for %s", sale.body["id"], client.id, buyer["reference"])
    return sale.body

def check_line(call: Call, line: Json, at: str) -> tuple[Item, Hold | None]:
    """What one line of an order is about, if it can be sold as it stands."""
    hold = (
        own_hold(call, line["reservation_id"], f"{at}/reservation_id") if "reservation_id" in line else None
    )
    if hold is None:
        item = market.visible(call.who, line["offer_id"], f"{at}/offer_id")
        if item.body["status"] == "withdrawn":
            raise Refused("offer_withdrawn", "It was taken off sale.", f"{at}/offer_id")
        sold_where(item, call.body["buyer"], "/buyer/region")
    else:
        item = hold.item
        check_hold(call, line, hold, at)
    price = item.body["price"] if hold is None else hold.body["unit_price"]
    if (line["unit_price"]["amount"], line["unit_price"]["currency"]) != (price["amount"], price["currency"]):
        raise Refused("price_mismatch", "Read the offer again.", f"{at}/unit_price")
    if "buyer_input" in item.body:
        wrong = misfits(item.body["buyer_input"], line.get("buyer_input", {}), f"{at}/buyer_input")
        if wrong:
            raise Refused("buyer_input_invalid", errors=wrong)
    return item, hold

def check_hold(call: Call, line: Json, hold: Hold, at: str) -> None:
    """Refuse a hold that is over, or for something else."""
    if not hold.active:
        raise Refused("reservation_not_active", f"It is {hold.body['status']}.", f"{at}/reservation_id")
    held = (hold.body["offer_id"], hold.body["quantity"], hold.body["buyer"]["reference"])
    if held != (line["offer_id"], line["quantity"], call.body["buyer"]["reference"]):
        raise Refused("reservation_mismatch", "Order what was held.", f"{at}/reservation_id")

def check_basket(call: Call, basket: list[tuple[Item, Hold | None]], pending: bool) -> None:
    """Refuse an order whose lines ask too much together."""
    lines, buyer = call.body["lines"], call.body["buyer"]["reference"]
    holds = [hold.body["id"] for _, hold in basket if hold is not None]
    if len(set(holds)) < len(holds):
        raise Refused("reservation_not_active", "One hold is for one line.", "/lines")
    for place, (item, _) in enumerate(basket):
        same = [(x, h) for x, (i, h) in zip(lines, basket, strict=True) if i is item]
        at = f"/lines/{place}/quantity"
        check_quantity(item, sum(x["quantity"] for x, _ in same), at)
        if fresh := sum(x["quantity"] for x, h in same if h is None):
            market.check_limits(call.who, item, buyer, fresh, at)
            if fresh > item.sellable:
                raise Refused("out_of_stock", f"{item.sellable} left.", at)
            if pending:
                market.check_fairness(call.who, item, buyer, fresh)

def new_sale(call: Call, items: list[Item]) -> Sale:
    """An order of these lines, before anything has happened to it."""
    want = call.body
    currency = want["lines"][0]["unit_price"]["currency"]
    lines = []
    for line, item in zip(want["lines"], items, strict=True):
        total = {"amount": line["quantity"] * line["unit_price"]["amount"], "currency": currency}
        kept = {
            key: line[key] for key in ("buyer_input", "offer_id", "quantity", "reservation_id") if key in line
        }
        price = {"amount": line["unit_price"]["amount"], "currency": currency}
        product = item.body["product"]["id"]
        lines.append(
            {"id": market.id("row"), "product_id": product, "total": total, "unit_price": price, **kept}
        )
    total = {"amount": sum(line["total"]["amount"] for line in lines), "currency": currency}
    payment = {
        key: want["payment"][key] for key in ("method", "reference", "status") if key in want["payment"]
    }
    order = {
        "buyer": want["buyer"], "created_at": stamp(market.now()), "id": market.id("sale"), "lines": lines,
        "payment": {"amount": total, **payment}, "reference": want["reference"], "revision": 0,
        "status": "created", "total": total, "trace_id": call.trace_id, "updated_at": stamp(market.now()),
    }
    return Sale(order, call.who, items, at=market.now())

def own_sale(call: Call) -> Sale:
    """The order that the path names, if it is the channel's."""
    sale = market.sales.get(call.path["order_id"])
    if sale is None or sale.owner is not call.who:
        raise Refused("not_found", "No such order.")
    return sale

def in_state(sale: Sale, *states: str) -> None:
    """Refuse what an order's state does not allow."""
    if sale.body["status"] not in states:
        raise Refused("transition_not_allowed", f"The order is {sale.body['status']}.")

@op(f"GET {API}/orders", "orders")
def list_orders(call: Call) -> Json:
    wanted = call.query.get("reference")
    mine = [s.body for s in market.sales.values() if s.owner is call.who]
    return page(call, f"sales {wanted}", newest_first(b for b in mine if wanted in (None, b["reference"])))

@op(f"GET {API}/orders/{{order_id}}", "orders")
def get_order(call: Call) -> Json:
    return own_sale(call).body

@op(f"POST {API}/orders/{{order_id}}/payment", "orders", 200, PAYMENT, keyed=True)
def confirm_payment(call: Call) -> Json:
    sale, paid = own_sale(call), call.body["amount"]
    in_state(sale, "payment_required", "expired")
    if (paid["amount"], paid["currency"]) != tuple(sale.body["total"][k] for k in ("amount", "currency")):
        raise Refused("amount_mismatch", "Pay all of it, and no more.", "/amount")
    sale.body["payment"] |= {key: call.body[key] for key in ("method", "reference") if key in call.body}
    if sale.body["status"] == "payment_required":
        for line, item in zip(sale.body["lines"], sale.items, strict=True):
            item.unhold(line["quantity"], sell=True)
        market.fulfil(sale, call.trace)
    elif still_sellable(sale):
        for line, item in zip(sale.body["lines"], sale.items, strict=True):
            item.take(line["quantity"])
        market.fulfil(sale, call.trace)
        market.restock(sale.items, call.trace)
    else:
        sale.body["payment"] |= {"collected_at": stamp(market.now()), "status": "collected"}
        units = {line["id"]: line["quantity"] for line in sale.body["lines"]}
        sale.left.update(units)
        market.refund(sale, units, "late_payment", {})
        market.moved(sale, "refunded", call.trace)
    return sale.body

def still_sellable(sale: Sale) -> bool:
    """Whether everything of an expired order can be had after all."""
    buyer = sale.body["buyer"]["reference"]
    for item in {id(item): item for item in sale.items}.values():
        lines = zip(sale.body["lines"], sale.items, strict=True)
        units = sum(line["quantity"] for line, i in lines if i is item)
        if item.room is not None and units > item.room:
            return False
        try:
            market.check_limits(sale.owner, item, buyer, units, "")
        except Refused:
            return False
    return True

@op(f"POST {API}/orders/{{order_id}}/cancel", "orders", 200, CANCELLATION, keyed=True, needed=False)
def cancel_order(call: Call) -> Json:
    sale = own_sale(call)
    in_state(sale, "payment_required")
    market.unhold(sale, call.trace)
    sale.body["cancellation"] = {key: call.body[key] for key in ("reason",) if key in call.body}
    market.moved(sale, "cancelled", call.trace)
    return sale.body

@op(f"POST {API}/orders/{{order_id}}/refunds", "orders", 201, REFUND, keyed=True)
def create_refund(call: Call) -> Json:
    sale, want = own_sale(call), call.body
    in_state(sale, "fulfilled", "partially_refunded", "disputed")
    units = Counter(+sale.left)
    if "lines" in want:
        units = Counter()
        for place, row in enumerate(want["lines"]):
            if row["line_id"] not in sale.left:
                raise Refused("invalid", "The order has no such line.", f"/lines/{place}/line_id")
            units[row["line_id"]] += row["quantity"]
            if units[row["line_id"]] > sale.left[row["line_id"]]:
                left = sale.left[row["line_id"]]
                raise Refused("exceeds_order", f"{left} left of the line.", f"/lines/{place}/quantity")
    whole = units == +sale.left
    if not whole:
        in_state(sale, "fulfilled", "partially_refunded")
    more = {"reference": want["reference"]} if "reference" in want else {}
    refund = market.refund(sale, units, want["reason"], more)
    for dispute in sale.body.get("disputes", []):
        dispute |= {"resolved_at": stamp(market.now()), "status": "refunded"}
    market.moved(sale, "refunded" if whole else "partially_refunded", call.trace)
    return refund

@op(f"GET {API}/orders/{{order_id}}/refunds", "orders")
def list_refunds(call: Call) -> Json:
    sale = own_sale(call)
    return page(call, f"refunds {sale.body['id']}", [*enumerate(sale.body.get("refunds", []), 1)])

@op(f"POST {API}/orders/{{order_id}}/disputes", "orders", 201, DISPUTE, keyed=True)
def create_dispute(call: Call) -> Json:
    sale, want = own_sale(call), call.body
    in_state(sale, "fulfilled", "partially_refunded")
    left = money(sale, sum(x["unit_price"]["amount"] * sale.left[x["id"]] for x in sale.body["lines"]))
    amount: Json = call.body.get("amount", left)
    if amount["currency"] != left["currency"] or amount["amount"] > left["amount"]:
        raise Refused("exceeds_order", "More than is left of it.", "/amount")
    dispute: Json = {
        "amount": money(sale, amount["amount"]), "created_at": stamp(market.now()),
        "id": market.id("quarrel"), "order_id": sale.body["id"], "reason": want["reason"], "status": "open",
    }
    if "evidence" in want:
        dispute["evidence"] = want["evidence"]
    sale.body.setdefault("disputes", []).append(dispute)
    market.moved(sale, "disputed", call.trace)
    return dispute

# -- delivery

@op(f"POST {API}/orders/{{order_id}}/replacements", "delivery", 201, REPLACEMENT, keyed=True)
def create_replacement(call: Call) -> Json:
    sale = own_sale(call)
    in_state(sale, "fulfilled", "partially_refunded", "refunded")
    old = market.parcels.get(call.body["delivery_id"])
    if old is None or old.sale is not sale:
        raise Refused("not_found", "No such delivery of this order.", "/delivery_id")
    if not alive(old):
        raise Refused("delivery_voided", "It is gone already.", "/delivery_id")
    line_id = old.body["line_id"]
    item = next(i for line, i in zip(sale.body["lines"], sale.items, strict=True) if line["id"] == line_id)
    if item.room == 0:
        raise Refused("out_of_stock", "Nothing to replace it by.")
    item.take(1)
    old.body["status"], old.secret = "voided", ""
    new = market.pack(sale, line_id, item, old.body["id"])
    market.announce(new, call.trace)
    market.restock([item], call.trace)
    reason = call.body["reason"]
    return {"delivery": new.body, "order_id": sale.body["id"], "reason": reason, "voided": old.body}

@op(f"GET {API}/orders/{{order_id}}/deliveries", "delivery")
def list_deliveries(call: Call) -> Json:
    sale = own_sale(call)
    return page(call, f"parcels {sale.body['id']}", [*enumerate((p.body for p in sale.parcels), 1)])

@op(f"POST {API}/deliveries/{{delivery_id}}/reveal", "delivery", 200, REVEAL, keyed=True, needed=False)
def reveal_delivery(call: Call) -> Json:
    parcel = market.parcels.get(call.path["delivery_id"])
    if parcel is None or parcel.sale.owner is not call.who:
        raise Refused("not_found", "No such delivery.")
    if not alive(parcel):
        raise Refused("delivery_voided", "What was in it is not the buyer's any more.")
    now, body = market.now(), parcel.body
    body["reveal_count"] += 1
    body["status"] = "revealed"
    body.setdefault("revealed_at", stamp(now))
    audit = {"client": call.who.id, "parcel": body["id"], "reason": call.body.get("reason", "")}
    market.audit.append({**audit, "at": stamp(now), "trace": call.trace_id})
    content: Json
    if body["kind"] == "download":
        until = now + DOWNLOAD_TIME
        content = {"expires_at": stamp(until), "url": signed_link(parcel.secret, int(until.timestamp()))}
    else:
        content = {{"code": "value", "licence": "key", "topup": "receipt"}[body["kind"]]: parcel.secret}
    return {"delivery": body, "goods": {body["kind"]: content, "kind": body["kind"]}}

def signed_link(url: str, until: int) -> str:
    """A link that the file server refuses after its time (it has the same key)."""
    seal = hmac.new(server.cursor_key, f"{url} {until}".encode(), hashlib.sha256).hexdigest()[:32]
    return f"{url}{'&' if '?' in url else '?'}until={until}&seal={seal}"

@op(f"GET {API}/events", "events")
def list_events(call: Call) -> Json:
    return page(call, "events", [*enumerate(call.who.events, 1)], feed=True)

# -- test control

@op(f"POST {API}/test/reset", "test", 204, OPEN, needed=False)
def test_reset(call: Call) -> None:
    global market
    market = Market()

@op(f"POST {API}/test/clients", "test", 201, NEW_CLIENT)
def test_create_client(call: Call) -> Json:
    want = call.body
    client = Client(
        id=market.id("shop"), secret=secrets.token_urlsafe(24),
        webhook_secret="whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        scopes=[scope for scope in want.get("scopes", SCOPES) if scope in SCOPES],
        keys=want.get("jwks", {"keys": []}), most_holds=want.get("max_open_holds", 1000),
        most_holds_per_buyer=want.get("max_open_holds_per_buyer", 20),
        per_minute=want.get("rate_limit_per_minute", 6000), **call.channel,
    )
    market.clients[client.id] = client
    return {"client_id": client.id, "client_secret": client.secret, "webhook_secret": client.webhook_secret}

@op(f"POST {API}/test/offers", "test", 201, NEW_OFFER)
def test_create_offer(call: Call) -> Json:
    want = call.body
    if "on_demand" in want:
        raise Refused("invalid", "Nothing is made on demand here.", "/on_demand")
    codes = fresh_codes(want.get("codes", []), "/codes")
    counted = "codes" not in want
    product = {"category": "download", "id": market.id("good"), "name": want["product_name"]}
    offer: Json = {
        "availability": {"status": "in_stock"}, "consistency": "strict",
        "delivery_kind": want["delivery_kind"], "id": market.id("item"), "price": want["price"],
        "product": product, "revision": 0, "status": "active", "updated_at": "", "verification_level": "none",
        **{key: want[key] for key in ("buyer_input", "restrictions") if key in want},
    }
    room = want.get("quantity") if counted else len(codes)
    link = want.get("download_url", "")
    item = Item(
        offer, want.get("client_id", ""), want.get("safety_stock", 0), room, counted, link, deque(codes)
    )
    if not item.sellable:
        offer["availability"]["status"] = "out_of_stock"
    market.items[offer["id"]] = item
    market.changed(item, "offer.updated", call.trace)
    return offer

def fresh_codes(codes: list[str], at: str) -> list[str]:
    """Note these codes as known; refused when any was seen before."""
    for place, code in enumerate(codes):
        if code in market.known_codes or code in codes[:place]:
            raise Refused("duplicate_code", "Every code is sold once.", f"{at}/{place}")
    market.known_codes.update(codes)
    return codes

def any_item(call: Call) -> Item:
    """The offer that the path names, deleted or not."""
    item = market.items.get(call.path["offer_id"])
    if item is None:
        raise Refused("not_found", "No such offer.")
    return item

@op(f"POST {API}/test/offers/{{offer_id}}", "test", 200, OFFER_CHANGE)
def test_update_offer(call: Call) -> Json:
    item, want = any_item(call), call.body
    gone = want.get("void_available", 0)
    if gone > (item.room or 0):
        raise Refused("out_of_stock", "So many are not on sale.", "/void_available")
    if item.counted and "add_codes" in want:
        raise Refused("invalid", "This offer has no codes.", "/add_codes")
    codes = fresh_codes(want.get("add_codes", []), "/add_codes")
    for _ in range(min(gone, len(item.codes))):
        item.codes.pop()
    item.codes.extend(codes)
    item.voided += gone
    if item.room is not None:
        item.room += len(codes) - gone
    status = {True: "withdrawn", False: "active", None: item.body["status"]}[want.get("withdrawn")]
    news = (want.get("price", item.body["price"]), status, want.get("deleted", item.deleted))
    if news != (item.body["price"], item.body["status"], item.deleted):
        item.body["price"], item.body["status"], item.deleted = news
        off = item.deleted or status == "withdrawn"
        market.changed(item, "offer.withdrawn" if off else "offer.updated", call.trace)
    market.restock([item], call.trace)
    return entry(item)

@op(f"GET {API}/test/offers/{{offer_id}}/stock", "test")
def test_get_stock(call: Call) -> Json:
    item = any_item(call)
    books = {"available": item.room or 0, "reserved": item.reserved, "sold": item.sold, "voided": item.voided}
    kind = "unlimited" if item.room is None else "counted" if item.counted else "codes"
    return {**books, "kind": kind, "offer_id": item.body["id"], "received": sum(books.values())}

@op(f"POST {API}/test/allotments/{{allotment_id}}/recall", "test", 200, OPEN, needed=False)
def test_recall_allotment(call: Call) -> Json:
    raise Refused("not_found", "Nothing is leased here.")

@op(f"POST {API}/test/clock", "test", 200, CLOCK)
def test_advance_clock(call: Call) -> Json:
    market.ahead += timedelta(seconds=call.body["advance_seconds"])
    market.settle()
    return {"now": stamp(market.now())}

@op(f"POST {API}/test/faults", "test", 204, FAULT)
def test_raise_fault(call: Call) -> None:
    market.faults.setdefault(call.body["operation_id"], []).extend([call.body] * call.body["count"])

# ---------------------------------------------------------------- HTTP

class Server:
    """Keys, the listening socket and the postman: everything that is not the sandbox's state."""

    def __init__(self, test_secret: str = "") -> None:
        self.test_secret = test_secret
        self.cursor_key = secrets.token_bytes(32)
        self.token_key = ECKey.generate_key("P-256", {"kid": "tokens", "use": "sig", "alg": "ES256"})
        self.event_key = Ed25519PrivateKey.generate()
        raw = self.event_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        event_jwk = {"alg": "EdDSA", "crv": "Ed25519", "kid": "events", "kty": "OKP", "use": "sig", "x": x}
        self.public_keys: Json = {"keys": [self.token_key.as_dict(private=False), event_jwk]}
        self.http: aiohttp.ClientSession | None = None

    def post_due(self) -> list[asyncio.Task[None]]:
        """Start to post whatever is due, channel by channel; answers what is under way."""
        for client in market.clients.values():
            if client.postman is None and any(t.due <= market.now() for t in client.tries):
                client.postman = asyncio.create_task(self.post_all(client))
        return [client.postman for client in market.clients.values() if client.postman]

    async def post_all(self, client: Client) -> None:
        """Post a channel's due events in their order; what it does not take is tried again later."""
        while due := [t for t in client.tries if t.due <= market.now()]:
            for one in due:
                client.tries.remove(one)
                if not await self.post(client, one.event) and (pause := next(one.pauses, None)):
                    one.due = market.now() + timedelta(seconds=pause)
                    client.tries.append(one)
        client.postman = None

    async def post(self, client: Client, event: Json) -> bool:
        """Post an event once; whether the channel took it."""
        assert self.http is not None
        body = json.dumps(event, sort_keys=True).encode()
        headers = {"Content-Type": "application/json", "traceparent": event["traceparent"]}
        headers |= self.signature(client, event["id"], body)
        sending = self.http.post(client.endpoint, data=body, headers=headers, allow_redirects=False)
        try:
            async with sending as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False

    def signature(self, client: Client, event_id: str, body: bytes) -> dict[str, str]:
        """The headers that prove an event, in the scheme that the channel wants."""
        seconds = int(time.time())
        if client.scheme == "standard_webhooks":
            key = base64.b64decode(client.webhook_secret.removeprefix("whsec_"))
            seal = hmac.new(key, f"{event_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
            signed = f"v1,{base64.b64encode(seal).decode()}"
            return {"webhook-id": event_id, "webhook-signature": signed, "webhook-timestamp": str(seconds)}
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        covered = '("@method" "@target-uri" "content-type" "content-digest")'
        parameters = f'{covered};created={seconds};keyid="events";tag="vgcp-event"'
        base = (
            f'"@method": POST\n"@target-uri": {client.endpoint}\n"content-type": application/json\n'
            f'"content-digest": {digest}\n"@signature-params": {parameters}'
        )
        signed = base64.b64encode(self.event_key.sign(base.encode())).decode()
        return {
            "Content-Digest": digest, "Signature": f"event=:{signed}:",
            "Signature-Input": f"event={parameters}",
        }

server = Server()

@web.middleware
async def edge(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    """Trace every request, and make every error a problem document."""
    given = re.fullmatch(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?",
                         request.headers.get("traceparent", ""))  # fmt: skip
    request["trace"] = new_trace(given[1] if given else "")
    request["id"] = secrets.token_hex(8)
    try:
        answer = await handler(request)
    except Refused as problem:
        answer = refusal(request, problem)
    except web.HTTPMethodNotAllowed as error:
        allow = {"Allow": ", ".join(sorted(error.allowed_methods))}
        answer = refusal(request, Refused("method_not_allowed", headers=allow))
    except web.HTTPNotFound:
        answer = refusal(request, Refused("not_found"))
    except Exception:
        log.exception("request %s broke", request["id"])
        answer = refusal(request, Refused("internal"))
    answer.headers.update(request.get("quota", {}))
    answer.headers.update({"VGCP-Request-Id": request["id"], "traceparent": request["trace"]})
    return answer

def refusal(request: web.Request, problem: Refused) -> web.Response:
    """A problem document (RFC 9457)."""
    status = STATUS[problem.code]
    document = {
        "code": problem.code, "request_id": request["id"], "retryable": status in (429, 500, 503),
        "status": status, "title": problem.code.replace("_", " ").capitalize(),
        "trace_id": request["trace"].split("-")[1], "type": f"urn:vgcp:problem:{problem.code}",
        **problem.members,
    }
    body = json.dumps(document, sort_keys=True)
    kind = "application/problem+json"
    return web.Response(status=status, text=body, content_type=kind, headers=problem.headers)

def endpoint(row: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The aiohttp handler of an operation."""

    async def handle(request: web.Request) -> web.Response:
        market.settle()
        if row.scope == "test":
            given = request.headers.get("VGCP-Test-Secret", "")
            if not hmac.compare_digest(given.encode(), server.test_secret.encode()):
                raise Refused("test_secret_invalid")
        fault = next_fault(row.name)
        client = admitted(request, row.scope) if row.scope in SCOPES else None
        body = await read_form(request) if row.scope == "form" else await read_body(request, row)
        named = row.name == "test_create_client" and "channel_url" in body
        channel = await look_up(body["channel_url"]) if named else {}
        origin, path, query = f"{request.scheme}://{request.host}", dict(request.match_info), dict(request.query)
        call = Call(client, path, query, body, request["trace"], origin, channel)
        status, text_, replayed = answer(request, row, call)
        if fault.get("drop_answer"):
            assert request.transport is not None
            request.transport.abort()
        under_way = server.post_due()
        if row.name == "test_advance_clock" and under_way:
            await asyncio.wait(under_way, timeout=5)
        response = web.Response(status=status, text=text_ or None)
        if text_:
            response.content_type = "application/json"
        if replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    return handle

def next_fault(operation: str) -> Json:
    """The fault that this call of the operation is to meet; raises the ones that are an answer."""
    waiting = market.faults.get(operation)
    fault = waiting.pop(0) if waiting else {}
    if "status" in fault and not fault.get("drop_answer"):
        code = {429: "rate_limited", 500: "internal", 503: "unavailable"}[fault["status"]]
        pause = {} if fault["status"] == 500 else wait(fault.get("retry_after_seconds", 1))
        raise Refused(code, "As test control has asked for.", headers=pause)
    return fault

def admitted(request: web.Request, scope: str) -> Client:
    """The client whose access token this is, within its rate."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    challenge = {"WWW-Authenticate": 'Bearer realm="vgcp"'}
    try:
        if scheme.lower() != "bearer":
            raise ValueError
        decoded = jwt.decode(token.strip(), server.token_key, algorithms=["ES256"])
        claims = decoded.claims
        client = market.clients[claims["client_id"]]
        if claims["exp"] <= market.now().timestamp() or decoded.header.get("typ") != "at+jwt":
            raise ValueError
    except (JoseError, KeyError, ValueError, TypeError):
        raise Refused("unauthenticated", headers=challenge) from None
    if scope not in claims["scope"].split():
        raise Refused("scope_missing", f"It takes {scope}.")
    minute, second = divmod(int(market.now().timestamp()), 60)
    used = client.window[1] if client.window[0] == minute else 0
    client.window = (minute, used + 1)
    left = client.per_minute - used - 1
    policy = {"RateLimit-Policy": f'"minute";q={client.per_minute};w=60'}
    request["quota"] = {**policy, "RateLimit": f'"minute";r={max(0, left)};t={60 - second}'}
    if left < 0:
        raise Refused("rate_limited", headers=wait(60 - second))
    return client

async def read_bytes(request: web.Request) -> bytes:
    """The body, if it is not too long."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused("body_too_large", f"At most {BODY_LIMIT} bytes.") from None

async def read_form(request: web.Request) -> Json:
    """A token request, with the credentials of a Basic header among its members."""
    raw = await read_bytes(request)
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused("media_type_unsupported", "Send a form.")
    form = {key: str(value) for key, value in (await request.post()).items()} if raw else {}
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("basic "):
        try:
            basic = aiohttp.BasicAuth.decode(header, encoding="utf-8")
        except ValueError:
            raise oauth_refusal("invalid_client", "unreadable credentials") from None
        form |= {"client_id": unquote(basic.login), "client_secret": unquote(basic.password)}
    return form

async def read_body(request: web.Request, row: Operation) -> Json:
    """The JSON body, of the right shape."""
    if row.body is None:
        return {}
    raw = await read_bytes(request)
    if not raw and not row.body_needed:
        return {}
    if request.content_type != "application/json":
        raise Refused("media_type_unsupported", "Send application/json.")
    try:
        body = json.loads(raw, parse_constant=int, parse_float=whole)
    except (ValueError, RecursionError):
        raise Refused("malformed", "That is no JSON.") from None
    if wrong := misfits(row.body, body):
        raise Refused("invalid", errors=wrong)
    return dict(body)

def whole(digits: str) -> int | float:
    """A JSON number; 1.0 is a whole one."""
    value = float(digits)
    return int(value) if value.is_integer() else value

def answer(request: web.Request, row: Operation, call: Call) -> tuple[int, str, bool]:
    """Run an operation: its status, its body, and whether that is the first answer given again."""
    if not row.keyed:
        body = row.run(call)
        return row.status, "" if body is None else json.dumps(body, sort_keys=True), False
    key = request.headers.get("Idempotency-Key", "")
    if not re.fullmatch("[!-~]{1,255}", key):
        raise Refused("idempotency_key_missing", "Draw one for each intent.", "header:Idempotency-Key")
    same = hashlib.sha256(json.dumps([request.path, call.body], sort_keys=True).encode()).hexdigest()
    if (row.name, key) in call.who.answers:
        before, status, text_ = call.who.answers[row.name, key]
        if before != same:
            raise Refused("idempotency_key_reused", "Draw another.", "header:Idempotency-Key")
        return status, text_, True
    text_ = json.dumps(row.run(call), sort_keys=True)
    call.who.answers[row.name, key] = (same, row.status, text_)
    return row.status, text_, False

async def look_up(url: str) -> Json:
    """Where a channel wants its events, and how signed, from its discovery document."""
    assert server.http is not None
    try:
        async with server.http.get(url.rstrip("/") + "/.well-known/vgcp") as found:
            document = json.loads(await found.read())
            scheme, where = document["signature_scheme"], document["endpoints"]["events"]
            if document["role"] == "channel" and scheme in ("rfc9421", "standard_webhooks"):
                return {"endpoint": str(where), "scheme": scheme}
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        pass
    raise Refused("channel_unreachable", "No channel answers there.", "/channel_url")

async def keep_time(app: web.Application) -> Any:
    """While the server runs: do what falls due, and post events."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.25)
            market.settle()
            server.post_due()

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as server.http:
        ticking = asyncio.create_task(tick())
        yield
        for task in (ticking, *server.post_due()):
            task.cancel()

def make_app() -> web.Application:
    """The application; test control is there in a sandbox only."""
    app = web.Application(middlewares=[edge], client_max_size=BODY_LIMIT)
    app.cleanup_ctx.append(keep_time)
    for row in OPERATIONS:
        if row.scope != "test" or server.test_secret:
            app.router.add_route(row.method, row.path, endpoint(row))
    return app

async def serve(host: str, port: int) -> None:
    """Listen, say where, and serve until stopped."""
    runner = web.AppRunner(make_app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    print(f"gateway: http://{host}:{runner.addresses[0][1]}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()

def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument(
        "--test-secret", default="", help="serve test control, as a sandbox, behind this secret"
    )
    options = parser.parse_args()
    server.test_secret = options.test_secret
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.host, options.port))

if __name__ == "__main__":
    main()
