"""A channel that the suite plays towards a gateway under certification: its fixtures, requests and goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.chance import hexes
from conformance.driver.callback import Callback
from conformance.model import AbortedError
from conformance.transcript import Exchange

if TYPE_CHECKING:
    from conformance.driver.gateway_client import GatewaySession

Json = dict[str, Any]
EUR: Json = {"amount": 1999, "currency": "EUR"}


def traceparent() -> str:
    """A new trace (W3C Trace Context)."""
    return f"00-{hexes(16)}-{hexes(8)}-01"


def word(prefix: str) -> str:
    """A reference or key that nobody has used."""
    return f"{prefix}-{hexes(8)}"


def buyer(region: str = "DE", reference: str = "") -> Json:
    """A buyer of this region."""
    return {"reference": reference or word("buyer"), "region": region}


def sale(quantity: int = 1, price: Json = EUR) -> Json:
    """An AllotmentSale."""
    return {
        "reference": word("sale"),
        "quantity": quantity,
        "unit_price": price,
        "buyer": buyer(),
        "sold_at": "2026-11-01T12:00:00Z",
    }


@dataclass
class Shop:
    """A channel registered at the gateway under certification. `seen` is the answer that registered it."""

    session: GatewaySession
    id: str
    secret: str
    webhook_secret: str
    token: str = ""
    callback: Callback | None = None

    async def do(self, operation: str, label: str = "", *, token: str | None = None, **more: Any) -> Exchange:
        """Ask as this channel. `token` "" sends none; the rest is as `GatewaySession.ask` takes it."""
        headers = dict(more.pop("headers", {}))
        value = self.token if token is None else token
        if value:
            headers.setdefault("Authorization", f"Bearer {value}")
        return await self.session.ask(operation, label, headers=headers, **more)

    async def must(self, operation: str, label: str = "", **more: Any) -> Json:
        """As `do`, but gives the answer's body; raises AbortedError unless it is a success."""
        return succeeded(await self.do(operation, label, **more))

    async def offer(self, label: str = "offer", **wish: Any) -> Json:
        """An offer that only this channel sees. `wish` overrides members of TestOfferRequest."""
        body: Json = {
            "product_name": word("Thing"),
            "price": EUR,
            "delivery_kind": "code",
            "client_id": self.id,
        }
        if not wish.keys() & {"codes", "quantity", "unlimited", "on_demand"}:
            wish["codes"] = self.session.codes(3)
        wish.pop("unlimited", None)
        self.session.transcript.secret(*wish.get("codes", ()))
        return await self.session.control("test_create_offer", label, body=body | wish)

    def holding(self, offer: Json, quantity: int = 1, who: Json | None = None, **wish: Any) -> Json:
        """A ReservationRequest."""
        return {"offer_id": offer["id"], "quantity": quantity, "buyer": who or buyer(), **wish}

    def ordering(
        self, offer: Json, quantity: int = 1, who: Json | None = None, pay: str = "collected", **line: Any
    ) -> Json:
        """An OrderRequest with one line; `line` overrides members of it."""
        row = {"offer_id": offer["id"], "quantity": quantity, "unit_price": offer.get("price", EUR), **line}
        return {
            "reference": word("ref"),
            "buyer": who or buyer(),
            "lines": [row],
            "payment": {"status": pay, "method": "card"},
        }

    async def hold(self, offer: Json, label: str = "hold", quantity: int = 1, **wish: Any) -> Exchange:
        """Hold stock."""
        return await self.do("create_reservation", label, body=self.holding(offer, quantity, **wish))

    async def order(self, offer: Json, label: str = "order", quantity: int = 1, **wish: Any) -> Exchange:
        """Order directly."""
        return await self.do("create_order", label, body=self.ordering(offer, quantity, **wish))

    async def deliveries(self, order: Json, label: str = "deliveries") -> list[Json]:
        """The order's deliveries."""
        pages = await self.pages("list_deliveries", label, 500, path={"order_id": order["id"]})
        succeeded(pages[-1])
        return [one for one in items_of(pages) if "id" in one]

    async def reveal(self, delivery: Json, label: str = "reveal", **more: Any) -> Exchange:
        """Open the goods; what comes out is a secret of this run."""
        seen = await self.do("reveal_delivery", label, path={"delivery_id": delivery["id"]}, body={}, **more)
        self.session.transcript.secret(*opened(seen.answer))
        return seen

    async def pages(self, operation: str, label: str, limit: int = 2, **more: Any) -> list[Exchange]:
        """Follow the cursors of a list to its end, at most 60 pages."""
        seen: list[Exchange] = []
        params: dict[str, str] = {"limit": str(limit)}
        for _ in range(60):
            page = await self.do(operation, label, params=params, **more)
            seen.append(page)
            cursor = page.answer.get("next_cursor")
            if page.status != 200 or not page.answer.get("has_more") or not isinstance(cursor, str):
                break
            params = {"limit": str(limit), "cursor": cursor}
        return seen


def items_of(pages: list[Exchange]) -> list[Json]:
    """The items of pages, which a gateway may keep shorter than was asked for."""
    found = [page.answer.get("items") for page in pages]
    return [one for items in found if isinstance(items, list) for one in items if isinstance(one, dict)]


def opened(answer: Any) -> list[str]:
    """The codes, licence keys and receipts in a RevealedDelivery."""
    goods = answer.get("goods") if isinstance(answer, dict) else None
    parts = [v for v in goods.values() if isinstance(v, dict)] if isinstance(goods, dict) else []
    return [
        str(p[name]) for p in parts for name in ("value", "key", "receipt") if isinstance(p.get(name), str)
    ]


def succeeded(exchange: Exchange) -> Json:
    """The answer's body; raises AbortedError unless the exchange is a success with a JSON object."""
    if not 200 <= exchange.status < 300 or (exchange.status != 204 and not exchange.answer):
        said = exchange.error or f"{exchange.status} {exchange.problem}".strip()
        raise AbortedError(f"{exchange.operation} ({exchange.label}) was answered by {said}")
    return dict(exchange.answer)
