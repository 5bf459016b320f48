"""The lines of an order: what may be sold, at which price, from which hold."""

from __future__ import annotations

from dataclasses import dataclass

import jsonschema_rs

from conformance.mini_gateway import catalog, inventory, limits, tokens
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Hold, Json, Offer, World


@dataclass
class Line:
    """One line that may be sold; `price` is a unit's."""

    offer: Offer
    quantity: int
    price: Json
    asked: Json
    hold: Hold | None

    @property
    def total(self) -> int:
        """In minor units."""
        return int(self.price["amount"]) * self.quantity

    def claim(self, world: World, call: Call) -> None:
        """Consume the hold, or take the stock (which was seen to be there)."""
        if self.hold is None:
            if call.seen.get(self.offer.id, 0) >= self.quantity:
                self.offer.stock.conjure(self.quantity)
            self.offer.stock.take(self.quantity, "/lines", world.fault == "order_safety")
        else:
            self.hold.used = True
            self.hold.body["status"] = "active" if world.fault == "hold_not_consumed" else "consumed"

    def weigh(self, world: World, trace_id: str) -> None:
        """Tell when the offer has sold out."""
        catalog.weigh(world, self.offer, trace_id)


def cart(world: World, call: Call) -> list[Line]:
    """The order's lines; raises Refusal for the first thing that is wrong and changes nothing."""
    reference = call.body["reference"]
    used = any(o.owner == call.owner.id and o.body["reference"] == reference for o in world.orders.values())
    if used and world.fault != "reference_again":
        raise Refusal("reference_in_use", pointer="/reference")
    lines = [_line(world, call, row, f"/lines/{n}") for n, row in enumerate(call.body["lines"])]
    if len({line.price["currency"] for line in lines}) > 1 and world.fault != "currencies_mix":
        raise Refusal("currency_mixed", pointer="/lines")
    _within_limits(world, call, lines)
    return _in_stock(world, call, lines)


def _within_limits(world: World, call: Call, lines: list[Line]) -> None:
    wanted: dict[str, int] = {}
    for number, line in enumerate(lines):
        if line.hold is None:
            wanted[line.offer.id] = wanted.get(line.offer.id, 0) + line.quantity
            pointer = f"/lines/{number}/quantity"
            limits.check(world, call, line.offer, wanted[line.offer.id], pointer, "order")


def _in_stock(world: World, call: Call, lines: list[Line]) -> list[Line]:
    wanted: dict[str, int] = {}
    for number, line in enumerate(lines):
        if line.hold is None:
            wanted[line.offer.id] = wanted.get(line.offer.id, 0) + line.quantity
        rushed = (
            line.offer.stock.kind == "counted"
            and call.seen.get(line.offer.id, 0) >= wanted.get(line.offer.id, 0) > 0
        )
        whole = world.fault == "order_safety"
        if line.hold is None and not rushed and not line.offer.stock.has(wanted[line.offer.id], whole):
            if world.fault == "part_sold":
                for sold in lines[:number]:
                    sold.offer.stock.take(sold.quantity, "/lines")
                    sold.offer.stock.sell(sold.quantity)
            if world.fault == "order_what_is_there" and number == 0 and line.offer.stock.available:
                line.quantity = line.offer.stock.available
                return lines
            raise Refusal("out_of_stock", "there is not that much left", pointer=f"/lines/{number}/quantity")
    return lines


def _line(world: World, call: Call, row: Json, at: str) -> Line:
    if row.get("reservation_id"):
        return _held(world, call, row, at)
    found = catalog.visible(world, call, row["offer_id"])
    offer = inventory.sellable(world, call, found, call.body["buyer"].get("region"), at, "order")
    most = (offer.restrictions or {}).get("max_per_order")
    if most and row["quantity"] > most and world.fault != "any_quantity":
        raise Refusal("quantity_not_allowed", pointer=f"{at}/quantity")
    _price(world, row, offer.price, at)
    check_input(world, offer, row, at)
    return Line(offer, row["quantity"], dict(offer.price), row, None)


def _price(world: World, row: Json, right: Json, at: str) -> None:
    given = row["unit_price"]
    same = (given["amount"], given["currency"]) == (right["amount"], right["currency"])
    if same or (world.fault == "cheaper" and given["amount"] < right["amount"]):
        return
    if world.fault == "refusal_takes_stock":
        world.offers[row["offer_id"]].stock.take(1, "/lines")
    raise Refusal("price_mismatch", pointer=f"{at}/unit_price")


def check_input(world: World, offer: Offer, row: Json, at: str) -> None:
    """Raises Refusal buyer_input_invalid."""
    if offer.buyer_input is None or (world.fault == "any_input" and offer.kind != "token"):
        return
    problems = list(jsonschema_rs.validator_for(offer.buyer_input).iter_errors(row.get("buyer_input", {})))
    if problems:
        inside = "".join(f"/{part}" for part in problems[0].instance_path)
        raise Refusal("buyer_input_invalid", pointer=f"{at}/buyer_input{inside}")
    if offer.kind == "token" and not tokens.fits(world, row.get("buyer_input", {})):
        raise Refusal("buyer_input_invalid", pointer=f"{at}/buyer_input/address")


def _held(world: World, call: Call, row: Json, at: str) -> Line:
    hold = world.holds.get(row["reservation_id"])
    if hold is None or hold.owner != call.owner.id:
        raise Refusal("not_found", "there is no such hold", pointer=f"{at}/reservation_id")
    body = hold.body
    if (body["status"] != "active" or hold.used) and not (
        world.fault == "dead_holds" and body["status"] == "released"
    ):
        raise Refusal("reservation_not_active", pointer=f"{at}/reservation_id")
    named = (body["offer_id"], body["quantity"], body["buyer"]["reference"])
    given = (row["offer_id"], row["quantity"], call.body["buyer"]["reference"])
    if named != given and world.fault != "any_hold":
        raise Refusal("reservation_mismatch", pointer=f"{at}/reservation_id")
    offer = world.offers[body["offer_id"]]
    price = offer.price if world.fault == "price_not_kept" else body["unit_price"]
    _price(world, row, price, at)
    check_input(world, offer, row, at)
    if body["status"] == "released":
        return Line(offer, row["quantity"], dict(price), row, None)
    return Line(offer, row["quantity"], dict(price), row, hold)
