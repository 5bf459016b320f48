"""Alerts to the merchant: each crossing once, whoever looks, and none lost on the way."""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from gateway.core import stock
from gateway.core.model import Offer
from gateway.core.model_limits import Alert, StockWatch
from gateway.relay import backoff
from gateway.relay.courier import Address, Courier
from gateway.relay.lookout import Lookout
from gateway.relay.watcher import Watcher
from gateway.storage.engine import open_engine
from gateway.storage.ids import Ids, first_id, moment_of
from gateway.storage.watching import SAMPLE, Watching
from tests.core.stores import DatabaseStore
from tests.core.world import line
from tests.relay.conftest import House, statuses

SECRET = "whsec_" + b64encode(b"a secret that nobody else knows!").decode()


def watching(house: House) -> Watching:
    """The reads and writes of the watch, on the house's database."""
    return Watching(house.outbox._engine)


def watcher(house: House, deliver: bool = True) -> Watcher:
    """One, as in a replica, or after a restart."""
    return Watcher(watching(house), house.world.store, deliver)


async def told(house: House) -> list[str]:
    """Kinds of the alerts so far."""
    return [row.kind for row in await house.world.rows(Alert)]


async def sell(house: House, offer: Offer, quantity: int) -> None:
    """A paid order."""
    channel = await house.world.channel()
    await house.world.order(channel, line(offer, quantity))


async def test_what_is_held_or_endless_or_not_there_yet_is_no_alarm(house: House) -> None:
    """Only what is sold is gone."""
    world, one = house.world, watcher(house)
    offer = await world.offer(quantity=6)
    await world.offer()
    await world.offer(codes=[])
    await world.hold(await world.channel(), offer, 5)
    assert await one.run_once(world.now) == 0
    assert await world.rows(StockWatch) == []


@pytest.mark.parametrize("restart", [False, True], ids=["goes_on", "restarted"])
async def test_low_sold_out_and_back(house: House, restart: bool) -> None:
    """Each once, whether the same watcher looks or one that has just begun."""
    world = house.world
    one = watcher(house)
    offer = await world.offer(codes=[f"C{n}" for n in range(1000)])
    assert await one.run_once(world.now) == 0
    for quantity, kinds in (
        (-995, ["stock.low"]),
        (-2, []),
        (-3, ["stock.sold_out"]),
        (0, []),
        (3, ["stock.back"]),
        (100, []),
        (-99, ["stock.low"]),
    ):
        before = await told(house)
        await move(house, offer, quantity)
        if restart:
            one = watcher(house)
        assert await one.run_once(world.now) == len(kinds)
        assert await one.run_once(world.now) == 0
        assert (await told(house))[len(before) :] == kinds
    last = (await world.rows(Alert))[-1]
    assert (last.state, last.data["left"], last.data["low_threshold"]) == ("pending", 4, 5)
    assert last.data["offers"] == [
        {"offer_id": offer.id, "product_id": offer.product["id"], "name": "Nebula Drift"}
    ]


async def move(house: House, offer: Offer, quantity: int) -> None:
    """More of it, or less, without a sale."""
    world = house.world
    if quantity > 0:
        codes = [f"N{quantity}-{n}" for n in range(quantity)]
        await world.update(offer, add_codes=codes)
    elif quantity < 0:
        await world.update(offer, void_available=-quantity)


async def test_a_changed_threshold_is_seen(house: House) -> None:
    """The merchant raises it above what is left: nothing moved, and the next look at everything tells."""
    world = house.world
    offer = await world.offer(quantity=20)
    await watcher(house).run_once(world.now)
    await world.run(lambda books: stock.set_levels(books, world.call(), offer.stock_id, low_threshold=30))
    await watcher(house).run_once(world.now)
    await world.run(lambda books: stock.set_levels(books, world.call(), offer.stock_id, safety=20))
    await watcher(house).run_once(world.now)
    assert await told(house) == ["stock.low", "stock.sold_out"]


async def test_replicas_tell_once(house: House) -> None:
    """Six of them look at once, four times; and the log has one line for each alert."""
    world = house.world
    stores = [DatabaseStore(open_engine(house.database_url)) for _ in range(6)]
    replicas = [Watcher(Watching(one.engine), one, deliver=True) for one in stores]
    offer = await world.offer(quantity=6)
    for quantity in (2, 2, 2):
        await sell(house, offer, quantity)
        await asyncio.gather(*(one.run_once(world.now) for one in replicas))
    for one in stores:
        await one.close()
    kinds = await told(house)
    assert sorted(kinds) == ["stock.low", "stock.selling_out", "stock.sold_out"]


