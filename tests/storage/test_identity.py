"""Buyers under concurrency: links of overlapping sets, over two stores on one database, in any order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gateway.core import contacts, identity, link_kinds, links, orders, proofs
from gateway.core.errors import ProtocolError
from gateway.core.lines import LineRequest
from gateway.core.model import Event, Offer
from gateway.core.model_identity import (
    Account,
    BuyerChange,
    Contact,
    Identifier,
    Link,
    LinkCode,
    Mail,
    ProofCount,
)
from gateway.storage.keys import new_entry
from gateway.storage.rotation import rotate
from gateway.storage.vault import AesVault
from tests.storage.people import ACCOUNTS, People, people
from tests.storage.world import call_of, open_shop

ADDRESSES = 3
ASK = link_kinds.CreateLink("passkey", passkeys=True)
# An edge: an account proves an address, or enters the code that another account has shown.
EDGE = st.one_of(
    st.tuples(st.integers(0, ACCOUNTS - 1), st.integers(ACCOUNTS, ACCOUNTS + ADDRESSES - 1)),
    st.tuples(st.integers(0, ACCOUNTS - 1), st.integers(0, ACCOUNTS - 1)).filter(lambda e: e[0] != e[1]),
)


def partition(edges: Sequence[tuple[int, int]]) -> set[frozenset[int]]:
    """The sets of accounts that these edges join."""
    sets = [{n} for n in range(ACCOUNTS + ADDRESSES)]
    for one, other in edges:
        first, second = (next(part for part in sets if n in part) for n in (one, other))
        if first is not second:
            first |= second
            sets.remove(second)
    return {frozenset(n for n in part if n < ACCOUNTS) for part in sets} - {frozenset()}


@given(edges=st.lists(EDGE, min_size=1, max_size=9, unique=True), data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_links_at_once_end_in_the_same_buyers(
    database_url: str, edges: list[tuple[int, int]], data: st.DataObject
) -> None:
    """IDN-042, IDN-044, IDN-046: whatever is linked at once, buyers are what the links say; whatever of it is undone at
    once, they are what the rest says; and in the end everybody is alone again."""
    # a second proof of one edge takes the place of the first: an edge and its mirror are one
    edges = list({tuple(sorted(edge)) if edge[1] < ACCOUNTS else edge: edge for edge in edges}.values())
    gone = data.draw(st.sets(st.integers(0, len(edges) - 1)))

    async def scenario() -> None:
        async with people(database_url) as them:
            made = await asyncio.gather(*(them.link(edge) for edge in edges))
            assert await them.buyers() == partition(edges)
            await asyncio.gather(*(them.unlink(made[n]) for n in gone))
            assert await them.buyers() == partition([e for n, e in enumerate(edges) if n not in gone])
            await asyncio.gather(*(them.unlink(link) for link in made))
            assert await them.buyers() == partition([])

    asyncio.run(scenario())


async def test_a_rush_on_one_address_ends_in_one_buyer(database_url: str) -> None:
    """IDN-046, IDN-048: six accounts prove one address at once; each joining is in the audit, and told to each."""
    async with people(database_url) as them:
        await asyncio.gather(*(them.link((n, ACCOUNTS)) for n in range(ACCOUNTS)))
        assert await them.buyers() == {frozenset(range(ACCOUNTS))}
        changes = [one for one in await them.shops[0].rows(BuyerChange) if one.kind == "joined"]
        assert len(changes) == ACCOUNTS - 1
        told = [one for one in await them.shops[0].rows(Event) if one.type == "buyer.linked"]
        assert {one.subject for one in told} == {one.id for one in them.accounts}


async def test_a_code_is_good_once_however_many_enter_it(database_url: str) -> None:
    """IDN-016: of five accounts that enter one code at once, one is linked."""
    async with people(database_url) as them:
        first, *rest = them.accounts
        begun = await them.run(links.create_link, first, first.id, link_kinds.CreateLink("link_code"))
        tries = [them.run(links.redeem_link_code, one, one.id, begun.code) for one in rest]
        ends = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(one.code if isinstance(one, ProtocolError) else "" for one in ends) == [
            "",
            *["link_expired"] * 4,
        ]


async def test_guesses_at_once_are_counted(database_url: str) -> None:
    """IDN-018: twenty wrong codes at once are five, and the right one is refused then."""
    async with people(database_url) as them:
        mia = them.accounts[0]
        cmd = link_kinds.CreateLink("email_code", "mia@shop.example", mails=True)
        begun = await them.run(links.create_link, mia, mia.id, cmd)
        wrong = links.Proof("AAAA-AAAA")
        tries = [them.run(links.confirm_link, mia, mia.id, begun.link.id, wrong) for _ in range(20)]
        ends = [one.code for one in await asyncio.gather(*tries, return_exceptions=True)]
        assert (ends.count("link_proof_invalid"), ends.count("link_expired")) == (5, 15)
        right = links.Proof(await them.code_of(begun.link))
        with pytest.raises(ProtocolError, match="link_expired"):
            await them.run(links.confirm_link, mia, mia.id, begun.link.id, right)


async def test_a_rush_over_two_channels_is_one_buyers(database_url: str) -> None:
    """IDN-040: two offers of one product, each with its own stock, sold to linked accounts at two gateways at once:
    no row is common to the orders but the buyer's, and still no unit is sold above her limit."""
    async with people(database_url) as them:
        await them.link((0, 1))
        shop = them.shops[0]
        limited = {
            "quantity": 50,
            "delivery_kind": "licence",
            "restrictions": {"purchase_limit": {"quantity": 5}},
        }
        offers = [await shop.offer(**limited) for _ in range(2)]
        offers[1] = replace(offers[1], product=offers[0].product)
        await shop.store.run(lambda books: books.put(offers[1]))
        tries = [_buy(them, n % 2, offers[n % 2], f"r{n}") for n in range(24)]
        assert Counter(await asyncio.gather(*tries)) == {"sold": 5, "purchase_limit_reached": 19}
        assert await shop.store.audit() == []


