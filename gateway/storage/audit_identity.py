"""Whether buyers are what their links say: one for each set of accounts that confirmed links join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select

from gateway.core import merging
from gateway.core.model_identity import Account, AccountName, Buyer, Identifier, Link
from gateway.storage.engine.base import Engine
from gateway.storage.tables import account_names, accounts, buyers, identifiers, links

Wrong = tuple[str, str, int, int]
CONFIRMED = select(links).where(links.c.status == "confirmed")


async def misjoined(engine: Engine) -> list[Wrong]:
    """(account's, link's or identifier's id, what, as it should be, as it is), for each that is wrong.

    Nobody's own id is said, and nothing by which a channel calls her.
    """
    known: list[Account] = await engine.rows(Account, select(accounts).order_by(accounts.c.id))
    edges: list[Link] = await engine.rows(Link, CONFIRMED)
    proved: list[Identifier] = await engine.rows(Identifier, select(identifiers))
    named: list[AccountName] = await engine.rows(AccountName, select(account_names))
    people: list[Buyer] = await engine.rows(Buyer, select(buyers))
    names = {(one.channel_id, one.subject, one.account_id) for one in named}
    found: list[Wrong] = [
        (one.id, "names of the account", 1, 0)
        for one in known
        if (one.channel_id, one.subject, one.id) not in names
    ]
    there = {one.id for one in people}
    found += [(one.id, "buyers of the account", 1, 0) for one in known if one.buyer_id not in there]
    return [*found, *_parted(known, edges), *_unproved(proved, edges), *_unpaired(edges)]


def _parted(known: list[Account], edges: list[Link]) -> Iterator[Wrong]:
    """Sets of accounts against buyers, both ways."""
    seen: dict[str, str] = {}
    for together in merging.components(known, edges):
        ids = {one.buyer_id for one in together}
        first = min(one.id for one in together)
        if len(ids) > 1:
            yield first, "buyers of accounts that are linked", 1, len(ids)
        for buyer_id in ids:
            if seen.setdefault(buyer_id, first) != first:
                yield first, "accounts of the buyer that nothing links", 0, 1


def _unproved(proved: list[Identifier], edges: list[Link]) -> Iterator[Wrong]:
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for link in edges:
        if link.identifier_id is not None:
            expected[link.identifier_id].add(link.account_id)
    there = {one.id: set(one.accounts) for one in proved}
    for key in sorted(expected.keys() | there.keys()):
        if expected[key] != there.get(key, set()):
            yield (
                key,
                "accounts that have proved it, by their links",
                len(expected[key]),
                len(there.get(key, ())),
            )


def _unpaired(edges: list[Link]) -> Iterator[Wrong]:
    known = {link.id: link for link in edges}
    for link in edges:
        if link.peer_account_id is not None:
            peer = known.get(link.peer_link_id or "")
            if peer is None or (peer.account_id, peer.peer_link_id) != (link.peer_account_id, link.id):
                yield link.id, "links of the other account", 1, 0
