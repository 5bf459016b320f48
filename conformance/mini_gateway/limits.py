"""How much a buyer or a channel may have, counted afresh each time; and what keeps holds from locking a stock."""

from __future__ import annotations

from datetime import datetime

from conformance.mini_gateway import buyers, catalog
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Hold, Json, Offer, Order, World

FEW, MOST = 5, 0.75  # units that one buyer may hold always; the held part from which holds are short
SHORT = 120  # seconds
IDLE = 4  # holds of one buyer that may expire


def check(world: World, call: Call, offer: Offer, quantity: int, pointer: str, step: str) -> None:
    """Raises Refusal purchase_limit_reached or channel_limit_reached; `step` is hold, order or lease."""
    given = offer.restrictions or {}
    buyer = call.body.get("buyer", {}).get("reference")
    for name, who in (("purchase_limit", buyer), ("channel_limit", "")):
        if who is None or (step == "leased" and not who):  # a lease has no buyer, and counts for its sales
            continue
        limit = given.get(name)
        if limit is None or world.fault == f"{step}_over_{name}":
            continue
        most = _most(world, call.owner.id, who, limit)
        forgets = world.fault == "bought_uncounted" and bool(who)
        used = _counted(world, offer, call.owner.id, who, limit.get("days"), forgets)
        if who:
            used += sum(
                _counted(world, offer, *other, limit.get("days")) for other in _others(world, call, who)
            )
        wanted = 1 if world.fault == f"{step}_last_over_{name}" else quantity
        if used + wanted > most:
            left = max(most - used, 0)
            at = None if world.fault == "limit_without_field" else pointer
            raise Refusal(f"{name}_reached", f"{left} are left", pointer=at)


def _most(world: World, owner: str, who: str, limit: Json) -> int:
    """The quantity of a limit for this buyer, or for the channel ('')."""
    named = [a for a in world.accounts.values() if (a.owner, a.subject) == (owner, who)]
    tiers: dict[str, int] = {} if world.fault == "limit_any_tier" or not named else limit.get("tiers", {})
    quantity: int = limit["quantity"]
    return tiers.get(buyers.tier(world, named[-1]), quantity) if tiers else quantity


def allowances(world: World, account: buyers.Account) -> list[Json]:
    """What limits leave her of what counts, of the offers that her client sees."""
    hers = {account.id} if world.fault == "allowance_per_account" else buyers.together(world, account)
    named = [(world.accounts[one].owner, world.accounts[one].subject) for one in hers]
    found = []
    for offer in world.offers.values():
        limit = (offer.restrictions or {}).get("purchase_limit")
        hidden = offer.owner not in ("", account.owner) or offer.withdrawn or offer.deleted
        if limit is None or (hidden and world.fault != "allowance_of_others"):
            continue
        used = sum(_counted(world, offer, *one, limit.get("days")) for one in named)
        most = _most(world, account.owner, account.subject, limit)
        if used:
            left = {"quantity": most, "remaining": max(most - used, 0)}
            found.append({"product_id": catalog.product(offer), **limit, **left})
    return sorted(found, key=lambda one: str(one["product_id"]))[:100]


def _others(world: World, call: Call, who: str) -> list[tuple[str, str]]:
    """The other accounts of this buyer, by client and name."""
    named = [a for a in world.accounts.values() if (a.owner, a.subject) == (call.owner.id, who)]
    if not named or world.fault == "limit_per_account":
        return []
    others = buyers.together(world, named[-1]) - {named[-1].id}
    return [(world.accounts[one].owner, world.accounts[one].subject) for one in sorted(others)]


def _counted(
    world: World, offer: Offer, owner: str, who: str, days: int | None, forgets: bool = False
) -> int:
    """Units of the offer that this channel (or one of its buyers) holds or, unless it `forgets`, has bought."""
    over = ("consumed",) if world.fault == "ended_holds_count" else ("consumed", "released", "expired")
    void = () if world.fault == "ended_orders_count" else ("cancelled", "expired")
    holds = [h for h in world.holds.values() if h.body["status"] not in over and not h.used]
    orders = [o for o in world.orders.values() if o.body["status"] not in void and not forgets]
    leased = [] if who else [one.body for one in world.leases.values() if one.owner == owner]
    set_aside = sum(int(one["remaining"]) for one in leased if one["offer_id"] == offer.id)
    units = set_aside + sum(_held(hold, offer) for hold in holds if _mine(world, hold, owner, who, days))
    return units + sum(_sold(order, offer) for order in orders if _mine(world, order, owner, who, days))


def _mine(world: World, record: Hold | Order, owner: str, who: str, days: int | None) -> bool:
    made = datetime.fromisoformat(record.body["created_at"])
    recent = days is None or (world.now().date() - made.date()).days < days
    return recent and record.owner == owner and who in ("", record.body["buyer"]["reference"])


def _held(hold: Hold, offer: Offer) -> int:
    return int(hold.body["quantity"]) if hold.body["offer_id"] == offer.id else 0


def _sold(order: Order, offer: Offer) -> int:
    lines = {line["id"]: line for line in order.body["lines"] if line["offer_id"] == offer.id}
    back = [line for refund in order.body.get("refunds", []) for line in refund["lines"]]
    sold = sum(int(line["quantity"]) for line in lines.values())
    return sold - sum(int(line["quantity"]) for line in back if line["line_id"] in lines)


def late_allowed(world: World, order: Order) -> bool:
    """Whether an expired order may be fulfilled after all, as far as limits go."""
    if world.fault == "late_over_limit":
        return True
    buyer = order.body["buyer"]["reference"]
    for line in order.body["lines"]:
        offer = world.offers[line["offer_id"]]
        for name, who in (("purchase_limit", buyer), ("channel_limit", "")):
            limit = (offer.restrictions or {}).get(name)
            if limit is None:
                continue
            used = _counted(world, offer, order.owner, who, limit.get("days"))
            if used + line["quantity"] > _most(world, order.owner, who, limit):
                return False
    return True


def fair(world: World, call: Call, offer: Offer, quantity: int) -> None:
    """Raises Refusal hold_limit_reached when a buyer or a channel would lock the stock."""
    stock, mine = offer.stock, _holds(world, offer, call.owner.id)
    if stock.kind == "unlimited":
        return
    left = stock.on_sale() + stock.reserved
    his = [h for h in mine if h.body["buyer"]["reference"] == call.body["buyer"]["reference"]]
    much = _units(his, "active") + quantity > max(FEW, left // 2) and stock.has(quantity)
    idle = sum(hold.body["status"] == "expired" for hold in his) >= IDLE
    wasted = _units(mine, "expired") > max(2 * FEW, 3 * _units(mine, "consumed"))
    locked = wasted and _units(mine, "active") + quantity > max(1, left // 4)
    reasons = {"buyer_holds_all": much, "patient_with_idlers": idle, "channel_holds_all": locked}
    if any(reason for fault, reason in reasons.items() if fault != world.fault):
        raise Refusal("hold_limit_reached", headers={"Retry-After": "30"})


def pressed(world: World, stock_left: int, reserved: int, seconds: int) -> int:
    """How long a hold lives that is made now."""
    crowded = reserved + stock_left > 0 and reserved / (reserved + stock_left) >= MOST
    return min(seconds, SHORT) if crowded and world.fault != "same_life" else seconds


def _holds(world: World, offer: Offer, owner: str) -> list[Hold]:
    return [h for h in world.holds.values() if h.owner == owner and h.body["offer_id"] == offer.id]


def _units(holds: list[Hold], status: str) -> int:
    return sum(int(hold.body["quantity"]) for hold in holds if hold.body["status"] == status)
