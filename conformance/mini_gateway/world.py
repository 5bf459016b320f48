"""What the mini gateway remembers: clients, offers with their stock, holds, orders, deliveries, events."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import OKPKey

from conformance.mini_gateway.problems import Refusal

Json = dict[str, Any]
SCOPES = (
    "catalog",
    "inventory",
    "orders",
    "delivery",
    "events",
    "allotments",
    "identity",
    "consent",
    "ownership",
)


@dataclass
class Client:
    """A registered channel. Rates are requests in a minute; caps are open holds."""

    id: str
    secret: str
    webhook_secret: str
    scopes: tuple[str, ...]
    jwks: Json
    name: str = ""
    events_url: str = ""
    scheme: str = "standard_webhooks"
    max_holds: int = 1000
    max_buyer_holds: int = 1000
    rate: int = 60_000
    calls: list[float] = field(default_factory=list)
    assertions: set[str] = field(default_factory=set)


@dataclass
class Stock:
    """received = available + reserved + allotted + sold + voided, after every method."""

    kind: str  # codes, counted, unlimited
    received: int = 0
    available: int = 0
    reserved: int = 0
    sold: int = 0
    voided: int = 0
    pool: list[str] = field(default_factory=list)  # codes that nobody has, oldest first
    phantoms: int = 0  # units that were never received, when this gateway oversells
    safety: int = 0  # kept back from sale
    allotted: int = 0  # leased and not sold

    def on_sale(self) -> int:
        """Units that can be held and sold."""
        return max(self.available - self.safety, 0)

    def has(self, quantity: int, whole: bool = False) -> bool:
        """Whether so many units can be taken; `whole`: with the safety stock."""
        return self.kind == "unlimited" or (self.available if whole else self.on_sale()) >= quantity

    def take(self, quantity: int, pointer: str, whole: bool = False) -> None:
        """Move units out of sale; raises Refusal out_of_stock and takes none."""
        if not self.has(quantity, whole):
            raise Refusal("out_of_stock", "There is not that much left.", pointer=pointer)
        if self.kind == "unlimited":
            self.received += quantity
        else:
            self.available -= quantity
        self.reserved += quantity

    def conjure(self, quantity: int) -> None:
        """Have units that were never received (what overselling amounts to)."""
        if self.kind == "counted" and self.available < quantity:
            self.phantoms += quantity
            self.available += quantity

    def give_back(self, quantity: int) -> None:
        """Units that were taken can be bought again."""
        self.reserved -= quantity
        if self.kind == "unlimited":
            self.received -= quantity
        else:
            self.available += quantity

    def lease(self, quantity: int) -> None:
        """Units that were taken are set aside for a channel; negative: they are taken, and no more than that."""
        self.reserved -= quantity
        self.allotted += quantity

    def sell(self, quantity: int) -> None:
        """Units that were taken are sold."""
        self.reserved -= quantity
        self.sold += quantity

    def take_back(self, quantity: int, resell: bool = False) -> None:
        """Units that were sold are voided, or sold again when this gateway is careless."""
        self.sold -= quantity
        if resell:
            self.available += quantity
        else:
            self.voided += quantity


@dataclass
class Offer:
    """One offer and its stock. `owner` is the only client that sees it; "" means all do."""

    id: str
    owner: str
    name: str
    price: Json
    kind: str
    stock: Stock
    updated_at: str
    restrictions: Json | None = None
    buyer_input: Json | None = None
    url: str = ""
    supplier: str = ""  # what the supplier does that makes its units; "" for what comes from stock
    revision: int = 1
    withdrawn: bool = False
    deleted: bool = False
    position: int = 0
    buyable: bool = True  # as the last event or entry said
    consistency: str = "strict"
    ownership: Json = field(default_factory=dict)  # `transferable` and `valid_days` of the product


@dataclass
class Hold:
    """A hold as it stands on the wire (`body`), and whose it is."""

    owner: str
    body: Json
    extensions: int = 0
    used: bool = False  # consumed, whatever the body says


@dataclass
class Lease:
    """A lease as it stands on the wire (`body`), and whose it is."""

    owner: str
    body: Json


@dataclass
class Order:
    """An order as it stands on the wire (`body`), and whose it is."""

    owner: str
    body: Json
    reads: int = 0
    changes: int = 1


@dataclass
class Demand:
    """One unit that a supplier makes; `unit` is which of its line's, `manner` what the supplier does."""

    order: Order
    line: Json
    unit: int
    manner: str
    since: datetime
    state: str = "waiting"  # asked, made, refused, cancelled


