"""One buyer intent, from the press of the button to the goods (SEL-001 to SEL-016)."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

import jsonschema_rs

from conformance.mini_channel.faults import Faults
from conformance.mini_channel.gateway import Asked, Gateway, Json, LostError, RefusedError
from conformance.mini_channel.shelf import Shelf


@dataclass
class Intent:
    """What a buyer wants and how far it is. `keys` are made once, before anything is sent."""

    id: str
    wish: Json
    trace_id: str
    reference: str = field(default_factory=lambda: f"mini-{secrets.token_hex(10)}")
    keys: dict[str, str] = field(default_factory=dict)
    outcome: str = "pending"
    reason: str = ""
    hold: Json = field(default_factory=dict)
    order: Json = field(default_factory=dict)
    total: Json = field(default_factory=dict)
    goods: list[str] = field(default_factory=list)
    shown: bool = False
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    def key(self, step: str) -> str:
        """The idempotency key of a step."""
        return self.keys.setdefault(step, secrets.token_hex(16))


class Purchases:
    """All intents of the channel."""

    def __init__(self, shelf: Shelf, gateway: Gateway, faults: Faults, log: list[str], holds: bool) -> None:
        self._shelf, self._gateway, self._faults, self._log = shelf, gateway, faults, log
        self._holds = holds  # whether stock is held by a reservation, or by an order with payment pending
        self.intents: dict[str, Intent] = {}
        self._sold: dict[str, list[str]] = {}  # only a fault reads it
        self._first: dict[str, str] = {}  # likewise: a buyer's first intent

    async def press(self, wish: Json) -> Intent:
        """The buyer presses the button, perhaps again."""
        name = wish["intent_id"]
        if self._faults("order_per_press") or name not in self.intents:
            self.intents[name] = Intent(name, wish, secrets.token_hex(16))
        intent = self.intents[name]
        async with intent.alone:
            if intent.outcome == "pending":
                await self._advance(intent, wish.get("pay", True))
            intent.shown = intent.shown or wish.get("reveal", True)
            if intent.outcome == "fulfilled" and intent.shown and not intent.goods:
                await self._open(intent)
        self._log.append(f"intent {intent.id} {intent.outcome} {intent.reason} trace={intent.trace_id}")
        return intent

    async def _advance(self, intent: Intent, pay: bool) -> None:
        try:
            if not intent.hold and not intent.order and not self._may(intent):
                return
            if not self._holds:
                await self._order_and_confirm(intent, pay)
                return
            if not intent.hold and not self._faults("orders_without_hold"):
                await self._hold(intent)
            if intent.outcome == "pending" and (pay or self._faults("shows_before_paid")):
                await self._order(intent)
                if not pay:
                    intent.outcome = "pending"
                    await self._open(intent)
        except RefusedError as refusal:
            await self._give_up(intent, refusal)
        except LostError:
            intent.outcome, intent.reason = "pending", "unknown"

    def _may(self, intent: Intent) -> bool:
        """Whether this may be sold to this buyer, as far as the channel knows."""
        offer, wish = self._shelf.on_sale(intent.wish["offer_id"]), intent.wish
        if offer is None:
            intent.reason = "offer_withdrawn"
        elif not self._shelf.buyable(offer):
            intent.reason = "out_of_stock"
        elif wish.get("region") not in self._regions(offer, wish):
            intent.reason = "region_not_allowed"
        elif wish["quantity"] > offer.get("restrictions", {}).get("max_per_order", 1000):
            intent.reason = "quantity_not_allowed"
        elif not _fits(offer.get("buyer_input"), wish.get("buyer_input")):
            intent.reason = "buyer_input_invalid"
        intent.outcome = "refused" if intent.reason else "pending"
        return not intent.reason

    def _regions(self, offer: Json, wish: Json) -> list[str]:
        anywhere = [wish.get("region", "")]
        if self._faults("lies_about_region"):
            return anywhere
        found: list[str] = offer.get("restrictions", {}).get("regions", anywhere)
        return found

    def _buyer(self, intent: Intent) -> Json:
        known = intent.wish["buyer_reference"]
        # only who comes back has another name, so that what she has by the first one stays hers
        another = self._faults("renames_buyers") and self._first.setdefault(known, intent.id) != intent.id
        buyer = {"reference": f"{known}-{intent.id}" if another else known}
        region = intent.wish.get("region")
        if self._faults("lies_about_region"):
            offer = self._shelf.offers[intent.wish["offer_id"]]
            region = offer.get("restrictions", {}).get("regions", [region])[0]
        return {**buyer, "region": region} if region else buyer

    async def _hold(self, intent: Intent) -> None:
        wish = intent.wish
        price = self._shelf.offers[wish["offer_id"]]["price"]
        body = {"offer_id": wish["offer_id"], "quantity": wish["quantity"], "buyer": self._buyer(intent)}
        key = intent.key("hold")
        intent.hold = await self._ask(intent, "create_reservation", "POST", "/reservations", body, key)
        if intent.hold["unit_price"]["amount"] != price["amount"] and not self._faults(
            "charges_raised_price"
        ):
            intent.outcome, intent.reason = "refused", "price_mismatch"
            await self._release(intent)

    async def _order(self, intent: Intent) -> None:
        try:
            intent.order = await self._place(intent)
        except LostError:
            if not self._faults("orders_anew"):
                raise
            intent.keys.clear()
            intent.reference = f"again-{secrets.token_hex(8)}"
            await self._hold(intent)
            intent.order = await self._place(intent)
        intent.total = self._charged(intent)
        intent.outcome = "fulfilled" if intent.order["status"] == "fulfilled" else "pending"

    async def _order_and_confirm(self, intent: Intent, pay: bool) -> None:
        """The other way to keep stock before taking money: an order with payment pending (SEL-006)."""
        if not intent.order:
            intent.order = await self._place(intent)
        if pay:
            path, body = f"/orders/{intent.order['id']}/payment", {"amount": intent.order["total"]}
            intent.order = await self._ask(intent, "confirm_payment", "POST", path, body, intent.key("pay"))
            intent.total, intent.outcome = self._charged(intent), "fulfilled"

    async def _place(self, intent: Intent) -> Json:
        wish = intent.wish
        offer = self._shelf.offers[wish["offer_id"]]
        await self._gateway.discovered()
        price = intent.hold.get("unit_price", offer["price"])
        line = {"offer_id": wish["offer_id"], "quantity": wish["quantity"], "unit_price": price}
        if intent.hold:
            line["reservation_id"] = intent.hold["id"]
        if wish.get("buyer_input") and not self._faults("drops_buyer_input"):
            line["buyer_input"] = wish["buyer_input"]
        body = {
            "reference": intent.reference,
            "buyer": self._buyer(intent),
            "lines": [line],
            "payment": {"status": "collected" if self._holds else "pending", "method": "card"},
        }
        named = self._gateway.document.get("capabilities", [])
        seals = "sealed_delivery" in [one["name"] for one in named] or self._faults("sends_key_anyway")
        if seals and "recipient_key" in wish and not self._faults("keeps_buyers_key"):
            body["recipient_key"] = wish["recipient_key"]
        return await self._ask(intent, "create_order", "POST", "/orders", body, intent.key("order"))

    def _charged(self, intent: Intent) -> Json:
        total: Json = dict(intent.order["total"])
        if self._faults("adds_a_fee") and intent.wish["quantity"] > 1:
            total["amount"] += 50
        if self._faults("charges_new_price"):
            total["amount"] = (
                self._shelf.offers[intent.wish["offer_id"]]["price"]["amount"] * intent.wish["quantity"]
            )
        return total

    async def _open(self, intent: Intent) -> None:
        order_id = intent.order["id"]
        page = await self._ask(intent, "list_deliveries", "GET", f"/orders/{order_id}/deliveries")
        for delivery in page["items"]:
            path, key = f"/deliveries/{delivery['id']}/reveal", intent.key(delivery["id"])
            opened = await self._ask(
                intent, "reveal_delivery", "POST", path, {"reason": "buyer_request"}, key
            )
            intent.goods.append(_text(opened["goods"]))
        if self._faults("trims_goods"):
            intent.goods = [each.strip() for each in intent.goods]
        if self._faults("logs_goods"):
            self._log.append(f"showed {intent.goods}")
        mine = list(intent.goods)
        if self._faults("shows_all_goods"):
            intent.goods += self._sold.get(intent.wish["offer_id"], [])
        self._sold.setdefault(intent.wish["offer_id"], []).extend(mine)
        if self._faults("mixes_up_buyers"):
            await asyncio.sleep(0.2)
            intent.goods = self._sold[intent.wish["offer_id"]][-len(mine) :]

    async def _give_up(self, intent: Intent, refusal: RefusedError) -> None:
        intent.reason = refusal.code
        intent.outcome = "failed" if refusal.retryable or refusal.status == 401 else "refused"
        if refusal.code == "out_of_stock" and self._faults("hides_sold_out"):
            intent.outcome = "fulfilled"
            intent.goods = ["Your code follows by mail."]
        await self._release(intent)

    async def _release(self, intent: Intent) -> None:
        if intent.hold and not self._faults("keeps_holds"):
            await self._ask(intent, "release_reservation", "DELETE", f"/reservations/{intent.hold['id']}")

    async def _ask(
        self, intent: Intent, operation: str, method: str, path: str, body: Json | None = None, key: str = ""
    ) -> Json:
        asked = Asked(operation, method, path, intent.trace_id, body, key)
        return await self._gateway.call(asked)


def _fits(schema: Json | None, given: Json | None) -> bool:
    return not schema or jsonschema_rs.validator_for(schema).is_valid(given or {})


TEXT = {"code": "value", "licence": "key", "download": "url", "topup": "receipt", "token": "asset"}


def _text(goods: Json) -> str:
    """The goods as the buyer sees them, byte for byte."""
    kind = goods["kind"]
    if "sealed" in goods:
        return str(goods["sealed"]["jwe"])
    return str(goods[kind][TEXT[kind]])
