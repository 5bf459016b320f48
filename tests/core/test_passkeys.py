"""The rules of passkeys without a database: what a ticket is good for, and what has changed since one was verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core import identity, link_kinds, links, passkeys, proofs
from gateway.core.errors import ProtocolError
from gateway.core.model_identity import Account, Identifier, Link
from gateway.core.proofs import Passkey
from gateway.storage.keys import new_entry
from gateway.storage.vault import AesVault
from tests.core.fake_books import Memory
from tests.storage.world import call_of

VAULT, RP = AesVault(new_entry()), "gateway.example"
CALL = call_of("chn_1")
NEW = Passkey("cGFzc2tleQ", b"her key", 3, new=True)
USED = replace(NEW, sign_count=4, new=False)


class Buyer:
    """One account, and what is done with its links."""

    def __init__(self, memory: Memory, account: Account) -> None:
        self.memory, self.account = memory, account

    async def asked(self) -> link_kinds.Begun:
        """A link and its ticket."""
        wish = link_kinds.CreateLink("passkey", passkeys=True)
        return await self.memory.run(lambda b: links.create_link(b, VAULT, CALL, self.account.id, wish))

    async def finish(self, begun: link_kinds.Begun, passkey: Passkey | None, rp: str = RP) -> str:
        """The code; the problem's when it does not hold."""
        ticket = begun.ticket or ""
        done = await self.memory.run(lambda b: passkeys.finish_passkey(b, VAULT, CALL, ticket, rp, passkey))
        return done.code if isinstance(done, ProtocolError) else done

    async def confirm(self, begun: link_kinds.Begun, code: str) -> str:
        """The link's status, or the problem's code."""
        done = await self.memory.run(
            lambda b: links.confirm_link(b, VAULT, CALL, self.account.id, begun.link.id, links.Proof(code))
        )
        return done.code if isinstance(done, ProtocolError) else done.status

    async def proved(self, passkey: Passkey) -> Link:
        """A link by it, confirmed."""
        begun = await self.asked()
        assert await self.confirm(begun, await self.finish(begun, passkey)) == "confirmed"
        return begun.link


async def settled() -> Buyer:
    """The first buyer of all."""
    memory = Memory()
    cmd = identity.ResolveBuyer("mia")
    return Buyer(memory, (await memory.run(lambda b: identity.resolve_buyer(b, VAULT, CALL, cmd))).account)


@pytest.mark.parametrize(
    ("passkey", "rp"),
    [
        (None, RP),
        (NEW, RP),
        (replace(USED, public_key=b"another key"), RP),
        (replace(USED, id="YW5vdGhlcg"), RP),
        (USED, "other.example"),
    ],
    ids=["none", "made under a known id", "of another key", "unknown", "of another party"],
)
async def test_it_is_looked_at_again_under_the_lock(passkey: Passkey | None, rp: str) -> None:
    """PSK-009: what was verified by what is not so any more does not hold, and is counted."""
    mia = await settled()
    await mia.proved(NEW)
    begun = await mia.asked()
    assert await mia.finish(begun, passkey, rp) == "link_proof_invalid"
    (link,) = [one for one in mia.memory.rows(Link) if one.id == begun.link.id]
    assert (link.attempts, link.sealed, link.secret_hash) == (1, None, None)
    assert len(await mia.finish(begun, USED)) == len("AAAA-AAAA")


async def test_the_count_goes_up_with_the_code_and_never_down() -> None:
    """PSK-008: of two uses that are confirmed in the other order, the later one counts."""
    mia = await settled()
    await mia.proved(NEW)
    begun = [await mia.asked() for _ in range(2)]
    codes = [await mia.finish(one, replace(USED, sign_count=4 + n)) for n, one in enumerate(begun)]
    for n in (1, 0):
        assert await mia.confirm(begun[n], codes[n]) == "confirmed"
        (kept,) = mia.memory.rows(Identifier)
        known = passkeys.known(VAULT, kept)
        assert known is not None
        assert known.sign_count == 5


async def test_a_passkey_whose_link_is_undone_meanwhile_is_proved_anew() -> None:
    """PSK-001: it has held, so its code is good, and it is known again."""
    mia = await settled()
    first = await mia.proved(NEW)
    begun = await mia.asked()
    code = await mia.finish(begun, USED)
    await mia.memory.run(lambda b: links.delete_link(b, VAULT, CALL, mia.account.id, first.id))
    assert [passkeys.known(VAULT, one) for one in mia.memory.rows(Identifier)] == [None]
    assert await mia.confirm(begun, code) == "confirmed"
    assert [passkeys.known(VAULT, one) for one in mia.memory.rows(Identifier)] == [USED]


def test_what_is_made_of_a_ticket_is_its_own() -> None:
    """PSK-004: challenge, user handle and what finds the link differ, for each ticket, and from those of codes."""
    tickets = ("A" * 43, "B" * 43)
    made = {passkeys.challenge(VAULT, one) for one in tickets} | {
        passkeys.user_handle(VAULT, one) for one in tickets
    }
    assert len(made) == 4
    assert all(len(one) == 32 for one in made)
    found = {proofs.ticket_hash(VAULT, one) for one in tickets} | {
        proofs.shown_hash(VAULT, one) for one in tickets
    }
    assert len(found) == 4
    assert passkeys.challenge(VAULT, tickets[0]) in made


def test_nobody_is_told_what_a_passkey_is() -> None:
    """What stands in a traceback or a log by mistake has neither its id nor its key, nor a ticket."""
    begun = link_kinds.Begun(
        Link("lnk_1", "buy_1", "passkey", "pending", 1, CALL.now, CALL.now, "t", None), ticket="T-1"
    )
    assert "her key" not in repr(NEW)
    assert NEW.id not in repr(NEW)
    assert "T-1" not in repr(begun)
