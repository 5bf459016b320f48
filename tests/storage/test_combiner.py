"""Group commit: overlays, restarts, isolation, retries, and a hundred buyers on ten codes."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.core import inventory, orders, stock
from gateway.core.errors import ProtocolError
from gateway.core.model import (
    Assertion,
    Channel,
    Delivery,
    HoldCount,
    Movement,
    Offer,
    Order,
    Reservation,
    Row,
    Stock,
    Unit,
)
from gateway.core.ports import Books
from gateway.storage import combiner as combining
from gateway.storage.books import FlightBooks
from gateway.storage.engine.base import Refused
from tests.storage.world import Shop, call_of, open_shop


def order_of(channel: Channel, offer: Offer, name: str, quantity: int = 1) -> Callable[[Books, Any], Order]:
    """An operation that buys for money already collected."""
    body = {
        "reference": name,
        "buyer": {"reference": "b1"},
        "lines": [
            {
                "offer_id": offer.id,
                "quantity": quantity,
                "unit_price": {"amount": offer.price_amount, "currency": "EUR"},
            }
        ],
        "payment": {"status": "collected"},
    }
    cmd, call = orders.CreateOrder.from_wire(body), call_of(channel.id)
    return lambda books, vault: orders.create_order(books, vault, call, cmd)


async def test_a_hundred_buyers_on_ten_codes(shop: Shop) -> None:
    """Ten sales, ninety clear refusals, each code once, and the books balance."""
    channel = await shop.channel()
    offer = await shop.offer(codes=[f"CODE-{n}" for n in range(10)])
    vault = shop.store.vault

    async def buy(number: int) -> str:
        operation = order_of(channel, offer, f"r{number}")
        try:
            await shop.store.run(lambda books: operation(books, vault))
        except ProtocolError as refused:
            return refused.code
        return "sold"

    outcomes = Counter(await asyncio.gather(*(buy(n) for n in range(100))))
    assert outcomes == {"sold": 10, "out_of_stock": 90}
    sold = [unit for unit in await shop.rows(Unit) if unit.state == "sold"]
    assert len({unit.order_id for unit in sold}) == 10
    assert len({row.unit_id for row in await shop.rows(Delivery)}) == 10
    assert await shop.store.audit() == []


async def test_operations_of_a_flight_see_each_other_and_drop_what_failed(shop: Shop) -> None:
    """What succeeds is seen by those that follow in the same transaction; what is refused leaves nothing."""
    seen: list[int] = []

    def add(amount: int) -> Callable[[Books], None]:
        def run(books: Books) -> None:
            held = books.get(HoldCount, "c", "") or HoldCount("c", "", 0)
            seen.append(held.quantity)
            books.put(replace(held, quantity=held.quantity + amount))
            if amount < 0:
                raise ProtocolError("conflict")

        return run

    outcomes = await asyncio.gather(
        *(shop.store.run(add(amount)) for amount in (1, 2, -3, 4)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), ProtocolError, type(None)]
    assert await shop.rows(HoldCount) == [HoldCount("c", "", 7)]
    assert seen == [0, 1, 3, 3]


async def test_an_operation_starts_again_until_all_is_loaded(shop: Shop) -> None:
    """Each thing it lacks ends the attempt; what `need` notes comes with the first of them."""
    offer = await shop.offer(codes=["A", "B", "C"])
    shop.store.combiner._shelf.clear()
    attempts = 0

    def look(books: Books) -> list[int]:
        nonlocal attempts
        attempts += 1
        books.need(Stock, (offer.stock_id,))
        found = books.get(Offer, offer.id)
        assert found is not None
        assert books.get(Stock, offer.stock_id) is not None
        return [unit.seq for unit in books.take_units(offer.stock_id, 2)]

    assert await shop.store.run(look) == [0, 1]
    assert attempts == 3


async def test_units_that_are_not_used_go_back(shop: Shop) -> None:
    """A unit is given to one operation only, and one that failed gives its units to the next."""
    offer = await shop.offer(codes=["A", "B", "C"])
    given: list[int] = []

    def take(refuse: bool) -> Callable[[Books], None]:
        def run(books: Books) -> None:
            unit = books.take_units(offer.stock_id, 1)[0]
            if refuse:
                raise ProtocolError("conflict")
            given.append(unit.seq)
            books.put(replace(unit, state="voided"))

        return run

    await asyncio.gather(*(shop.store.run(take(n == 0)) for n in range(4)), return_exceptions=True)
    assert given == [0, 1, 2]
    assert await shop.store.run(lambda books: books.take_units(offer.stock_id, 1)) == []


async def test_units_come_in_order_also_from_behind_the_hint(shop: Shop) -> None:
    """After many sales, a unit that came back below the low-water mark is found when nothing else is left."""
    offer = await shop.offer(codes=[f"C{n}" for n in range(6)])

    def take(count: int) -> Callable[[Books], list[Unit]]:
        def run(books: Books) -> list[Unit]:
            units = books.take_units(offer.stock_id, count)
            for unit in units:
                books.put(replace(unit, state="voided"))
            return units

        return run

    first = await shop.store.run(take(2))
    second = await shop.store.run(take(2))
    assert [unit.seq for unit in [*first, *second]] == [0, 1, 2, 3]
    await shop.store.run(lambda books: books.put(replace(first[0], state="available")))
    assert [unit.seq for unit in await shop.store.run(take(5))] == [0, 4, 5]


async def test_one_bad_row_does_not_fail_its_flight(shop: Shop) -> None:
    """What the database refuses is refused to its caller alone; the others are committed."""
    offer = await shop.offer(quantity=3)

    def unbalance(books: Books) -> None:
        held = books.get(Stock, offer.stock_id)
        assert held is not None
        books.put(replace(held, available=held.available + 1))

    def receive(books: Books) -> None:
        stock.receive(books, call_of(), offer.stock_id, 2)

    outcomes = await asyncio.gather(
        *(shop.store.run(operation) for operation in (receive, unbalance, receive)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), Refused, type(None)]
    assert (await shop.stock(offer)).received == 7
    assert await shop.store.audit() == []


async def test_a_bug_in_a_rule_reaches_its_caller_alone(shop: Shop) -> None:
    """An unexpected error is its own caller's, and the next operation runs as ever."""

    def broken(books: Books) -> None:
        books.put(HoldCount("c", "", 1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await shop.store.run(broken)
    assert await shop.rows(HoldCount) == []


async def test_an_operation_that_never_has_enough_is_ended(shop: Shop) -> None:
    """Restarts are bounded, and the others of its flight do not suffer."""
    asked = 0

    def greedy(books: Books) -> None:
        nonlocal asked
        asked += 1
        books.get(HoldCount, str(asked), "")

    fine = shop.store.run(lambda books: books.put(HoldCount("c", "", 1)))
    outcomes = await asyncio.gather(shop.store.run(greedy), fine, return_exceptions=True)
    assert isinstance(outcomes[0], RuntimeError)
    assert outcomes[1] is None
    assert len(await shop.rows(HoldCount)) == 1


async def test_two_processes_that_insert_the_same_key(shop: Shop, database_url: str) -> None:
    """Of two stores that both found a key unused, one inserts it and the other starts again and finds it."""
    from tests.storage.world import open_shop

    async def use(one: Shop, jti: str) -> bool:
        def run(books: Books) -> bool:
            if books.get(Assertion, "c", jti) is not None:
                return False
            books.put(Assertion("c", jti, call_of().now))
            return True

        return await one.store.run(run)

    async with open_shop(database_url) as other:
        for number in range(20):
            used = await asyncio.gather(use(shop, str(number)), use(other, str(number)))
            assert sorted(used) == [False, True]
    assert len(await shop.rows(Assertion)) == 20


async def test_two_processes_sell_the_same_stock(shop: Shop, database_url: str) -> None:
    """Two stores that sell the same codes at once sell each once, and neither waits for ever for the other."""
    from tests.storage.world import open_shop

    channel = await shop.channel()
    offers = [await shop.offer(codes=[f"{name}-{n}" for n in range(60)]) for name in "AB"]

    async def buy(one: Shop, number: int) -> str:
        operation = order_of(channel, offers[number % 2], f"r{number}")
        try:
            await one.store.run(lambda books: operation(books, shop.store.vault))
        except ProtocolError as refused:
            return refused.code
        return "sold"

    async with open_shop(database_url) as other:
        outcomes = await asyncio.gather(*(buy((shop, other)[n // 2 % 2], n) for n in range(160)))
    assert Counter(outcomes) == {"sold": 120, "out_of_stock": 40}
    assert await shop.store.audit() == []


async def test_what_is_due_ends_once(shop: Shop) -> None:
    """Holds that are due are found once in a flight, by whoever asks first, and extended ones are left out."""
    channel, offer = await shop.channel(), await shop.offer(quantity=5)
    call = call_of(channel.id)
    body = {"offer_id": offer.id, "quantity": 1, "buyer": {"reference": "b"}, "ttl_seconds": 1}
    cmd = inventory.CreateReservation.from_wire(body)
    holds = [
        await shop.store.run(lambda books: inventory.create_reservation(books, call, cmd)) for _ in range(5)
    ]
    later = max(hold.expires_at for hold in holds)

    def end(limit: int) -> Callable[[Books], list[str]]:
        def run(books: Books) -> list[str]:
            due = books.due_reservations(offer.stock_id, later, limit)
            for hold in due:
                books.put(replace(hold, status="expired"))
            return [hold.id for hold in due]

        return run

    ended = await asyncio.gather(*(shop.store.run(end(limit)) for limit in (2, 2, 2)))
    assert [len(ids) for ids in ended] == [2, 2, 1]
    assert sorted(one for ids in ended for one in ids) == sorted(hold.id for hold in holds)
    assert {hold.status for hold in await shop.rows(Reservation)} == {"expired"}


async def test_rows_are_found_by_other_columns_with_what_was_just_written(shop: Shop) -> None:
    """Offers by stock, codes by hash, deliveries by order and channels: all with this flight's own rows in them."""
    offer = await shop.offer(codes=["A"])
    unit = (await shop.rows(Unit))[0]

    def add(books: Books) -> list[str]:
        books.put(replace(offer, id="off_zzz", position=None))
        books.put(replace(unit, id="unt_zzz", seq=99, code_hash=b"x" * 32))
        return [one.id for one in books.offers_of_stock(offer.stock_id)]

    def look(books: Books) -> tuple[list[str], dict[bytes, str]]:
        found = books.find_codes([unit.code_hash, b"x" * 32, b"y" * 32])
        ids = [one.id for one in books.offers_of_stock(offer.stock_id)]
        return ids, {code_hash: row.id for code_hash, row in found.items()}

    added, seen = await asyncio.gather(shop.store.run(add), shop.store.run(look))
    assert added == sorted([offer.id, "off_zzz"])
    for found in (seen, await shop.store.run(look)):
        assert found == (added, {unit.code_hash: unit.id, b"x" * 32: "unt_zzz"})
    channel = await shop.channel()
    shut = await shop.channel()
    await shop.store.run(lambda books: books.put(replace(shut, active=False)))
    assert await shop.store.run(lambda books: books.channels()) == [channel]


async def test_a_full_queue_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the cap callers are told to come back, at once."""
    monkeypatch.setattr(combining, "QUEUE", 3)
    outcomes = await asyncio.gather(
        *(shop.store.run(lambda books: None) for _ in range(5)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, ProtocolError)]
    assert [(one.code, one.retry_after) for one in refused] == [("unavailable", 1)] * 2
    await shop.store.run(lambda books: None)


async def test_nobody_waits_for_a_database_that_does_not_answer(shop: Shop) -> None:
    """Whoever is in the flight or behind it is told so, whoever comes is told at once; afterwards all is as before."""
    combiner, goes_on, fly = shop.store.combiner, asyncio.Event(), shop.store.combiner._fly

    async def slow(*arguments: Any, **options: Any) -> None:
        await goes_on.wait()
        await fly(*arguments, **options)

    combiner.patience, combiner._fly = 0.1, slow  # type: ignore[method-assign]
    waiting = asyncio.create_task(shop.offer(quantity=1))
    await asyncio.sleep(0.05)
    behind = asyncio.create_task(shop.offer(quantity=1))
    for one in (waiting, behind):
        with pytest.raises(ProtocolError) as caught:
            await one
        assert (caught.value.code, caught.value.retry_after) == ("unavailable", 1)
    with pytest.raises(ProtocolError):
        await shop.offer(quantity=1)
    goes_on.set()
    await asyncio.sleep(0.2)
    assert (await shop.offer(quantity=1)).revision == 1
    assert await shop.store.audit() == []


async def test_every_value_survives_the_database(shop: Shop) -> None:
    """What is read is equal to what was written, for all kinds of fields, nulls and letters."""
    channel = await shop.channel(jwks={"keys": [{"kty": "OKP", "x": "é\u0000𝄞"}]})
    offer = await shop.offer(quantity=1, restrictions={"regions": ["DE"], "max_per_order": 3})
    assert await shop.rows(Channel) == [channel]
    assert await shop.rows(Offer) == [replace(offer, position=1)]
    assert [row.kind for row in await shop.rows(Movement)] == ["receive"]
    moved = (await shop.rows(Movement))[0]

    def check(row: Row) -> Callable[[Books], bool]:
        return lambda books: books.get(type(row), row.id) == row  # type: ignore[attr-defined]

    for row in (channel, offer, moved):
        assert await shop.store.run(check(row))


async def test_attempts_that_end_early_are_forgotten(shop: Shop) -> None:
    """What an attempt has read is free when it ends, also when it ended because something was not loaded."""
    channel = await shop.channel()
    offer = await shop.offer(codes=[f"CODE-{n}" for n in range(20)])
    for number in range(20):
        operation = order_of(channel, offer, f"r{number}")
        await shop.store.run(lambda books, run=operation: run(books, shop.store.vault))
    gc.collect()
    assert sum(isinstance(one, FlightBooks) for one in gc.get_objects()) <= 2


async def test_what_another_process_writes_right_after_a_commit_is_seen(
    shop: Shop, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a flight remembers is what it has written, not what the database is by the time that it looks again."""

    def one_more(books: Books) -> None:
        kept = books.get(HoldCount, "c", "") or HoldCount("c", "", 0)
        books.put(replace(kept, quantity=kept.quantity + 1))

    async with shop.store.engine.transaction() as transaction:
        kind = type(transaction)
    commit, engine = kind.commit, shop.store.engine
    async with open_shop(database_url) as other:

        async def followed(self: Any) -> None:
            await commit(self)
            if self._engine is engine:
                await other.store.run(one_more)

        monkeypatch.setattr(kind, "commit", followed)
        for _ in range(3):
            await shop.store.run(one_more)
    assert await shop.rows(HoldCount) == [HoldCount("c", "", 6)]
