"""spec/text/delivery.md, over the rules alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

import spec
from gateway.core import delivery as rules
from gateway.core import goods, wire
from gateway.core.model import Delivery, Reveal
from gateway.core.privacy import DataUse
from tests.core.world import World, line, refused


async def test_every_reveal_is_counted_and_audited(world: World) -> None:
    """DLV-004, DLV-007, DLV-009: the same code each time, and a row with client, time and trace."""
    channel, offer = await world.channel(), await world.offer(codes=["SECRET-1"])
    await world.order(channel, line(offer))
    [ready] = await world.rows(Delivery)
    assert (ready.status, ready.reveal_count) == ("ready", 0)
    first = await world.reveal(channel, ready.id)
    assert spec.validator("RevealedDelivery").errors(first) == []
    opened_at = world.now
    world.advance(60)
    second = await world.reveal(channel, ready.id)
    assert first["goods"] == second["goods"] == {"kind": "code", "code": {"value": "SECRET-1"}}
    assert second["delivery"]["reveal_count"] == 2
    assert second["delivery"]["revealed_at"] == wire.timestamp(opened_at)
    rows = await world.rows(Reveal)
    assert [(row.channel_id, row.delivery_id) for row in rows] == [(channel.id, ready.id)] * 2
    assert rows[0].trace_id != rows[1].trace_id
    assert rows[0].at == opened_at


@pytest.mark.parametrize(
    ("kind", "member", "name"), [("licence", "licence", "key"), ("code", "code", "value")]
)
async def test_what_has_no_pool_is_made(world: World, kind: str, member: str, name: str) -> None:
    """A key of 25 characters, sealed at rest, the same at every reveal (DLV-004, DLV-010)."""
    channel, offer = await world.channel(), await world.offer(delivery_kind=kind)
    await world.order(channel, line(offer, 3))
    keys = set()
    for row in await world.rows(Delivery):
        opened = await world.reveal(channel, row.id)
        again = await world.reveal(channel, row.id)
        key = opened["goods"][member][name]
        assert key == again["goods"][member][name]
        assert re.fullmatch("([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}", key)
        assert key.encode() not in (row.sealed or b"")
        keys.add(key)
    assert len(keys) == 3


async def test_a_licence_can_come_from_a_pool(world: World) -> None:
    """A pool's code is the licence's key."""
    channel, offer = await world.channel(), await world.offer(delivery_kind="licence", codes=["L-1"])
    await world.order(channel, line(offer))
    [row] = await world.rows(Delivery)
    opened = await world.reveal(channel, row.id)
    assert opened["goods"] == {"kind": "licence", "licence": {"key": "L-1"}}


async def test_a_download_is_a_link_that_expires(world: World) -> None:
    """DLV-011: signed anew at each reveal, good for fifteen minutes, and for this URL only."""
    url = "https://files.example/book.epub?lang=en&q=a+b"
    channel, offer = await world.channel(), await world.offer(delivery_kind="download", download_url=url)
    await world.order(channel, line(offer))
    [row] = await world.rows(Delivery)
    opened = await world.reveal(channel, row.id)
    assert spec.validator("RevealedDelivery").errors(opened) == []
    link = opened["goods"]["download"]["url"]
    assert opened["goods"]["download"]["expires_at"] == "2026-11-23T12:15:00.000000Z"
    query = parse_qs(urlsplit(link).query)
    assert (query["lang"], query["q"], query["expires"]) == (["en"], ["a b"], ["1795436100"])
    assert datetime.fromtimestamp(1795436100, UTC) == datetime(2026, 11, 23, 12, 15, tzinfo=UTC)
    assert goods.link_holds(world.vault, link, world.now)
    for bad in (
        link.replace("book", "other"),
        link.replace("expires=1795", "expires=1895"),
        url,
        link[:-1] + "x",
    ):
        assert not goods.link_holds(world.vault, bad, world.now)
    world.advance(900)
    assert not goods.link_holds(world.vault, link, world.now)
    assert (await world.reveal(channel, row.id))["goods"]["download"]["url"] != link


async def test_a_download_needs_somewhere_to_lead(world: World) -> None:
    """And it has no codes."""
    await refused("invalid", world.offer(delivery_kind="download"), pointer="/download_url")
    both = world.offer(delivery_kind="download", download_url="https://files.example/x", codes=["A"])
    await refused("invalid", both, pointer="/codes")


async def test_what_was_taken_back_is_not_opened(world: World) -> None:
    """delivery_voided, and nothing is counted."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    await world.order(channel, line(offer))
    [row] = await world.rows(Delivery)
    await world.run(lambda books: books.put(replace(row, status="voided")))
    await refused("delivery_voided", world.reveal(channel, row.id))
    assert await world.rows(Reveal) == []


async def test_anothers_delivery_looks_like_none(world: World) -> None:
    """AUT-011: the same answer as for an id that does not exist."""
    mine, theirs, offer = await world.channel(), await world.channel(), await world.offer()
    await world.order(theirs, line(offer))
    [row] = await world.rows(Delivery)
    there, nowhere = [await refused("not_found", world.reveal(mine, one)) for one in (row.id, "dlv_none")]
    assert (there.detail, there.errors) == (nowhere.detail, nowhere.errors)


async def test_a_replay_leaves_a_row_of_its_own(world: World) -> None:
    """DLV-009, IDM-002: noted, and nothing that the channel sees changes."""
    channel, offer = await world.channel(), await world.offer()
    await world.order(channel, line(offer))
    [row] = await world.rows(Delivery)
    await world.reveal(channel, row.id)
    await world.run(lambda books: rules.note_replay(books, world.call(channel.id), row.id))
    assert [one.reason for one in await world.rows(Reveal)] == [None, rules.REPLAY]
    [after] = await world.rows(Delivery)
    assert after.reveal_count == 1


async def test_deliveries_are_told_of_but_never_their_goods(world: World) -> None:
    """DLV-005, EVT-003: one event each; no code, licence or link in any event, order or delivery."""
    channel = await world.channel()
    pool = await world.offer(codes=["TOP-SECRET-1", "TOP-SECRET-2"])
    made = await world.offer(delivery_kind="licence")
    link = await world.offer(delivery_kind="download", download_url="https://files.example/HIDDEN")
    order = await world.order(channel, line(pool, 2), line(made), line(link))
    opened = [await world.reveal(channel, row.id) for row in await world.rows(Delivery)]
    secrets = ["TOP-SECRET", "HIDDEN"]
    secrets += [one["goods"]["licence"]["key"] for one in opened if one["goods"]["kind"] == "licence"]
    told = await world.events(channel, "delivery.ready")
    assert {event.subject for event in told} == {row.id for row in await world.rows(Delivery)}
    shown = str([wire.render_event(event) for event in await world.events()]) + str(
        wire.render_order(order, DataUse(order.channel_id))
    )
    shown += str([wire.render_delivery(row) for row in await world.rows(Delivery)])
    assert not [one for one in secrets if one in shown]
    assert all(spec.validator("Event").errors(wire.render_event(event)) == [] for event in told)
