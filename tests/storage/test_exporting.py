"""An export is read and packed page by page."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

from gateway.core.export import PAGE, Export
from gateway.core.model import Json, Order
from gateway.core.model_consent import Consent, ConsentRecord
from gateway.core.model_identity import Account
from gateway.core.privacy import DataUse
from gateway.storage.engine.base import Changes
from tests.storage.keeping import account_of, asking, bought
from tests.storage.world import Shop, call_of

MANY = 12_000


async def test_an_export_takes_no_more_memory_than_a_page(shop: Shop, tmp_path: Path) -> None:
    """Thousands of orders go out while a fraction of them is in memory: they are read and packed page by page."""
    channel = await shop.channel()
    account = await account_of(shop, channel)
    first = await bought(shop, channel, await asking(shop), "first")
    rows = [replace(first, id=f"ord_{n:026d}", reference=f"many-{n}") for n in range(MANY)]
    async with shop.store.engine.transaction() as transaction:
        for start in range(0, MANY, 500):
            await transaction.write([Changes(Order, upserts=rows[start : start + 500])])
        await transaction.commit()
    del rows
    made = Export(
        source=shop.store.queries,
        own=account,
        accounts=[account],
        names={channel.id: channel.name},
        uses=DataUse(channel.id),
        proved=(),
        now=call_of().now,
        receipt=no_receipt,
        contacts=no_contacts,
    )
    path = tmp_path / "export.zip"
    with path.open("wb") as out:
        tracemalloc.start()
        async for piece in made.stream():
            out.write(piece)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    with zipfile.ZipFile(path) as packed:
        size = packed.getinfo("orders.ndjson").file_size
        (told,) = [
            one for one in json.loads(packed.read("manifest.json"))["files"] if one["name"] == "orders.ndjson"
        ]
    assert told["count"] == MANY + 1
    assert peak < size / 3, f"{peak:,} bytes in use for {size:,}"


async def test_an_export_stops_where_she_withdraws(shop: Shop) -> None:
    """CNS-015: what she did elsewhere is asked for page by page; the manifest says that the rest is left out."""
    channel, elsewhere = await shop.channel(), await shop.channel()
    mine, other = await account_of(shop, channel), await account_of(shop, elsewhere, "mia-2")
    first = await bought(shop, elsewhere, await asking(shop), "first", "mia-2")
    rows = [replace(first, id=f"ord_{n:026d}", reference=f"many-{n}") for n in range(2 * PAGE)]
    async with shop.store.engine.transaction() as transaction:
        await transaction.write([Changes(Order, upserts=rows)])
        await transaction.commit()
    given = Consent(
        mine.id, "personalisation", channel.id, "rcp_1", "given", {"kind": "all_channels"}, None, 1, mine.created_at,
        None, None,
    )  # fmt: skip
    asked: list[str] = []

    async def still(account: Account) -> bool:
        asked.append(account.id)
        return len(asked) < 2

    made = Export(
        source=shop.store.queries,
        own=mine,
        accounts=[mine, other],
        names={channel.id: "shop", elsewhere.id: "bot"},
        uses=DataUse(channel.id, call_of().now, [given]),
        proved=(),
        now=call_of().now,
        receipt=no_receipt,
        contacts=no_contacts,
        still=still,
    )
    packed = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in made.stream()])))
    assert len(packed.read("orders.ndjson").splitlines()) == PAGE
    assert set(asked) == {other.id}
    assert [one["what"] for one in json.loads(packed.read("manifest.json"))["left_out"]][
        -1
    ] == "other_channels"


def no_receipt(record: ConsentRecord, channel: str) -> Json:
    """She has decided nothing."""
    raise AssertionError(f"{record.receipt_id} of {channel}")


async def no_contacts(account: Account) -> list[Json]:
    """Nothing is known of how to reach her."""
    return []
