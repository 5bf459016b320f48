"""How long holds live, and when a buyer or a channel holds too much: the figures alone (INV-026 to INV-029)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core import pressure

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wish", "held", "free", "life"),
    [
        (600, 1, 99, 600),
        (600, 1, 0, 600),  # the last unit: nobody else holds anything
        (9999, 1, 99, 1800),
        (1800, 10, 90, 1800),
        (1800, 50, 50, 355),
        (600, 50, 50, 355),
        (60, 50, 50, 60),
        (1800, 90, 10, 120),
        (600, 2, 0, 340),
        (30, 90, 10, 30),
    ],
)
def test_life(wish: int, held: int, free: int, life: int) -> None:
    """As long as wished while calm, two minutes when three quarters are held, and in between by degrees."""
    assert pressure.life(wish, held, free) == life


def test_life_never_grows_with_pressure() -> None:
    """The more is held, the shorter; never below the floor, whichever that is."""
    for floor in (pressure.FLOOR, pressure.PAYMENT_FLOOR):
        lives = [pressure.life(1800, held, 100 - held, floor) for held in range(1, 101)]
        assert lives == sorted(lives, reverse=True)
        assert (lives[0], lives[-1]) == (1800, floor)


def test_parts() -> None:
    """Half of what is left for a buyer, and five always; a quarter for a wasteful channel, and one always."""
    assert [pressure.buyers_part(held, free) for held, free in ((0, 3), (0, 40), (20, 20), (0, 0))] == [
        5, 20, 20, 5,
    ]  # fmt: skip
    assert [pressure.channels_part(held, free) for held, free in ((0, 3), (0, 40), (30, 10))] == [1, 10, 10]


def test_a_channel_is_wasteful_until_it_sells_or_hours_pass() -> None:
    """Ten units idle, and more than three times what was bought; both fade by half in an hour."""
    record = pressure.held(pressure.channel_of(None, "chn", NOW), 12)
    assert not pressure.wasteful(record)
    idle = pressure.ended(record, 12, "idle", NOW)
    assert pressure.wasteful(idle)
    assert not pressure.wasteful(pressure.ended(idle, 4, "used", NOW))
    noted = pressure.noted(None, "chn", idle, NOW)
    assert not pressure.wasteful(pressure.channel_of(noted, "chn", NOW + timedelta(hours=1)))
    gone = pressure.channel_of(noted, "chn", NOW + timedelta(days=9))
    assert pressure.noted(noted, "chn", gone, NOW) is None
    back = pressure.channel_of(noted, "chn", NOW - timedelta(hours=3))
    assert back["idle"] == 12  # the clock was set back


def test_pauses_double_and_are_forgotten() -> None:
    """None for three idle holds, then a minute, two, four, an hour at most; an hour later all is forgotten."""
    record = pressure.buyer_of(None, "stk", NOW)
    pauses = []
    for _ in range(12):
        pauses.append(pressure.pause_left(record, NOW))
        record = pressure.ended_for_buyer(pressure.held(record, 1), 1, "idle", NOW)
    assert pauses == [0, 0, 0, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    noted = pressure.noted(None, "stk", record, NOW)
    later = pressure.buyer_of(noted, "stk", NOW + timedelta(hours=1))
    assert (later["idle"], pressure.noted(noted, "stk", later, NOW)) == (0, None)
    assert pressure.ended_for_buyer(record, 0, "used", NOW)["idle"] == 0


@pytest.mark.parametrize(
    ("used", "seconds", "fate"), [(True, 999, "used"), (False, 59, "soon"), (False, 60, "idle")]
)
def test_fate(used: bool, seconds: int, fate: str) -> None:
    """A hold that is given back within a minute wastes nothing."""
    assert pressure.fate(used, NOW, NOW + timedelta(seconds=seconds)) == fate