async def _buy(them: People, which: int, offer: Offer, name: str) -> str:
    """One unit for an account, at the next store."""
    account, store = them.accounts[which], next(them.turn).store
    lines = (LineRequest(offer.id, 1, {"amount": 1000, "currency": "EUR"}),)
    cmd = orders.CreateOrder(name, {"reference": account.subject}, lines, {"status": "collected"})
    call = call_of(account.channel_id)
    try:
        await store.run(lambda books: orders.create_order(books, store.vault, call, cmd))
    except ProtocolError as refused:
        return refused.code
    return "sold"


async def test_tiers_follow_accounts(database_url: str) -> None:
    """IDN-047: the tier that was set last holds while accounts are linked, and each has its own again after."""
    async with people(database_url) as them:
        mia, other = them.accounts[:2]
        store = them.shops[0].store
        await store.run(lambda books: identity.set_tier(books, call_of(), mia.id, "gold"))
        link = await them.link((1, 0))
        tiers = [identity.tier_of(await store.queries.together(one.id)) for one in (mia, other)]
        assert tiers == ["gold", "gold"]
        await them.unlink(link)
        tiers = [identity.tier_of(await store.queries.together(one.id)) for one in (mia, other)]
        assert tiers == ["gold", "standard"]


async def test_the_audit_finds_who_is_joined_without_a_link(database_url: str) -> None:
    """A buyer behind the links' back, a link behind the buyer's, an address that says another thing than its links."""
    async with people(database_url) as them:
        await them.link((0, 1))
        await them.link((0, ACCOUNTS))
        store = them.shops[0].store
        first = them.accounts[0].id
        async with store.engine.transaction() as transaction:
            await transaction.run(
                text("UPDATE accounts SET buyer_id = 'per_none' WHERE id = :id"), {"id": first}
            )
            await transaction.run(text("UPDATE identifiers SET accounts = '[]'"))
            await transaction.commit()
        found = {one.what for one in await store.audit()}
        assert found == {
            "buyers of the account",
            "buyers of accounts that are linked",
            "accounts that have proved it, by their links",
        }


async def test_what_is_personal_is_sealed_and_rotates(database_url: str) -> None:
    """IDN-049: no address, number or code is in any column in the clear, and all of it opens under a new key."""
    old, new = new_entry(), new_entry()
    email = "mia@shop.example"
    async with open_shop(database_url, old) as shop:
        them = People([shop])
        await them.settle(1)
        mia = them.accounts[0]
        cmd = identity.ResolveBuyer(mia.subject, email, "+4915112345678")
        await them.run(identity.resolve_buyer, mia, cmd)
        begun = await them.run(
            links.create_link, mia, mia.id, link_kinds.CreateLink("email_code", email, mails=True)
        )
        await them.run(links.create_link, mia, mia.id, link_kinds.CreateLink("email_code", email, mails=True))
        code = await them.code_of(begun.link)
        await them.run(links.confirm_link, mia, mia.id, begun.link.id, links.Proof(code))
        kinds = (Account, Contact, Identifier, Link, Mail, ProofCount, BuyerChange)
        seen = repr([await shop.rows(kind) for kind in kinds])  # type: ignore[arg-type]
        assert mia.id in seen
        assert not [word for word in (email, "shop.example", "15112345678", code) if word in seen]
    async with open_shop(database_url, f"{new},{old}") as shop:
        await rotate(shop.store.engine, shop.store.vault)
        alone = AesVault(new)
        rows = await shop.rows(Contact)
        opened = {alone.open(one.sealed or b"", one.key_id or "", contacts.context(one)) for one in rows}
        assert opened == {email.encode(), b"+4915112345678"}
        for kind in (Identifier, Link, Mail):
            sealed = [one for one in await shop.rows(kind) if one.sealed is not None]  # type: ignore[attr-defined]
            assert sealed
            assert all(alone.open(one.sealed, one.key_id, one.id) for one in sealed)  # type: ignore[attr-defined]


