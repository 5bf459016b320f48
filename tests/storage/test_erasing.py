"""Erasure in the books: whatever is interrupted is finished, and the rest balances."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from gateway.core import aftersale, consent, erasure, inventory
from gateway.core.model import Event, Order, Reservation
from gateway.core.model_consent import Consent, Erasure
from gateway.core.model_identity import Account, AccountName, Contact
from gateway.core.model_ownership import Entitlement, OwnershipChange
from gateway.relay.eraser import Eraser
from gateway.storage.engine.base import Changes
from tests.storage.keeping import EMAIL, PHONE, SUBJECT, TYPED, account_of, asking, bought
from tests.storage.world import Shop, call_of, open_shop


async def begun(shop: Shop, account: Account) -> Erasure:
    """An erasure whose process has died right after its first commit."""
    call = call_of(account.channel_id)
    found = await shop.store.run(
        lambda books: erasure.erase_buyer(books, shop.store.vault, call, account.id, "this_channel")
    )
    return found[0]


async def test_what_was_interrupted_is_finished(shop: Shop) -> None:
    """The job does what the process had still to do; then nothing names her, and the books balance."""
    channel = await shop.channel()
    offer, account = await asking(shop), await account_of(shop, channel)
    order = await bought(shop, channel, offer, "r1")
    await begun(shop, account)
    call = call_of()
    await Eraser(shop.store.erasing, shop.store).run_once(call.now)
    (kept,) = await shop.rows(Order)
    assert (kept.status, kept.total_amount, kept.reference) == (order.status, order.total_amount, "r1")
    assert kept.buyer == {"reference": kept.buyer_reference}
    for kind in (Account, AccountName, Contact, Consent):
        assert await shop.rows(kind) == []
    (done,) = await shop.rows(Erasure)
    assert (done.subject, done.done_at, kept.buyer_reference) == (None, call.now, done.pseudonym)
    named = [one.type for one in await shop.rows(Event) if SUBJECT in str(one.data) or TYPED in str(one.data)]
    assert named == []
    assert await shop.store.audit() == []


async def test_what_begins_meanwhile_is_somebody_new(shop: Shop) -> None:
    """An account that is resolved, and an order that is made, after the cut belong to the new buyer."""
    channel = await shop.channel()
    offer, account = await asking(shop), await account_of(shop, channel)
    await bought(shop, channel, offer, "old")
    made = await begun(shop, account)
    await account_of(shop, channel)
    new = await bought(shop, channel, offer, "new")
    await Eraser(shop.store.erasing, shop.store).finish(made, call_of().now)
    assert [one.id for one in await shop.rows(Account)] == [account.id]
    assert len(await shop.rows(Contact)) == 2
    found = {one.reference: one.buyer_reference for one in await shop.rows(Order)}
    assert found == {"old": made.pseudonym, "new": SUBJECT}
    assert new.buyer_reference == SUBJECT
    assert await shop.store.audit() == []


async def test_what_happens_before_it_is_finished_leaves_no_name(shop: Shop) -> None:
    """A refund after the cut tells of the order once more, and of what she owned: neither says who she was."""
    channel = await shop.channel()
    offer, account = await asking(shop), await account_of(shop, channel)
    order = await bought(shop, channel, offer, "r1")
    made = await begun(shop, account)
    call = call_of(channel.id)
    await shop.store.run(
        lambda books: aftersale.create_refund(
            books, call, order.id, aftersale.CreateRefund(None, "buyer_request")
        )
    )
    await Eraser(shop.store.erasing, shop.store).finish(made, call_of().now)
    assert [one.type for one in await shop.rows(Event) if SUBJECT in str(one.data)] == []
    owners = {one.account_id for one in await shop.rows(OwnershipChange)}
    assert account.id not in owners | {one.account_id for one in await shop.rows(Entitlement)}
    assert await shop.store.audit() == []


async def test_what_comes_under_way_meanwhile_is_waited_for(shop: Shop) -> None:
    """An order that is disputed after the cut keeps its buyer until that is settled; then the job finishes."""
    channel = await shop.channel()
    offer, account = await asking(shop), await account_of(shop, channel)
    order = await bought(shop, channel, offer, "r1")
    made, call = await begun(shop, account), call_of(channel.id)
    contested = {"reason": "fraudulent", "reference": "d-1"}
    await shop.store.run(lambda books: aftersale.create_dispute(books, call, order.id, contested))
    eraser = Eraser(shop.store.erasing, shop.store)
    await eraser.finish(made, call_of().now)
    assert ([one.done_at for one in await shop.rows(Erasure)], await shop.rows(Account)) == ([None], [])
    await shop.store.run(lambda books: aftersale.resolve_dispute(books, call, order.id, refund=False))
    await eraser.run_once(call_of().now)
    assert [one.done_at is None for one in await shop.rows(Erasure)] == [False]
    assert SUBJECT not in str([*await shop.rows(Order), *await shop.rows(Event)])


async def test_a_hold_that_is_over_and_not_swept_names_her_no_more(shop: Shop) -> None:
    """CNS-024: it ends with the erasure, as the sweeper would end it."""
    channel = await shop.channel()
    offer, account = await asking(shop), await account_of(shop, channel)
    past = replace(call_of(channel.id), now=call_of().now - timedelta(days=1))
    cmd = inventory.CreateReservation(offer.id, 1, {"reference": SUBJECT})
    await shop.store.run(lambda books: inventory.create_reservation(books, past, cmd))
    held = await shop.store.erasing.held(channel.id, SUBJECT)
    call = call_of(channel.id)
    (made,) = await shop.store.run(
        lambda books: erasure.erase_buyer(books, shop.store.vault, call, account.id, "this_channel", held)
    )
    await Eraser(shop.store.erasing, shop.store).finish(made, call.now)
    assert [one.status for one in await shop.rows(Reservation)] == ["expired"]
    assert SUBJECT not in str([*await shop.rows(Reservation), *await shop.rows(Event)])
    assert await shop.store.audit() == []


async def test_one_that_cannot_be_finished_keeps_nobody(shop: Shop) -> None:
    """The job goes on with the next, and comes back to it."""
    channel, offer = await shop.channel(), await asking(shop)
    stuck = await bought(shop, channel, offer, "stuck")
    async with shop.store.engine.transaction() as transaction:
        broken = {stuck.lines[0]["id"]: [{"scope": "buyer"}]}
        await transaction.write([Changes(Order, upserts=[replace(stuck, counted=broken)])])
        await transaction.commit()
    for subject in (SUBJECT, "other"):
        await begun(shop, await account_of(shop, channel, subject))
    await Eraser(shop.store.erasing, shop.store).run_once(call_of().now)
    assert [one.done_at is None for one in await shop.rows(Erasure)] == [True, False]


async def test_a_decision_at_the_same_instant_goes_too(shop: Shop) -> None:
    """CNS-027: a request that began after the erasure's and came first leaves nothing for who begins anew."""
    channel = await shop.channel()
    account, call = await account_of(shop, channel), call_of(channel.id)
    later, vault = replace(call, now=call.now + timedelta(milliseconds=5)), shop.store.vault
    given = consent.SetConsent("marketing", "given", {"kind": "all_channels"}, None, None)
    await shop.store.run(lambda books: consent.set_consent(books, vault, later, account.id, given))
    (made,) = await shop.store.run(
        lambda books: erasure.erase_buyer(books, shop.store.vault, call, account.id, "this_channel")
    )
    await Eraser(shop.store.erasing, shop.store).finish(made, call.now)
    assert await shop.rows(Consent) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # one writer leaves nothing to race
