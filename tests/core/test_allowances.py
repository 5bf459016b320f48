"""What limits leave a buyer, by her tier and over her accounts: pure values, and the rules on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import allowances, identity, limits
from gateway.core.errors import ProtocolError
from gateway.core.model import Channel, Offer
from gateway.core.model_identity import Account
from gateway.core.model_limits import Counted, SaleCount
from gateway.core.rows import replace
from tests.core.world import World, line, refused
from tests.storage.test_constraints import OFFER

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
TODAY = (NOW - limits.EPOCH).days
LIMITS = st.fixed_dictionaries(
    {"quantity": st.integers(0, 9)},
    optional={
        "days": st.integers(1, 4),
        "tiers": st.dictionaries(st.sampled_from(["gold", "silver", "standard"]), st.integers(0, 20)),
    },
)
DAYS = st.dictionaries(st.integers(TODAY - 5, TODAY), st.integers(1, 5), max_size=4)


def account(name: str) -> Account:
    """An account on a channel of its own."""
    return Account(f"buy_{name}", f"chn_{name}", f"user-{name}", "per_1", NOW)


def count(product: str, whose: Account, days: dict[int, int]) -> SaleCount:
    """Units of an account by day."""
    subject = limits.subject_of(whose.channel_id, whose.subject)
    written = {str(day): units for day, units in days.items()}
    return SaleCount(product, "buyer", subject, sum(days.values()), written)


def offer(product: str, limit: dict[str, Any] | None) -> Offer:
    """An active offer with this purchase limit."""
    given = {"purchase_limit": limit} if limit is not None else None
    return replace(OFFER, product_id=product, restrictions=given)


@given(LIMITS, DAYS, DAYS, DAYS, st.sampled_from(["standard", "gold", "silver"]))
def test_what_is_left_is_what_the_tier_has_without_what_counts(
    limit: dict[str, Any], mine: dict[int, int], others: dict[int, int], strange: dict[int, int], tier: str
) -> None:
    """IDN-050, IDN-051: over all her accounts and no other, in the limit's days, never below nothing."""
    a, b, c = account("a"), account("b"), account("c")
    counts = [count("prd_1", a, mine), count("prd_1", b, others), count("prd_1", c, strange)]
    found = allowances.shown(Counted(counts, [offer("prd_1", limit)]), [a, b], tier, NOW)
    first = TODAY - limit.get("days", 10_000)
    used = sum(units for part in (mine, others) for day, units in part.items() if day > first)
    most = limit.get("tiers", {}).get(tier, limit["quantity"])
    wanted = {"product_id": "prd_1", "quantity": most, "remaining": max(most - used, 0)}
    if "days" in limit:
        wanted["days"] = limit["days"]
    assert found == ([wanted] if used else [])


def test_what_is_shown_is_bounded_and_in_order() -> None:
    """IDN-052: a hundred products that are sold here, by id; of two offers the one that leaves less."""
    a = account("a")
    counts = [count(f"prd_{n:03}", a, {TODAY: 1}) for n in range(150)]
    offers = [offer(f"prd_{n:03}", {"quantity": 5}) for n in range(1, 150)]
    offers += [offer("prd_001", {"quantity": 3}), offer("prd_002", {"quantity": 9}), offer("prd_003", None)]
    found = allowances.shown(Counted(counts, offers), [a], "standard", NOW)
    assert [one["product_id"] for one in found] == [f"prd_{n:03}" for n in range(1, 101)]
    assert [one["remaining"] for one in found[:3]] == [2, 4, 4]


async def buyer(world: World, channel: Channel, tier: str | None = None) -> str:
    """A buyer with an account, in a tier; her reference."""
    cmd = identity.ResolveBuyer(f"user-{tier}")
    made = await world.run(
        lambda books: identity.resolve_buyer(books, world.vault, world.call(channel.id), cmd)
    )
    if tier:
        await world.run(lambda books: identity.set_tier(books, world.call(), made.account.id, tier))
    return cmd.subject


@pytest.mark.parametrize(
    ("tier", "most"), [("gold", 4), ("trial", 0), ("silver", 2), (None, 2), ("nobody", 2)]
)
async def test_a_tier_has_its_own_limit(world: World, tier: str | None, most: int) -> None:
    """IDN-051: more or fewer than the others, for holds and orders; without a tier, or an account, the quantity."""
    channel = await world.channel()
    limit = {"quantity": 2, "tiers": {"gold": 4, "trial": 0}}
    sold = await world.offer(quantity=50, restrictions={"purchase_limit": limit})
    who = "stranger" if tier == "nobody" else await buyer(world, channel, tier)
    if most:
        await world.hold(channel, sold, 1, who)
        await world.order(channel, line(sold, most - 1), buyer={"reference": who})
    error = await refused("purchase_limit_reached", world.hold(channel, sold, 1, who), "/quantity")
    assert f"This buyer may buy at most {most} of this product; 0 are left." in error.detail
    await refused("purchase_limit_reached", world.order(channel, line(sold, 1), buyer={"reference": who}))


async def test_a_lower_tier_takes_nothing_back(world: World) -> None:
    """What she has above it stays hers, and nothing is left."""
    channel = await world.channel()
    sold = await world.offer(
        quantity=50, restrictions={"purchase_limit": {"quantity": 1, "tiers": {"gold": 3}}}
    )
    who = await buyer(world, channel, "gold")
    order = await world.order(channel, line(sold, 3), buyer={"reference": who})
    account = identity.account_id(world.vault, channel.id, who)
    world.now += timedelta(seconds=1)
    await world.run(lambda books: identity.set_tier(books, world.call(), account, "standard"))
    await refused("purchase_limit_reached", world.order(channel, line(sold, 1), buyer={"reference": who}))
    await world.refund(channel, order, (order.lines[0]["id"], 3))
    await world.order(channel, line(sold, 1), buyer={"reference": who})


@pytest.mark.parametrize(
    ("restrictions", "pointer"),
    [
        (
            {"purchase_limit": {"quantity": 1, "tiers": {"Gold!": 2}}},
            "/restrictions/purchase_limit/tiers",
        ),
        ({"channel_limit": {"quantity": 1, "tiers": {"gold": 2}}}, "/restrictions/channel_limit/tiers"),
    ],
)
async def test_tiers_that_cannot_be_are_refused(
    world: World, restrictions: dict[str, Any], pointer: str
) -> None:
    """By name: what no tier is called, and tiers of a channel."""
    with pytest.raises(ProtocolError) as refusal:
        await world.offer(quantity=1, restrictions=restrictions)
    assert (refusal.value.code, refusal.value.errors[0].pointer) == ("invalid", pointer)