async def test_a_passkey_is_sealed_and_rotates(database_url: str) -> None:
    """IDN-049, PSK-003: its id, its key and the ticket are in no column, while it waits for its code and after."""
    old, new = new_entry(), new_entry()
    passkey = proofs.Passkey("cGFzc2tleS1pZA", b"a public key", 7, new=True)
    async with open_shop(database_url, old) as shop:
        them = People([shop])
        await them.settle(1)
        mia = them.accounts[0]
        begun = [await them.run(links.create_link, mia, mia.id, ASK) for _ in range(2)]
        codes = [await them.finish(one.ticket, passkey) for one in begun]
        await them.run(links.confirm_link, mia, mia.id, begun[0].link.id, links.Proof(codes[0]))
        seen = repr([await shop.rows(kind) for kind in (Identifier, Link, LinkCode)])  # type: ignore[arg-type]
        words = (passkey.id, "a public key", "YSBwdWJsaWMga2V5", begun[0].ticket, *codes)
        assert not [word for word in words if word in seen]
    async with open_shop(database_url, f"{new},{old}") as shop:
        await rotate(shop.store.engine, shop.store.vault)
        alone = AesVault(new)
        kept = [*await shop.rows(Identifier), *(one for one in await shop.rows(Link) if one.sealed)]
        opened = [proofs.Passkey.unpacked(alone.open(one.sealed, one.key_id, one.id)) for one in kept]
        assert opened == [replace(passkey, new=False)] * 2


async def test_what_a_passkey_waits_with_goes_with_its_link(database_url: str) -> None:
    """Ended, it has nothing sealed; past its time it is deleted, with what finds it by its ticket."""
    async with people(database_url) as them:
        mia, shop, now = them.accounts[0], them.shops[0], call_of().now
        begun = [await them.run(links.create_link, mia, mia.id, ASK) for _ in range(2)]
        for n, one in enumerate(begun):
            await them.finish(one.ticket, proofs.Passkey(f"id-{n}", b"key", 0, new=True))
        await them.run(links.delete_link, mia, mia.id, begun[0].link.id)
        rows = {one.id: one for one in await shop.rows(Link)}
        assert [rows[one.link.id].sealed is None for one in begun] == [True, False]
        await shop.store.outbox.purge_proofs(now, now + timedelta(days=1), 100)
        assert [await shop.rows(kind) for kind in (Link, LinkCode, Identifier)] == [[], [], []]  # type: ignore[arg-type]


async def test_an_address_that_nobody_has_proved_any_more_is_forgotten(database_url: str) -> None:
    """With the link that proved it; one that another account has proved stays."""
    async with people(database_url) as them:
        first, other, _ = [
            await them.link(edge) for edge in ((0, ACCOUNTS), (0, ACCOUNTS + 1), (1, ACCOUNTS + 1))
        ]
        for link in (first, other):
            await them.unlink(link)
        shop, now = them.shops[0], call_of().now
        await shop.store.outbox.purge_proofs(now, now + timedelta(days=1), 100)
        assert [one.id for one in await shop.rows(Identifier)] == [other.identifier_id]
        assert len(await shop.rows(Link)) == 1


async def test_old_proofs_are_forgotten(database_url: str) -> None:
    """Mails go when their codes expire; links, codes and counts a while after; what is in force stays."""
    async with people(database_url) as them:
        await them.link((0, ACCOUNTS))
        mia = them.accounts[1]
        await them.run(links.create_link, mia, mia.id, link_kinds.CreateLink("link_code"))
        shop, now = them.shops[0], call_of().now
        outbox = shop.store.outbox
        await outbox.purge_proofs(now, now - timedelta(days=1), 100)
        assert (len(await shop.rows(Mail)), len(await shop.rows(Link))) == (1, 2)
        await outbox.purge_proofs(now + timedelta(hours=1), now, 100)
        assert (len(await shop.rows(Mail)), len(await shop.rows(Link))) == (0, 2)
        await outbox.purge_proofs(now, now + timedelta(days=1), 100)
        assert [one.status for one in await shop.rows(Link)] == ["confirmed"]
        assert await shop.rows(ProofCount) == []
