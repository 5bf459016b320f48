"""The log of ownership in the database: complete, in order, proven, whatever breaks and however many merge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from conformance import merkle as verifier
from gateway.core import ownership_log
from gateway.core.errors import ProtocolError
from gateway.core.model import Row
from gateway.core.model_ownership_log import LogEntry, LogHead, LogTile
from gateway.core.ports import Books
from gateway.core.rows import replace
from gateway.storage.audit_ownership_log import misplaced
from gateway.storage.engine.base import Changes, Transaction, Unreachable
from gateway.storage.reset import forget_trade
from gateway.storage.store import Store
from tests.storage.world import Shop, call_of, open_shop

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def owner(number: int) -> bytes:
    """A commitment to somebody."""
    return ownership_log.commit_to(number.to_bytes(16), f"buy_{number}")


async def log(store: Store, count: int, first: int = 0) -> None:
    """Write entries, each in an operation of its own."""
    call = call_of()

    def one(number: int) -> None:
        def rule(books: Books) -> None:
            ownership_log.append(books, call, f"ent_{number}", ownership_log.ISSUED, owner(number))

        return rule  # type: ignore[return-value]

    await asyncio.gather(*(store.run(one(number)) for number in range(first, first + count)))  # type: ignore[arg-type]


async def merge_all(store: Store, limit: int = 1000) -> None:
    """Merge until nothing waits."""
    while await store.ownership_log.merge(NOW, limit):
        pass


async def check(shop: Shop, count: int) -> list[LogEntry]:
    """Every entry has a place, every head is the root over the entries before it, and all is proven."""
    tree = shop.store.ownership_log
    entries = [*await tree.entries(0, 10_000)]
    assert [one.leaf_index for one in entries] == list(range(count))
    hashes = [one.leaf_hash for one in entries]
    assert hashes == [verifier.leaf_hash(one.leaf.encode()) for one in entries]
    heads = sorted(await shop.rows(LogHead), key=lambda head: head.tree_size)
    assert heads[-1] == await tree.head()
    assert heads[-1].tree_size == count
    for head in heads:
        assert head.root_hash == verifier.root_of(hashes[: head.tree_size])
        proof = await tree.consistency(head.tree_size, count)
        assert proof is not None
        assert verifier.begins(head.tree_size, count, head.root_hash, heads[-1].root_hash, proof)
    for index in {0, count // 2, count - 1}:
        found = await tree.inclusion(hashes[index], count)
        assert found is not None
        assert found[0] == index
        assert verifier.has(hashes[index], index, count, found[1], heads[-1].root_hash)
    return entries


async def test_what_is_merged_is_proven(shop: Shop) -> None:
    """Entries merged in batches of any size are in the order of their commits, and all heads and proofs hold."""
    for first, count, limit in ((0, 3, 1), (3, 300, 7), (303, 400, 1000)):
        await log(shop.store, count, first)
        await merge_all(shop.store, limit)
    entries = await check(shop, 703)
    positions = [one.position for one in entries]
    assert None not in positions
    assert positions == sorted(positions, key=lambda one: one or 0)


async def test_what_is_not_in_the_tree_is_not_proven(shop: Shop) -> None:
    """There is no proof of an entry that waits or came later, of one that never was, or of a tree that is too large."""
    tree = shop.store.ownership_log
    await log(shop.store, 2)
    assert (await tree.head()).tree_size == 0
    assert await tree.entries(0, 10) == []
    waiting = (await shop.rows(LogEntry))[0].leaf_hash
    assert await tree.inclusion(waiting, 1) is None
    await merge_all(shop.store)
    last = (await tree.entries(1, 1))[0].leaf_hash
    assert await tree.inclusion(last, 1) is None
    assert await tree.inclusion(last, 3) is None
    assert await tree.inclusion(b"\0" * 32, 2) is None
    assert await tree.consistency(1, 3) is None


async def test_a_refused_change_is_not_logged(shop: Shop) -> None:
    """The entry is part of the change's own transaction: what is refused leaves none."""

    def rule(books: Books) -> None:
        ownership_log.append(books, call_of(), "ent_1", ownership_log.REVOKED, owner(1))
        raise ProtocolError("not_found")

    with pytest.raises(ProtocolError):
        await shop.store.run(rule)
    assert await shop.rows(LogEntry) == []


