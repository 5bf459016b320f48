"""spec/text/catalog.md: how offers are shown and changed."""

from __future__ import annotations

import pytest

import spec
from gateway.core import catalog, wire
from tests.core.world import World, refused


async def test_an_offer_is_shown_as_the_standard_says(world: World) -> None:
    """CNV-007: what there is nothing for is left out."""
    plain = wire.render_offer(await world.offer())
    full = wire.render_offer(
        await world.offer(
            restrictions={"regions": ["DE"], "max_per_order": 2}, buyer_input={"type": "object"}, quantity=3
        )
    )
    for shown in (plain, full):
        assert spec.validator("Offer").errors(shown) == []
    assert "restrictions" not in plain
    assert full["availability"] == {"status": "low_stock"}


async def test_a_deleted_offer_is_a_tombstone(world: World) -> None:
    """CAT-004: and it cannot be changed any more."""
    offer = await world.offer()
    entry = wire.render_offer_entry(await world.update(offer, withdrawn=True))
    assert (entry["deleted"], entry["offer"]["status"]) == (False, "withdrawn")
    gone = wire.render_offer_entry(await world.update(offer, deleted=True))
    assert gone == {"offer_id": offer.id, "revision": 3, "deleted": True}
    assert spec.validator("OfferEntry").errors(gone) == []
    await refused("not_found", world.update(offer, withdrawn=False))


async def test_every_change_takes_a_new_place_in_the_feed(world: World) -> None:
    """CAT-003, CAT-005: a new revision, not numbered yet."""
    offer = await world.offer()
    changed = await world.update(offer, price={"amount": 5, "currency": "EUR"})
    assert (changed.revision, changed.position, changed.price_amount) == (2, None, 5)
    same = await world.update(offer, price={"amount": 5, "currency": "EUR"})
    assert same.revision == 2


async def test_only_an_offers_own_members_can_be_changed(world: World) -> None:
    """A mistake of the caller's, not of a client's."""
    offer = await world.offer()
    with pytest.raises(TypeError, match="revision"):
        await world.run(lambda books: catalog.change_offer(books, world.call(), offer.id, {"revision": 9}))
    bad = {"buyer_input": {"type": 7}}
    await refused(
        "invalid", world.run(lambda books: catalog.change_offer(books, world.call(), offer.id, bad))
    )


async def test_an_offer_needs_its_stock_and_its_client(world: World) -> None:
    """An offer that sells from nowhere is a mistake; one for nobody is refused."""
    cmd = catalog.NewOffer(
        {"id": "prd_1", "name": "x", "category": "licence"}, 1, "EUR", "licence", "stk_none"
    )
    with pytest.raises(LookupError, match="stk_none"):
        await world.run(lambda books: catalog.create_offer(books, world.call(), cmd))
    await refused("invalid", world.offer(client_id="chn_none"), pointer="/client_id")
