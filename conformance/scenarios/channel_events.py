"""Signed events: good, badly signed, twice, late, unknown."""

from __future__ import annotations

import json

from conformance.driver.channel_client import ChannelSession
from conformance.driver.played_gateway import dress
from conformance.model import scenario


def priced(offer: dict[str, object], amount: int, raised: int) -> dict[str, object]:
    """The offer with another price and a revision that is higher by `raised`."""
    revision = int(str(offer["revision"])) + raised
    return {**offer, "price": {"amount": amount, "currency": "EUR"}, "revision": revision}


async def _hidden_offer(session: ChannelSession) -> tuple[str, dict[str, object]]:
    """An offer on the shelf whose further changes only events tell."""
    offer = await session.offered()
    session.gateway.hidden.add(offer)
    return offer, session.transcript.fact(session.transcript.scenario, "offer data")


@scenario("signatures", role="channel")
async def signatures(session: ChannelSession) -> None:
    """Events that must be refused, and the same one well signed, which must not. They carry the price of 1 cent."""
    offer, data = await _hidden_offer(session)
    await session.send(session.event("offer.updated", priced(data, 222, 1)), "good")
    await session.shelf_at("after good", offer, 222)
    bad = priced(data, 1, 2)
    for how in ("unsigned", "wrong_key", "garbage", "old", "ahead"):
        await session.send(session.event("offer.updated", bad), how, how)
    honest = session.event("offer.updated", priced(data, 222, 2))
    forged = json.dumps({**honest, "data": {"offer": bad}}).encode()
    await session.send(honest, "tampered", tampered=forged, flaw="tampered")
    await session.send(b"{no json", "not json", "wrong_key", event_id=honest["id"], flaw="not json")
    await session.shelf("after bad")
    await session.send(session.event("offer.updated", bad), "bad, well signed")
    await session.send(session.event("offer.updated", priced(data, 333, 3)), "rotated", "rotated")
    await session.send(session.event("offer.updated", priced(data, 444, 4)), "good again")
    await session.shelf("after good again")


@scenario("duplicates", role="channel")
async def duplicates(session: ChannelSession) -> None:
    """One event comes again after a newer one; then one with an older revision comes late."""
    offer, data = await _hidden_offer(session)
    first = session.event("offer.updated", priced(data, 510, 2))
    await session.send(first, "first")
    await session.send(first, "first at once again")
    await session.send(session.event("offer.updated", priced(data, 520, 3)), "second")
    await session.shelf_at("after second", offer, 520)
    await session.send(first, "first again")
    await session.shelf("after first again")
    await session.send(session.event("offer.updated", priced(data, 530, 1)), "late")
    await session.shelf("after late")


@scenario("unknown_event", role="channel")
async def unknown_event(session: ChannelSession) -> None:
    """An event of a type that the standard may get one day."""
    _, data = await _hidden_offer(session)
    await session.send(session.event("offer.applauded", priced(data, 610, 1)), "unknown")
    await session.shelf("after unknown")


@scenario("recalled", role="channel")
async def recalled(session: ChannelSession) -> None:
    """A lease is recalled that the channel does not have, and a good event follows."""
    offer, data = await _hidden_offer(session)
    now = str(data["updated_at"])
    lease = {
        "id": "alt_" + str(data["id"]).partition("_")[2],
        "revision": 2,
        "offer_id": data["id"],
        "status": "recalled",
        "quantity": 5,
        "sold": 0,
        "returned": 0,
        "remaining": 5,
        "unit_price": data["price"],
        "created_at": now,
        "expires_at": now,
        "recalled_at": now,
    }
    about = {"subject": lease["id"], "revision": 2, "data": {"allotment": lease}}
    await session.send(session.event("allotment.recalled", data, **about), "recalled")
    await session.send(session.event("offer.updated", priced(data, 640, 1)), "good")
    await session.shelf_at("after good", offer, 640)


@scenario("withdrawn", role="channel")
async def withdrawn(session: ChannelSession) -> None:
    """An offer is withdrawn by an event, and a buyer comes."""
    offer, _ = await _hidden_offer(session)
    await session.shelf("before")
    gone = await session.change(offer, withdrawn=True)
    await session.send(session.event("offer.withdrawn", gone), "withdrawn")
    await session.shelf(
        "after", lambda items: not any(i.get("offer_id") == offer and i.get("buyable") for i in items)
    )
    await session.buy(offer, "bought")


@scenario("updated", role="channel")
async def updated(session: ChannelSession) -> None:
    """The price changes by an event, and a buyer comes."""
    offer, _ = await _hidden_offer(session)
    changed = await session.change(offer, price={"amount": 777, "currency": "EUR"})
    await session.send(session.event("offer.updated", changed), "updated")
    await session.shelf_at("after", offer, 777)
    await session.buy(offer, "bought")


@scenario("unknown_members", role="channel")
async def unknown_members(session: ChannelSession) -> None:
    """Everything about an offer carries members that the standard does not know."""
    offer = await session.offer()
    session.gateway.dressed[offer] = "members"
    await session.sync()
    await session.shelf("shelf")
    data = session.transcript.fact("unknown_members", "offer data")
    await session.send(dress(session.event("offer.updated", data), "members"), "event")
    await session.buy(offer, "bought")


@scenario("unknown_values", role="channel")
async def unknown_values(session: ChannelSession) -> None:
    """An offer has a category and a consistency class that the standard does not know."""
    offer = await session.offer()
    session.gateway.dressed[offer] = "values"
    await session.sync()
    await session.shelf("shelf")
    await session.buy(offer, "bought")
