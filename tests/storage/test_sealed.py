"""Sealed goods at rest: keys rotate around them, the audit counts them, and the file forgets what the vault had."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, make_url, text

from conformance import jwe
from gateway.core import orders
from gateway.core.model import Channel, Delivery, Offer, Unit
from gateway.storage.engine import with_connection
from gateway.storage.engine.base import Unreachable
from gateway.storage.keys import new_entry
from gateway.storage.migrate import _config, upgrade
from gateway.storage.rotation import rotate
from tests.fixtures.databases import sqlite_database
from tests.storage.world import Shop, call_of, open_shop

KEY = jwe.new_key()


async def buy(shop: Shop, channel: Channel, offer: Offer, sealed: bool) -> None:
    """An order of one unit."""
    price = {"amount": offer.price_amount, "currency": offer.currency}
    body: dict[str, Any] = {
        "reference": secrets.token_hex(8),
        "buyer": {"reference": "b"},
        "lines": [{"offer_id": offer.id, "quantity": 1, "unit_price": price}],
        "payment": {"status": "collected"},
    }
    cmd = orders.CreateOrder.from_wire(body | ({"recipient_key": jwe.public(KEY)} if sealed else {}))
    call, vault = call_of(channel.id), shop.store.vault
    await shop.store.run(lambda books: orders.create_order(books, vault, call, cmd))


async def test_rotation_leaves_sealed_goods_alone(database_url: str) -> None:
    """Under a new ring the others are sealed anew; what is the buyer's stays byte for byte, and still opens."""
    old, new = new_entry(), new_entry()
    async with open_shop(database_url, old) as shop:
        channel, offer = await shop.channel(), await shop.offer(codes=["A", "B", "C", "D"])
        licence = await shop.offer(delivery_kind="licence")
        await asyncio.gather(*(buy(shop, channel, one, True) for one in (offer, offer, licence)))
        await buy(shop, channel, licence, False)
        before = {row.id: row.sealed for row in await shop.rows(Delivery) if row.sealed_to}
    async with open_shop(database_url, f"{new},{old}") as shop:
        # two codes that are for sale, the licence that is not sealed, and the webhook secret
        assert await rotate(shop.store.engine, shop.store.vault) == 2 + 1 + 1
        assert await rotate(shop.store.engine, shop.store.vault) == 0
        after = {row.id: row.sealed for row in await shop.rows(Delivery) if row.sealed_to}
        assert (len(after), after) == (3, before)
        assert all(jwe.open_sealed((box or b"").decode(), KEY).content for box in after.values())
        assert await shop.store.audit() == []
        assert (await shop.store.totals())["codes_delivered"] == 2


async def test_the_audit_finds_what_is_not_sealed_as_it_should_be(shop: Shop) -> None:
    """A sealed code that the vault still has, and a code that is gone without having been sealed, are named."""
    channel, offer = await shop.channel(), await shop.offer(codes=["A", "B", "C"])
    await buy(shop, channel, offer, True)
    await buy(shop, channel, offer, False)
    assert await shop.store.audit() == []
    async with shop.store.engine.transaction() as transaction:
        # what the vault has of the third is put into the first, and taken from the second and the third
        await transaction.run(
            text("UPDATE units SET sealed = (SELECT sealed FROM units WHERE seq = 2) WHERE seq = 0")
        )
        await transaction.run(text("UPDATE units SET sealed = NULL WHERE seq > 0"))
        await transaction.commit()
    [sealed] = [row for row in await shop.rows(Delivery) if row.sealed_to]
    emptied = [row.id for row in await shop.rows(Unit) if row.sealed is None]
    found = {(one.subject, one.what) for one in await shop.store.audit()}
    assert found == {
        (sealed.id, "sealed goods that the vault still opens"),
        *((one, "codes that nobody can open") for one in emptied),
    }
    assert len(emptied) == 2


async def test_the_sqlite_file_forgets(tmp_path: Path, sqlite_template: Path) -> None:
    """Once the log has been worked in, no byte of what the vault had is left in the file."""
    database_url = sqlite_database(tmp_path, sqlite_template)
    path = Path(make_url(database_url).database or "")
    async with open_shop(database_url) as shop:
        channel, offer = await shop.channel(), await shop.offer(codes=[f"CODE-{n}" for n in range(50)])
        boxes = {row.seq: row.sealed or b"none" for row in await shop.rows(Unit)}
        for _ in range(10):
            await buy(shop, channel, offer, True)
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    link.close()
    kept = path.read_bytes()
    assert [seq for seq, box in sorted(boxes.items()) if box in kept] == list(range(10, 50))


UNIT = "INSERT INTO units (id, stock_id, seq, state, sealed, key_id, code_hash) VALUES"
SEALED = f"{UNIT} ('unt_2', 'stk_1', 1, 'voided', NULL, NULL, 'two')"


def test_the_migration_goes_both_ways_while_nothing_is_sealed(empty_database_url: str) -> None:
    """Codes of before are kept; afterwards a unit may be empty, and then there is no way back that loses nothing."""

    def to(revision: str, down: bool = False) -> None:
        def move(connection: Connection) -> None:
            config = _config()
            config.attributes["connection"] = connection
            (command.downgrade if down else command.upgrade)(config, revision)

        with_connection(empty_database_url, move)

    def run(statement: str) -> list[Any]:
        found: list[Any] = []

        def work(connection: Connection) -> None:
            result = connection.execute(text(statement))
            found.extend(tuple(row) for row in result) if result.returns_rows else None

        with_connection(empty_database_url, work)
        return found

    to("0004")
    run(f"{UNIT} ('unt_1', 'stk_1', 0, 'available', 'box', 'k', 'one')")
    for _ in range(2):
        with pytest.raises(Unreachable):
            run(SEALED)
        upgrade(empty_database_url)
        assert run("SELECT id, seq, key_id FROM units") == [("unt_1", 0, "k")]
        to("0004", down=True)
    upgrade(empty_database_url)
    run(SEALED)
    with pytest.raises(Unreachable):
        to("0004", down=True)
    assert [row[0] for row in run("SELECT id FROM units ORDER BY id")] == ["unt_1", "unt_2"]
