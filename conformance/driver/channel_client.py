"""Plays the gateway and the buyers towards a channel under certification."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from conformance.chance import below, hexes
from conformance.discovery import declared
from conformance.driver.client import Client, connections
from conformance.driver.faults import Fault
from conformance.driver.played_gateway import PlayedGateway
from conformance.model import AbortedError
from conformance.timing import POLL, PURCHASE, SETTLING, SHELF, SLOWEST_POLL
from conformance.transcript import Exchange, Transcript

if TYPE_CHECKING:
    from conformance.runner import Target

# What a purchase begins with: a hold, or an order with payment pending (SEL-006).
HOLDING = ("create_reservation", "create_order")


class ChannelSession:
    """What a scenario can do: make offers, change them, send events, buy, look at the shelf and the log."""

    def __init__(
        self, target: Target, transcript: Transcript, client: Client, gateway: PlayedGateway
    ) -> None:
        self.target, self.transcript, self.client, self.gateway = target, transcript, client, gateway
        self.capabilities: frozenset[str] = frozenset()
        self.api = self.events_url = self.scheme = ""

    async def access(self) -> str:
        """A channel gives no tokens."""
        return ""

    # the channel's own operations

    async def test(self, operation: str, method: str, path: str, label: str, **more: Any) -> Exchange:
        """Call an operation of test control with the right secret and a trace of its own."""
        headers = {"VGCP-Test-Secret": self.target.test_secret, "traceparent": traceparent()}
        headers |= more.pop("headers", {})
        url = f"{self.api}/test{path}"
        return await self.client.call(
            f"channel:{operation}", method, url, label=label, headers=headers, **more
        )

    async def must(self, operation: str, method: str, path: str, label: str, **more: Any) -> Exchange:
        """As `test`, but raises AbortedError unless the answer is a success."""
        exchange = await self.test(operation, method, path, label, **more)
        if not 200 <= exchange.status < 300:
            said = exchange.error or f"{exchange.status} {exchange.problem}"
            raise AbortedError(f"{operation} was answered by {said}")
        return exchange

    async def sync(self, label: str = "sync") -> Exchange:
        """Have the channel catch up."""
        return await self.must("test_sync", "POST", "/sync", label)

    async def shelf(self, label: str, until: Callable[[list[Any]], bool] | None = None) -> Exchange:
        """What is on sale; with `until`, look again for a while, as a channel may take its time with an event."""
        deadline = self.transcript.now() + SHELF
        while until and self.transcript.now() < deadline:
            seen = await self.must("test_list_shelf", "GET", "/shelf", f"{label}: look")
            found = seen.answer.get("items")
            if isinstance(found, list) and until([i for i in found if isinstance(i, dict)]):
                break
            await asyncio.sleep(POLL)
        return await self.must("test_list_shelf", "GET", "/shelf", label)

    async def shelf_at(self, label: str, offer: str, amount: int) -> Exchange:
        """What is on sale, once the offer is shown at this price."""
        return await self.shelf(label, lambda items: {"offer_id": offer, "at": amount} in map(_priced, items))

    async def log(self, label: str) -> Exchange:
        """What the channel logged."""
        return await self.must("test_get_log", "GET", "/log", label)

    async def press(self, offer: str, label: str, intent: str = "", **wish: Any) -> Exchange:
        """Press the button once, and take what comes. `wish` overrides members of TestPurchaseRequest."""
        body = {
            "intent_id": intent or self.intent(),
            "offer_id": offer,
            "quantity": 1,
            "buyer_reference": f"buyer-{hexes(4)}",
            "region": "DE",
            **wish,
        }
        return await self.test("test_purchase", "POST", "/purchases", label, body=body, patience=PURCHASE)

    async def buy(
        self, offer: str, label: str, intent: str = "", settling: float = SETTLING, **wish: Any
    ) -> Exchange:
        """Press the button and look until it is decided. The deciding exchange has the given label."""
        name = intent or self.intent()
        seen = await self.press(offer, f"{label}: press", name, **wish)
        wait = POLL
        deadline = self.transcript.now() + settling
        while seen.answer.get("outcome") == "pending" and self.transcript.now() < deadline:
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, SLOWEST_POLL)
            seen = await self.look(name, f"{label}: look")
        return await self.look(name, label)

    async def look(self, intent: str, label: str) -> Exchange:
        """What the buyer of an intent sees."""
        return await self.test("test_get_purchase", "GET", f"/purchases/{intent}", label)

    def intent(self) -> str:
        """A new buyer intent, claimed for the running scenario."""
        name = f"intent-{hexes(8)}"
        self.transcript.claim(name)
        return name

    # the gateway that is played

    async def offer(self, key: str = "offer", stock: int = 5, **more: Any) -> str:
        """Put an offer with so many codes on sale at the gateway (not yet at the channel) and note it as `key`."""
        codes = more.pop("codes", None) or [f"CODE-{secrets.token_hex(10)}" for _ in range(stock)]
        asked = {
            "product_name": f"Voucher {hexes(3)}",
            "price": {"amount": 1000 + below(8000), "currency": "EUR"},
            "delivery_kind": "code",
            "codes": codes,
            **more,
        }
        self.transcript.secret(*codes)
        made = await self.gateway.control("POST", "/offers", asked)
        self.transcript.claim(made["id"])
        for name, value in (("", made["id"]), (" codes", codes), (" price", asked["price"]), (" data", made)):
            self.transcript.note(key + name, value)
        return str(made["id"])

    async def offered(self, key: str = "offer", stock: int = 5, **more: Any) -> str:
        """As `offer`, and then the channel catches up, so that it is on the shelf."""
        made = await self.offer(key, stock, **more)
        await self.sync()
        return made

    async def change(self, offer: str, **update: Any) -> dict[str, Any]:
        """Change an offer at the gateway; answers its Offer ({} when it is deleted). The channel is told nothing."""
        entry = await self.gateway.control("POST", f"/offers/{offer}", update)
        changed: dict[str, Any] = entry.get("offer") or {}
        return changed

    async def stock(self, offer: str, key: str) -> None:
        """Note the gateway's books of an offer as the fact `key`."""
        self.transcript.note(key, await self.gateway.control("GET", f"/offers/{offer}/stock"))

    def fault(self, operations: str | tuple[str, ...], offer: str, **how: Any) -> Fault:
        """Have the gateway meddle with the next requests of these operations that name the offer."""
        fault = Fault((operations,) if isinstance(operations, str) else operations, offer, **how)
        self.gateway.faults.append(fault)
        return fault

    # events

    def event(self, kind: str, offer: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An event about an offer, a full snapshot, with the offer's revision."""
        return {
            "id": f"evt_{hexes(12)}",
            "type": kind,
            "subject": offer["id"],
            "revision": offer["revision"],
            "occurred_at": _stamp(self.transcript.wall()),
            "traceparent": traceparent(),
            "data": {"offer": offer},
            **more,
        }

    async def send(self, event: Any, label: str, how: str = "good", **more: Any) -> Exchange:
        """Post an event, signed as `how` says (see Signer); `tampered` puts this body under that signature."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        event_id = more.pop("event_id", None) or event["id"]
        headers = self.gateway.signer.sign(self.scheme, how, self.events_url, event_id, body)
        headers["traceparent"] = traceparent()
        data = more.pop("tampered", body)
        flaw = more.pop("flaw", "" if how in ("good", "rotated") else how)
        return await self.client.call(
            "channel:receive_event",
            "POST",
            self.events_url,
            label=label,
            data=data,
            headers=headers,
            flaw=flaw,
        )


def _stamp(wall: float) -> str:
    """A moment as the wire has it."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _priced(item: dict[str, Any]) -> dict[str, Any]:
    price = item.get("price")
    return {"offer_id": item.get("offer_id"), "at": price.get("amount") if isinstance(price, dict) else None}


def traceparent() -> str:
    """A new trace (W3C Trace Context)."""
    return f"00-{hexes(16)}-{hexes(8)}-01"


@asynccontextmanager
async def open_session(target: Target, transcript: Transcript) -> AsyncIterator[ChannelSession]:
    """Read the channel's discovery, start the played gateway and point the channel at it.

    Raises AbortedError when there is no channel, or when it cannot be reset: then nothing can be certified.
    """
    async with (
        connections() as http,
        PlayedGateway(transcript, target.host) as gateway,
    ):
        session = ChannelSession(target, transcript, Client(transcript, http), gateway)
        with transcript.scene("discovery"):
            await _discover(session)
        with transcript.scene("reset"):
            await session.must(
                "test_reset", "POST", "/reset", "reset", body={"gateway": gateway.connection()}
            )
            await session.test("test_sync", "POST", "/sync", "first sync")
        yield session


async def _discover(session: ChannelSession) -> None:
    url = session.target.url.rstrip("/") + "/.well-known/vgcp"
    seen = await session.client.call("channel:get_discovery", "GET", url, label="discovery")
    document = seen.answer
    if seen.status != 200 or document.get("protocol") != "vgcp":
        raise AbortedError(f"no VGCP discovery document at {url} ({seen.error or f'status {seen.status}'})")
    endpoints = document.get("endpoints") if isinstance(document.get("endpoints"), dict) else {}
    session.capabilities = declared(document)
    session.api = str(endpoints.get("api", "")).rstrip("/")
    session.events_url = str(endpoints.get("events", ""))
    session.scheme = str(document.get("signature_scheme", ""))
    if not session.api.startswith("http"):
        raise AbortedError("the discovery document gives no endpoints.api")
