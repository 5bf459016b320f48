"""What has been kept for long enough is forgotten, and the books balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import aftersale, retention
from gateway.core.errors import ProtocolError
from gateway.core.model import Event, Order
from gateway.relay.eraser import Eraser
from gateway.storage.engine.base import Changes
from tests.storage.keeping import SUBJECT, TYPED, ago, asking, bought
from tests.storage.world import Shop, call_of


async def test_old_data_is_forgotten(shop: Shop) -> None:
    """What is older than its period, and no more; a dry run counts the same and changes nothing."""
    channel = await shop.channel()
    offer = await asking(shop)
    for reference in ("one", "two"):
        await bought(shop, channel, offer, reference)
    eraser = Eraser(shop.store.erasing, shop.store, {**retention.DAYS, "fulfilment": 30})
    now = call_of().now
    assert (await eraser.forget_old(now + timedelta(days=29)))["fulfilment"] == 0
    later = now + timedelta(days=31)
    assert (await eraser.forget_old(later, dry_run=True))["fulfilment"] == 2
    assert {one.buyer_reference for one in await shop.rows(Order)} == {SUBJECT}
    assert (await eraser.forget_old(later))["fulfilment"] == 2
    assert (await eraser.forget_old(later))["fulfilment"] == 0
    found = await shop.rows(Order)
    assert len({one.buyer_reference for one in found}) == 2
    assert TYPED not in str([*found, *await shop.rows(Event)])
    assert await shop.store.audit() == []


async def test_one_that_cannot_be_forgotten_keeps_no_other(shop: Shop) -> None:
    """An old order whose row is broken stays; those beside it are forgotten."""
    channel, offer = await shop.channel(), await asking(shop)
    stuck = await bought(shop, channel, offer, "stuck", days_ago=40)
    await bought(shop, channel, offer, "old", days_ago=39)
    async with shop.store.engine.transaction() as transaction:
        broken = {stuck.lines[0]["id"]: [{"scope": "buyer"}]}
        await transaction.write([Changes(Order, upserts=[replace(stuck, counted=broken)])])
        await transaction.commit()
    eraser = Eraser(shop.store.erasing, shop.store, {**retention.DAYS, "fulfilment": 30})
    assert (await eraser.forget_old(call_of().now))["fulfilment"] == 1
    assert [one.reference for one in await shop.rows(Order) if one.buyer_reference == SUBJECT] == ["stuck"]


async def test_what_was_given_back_before_is_not_given_back_again(shop: Shop) -> None:
    """ORD-040: an old order that was refunded or cancelled counts nothing, and forgetting it frees nothing of a new
    one's."""
    channel, offer = await shop.channel(), await asking(shop)
    refunded = await bought(shop, channel, offer, "refunded", days_ago=40)
    call = ago(channel, 39)
    await shop.store.run(
        lambda books: aftersale.create_refund(
            books, call, refunded.id, aftersale.CreateRefund(None, "buyer_request")
        )
    )
    for reference in ("one", "two"):
        await bought(shop, channel, offer, reference)
    eraser = Eraser(shop.store.erasing, shop.store, {**retention.DAYS, "fulfilment": 30})
    assert (await eraser.forget_old(call_of().now))["fulfilment"] == 1
    with pytest.raises(ProtocolError, match="purchase_limit_reached"):
        await bought(shop, channel, offer, "three")
    assert await shop.store.audit() == []
