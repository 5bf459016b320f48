"""The rules of buyers and links without a database: codes, masks, components, ids, and a link made and undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core import contacts, identity, link_kinds, links, mails, merging, proofs
from gateway.core.errors import ProtocolError
from gateway.core.model_identity import Account, BuyerChange, Identifier, Link, Mail
from gateway.storage.keys import new_entry
from gateway.storage.vault import AesVault
from tests.core.fake_books import Memory
from tests.storage.world import call_of

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
VAULT = AesVault(new_entry())


def account(name: str, tier: str = "standard", set_at: datetime | None = None) -> Account:
    """An account of this id."""
    return Account(name, "chn_1", name, "per_1", NOW, tier=tier, tier_set_at=set_at)


def edge(one: str, far: str, status: str = "confirmed") -> Link:
    """A link to an identifier or to another account."""
    node = {"identifier_id": far} if far.startswith("idn") else {"peer_account_id": far}
    return Link(f"lnk_{one}{far}", one, "x", status, 1, NOW, NOW, "t", None, **node)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("edges", "sets"),
    [
        ([], ["a", "b", "c", "d"]),
        ([("a", "idn_1"), ("b", "idn_1")], ["ab", "c", "d"]),
        ([("a", "idn_1"), ("b", "idn_1"), ("b", "c")], ["abc", "d"]),
        ([("a", "b"), ("c", "d")], ["ab", "cd"]),
        ([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")], ["abcd"]),
        ([("a", "idn_1"), ("b", "idn_2")], ["a", "b", "c", "d"]),
    ],
)
def test_a_buyer_is_a_connected_component(edges: list[tuple[str, str]], sets: list[str]) -> None:
    """Of accounts and what they have proved; pending and ended links join nothing."""
    accounts = [account(name) for name in "abcd"]
    known = [edge(*one) for one in edges] + [edge("a", "c", "pending"), edge("a", "d", "ended")]
    found = sorted("".join(sorted(one.id for one in part)) for part in merging.components(accounts, known))
    assert found == sorted(sets)


OLD, NEW = NOW - timedelta(days=1), NOW


def at(link: Link, confirmed_at: datetime) -> Link:
    """Confirmed then."""
    return replace(link, confirmed_at=confirmed_at)


@pytest.mark.parametrize(
    ("links", "reached"),
    [
        # a and h are accounts of the channel that asks, b and c of others; idn_x is the channel's own mailbox
        ([at(edge("a", "idn_1"), NEW), at(edge("b", "idn_1"), OLD)], "abh"),
        ([at(edge("a", "idn_1"), OLD), at(edge("b", "idn_1"), OLD), at(edge("a", "idn_x"), NEW)], "ah"),
        ([at(edge("a", "b"), NEW), at(edge("b", "a"), NEW)], "abh"),
        ([at(edge("a", "b"), OLD), at(edge("b", "a"), OLD), at(edge("a", "h"), NEW)], "ah"),
        # a stranger's account on another channel, joined just now, leads to none of hers
        ([at(edge("a", "b"), OLD), at(edge("b", "a"), OLD), at(edge("a", "c"), NEW)], "ach"),
        ([at(edge("a", "idn_1"), NEW), at(edge("b", "idn_1"), OLD), at(edge("b", "c"), OLD)], "abch"),
        ([at(edge("h", "b"), OLD), at(edge("a", "h"), NEW)], "ah"),
    ],
)
def test_a_proof_leads_to_what_it_joins(links: list[Link], reached: str) -> None:
    """CNS-022: a channel can prove its own mailbox and its own accounts; that says nothing of her others."""
    accounts = [account("a"), account("h"), *(replace(account(name), channel_id=name) for name in "bc")]
    found = merging.proved(accounts[0], accounts, links, NOW - timedelta(minutes=15))
    assert "".join(sorted(found)) == reached


def test_the_tier_is_the_one_that_was_set_last() -> None:
    """Whichever account it was set for; nobody's is the standard one."""
    assert identity.tier_of([account("a"), account("b")]) == "standard"
    old, new = account("a", "gold", NOW), account("b", "silver", NOW + timedelta(days=1))
    assert identity.tier_of([old, new, account("c")]) == "silver"


def test_pairwise_ids_cannot_be_joined() -> None:
    """The same for the same channel and name, another for each other, and of the wire's shape."""
    ids = {identity.account_id(VAULT, channel, name) for channel in ("c1", "c2") for name in ("a", "b")}
    assert len(ids) == 4
    assert all(one.startswith("buy_") and len(one) == 36 for one in ids)
    assert identity.account_id(VAULT, "c1", "a") in ids
    assert identity.account_id(AesVault(new_entry()), "c1", "a") not in ids


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "mia@shop.example", "m…@shop.example"),
        ("email", "m@shop.example", "m…@shop.example"),
        ("email", '"a@b"@shop.example', '"…@shop.example'),
        ("phone", "+4915112345678", "+49…78"),
        ("phone", "+1234567", "+12…67"),
    ],
)
def test_contacts_are_masked(kind: str, value: str, masked: str) -> None:
    """Enough for her to recognise, too little for others to use."""
    assert contacts.masked(kind, value) == masked