async def test_changes_of_one_entitlement_keep_their_order(shop: Shop) -> None:
    """The tree has entries in the order of their commits, also where another process's ids are of an earlier time."""

    class Late:
        """Ids of a process whose clock is behind."""

        def new(self, prefix: str) -> str:
            """Sorts before all others."""
            return f"{prefix}_0"

    call = call_of()
    await shop.store.run(lambda b: ownership_log.append(b, call, "ent_1", ownership_log.ISSUED, owner(1)))
    shop.store.combiner._ids = Late()  # type: ignore[assignment]
    await shop.store.run(lambda b: ownership_log.append(b, call, "ent_1", ownership_log.CONSUMED, owner(1)))
    await merge_all(shop.store)
    assert ["issued" in one.leaf for one in await check(shop, 2)] == [True, False]


async def test_a_crash_between_the_change_and_its_merge_loses_nothing(database_url: str) -> None:
    """What was committed and not merged when a process ended is merged by the next."""
    async with open_shop(database_url) as before:
        await log(before.store, 5)
        await merge_all(before.store, 2)
        await log(before.store, 4, 5)
    async with open_shop(database_url) as after:
        await merge_all(after.store)
        await check(after, 9)


async def test_a_merge_that_fails_at_its_commit_changes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge is one transaction: when its commit fails, tree and entries are as before; then it is done again."""
    await log(shop.store, 3)
    await merge_all(shop.store, 2)
    await log(shop.store, 300, 3)
    transaction = shop.store.engine.transaction

    @asynccontextmanager
    async def failing() -> AsyncIterator[Transaction]:
        async with transaction() as opened:

            async def commit() -> None:
                raise Unreachable

            monkeypatch.setattr(opened, "commit", commit)
            yield opened

    with monkeypatch.context() as patched:
        patched.setattr(shop.store.engine, "transaction", failing)
        with pytest.raises(Unreachable):
            await shop.store.ownership_log.merge(NOW, 100)
    await check(shop, 3)
    await merge_all(shop.store, 100)
    await check(shop, 303)


async def test_several_replicas_make_one_tree(shop: Shop, database_url: str) -> None:
    """Two processes that log and merge at the same time make one tree, in which every entry has one place."""
    async with open_shop(database_url) as other:

        async def work(one: Shop, first: int) -> None:
            for step in range(10):
                await log(one.store, 10, first + 10 * step)
                await one.store.ownership_log.merge(NOW, 7)

        await asyncio.gather(work(shop, 0), work(other, 1000))
        await asyncio.gather(merge_all(shop.store, 13), merge_all(other.store, 11))
        await check(shop, 200)


async def test_the_audit_sees_what_was_changed(shop: Shop) -> None:
    """The audit recomputes every hash and root: silent about a good log, it names a rewritten entry."""
    await log(shop.store, 10)
    await merge_all(shop.store, 3)
    assert await shop.store.audit() == []
    entry = (await shop.store.ownership_log.entries(4, 1))[0]
    async with shop.store.engine.transaction() as transaction:
        forged = replace(entry, leaf=entry.leaf.replace("issued", "revoked"))
        await transaction.write([Changes(LogEntry, upserts=[forged])])
        await transaction.commit()
    assert [one.subject for one in await shop.store.audit()] == [entry.id]
    async with shop.store.engine.transaction() as transaction:
        await transaction.write([Changes(LogEntry, upserts=[entry])])
        await transaction.run(text("DELETE FROM log_heads WHERE tree_size = 10"))
        await transaction.commit()
    assert [one.what for one in await shop.store.audit()] == ["entries that no tree has"]


async def test_the_audit_of_a_log_that_grows(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is merged while the audit reads is no discrepancy."""
    await log(shop.store, 3)
    await merge_all(shop.store)
    rows = shop.store.engine.rows

    async def growing(kind: type[Row], *given: Any) -> list[Any]:
        found: list[Any] = await rows(kind, *given)
        if kind is LogHead:
            await log(shop.store, 2, 3)
            monkeypatch.undo()
            await merge_all(shop.store)
        return found

    monkeypatch.setattr(shop.store.engine, "rows", growing)
    assert await misplaced(shop.store.engine) == []
    assert await misplaced(shop.store.engine) == []


async def test_a_sandbox_begins_a_new_log(shop: Shop) -> None:
    """After a reset the log is empty, and grows again."""
    await log(shop.store, 3)
    await merge_all(shop.store)
    await forget_trade(shop.store.engine)
    assert (await shop.store.ownership_log.head()).tree_size == 0
    assert await shop.rows(LogTile) == []
    await log(shop.store, 2)
    await merge_all(shop.store)
    await check(shop, 2)
