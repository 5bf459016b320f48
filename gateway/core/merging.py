"""A buyer is a connected component: links are edges between accounts and what they have proved.

`join` brings two components together, `part` looks what still hangs together when an edge is gone. Both write every
account and buyer that they change, so that of two at once the second begins again (docs/decisions/0016).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from gateway.core import consent, events, identity, wire_identity
from gateway.core.model import Call, Channel
from gateway.core.model_identity import Account, Buyer, Link
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace


def join(books: Books, vault: Vault, call: Call, link: Link, one: Account, other: Account) -> None:
    """Make one buyer of those of two accounts; nothing, when they are one already."""
    if one.buyer_id == other.buyer_id:
        return
    buyers = [identity.the_buyer(books, account.buyer_id) for account in (one, other)]
    before = [books.accounts_of(buyer.id) for buyer in buyers]
    kept, gone = sorted(buyers, key=lambda buyer: (buyer.created_at, buyer.id))
    together = sorted([account for part in before for account in part], key=lambda account: account.id)
    after = _move(books, call, kept.id, together)
    identity.touch(books, kept.id)
    identity.touch(books, gone.id)
    identity.note(books, call, "joined", one.id, link, before, [after])
    _tell(books, call, "buyer.linked", [after])
    consent.counts_anew(books, vault, call, before, [after])


def part(books: Books, vault: Vault, call: Call, link: Link, account: Account) -> None:
    """Give each set of her accounts that no link joins with the others a buyer of its own (IDN-042, IDN-044)."""
    together = identity.members(books, account.buyer_id)
    sets = components(together, books.links_of([one.id for one in together]))
    if len(sets) == 1:
        return
    oldest, *others = sorted(sets, key=lambda found: min((one.created_at, one.id) for one in found))
    after = [_move(books, call, account.buyer_id, oldest)]
    identity.touch(books, account.buyer_id)
    for found in others:
        buyer = Buyer(books.new_id("per"), 1, call.now)
        books.put(buyer)
        after.append(_move(books, call, buyer.id, found))
    identity.note(books, call, "split", account.id, link, [together], after)
    _tell(books, call, "buyer.unlinked", after)
    consent.counts_anew(books, vault, call, [together], after)


def components(accounts: Iterable[Account], links: Iterable[Link]) -> list[list[Account]]:
    """The accounts, by what confirmed links join."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while (above := parent.setdefault(node, node)) != node:
            parent[node] = node = parent[above]
        return node

    for link in links:
        far = link.identifier_id or link.peer_account_id
        if link.status == "confirmed" and far is not None:
            parent[root(link.account_id)] = root(far)
    sets: dict[str, list[Account]] = {}
    for account in accounts:
        sets.setdefault(root(account.id), []).append(account)
    return list(sets.values())


def proved(own: Account, accounts: Sequence[Account], links: Iterable[Link], since: datetime) -> set[str]:
    """Ids of those accounts of a buyer that a channel may be told of by what was proved on its `own` one `since` then.

    An edge of this channel counts only while it is fresh. A proof by itself shows no more than that somebody has a
    mailbox, and a channel has one too: it has to lead to the other accounts by what they have proved on theirs.
    """
    here = {one.id for one in accounts if one.channel_id == own.channel_id}
    counted = [
        one
        for one in links
        if not {one.account_id, one.peer_account_id} & here
        or (one.confirmed_at is not None and one.confirmed_at >= since)
    ]
    sets = [{one.id for one in part} for part in components(accounts, counted)]
    return here | next((part for part in sets if own.id in part), set())


def _move(books: Books, call: Call, buyer_id: str, accounts: Iterable[Account]) -> list[Account]:
    moved = [
        replace(one, buyer_id=buyer_id, revision=one.revision + 1, moved_at=call.now) for one in accounts
    ]
    for one in moved:
        books.put(one)
    return moved


def _tell(books: Books, call: Call, kind: str, sets: Sequence[Sequence[Account]]) -> None:
    """An event for each account. Only the channel that asked is told by its own trace: it is known to no other, and
    none may tell by it whose accounts were joined (IDN-004)."""
    for together in sets:
        tier = identity.tier_of(together)
        for one in together:
            channel = books.get(Channel, one.channel_id)
            data = {"buyer": wire_identity.render_account(one, tier, len(together) > 1)}
            trace_id = None if one.channel_id == call.channel_id else secrets.token_hex(16)
            to = [channel] if channel else []
            events.emit(books, call, to, kind, one.id, one.revision, data, trace_id)