async def test_the_forecast_is_from_the_last_hour(house: House) -> None:
    """Forty, ten sold: three hours, no alert. Five more: less than two hours, told once; refilled: forgotten."""
    world, one = house.world, watcher(house)
    offer = await world.offer(quantity=40)
    await one.run_once(world.now)
    await sell(house, offer, 10)
    assert await one.run_once(world.now) == 0
    await sell(house, offer, 5)
    again = watcher(house)
    again._all_at = again._looked_at = datetime.now(UTC) - timedelta(seconds=30)
    assert await again.run_once(world.now) == 1
    assert await again.run_once(world.now) == 0
    [alert] = await world.rows(Alert)
    assert (alert.kind, alert.data["sold_per_hour"], alert.data["left"]) == ("stock.selling_out", 15.0, 25)
    assert alert.data["sells_out_at"] == (world.now + timedelta(hours=25 / 15)).isoformat(
        timespec="microseconds"
    ).replace("+00:00", "Z")
    await world.run(lambda books: stock.receive(books, world.call(), offer.stock_id, 500))
    await again.run_once(world.now)
    assert [row.selling_out for row in await world.rows(StockWatch)] == [False]


async def test_a_rate_is_taken_from_a_bounded_number_of_movements(house: House) -> None:
    """Of a hot stock the newest ones; what is older than an hour is not looked at."""
    world, reads = house.world, watching(house)
    offer, cold = await world.offer(quantity=10_000), await world.offer(quantity=10)

    def many(books: Any) -> None:
        for number in range(SAMPLE + 500):
            stock.sell(books, world.call(), offer.stock_id, 1, f"ord_{number}")

    await world.run(many)
    now = datetime.now(UTC)
    assert await reads.hourly(offer.stock_id, now) > SAMPLE * 60  # all within a minute
    assert await reads.hourly(cold.stock_id, now) == 0
    await sell(house, cold, 3)
    assert await reads.hourly(cold.stock_id, datetime.now(UTC)) == 3
    assert await reads.hourly(cold.stock_id, now + timedelta(hours=2)) == 0


def test_ids_tell_their_time() -> None:
    """The first id of a moment sorts before those made from then on, and after those made before."""
    ids = Ids()
    before = ids.new("mov")
    now = datetime.now(UTC) + timedelta(milliseconds=2)
    assert before < first_id("mov", now) < first_id("mov", now + timedelta(milliseconds=1))
    assert abs((moment_of(before) - now).total_seconds()) < 1
    assert first_id("mov", moment_of(before)) < before


async def test_the_courier_signs_retries_and_loses_nothing(house: House, listen: Any) -> None:
    """500, then a dead courier, then 204: the same alert under the same id, signed anew; verified by the library."""
    world, receiver = house.world, await listen()
    receiver.reply = statuses(500)
    offer = await world.offer(quantity=3)
    await sell(house, offer, 3)
    await watcher(house).run_once(world.now)
    courier = Courier(watching(house), house.session, Address(receiver.url, SECRET))
    assert await courier.run_once(world.now) == 1
    [alert] = await world.rows(Alert)
    assert (alert.state, alert.attempts, alert.last_error) == ("pending", 1, "HTTP 500")
    assert await courier.run_once(world.now) == 0  # it waits
    claimed = await watching(house).claim_alerts(
        world.now + timedelta(seconds=2), world.now + timedelta(seconds=32), 9
    )
    assert len(claimed) == 1  # and whoever has claimed it dies now
    assert await courier.run_once(world.now + timedelta(seconds=31)) == 0
    assert await courier.run_once(world.now + timedelta(seconds=33)) == 1
    [alert] = await world.rows(Alert)
    assert (alert.state, alert.attempts) == ("delivered", 2)
    bodies = set()
    for headers, body in receiver.got:
        Webhook(SECRET).verify(body.decode(), headers)
        assert headers["webhook-id"] == alert.id
        bodies.add(body)
    assert len(bodies) == 1
    said = json.loads(bodies.pop())
    assert (said["type"], said["id"], said["data"]["left"]) == ("stock.sold_out", alert.id, 0)


async def test_an_alert_is_parked_after_three_days(house: House) -> None:
    """With the last reason; nobody listens there."""
    world = house.world
    offer = await world.offer(quantity=3)
    await sell(house, offer, 3)
    await watcher(house).run_once(world.now)
    courier = Courier(watching(house), house.session, Address("http://127.0.0.1:1/alerts", SECRET))
    await courier.run_once(world.now)
    await courier.run_once(world.now + backoff.GIVE_UP_AFTER)
    [alert] = await world.rows(Alert)
    assert (alert.state, alert.attempts, alert.last_error) == ("parked", 2, "ClientConnectorError")


async def test_without_a_webhook_it_is_only_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """One line, with figures and products."""
    caplog.set_level(logging.WARNING, "gateway.relay.watcher")
    offer = await house.world.offer(quantity=3)
    await sell(house, offer, 3)
    lookout = Lookout(watcher(house, deliver=False), None, lambda: house.world.now, look=0.05)
    lookout.start()
    async with asyncio.timeout(10):
        while not await told(house):
            await asyncio.sleep(0.05)
    await lookout.stop()
    [line_] = [one for one in caplog.records if one.message == "stock alert"]
    assert (line_.alert, line_.products, line_.left) == ("stock.sold_out", [offer.product["id"]], 0)  # type: ignore[attr-defined]
    assert [row.state for row in await house.world.rows(Alert)] == ["logged"]