def test_codes_are_read_as_people_write_them() -> None:
    """Small letters, spaces, no hyphens, and letters that look like digits; drawn from 32 letters."""
    assert proofs.plain("4f7k q2mx") == proofs.plain("4F7K-Q2MX") == "4F7KQ2MX"
    assert proofs.plain("oIl0-1") == "01101"
    codes = {proofs.new_code(12) for _ in range(200)}
    assert len(codes) == 200
    assert all(len(one) == 14 and set(proofs.plain(one)) <= set(proofs.LETTERS) for one in codes)


def test_addresses_are_one_whatever_their_capitals() -> None:
    """And nothing else than their capitals is overlooked."""
    same = {proofs.identifier_id(VAULT, "email", one) for one in ("Mia@Shop.example", "mia@shop.EXAMPLE")}
    others = {
        proofs.identifier_id(VAULT, "email", one) for one in ("mi.a@shop.example", "mia+x@shop.example")
    }
    assert (len(same), len(same | others)) == (1, 3)
    assert proofs.identifier_id(VAULT, "phone", "mia@shop.example") not in same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("große@shop.example", "grosse@shop.example", False),  # two mailboxes
        ("mia@straße.example", "mia@strasse.example", False),  # two domains
        ("mia@straße.example", "mia@xn--strae-oqa.example", True),
        ("MIA@BÜCHER.example", "mia@xn--bcher-kva.example", True),
        ("jose\u0301@shop.example", "JOS\u00c9@shop.example", True),
    ],
)
def test_an_address_has_one_spelling(one: str, other: str, same: bool) -> None:
    """IDN-010: however it is written, and never taken for another that looks alike when it is folded."""
    assert (proofs.identifier_id(VAULT, "email", one) == proofs.identifier_id(VAULT, "email", other)) is same


async def test_mails_to_one_mailbox_are_counted_together() -> None:
    """IDN-020: a + in the name, or an account for each mail, gets round no limit."""
    memory = Memory()
    for n in range(proofs.MAILS_PER_ADDRESS + 1):
        call = call_of("chn_1")
        cmd = identity.ResolveBuyer(f"mia-{n}")
        who = (await memory.run(lambda b, c=call, w=cmd: identity.resolve_buyer(b, VAULT, c, w))).account
        wish = link_kinds.CreateLink("email_code", f"mia+{n}@shop.example", mails=True)
        begin = memory.run(lambda b, c=call, a=who, w=wish: links.create_link(b, VAULT, c, a.id, w))
        if n < proofs.MAILS_PER_ADDRESS:
            await begin
        else:
            with pytest.raises(ProtocolError, match="link_limit_reached"):
                await begin


async def test_two_accounts_prove_an_address_and_one_takes_it_back() -> None:
    """IDN-010, IDN-042, IDN-048: joined, told, split; what nobody has proved any more is not kept."""
    memory = Memory()
    accounts, made = [], []
    for channel in ("chn_1", "chn_2"):
        call = call_of(channel)
        cmd = identity.ResolveBuyer("mia")
        who = (await memory.run(lambda b, c=call, w=cmd: identity.resolve_buyer(b, VAULT, c, w))).account
        wish = link_kinds.CreateLink("email_code", "mia@shop.example", mails=True)
        begun = await memory.run(lambda b, c=call, a=who, w=wish: links.create_link(b, VAULT, c, a.id, w))
        mail = mails.compose(VAULT, memory.rows(Mail)[-1], "Shop")
        proof = links.Proof(mail.code if mail else None)
        link = await memory.run(
            lambda b, c=call, a=who, n=begun, p=proof: links.confirm_link(b, VAULT, c, a.id, n.link.id, p)
        )
        assert not isinstance(link, ProtocolError)
        accounts.append(who)
        made.append(link)
    assert len({one.buyer_id for one in memory.rows(Account)}) == 1
    for who, link in zip(accounts, made, strict=True):
        await memory.run(
            lambda b, a=who, n=link: links.delete_link(b, VAULT, call_of(a.channel_id), a.id, n.id)
        )
    assert len({one.buyer_id for one in memory.rows(Account)}) == 2
    assert [one.kind for one in memory.rows(BuyerChange)] == ["joined", "split"]
    (identifier,) = memory.rows(Identifier)
    assert (identifier.accounts, identifier.sealed) == ([], None)
