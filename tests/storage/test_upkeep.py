"""Audit, rotation of the vault's keys, reset, pages of reads; and no code in the clear in any file."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from gateway.core import idempotency
from gateway.core.model import Channel, Delivery, Event, Idempotency, Offer, Order, Reservation, Row, Unit
from gateway.core.model_ownership_log import LogEntry, LogHead
from gateway.storage.keys import new_entry
from gateway.storage.reset import forget_trade
from gateway.storage.rotation import rotate
from gateway.storage.tables import TABLES
from gateway.storage.vault import AesVault, VaultError
from tests.storage.test_combiner import order_of
from tests.storage.world import Shop, call_of, open_shop

CODES = [f"SECRET-{n}-ZJQX" for n in range(8)]


async def sell(shop: Shop, channel: Channel, offer: Offer, count: int) -> list[Order]:
    """So many orders of one unit."""
    made = []
    for number in range(count):
        operation = order_of(channel, offer, f"r{number}")
        made.append(await shop.store.run(lambda books, run=operation: run(books, shop.store.vault)))
    return made


async def test_the_audit_finds_what_does_not_balance(shop: Shop) -> None:
    """After a sale all is well; a unit that changes its state behind the books' back is found, and named."""
    channel, offer = await shop.channel(), await shop.offer(codes=CODES)
    await sell(shop, channel, offer, 3)
    assert await shop.store.audit() == []
    totals = await shop.store.totals()
    assert (totals["received"], totals["sold"], totals["codes_delivered"]) == (8, 3, 3)
    async with shop.store.engine.transaction() as transaction:
        await transaction.run(text("UPDATE units SET state = 'voided' WHERE seq = 7"))
        await transaction.run(text("UPDATE movements SET quantity = 2 WHERE kind = 'sell'"))
        await transaction.commit()
    found = {(one.subject, one.what) for one in await shop.store.audit()}
    assert found == {
        (offer.stock_id, "units available"),
        (offer.stock_id, "units voided"),
        (offer.stock_id, "available, by its movements"),
        (offer.stock_id, "sold, by its movements"),
    }


async def test_rotation_seals_everything_anew_while_the_shop_sells(database_url: str) -> None:
    """Codes, licences, webhook secrets and stored answers open under the new key alone, and no sale is lost."""
    old = new_entry()
    async with open_shop(database_url, old) as shop:
        channel, offer = await shop.channel(), await shop.offer(codes=CODES)
        licence = await shop.offer(delivery_kind="licence")
        await sell(shop, channel, licence, 1)
        answer = Idempotency("c", "o", "k", b"f", 200, b"", None, call_of().now)
        sealed = replace(answer, body=shop.store.vault.seal(b"goods", idempotency.context(answer)))
        key_id = shop.store.vault.current_key_id
        await shop.store.run(lambda books: books.put(replace(sealed, key_id=key_id)))
    new = new_entry()
    seen: list[tuple[str, int, int]] = []
    async with open_shop(database_url, f"{new},{old}") as shop:
        vault = shop.store.vault
        buys = [order_of(channel, offer, f"s{n}") for n in range(4)]
        selling = asyncio.gather(*(shop.store.run(lambda books, run=run: run(books, vault)) for run in buys))
        resealed = await rotate(shop.store.engine, vault, lambda *step: seen.append(step))
        await selling
        # at least what was there before; what was sold in between is sealed under the new key already
        assert resealed == 8 + 1 + 1 + 1
        assert seen[0] == ("units", 8, 8)
        assert await rotate(shop.store.engine, vault) == 0
        assert await shop.store.audit() == []
        alone = AesVault(new)
        units = sorted(await shop.rows(Unit), key=lambda unit: unit.seq)
        assert [alone.open(unit.sealed, unit.key_id, unit.id).decode() for unit in units] == CODES
        goods = [row for row in await shop.rows(Delivery) if row.sealed and row.key_id]
        assert all(alone.open(row.sealed, row.key_id, row.id) for row in goods if row.sealed and row.key_id)
        row = (await shop.rows(Channel))[0]
        assert alone.open(row.webhook_secret or b"", row.webhook_key_id or "", row.id).startswith(b"whsec_")
        kept = (await shop.rows(Idempotency))[0]
        assert alone.open(kept.body, kept.key_id or "", idempotency.context(kept)) == b"goods"


