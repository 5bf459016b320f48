"""Operations: a buyer's profile, with what limits leave her."""

from __future__ import annotations

from conformance.mini_gateway import buyers, limits
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.world import Json, World


def resolve_buyer(world: World, call: Call) -> Json:
    """The account of this name."""
    return _profile(world, buyers.resolved(world, call))


def get_buyer(world: World, call: Call) -> Json:
    """One account."""
    return _profile(world, buyers.find(world, call))


def _profile(world: World, account: buyers.Account) -> Json:
    left = limits.allowances(world, account)
    return buyers.shown(world, account) | ({"purchase_limits": left} if left else {})