@dataclass
class Delivery:
    """A delivery as it stands on the wire (`body`), whose it is, and its goods."""

    owner: str
    body: Json
    goods: Json


@dataclass
class Owned:
    """What somebody owns (`body` without `transferable`, `transfer` and `log`), and what former owners see of it."""

    owner: str  # the client of the owner's channel
    body: Json
    rule: str  # always, until_revealed, never
    price: Json
    history: list[Json] = field(default_factory=list)
    past: list[tuple[str, Json]] = field(default_factory=list)
    offer: Json | None = None  # the open one
    period: int = 1
    place: int | None = None  # in the status list
    certificates: int = 0
    looks: int = 0


@dataclass
class Leaf:
    """An entry of the log of ownership, which is in the tree from `merged_at` on."""

    entitlement_id: str
    text: str
    merged_at: datetime


@dataclass
class Note:
    """An event on its way to one client; `position` orders the feed."""

    owner: str
    body: Json
    position: int
    tries: int = 0
    taken: bool = False


def new_key() -> OKPKey:
    """A key to sign with."""
    return OKPKey.generate_key("Ed25519", {"kid": f"mini-{secrets.token_hex(4)}"})


class World:
    """Everything there is. `fault` names the one way in which this gateway is wrong, "" when it is right."""

    def __init__(self, fault: str = "", test_secret: str = "") -> None:
        self.fault = fault
        self.test_secret = test_secret
        self.url = ""
        self.offset = timedelta()
        self.lag = 0.0  # when what falls due happens, for a gateway that lags
        self.key, self.retired = new_key(), list[OKPKey]()  # what signs, and what has signed
        self.forged = OKPKey.generate_key("Ed25519", {"kid": self.key.kid or ""})  # nobody knows it
        self._count = itertools.count(1)
        self.clients: dict[str, Client] = {}
        self.forget()

    def forget(self) -> None:
        """Start anew, but keep the clients and the clock."""
        self.offers: dict[str, Offer] = {}
        self.holds: dict[str, Hold] = {}
        self.orders: dict[str, Order] = {}
        self.leases: dict[str, Lease] = {}
        self.accounts: dict[str, Any] = {}  # of buyers.Account
        self.links: list[Any] = []  # of buyers.Link
        self.passkeys: dict[str, Any] = {}  # public keys, by the passkey's id
        self.decisions: list[Any] = []  # of consent.Decided, oldest first
        self.erased: dict[tuple[str, str], Json] = {}  # the answers, by client and buyer
        self.remembered: dict[tuple[str, str], str] = {}  # whom a gateway that cannot forget has known
        self.changes: list[Json] = []  # the audit of accounts that came together, and apart
        self.tries: dict[str, list[datetime]] = {}
        self.mails: dict[str, list[Json]] = {}
        self.issuers: dict[str, tuple[str, Any]] = {}  # audience and keys
        self.deliveries: dict[str, Delivery] = {}
        self.demands: list[Demand] = []
        self.notes: list[Note] = []
        self.owned: dict[str, Owned] = {}
        self.unresolved: dict[tuple[str, str], str] = {}  # ids of buyers who bought and were not resolved
        self.transfers: dict[str, Json] = {}
        self.statuses: dict[int, int] = {}  # of certificates, by their place in the list
        self.log: list[Leaf] = []
        self.salts: dict[str, bytes] = {}  # of the owner's commitment, by entitlement
        self.read: set[str] = set()  # what of the log has been read, as it was then; only faults look
        self.answers: dict[tuple[str, str, str], Json] = {}
        self.injected: list[Json] = []
        self.codes: set[str] = set()  # every code that was ever in stock
        self.posted: list[Note] = []  # not yet handed to the postman

    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.now(UTC) + self.offset

    def stamp(self, when: datetime | None = None) -> str:
        """RFC 3339 in UTC."""
        text = (when or self.now()).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")

    def tick(self) -> int:
        """The next number in the order of everything that happens."""
        return next(self._count)

    def name(self, kind: str) -> str:
        """A new id that sorts by time."""
        return f"{kind}_{self.tick():08d}{secrets.token_hex(6)}"
