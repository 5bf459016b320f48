"""Accounts of two channels and links between them, over one store or two on one database."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.core import identity, link_kinds, links, mails, passkeys, proofs
from gateway.core.errors import ProtocolError
from gateway.core.model_identity import Account, Link, Mail
from gateway.storage.keys import new_entry
from tests.storage.world import Shop, call_of, open_shop

ACCOUNTS = 6


class People:
    """Accounts of two channels, and links between them over however many stores there are."""

    def __init__(self, shops: list[Shop]) -> None:
        self.turn = itertools.cycle(shops)
        self.shops = shops
        self.accounts: list[Account] = []

    async def run(self, rule: Callable[..., Any], account: Account, *words: Any) -> Any:
        """A rule as its channel would ask for it, at the next store."""
        store = next(self.turn).store
        call = call_of(account.channel_id)
        done = await store.run(lambda books: rule(books, store.vault, call, *words))
        if isinstance(done, ProtocolError):
            raise done
        return done

    async def finish(self, ticket: str, passkey: proofs.Passkey) -> str:
        """The code for a passkey that has held on the page."""
        finish = passkeys.finish_passkey
        code: str = await self.run(finish, self.accounts[0], ticket, "gateway.example", passkey)
        return code

    async def settle(self, size: int = ACCOUNTS) -> None:
        """New accounts, each alone."""
        channels = [await self.shops[0].channel() for _ in range(2)]
        for n in range(size):
            account = Account("", channels[n % 2].id, f"{channels[0].id}-{n}", "", call_of().now)
            cmd = identity.ResolveBuyer(account.subject)
            self.accounts.append((await self.run(identity.resolve_buyer, account, cmd)).account)

    async def link(self, edge: tuple[int, int]) -> Link:
        """Prove an edge; the link of its first account."""
        account = self.accounts[edge[0]]
        if edge[1] < ACCOUNTS:
            other = self.accounts[edge[1]]
            cmd = link_kinds.CreateLink("link_code")
            begun = await self.run(links.create_link, other, other.id, cmd)
            return await self.run(links.redeem_link_code, account, account.id, begun.code)
        email = f"{self.accounts[0].id}.{edge[1]}@shop.example"
        cmd = link_kinds.CreateLink("email_code", email, mails=True)
        begun = await self.run(links.create_link, account, account.id, cmd)
        code = await self.code_of(begun.link)
        return await self.run(links.confirm_link, account, account.id, begun.link.id, links.Proof(code))

    async def code_of(self, link: Link) -> str:
        """What was mailed."""
        (mail,) = [one for one in await self.shops[0].rows(Mail) if one.link_id == link.id]
        composed = mails.compose(self.shops[0].store.vault, mail, "Shop")
        assert composed is not None
        return composed.code

    async def unlink(self, link: Link) -> None:
        """Undo it."""
        store = next(self.turn).store
        account = next(one for one in self.accounts if one.id == link.account_id)
        call = call_of(account.channel_id)
        await store.run(lambda books: links.delete_link(books, store.vault, call, account.id, link.id))

    async def buyers(self) -> set[frozenset[int]]:
        """Who is one buyer with whom, by the books, which must balance."""
        shop = self.shops[0]
        assert await shop.store.audit() == []
        now = {one.id: one.buyer_id for one in await shop.rows(Account)}
        sets: dict[str, set[int]] = {}
        for n, one in enumerate(self.accounts):
            sets.setdefault(now[one.id], set()).add(n)
        return {frozenset(part) for part in sets.values()}


@asynccontextmanager
async def people(database_url: str) -> AsyncIterator[People]:
    """One store on SQLite, which has one writer; two on PostgreSQL, as of two gateways."""
    ring = new_entry()
    async with open_shop(database_url, ring) as first, open_shop(database_url, ring) as second:
        both = [first] if database_url.startswith("sqlite") else [first, second]
        made = People(both)
        await made.settle()
        yield made