async def test_rotation_without_the_old_key_says_so(database_url: str) -> None:
    """Nothing is destroyed when the ring lacks a key; the message names it."""
    async with open_shop(database_url) as shop:
        await shop.offer(codes=CODES)
        known = shop.store.vault.current_key_id
    async with open_shop(database_url) as shop:
        with pytest.raises(VaultError, match=known):
            await shop.store.rotate()
        assert {unit.key_id for unit in await shop.rows(Unit)} == {known}


async def test_a_sandbox_forgets(shop: Shop) -> None:
    """All but channels and signing keys is gone, the store goes on, and feeds do not count from the start again."""
    channel, offer = await shop.channel(), await shop.offer(codes=CODES)
    await sell(shop, channel, offer, 2)
    feeds: tuple[type[Event] | type[Offer] | type[LogEntry], ...] = (Event, Offer, LogEntry)
    numbered = max([row.position or 0 for kind in feeds for row in await shop.rows(kind)])
    await forget_trade(shop.store.engine)
    kept = {Channel: [channel], LogHead: [await shop.store.ownership_log.head()]}  # of the empty tree
    for kind in TABLES:
        assert await shop.rows(kind) == kept.get(kind, [])
    offer = await shop.offer(codes=CODES)
    await sell(shop, channel, offer, 2)
    positions = [row.position or 0 for kind in feeds for row in await shop.rows(kind)]
    assert min(positions) == numbered + 1


async def test_pages_of_a_channel_hold_its_own(shop: Shop) -> None:
    """Newest first, from where the last page ended, by reference, and nothing of another channel."""
    mine, other = await shop.channel(), await shop.channel()
    offer = await shop.offer(codes=CODES)
    made = await sell(shop, mine, offer, 4)
    queries = shop.store.queries
    page = await queries.orders(mine.id, None, None, 3)
    assert [row.id for row in page] == [row.id for row in reversed(made)][:3]
    assert [row.id for row in await queries.orders(mine.id, None, page[-1].id, 3)] == [made[0].id]
    assert [row.id for row in await queries.orders(mine.id, "r2", None, 3)] == [made[2].id]
    assert await queries.orders(other.id, None, None, 3) == []
    assert await queries.order(other.id, made[0].id) is None
    assert await queries.order(mine.id, made[0].id) == made[0]
    goods = await queries.deliveries(mine.id, made[0].id, None, 10)
    assert [row.order_id for row in goods] == [made[0].id]
    assert await queries.deliveries(mine.id, made[0].id, goods[-1].id, 10) == []
    assert await queries.deliveries(other.id, made[0].id, None, 10) == []
    assert (await queries.newest_orders(1))[0].id == made[-1].id
    now = call_of().now
    holds: list[Any] = [
        Reservation(f"res_{n}", mine.id, offer.id, offer.stock_id, 1, "released", 1, "EUR", {}, "b", f"h{n}", None, 0,
                    now, now, "t", internal=n == 2)
        for n in range(3)
    ]  # fmt: skip
    await shop.store.run(lambda books: [books.put(hold) for hold in holds])
    assert [row.id for row in await queries.reservations(mine.id, None, None, 9)] == ["res_1", "res_0"]
    assert await queries.reservations(mine.id, "h2", None, 9) == []
    assert await queries.reservation(mine.id, "res_2") is None
    assert await queries.reservation(other.id, "res_1") is None
    assert await queries.reservation(mine.id, "res_1") == holds[1]
    assert await queries.channel(mine.id) == mine
    assert [row.id for row in await queries.stocks()] == [offer.stock_id]


async def test_no_code_is_in_the_database_in_the_clear(shop: Shop, database_url: str) -> None:
    """Neither a SQLite file nor any table of PostgreSQL holds a code after a sale, in any column."""
    channel, offer = await shop.channel(), await shop.offer(codes=CODES)
    await sell(shop, channel, offer, 4)
    if database_url.startswith("sqlite"):
        path = Path(make_url(database_url).database or "")
        kept = b"".join(one.read_bytes() for one in path.parent.glob(path.name + "*"))
    else:
        rows: list[Row] = [row for kind in TABLES for row in await shop.rows(kind)]
        kept = repr(rows).encode()
    assert offer.stock_id.encode() in kept
    for code in CODES:
        assert code.encode() not in kept
        assert code.encode().hex().encode() not in kept
