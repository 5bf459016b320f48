"""What counts toward limits, in an export: what still does, and no more."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from gateway.core.export import PAGE, Export
from gateway.core.model import Channel, Json, Offer
from gateway.core.privacy import DataUse
from gateway.storage.engine.base import Changes
from tests.storage.keeping import account_of, bought
from tests.storage.test_exporting import no_contacts, no_receipt
from tests.storage.world import Shop, call_of


async def limits_of(shop: Shop, channel: Channel, now: datetime) -> list[Json]:
    """The file of an export at that time."""
    account = await account_of(shop, channel)
    made = Export(
        source=shop.store.queries,
        own=account,
        accounts=[account],
        names={channel.id: "shop"},
        uses=DataUse(channel.id),
        proved=(),
        now=now,
        receipt=no_receipt,
        contacts=no_contacts,
    )
    packed = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in made.stream()])))
    found = [json.loads(line) for line in packed.read("limits.ndjson").splitlines()]
    told = json.loads(packed.read("manifest.json"))["files"]
    assert {one["name"]: one["count"] for one in told}["limits.ndjson"] == len(found)
    return found


@pytest.mark.parametrize(
    ("days", "bought_ago", "units"),
    [(7, (6, 0), 2), (7, (7, 0), 1), (7, (9, 7), None), (None, (900, 7), 2)],
)
async def test_units_of_periods_that_are_over_are_left_out(
    shop: Shop, days: int | None, bought_ago: tuple[int, int], units: int | None
) -> None:
    """Of two units, those that the limit still looks at; and no record when that is none."""
    channel = await shop.channel()
    limit: dict[str, Any] = {"quantity": 5} if days is None else {"quantity": 5, "days": days}
    offer = await shop.offer(quantity=9, restrictions={"purchase_limit": limit})
    for ago in bought_ago:
        await bought(shop, channel, offer, f"r{ago}", days_ago=ago)
    wanted = [{"channel": "shop", "product_id": offer.product_id, "quantity": units}] if units else []
    assert await limits_of(shop, channel, call_of().now) == wanted


async def test_the_limit_that_sees_most_is_told(shop: Shop) -> None:
    """One product in several offers: what the longest memory counts, on sale or not; none of another channel's."""
    channel, elsewhere = await shop.channel(), await shop.channel()
    offer = await shop.offer(quantity=9, restrictions={"purchase_limit": {"quantity": 5, "days": 90}})
    await bought(shop, channel, offer, "r1", days_ago=10)
    short, ever = ({"purchase_limit": {"quantity": 5, **days}} for days in ({"days": 3}, {}))
    others = [
        replace(offer, id="off_1", restrictions=short),
        replace(offer, id="off_2", restrictions=None),
        replace(offer, id="off_3", restrictions=ever, channel_id=elsewhere.id),
    ]
    for now_on in (
        [*others, replace(offer, status="withdrawn")],
        [*others, replace(offer, restrictions=short)],
    ):
        async with shop.store.engine.transaction() as transaction:
            await transaction.write([Changes(Offer, upserts=now_on)])
            await transaction.commit()
        counted = [one["quantity"] for one in await limits_of(shop, channel, call_of().now)]
        assert counted == ([1] if now_on[-1].status == "withdrawn" else [])


async def test_a_page_of_which_nothing_counts_ends_nothing(shop: Shop) -> None:
    """However many products she has bought whose periods are over, the others are told."""
    channel = await shop.channel()
    for number in range(PAGE + 3):
        limit = {"purchase_limit": {"quantity": 5, "days": 3 if number < PAGE else 60}}
        offer = await shop.offer(quantity=9, restrictions=limit)
        await bought(shop, channel, offer, f"r{number}", days_ago=10)
    assert len(await limits_of(shop, channel, call_of().now)) == 3
