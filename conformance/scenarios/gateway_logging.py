"""A story of the log of ownership: two units are bought and refunded, and the log is read, proven, and read again."""

from __future__ import annotations

from functools import partial

from conformance import merkle, timing
from conformance.chance import hexes
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop, buyer
from conformance.merkle import encoded
from conformance.model import scenario

story = partial(scenario, role="gateway", capability="ownership_log")
PAGES, PAGE = 40, 500  # a log that is longer is not read to its end
LATER = 7200  # seconds after which even a slow log has merged everything


@story("ownership_log", phase=30, clock=True)
async def ownership_log(s: GatewaySession) -> None:
    """All changes of two units are logged soon, nothing is changed afterwards, and everybody is told the same."""
    shop, who = await s.shop(), buyer()
    await shop.do("get_jwks", "keys", token="")
    before = await shop.must("get_log_head", "head before")
    order = await shop.must("create_order", "order", body=shop.ordering(await shop.offer(quantity=5), 2, who))
    s.transcript.note("names", [who["reference"], shop.id, order.get("id"), order.get("reference")])
    s.transcript.note("before", before.get("tree_size"))
    await s.advance(timing.MERGE_DELAY.seconds + 2, "a minute later")
    await shop.do("get_log_head", "head soon")
    leaves = await _read(s, shop, "")
    await _prove(shop, leaves)
    shop.token = await s.token(shop, "new token")
    await shop.do(
        "create_refund", "refund", path={"order_id": str(order.get("id"))}, body={"reason": "other"}
    )
    later = await _read(s, shop, " later")
    sizes = (len(leaves), len(later))
    for first in {1, *sizes}:
        await _grew(shop, "growth", first, len(later))
    await _grew(shop, "growth of what is not there", 1, len(later) + 1_000_000)
    await shop.do("get_log_head", "head for everybody", token="")


async def _read(s: GatewaySession, shop: Shop, when: str) -> list[str]:
    """Head and entries, when everything that has happened must be in; the leaves, in their order."""
    await s.advance(LATER, "hours later")
    await shop.do("get_log_head", f"head{when}", token="")
    leaves: list[str] = []
    for _ in range(PAGES):
        params = {"start": str(len(leaves)), "limit": str(PAGE)}
        page = await shop.do("list_log_entries", f"entries{when}", token="", params=params)
        items = page.answer.get("items")
        found = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
        leaves += [str(one.get("leaf")) for one in found]
        if not found or not page.answer.get("has_more"):
            break
    return leaves


async def _prove(shop: Shop, leaves: list[str]) -> None:
    size = len(leaves)
    for index in sorted({0, size // 2, size - 2, size - 1} & set(range(size))):
        await _included(shop, "proof", merkle.leaf_hash(leaves[index].encode()), size)
    await _included(shop, "proof of what is not there", bytes.fromhex(hexes(32)), max(size, 1))


async def _included(shop: Shop, label: str, leaf: bytes, size: int) -> None:
    params = {"leaf_hash": encoded(leaf), "tree_size": str(size)}
    await shop.do("get_inclusion_proof", label, token="", params=params)


async def _grew(shop: Shop, label: str, first: int, second: int) -> None:
    params: Json = {"first": str(first), "second": str(second)}
    await shop.do("get_consistency_proof", label, token="", params=params)
