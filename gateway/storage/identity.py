"""Reads of buyers and their links, for channels and for the merchant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, bindparam, cast, or_, select

from gateway.core.model import Offer
from gateway.core.model_identity import Account, BuyerChange, Contact, Identifier, Link, Mail
from gateway.core.model_limits import Counted, SaleCount
from gateway.storage.engine.base import Engine
from gateway.storage.tables import (
    accounts,
    buyer_changes,
    contacts,
    identifiers,
    link_codes,
    links,
    mails,
    offers,
    sale_counts,
)

ID: Any = bindparam("id")
LIMIT: Any = bindparam("limit")
_ASKED = accounts.alias("asked")
_BUYER = select(_ASKED.c.buyer_id).where(_ASKED.c.id == ID)
TOGETHER = select(accounts).where(accounts.c.buyer_id == _BUYER.scalar_subquery()).order_by(accounts.c.id)
ACCOUNTS = (
    select(accounts)
    .where(
        accounts.c.buyer_id == _BUYER.where(_ASKED.c.channel_id == bindparam("channel_id")).scalar_subquery()
    )
    .order_by(accounts.c.id)
)
NAMED = select(accounts).where(accounts.c.channel_id == bindparam("channel_id"), accounts.c.subject == ID)
CONTACTS = select(contacts).where(contacts.c.account_id == ID).order_by(contacts.c.kind)
LINKS = (
    select(links)
    .where(
        links.c.account_id == ID,
        links.c.id < bindparam("before"),
        or_(
            links.c.status == "confirmed",
            and_(links.c.status == "pending", links.c.expires_at > bindparam("now")),
        ),
    )
    .order_by(links.c.id.desc())
    .limit(LIMIT)
)
LINK = select(links).where(links.c.account_id == ID, links.c.id == bindparam("link_id"))
FOUND = select(links).join(link_codes, link_codes.c.link_id == links.c.id).where(link_codes.c.code_hash == ID)
CHANNEL_OF = select(accounts.c.channel_id).where(accounts.c.id == ID)
IDENTIFIER = select(identifiers).where(identifiers.c.id == ID)
ALL_LINKS = (
    select(links)
    .join(accounts, accounts.c.id == links.c.account_id)
    .where(accounts.c.buyer_id == _BUYER.scalar_subquery())
    .order_by(links.c.id)
)
MAILS = select(mails).where(mails.c.identifier_id == ID).order_by(mails.c.id)
CHANGES = (
    select(buyer_changes)
    .where(
        or_(*(cast(column, Text).contains(ID) for column in (buyer_changes.c.before, buyer_changes.c.after)))
    )
    .order_by(buyer_changes.c.id)
)
# By one account: a plan for equality is good with and without statistics.
_COUNTED = and_(sale_counts.c.subject == bindparam("subject"), sale_counts.c.quantity > 0)
COUNTS = select(sale_counts).where(_COUNTED).order_by(sale_counts.c.product_id).limit(LIMIT)
COUNTED_OFFERS = (
    select(offers)
    .where(
        offers.c.product_id.in_(select(sale_counts.c.product_id).where(_COUNTED)),
        offers.c.status == "active",
        or_(offers.c.channel_id.is_(None), offers.c.channel_id == bindparam("channel_id")),
    )
    .order_by(offers.c.product_id)
    .limit(LIMIT)
)
MOST_COUNTS = 1000  # rows that are looked at for a profile
LAST = "zzzzzzzz"  # sorts after every id


class IdentityQueries:
    """Part of the queries port."""

    _engine: Engine

    async def accounts(self, channel_id: str, buyer_id: str) -> Sequence[Account]:
        """All accounts of the buyer who is known to the channel by this id."""
        return await self._engine.rows(Account, ACCOUNTS, {"channel_id": channel_id, "id": buyer_id})

    async def contacts(self, buyer_id: str) -> Sequence[Contact]:
        """What is known of how to reach a buyer, of one account."""
        return await self._engine.rows(Contact, CONTACTS, {"id": buyer_id})

    async def counted(self, channel_id: str, subjects: Sequence[str]) -> Counted:
        """What of limited products these accounts have (`limits.subject_of`), and what the channel sells of them."""
        counts: list[SaleCount] = []
        sold: dict[str, Offer] = {}
        beyond = None  # of the products from here on not all was read
        for subject in subjects:
            asked = {"subject": subject, "limit": MOST_COUNTS, "channel_id": channel_id}
            found = await self._engine.rows(SaleCount, COUNTS, asked)
            counts += found
            if len(found) == MOST_COUNTS:
                beyond = min(beyond or found[-1].product_id, found[-1].product_id)
            if found:
                sold |= {one.id: one for one in await self._engine.rows(Offer, COUNTED_OFFERS, asked)}
        return Counted([one for one in counts if not beyond or one.product_id < beyond], list(sold.values()))

    async def links(self, buyer_id: str, now: datetime, before: str | None, limit: int) -> Sequence[Link]:
        """Links of an account that are in force or open, newest id first, ids below `before`."""
        wanted = {"id": buyer_id, "now": now, "before": before or LAST, "limit": limit}
        return await self._engine.rows(Link, LINKS, wanted)

    async def link(self, buyer_id: str, link_id: str) -> Link | None:
        """A link of an account."""
        found = await self._engine.rows(Link, LINK, {"id": buyer_id, "link_id": link_id})
        return found[0] if found else None

    async def link_by(self, code_hash: str) -> tuple[Link, str] | None:
        """The link that a code or a ticket finds, and its channel."""
        found = await self._engine.rows(Link, FOUND, {"id": code_hash})
        asked = await self._engine.read(CHANNEL_OF, {"id": found[0].account_id}) if found else []
        return (found[0], asked[0][0]) if asked else None

    async def identifier(self, identifier_id: str) -> Identifier | None:
        """What accounts have proved, or had."""
        found = await self._engine.rows(Identifier, IDENTIFIER, {"id": identifier_id})
        return found[0] if found else None

    async def mails(self, identifier_id: str) -> Sequence[Mail]:
        """Mails to one address, oldest first."""
        return await self._engine.rows(Mail, MAILS, {"id": identifier_id})

    async def account_named(self, channel_id: str, subject: str) -> Account | None:
        """The account that a channel calls so (the merchant's)."""
        found = await self._engine.rows(Account, NAMED, {"channel_id": channel_id, "id": subject})
        return found[0] if found else None

    async def together(self, account_id: str) -> Sequence[Account]:
        """All accounts of the buyer with this account (the merchant's)."""
        return await self._engine.rows(Account, TOGETHER, {"id": account_id})

    async def all_links(self, account_id: str) -> Sequence[Link]:
        """All links of all accounts of the buyer with this account, whatever became of them (the merchant's)."""
        return await self._engine.rows(Link, ALL_LINKS, {"id": account_id})

    async def buyer_changes(self, account_id: str) -> Sequence[BuyerChange]:
        """What has joined and split the buyers of an account, oldest first (the merchant's)."""
        return await self._engine.rows(BuyerChange, CHANGES, {"id": account_id})