async def test_who_begins_anew_meanwhile_keeps_her_name(shop: Shop) -> None:
    """An account that is resolved while the old one's rows are deleted is found by its name afterwards: limits of
    linked accounts go by it."""
    account = await account_of(shop, await shop.channel())
    made = await begun(shop, account)
    async with shop.store.engine.transaction() as flight:
        new = replace(account, revision=account.revision + 1)
        await flight.write(
            [
                Changes(Account, upserts=[new]),
                Changes(AccountName, upserts=[AccountName(new.channel_id, new.subject, new.id)]),
            ]
        )
        clearing = asyncio.create_task(shop.store.erasing.clear(made))
        await asyncio.sleep(0.3)
        assert not clearing.done()
        await flight.commit()
    await clearing
    assert [one.account_id for one in await shop.rows(AccountName)] == [account.id]
    assert len(await shop.rows(Account)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_erasure_that_has_to_give_way_begins_again(shop: Shop) -> None:
    """Of two that wait for each other the database ends one; she is erased all the same."""
    account = await account_of(shop, await shop.channel())
    made = await begun(shop, account)
    async with shop.store.engine.transaction() as other:
        await other.run(text("SET LOCAL deadlock_timeout = '30s'"))  # so that it is the other one
        await other.run(text("SELECT 1 FROM accounts FOR UPDATE"))
        clearing = asyncio.create_task(shop.store.erasing.clear(made))
        await asyncio.sleep(0.3)
        await other.run(text("SELECT 1 FROM contacts FOR UPDATE"))
        await other.commit()
    await clearing
    assert (await shop.rows(Account), await shop.rows(Contact)) == ([], [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a server's files are not ours to read
async def test_nothing_of_her_is_in_the_files(database_url: str) -> None:
    """Before the erasure her address and number are in no file in the clear; after it her name is not, either."""
    async with open_shop(database_url) as shop:
        channel = await shop.channel()
        offer, account = await asking(shop), await account_of(shop, channel)
        await bought(shop, channel, offer, "r1")
        assert bytes_of(database_url, (EMAIL, PHONE)) == []
        made = await begun(shop, account)
        await Eraser(shop.store.erasing, shop.store).finish(made, call_of().now)
    assert bytes_of(database_url, (EMAIL, PHONE, SUBJECT, TYPED)) == []


def bytes_of(database_url: str, words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Files beside the database, and the words that are in them."""
    path = Path(make_url(database_url).database or "")
    files = sorted(path.parent.glob(path.name + "*"))
    return [(file.name, word) for file in files for word in words if word.encode() in file.read_bytes()]
