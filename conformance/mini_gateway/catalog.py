"""Offers as a channel sees them, and the feed of their changes."""

from __future__ import annotations

from conformance.mini_gateway import notes, paging
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Client, Json, Offer, World


def sees(client: Client, offer: Offer) -> bool:
    """Whether the offer is this channel's."""
    return offer.owner in ("", client.id)


def shown(world: World, offer: Offer) -> Json:
    """The offer on the wire."""
    out = not offer.stock.has(1, world.fault == "safety_shown")
    revision = 1 if world.fault == "offer_revision_stays" else offer.revision
    body: Json = {
        "status": "withdrawn" if offer.withdrawn else "active",
        "id": offer.id,
        "product": {"category": "game_key", "name": offer.name, "id": product(offer)},
        "delivery_kind": offer.kind,
        "price": dict(offer.price),
        "availability": {"status": "out_of_stock" if out else "in_stock"},
        "verification_level": "none",
        "consistency": offer.consistency,
        "revision": revision,
        "updated_at": offer.updated_at,
    }
    if offer.restrictions is not None:
        body["restrictions"] = offer.restrictions
    if offer.buyer_input is not None:
        body["buyer_input"] = offer.buyer_input
    return body


def entry(world: World, offer: Offer) -> Json:
    """The offer, or its tombstone, in the feed."""
    revision = 1 if world.fault == "offer_revision_stays" else offer.revision
    body: Json = {"revision": revision, "offer_id": offer.id, "deleted": offer.deleted}
    if world.fault == "living_tombstones":
        body["deleted"] = False
    if not body["deleted"]:
        body["offer"] = shown(world, offer)
    return body


def list_offers(world: World, call: Call) -> Json:
    """The feed."""
    mine = [o for o in world.offers.values() if sees(call.owner, o) or world.fault == "offers_of_all"]
    if world.fault == "feed_skips_newest" and mine and mine[-1].revision == 1:
        mine.pop()
    return paging.feed(world, call, [(o.position, entry(world, o)) for o in mine])


def product(offer: Offer) -> str:
    """The id of what it sells."""
    return "thing_" + offer.id.split("_")[1]


def visible(world: World, call: Call, offer_id: str) -> Offer | None:
    """The offer with this id when the caller may see it and it is not deleted."""
    offer = world.offers.get(offer_id)
    return offer if offer and sees(call.owner, offer) and not offer.deleted else None


def get_offer(world: World, call: Call) -> Json:
    """One offer; raises Refusal not_found."""
    offer = visible(world, call, call.parts["offer_id"])
    if world.fault == "deleted_readable":
        offer = offer or next(
            (o for o in world.offers.values() if o.id == call.parts["offer_id"] and sees(call.owner, o)), None
        )
    if offer is None:
        raise Refusal("not_found", name="offer_id", where="path")
    body = shown(world, offer)
    if world.fault == "always_in_stock" and not offer.stock.safety:
        body["availability"] = {"status": "in_stock"}
    if world.fault == "offer_differs":
        body["product"] = body["product"] | {"name": "Another name"}
    return body


def touch(world: World, offer: Offer, kind: str, trace_id: str) -> None:
    """The offer has changed: a new revision, a new place in the feed, an event to all who see it."""
    offer.revision += 1
    offer.updated_at = world.stamp()
    if world.fault != "feed_stands" or kind != "offer.withdrawn":
        offer.position = world.tick()
    silent = {
        "no_offer_events": ("offer.updated", "offer.withdrawn"),
        "no_availability": ("availability.changed",),
    }
    if kind in silent.get(world.fault, ()):
        return
    for client in list(world.clients.values()):
        if sees(client, offer):
            notes.emit(
                world, client.id, kind, offer.id, offer.revision, {"offer": shown(world, offer)}, trace_id
            )


def weigh(world: World, offer: Offer, trace_id: str) -> None:
    """Tell the channels when the offer has sold out or can be bought again."""
    buyable = offer.stock.has(1)
    if buyable != offer.buyable:
        offer.buyable = buyable
        touch(world, offer, "availability.changed", trace_id)
