"""What is held about a buyer, as files of one archive (spec/text/consent.md). Never goods, which are opened by reveal.

What another channel knows is shown without its ids and its name for her, by which two channels could find each other's
buyers; the merchant's own export has those too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.core import identity, receipts, wire
from gateway.core.allowances import counting
from gateway.core.archive import File, pack
from gateway.core.model import Delivery, Json, Offer, Order, Reservation
from gateway.core.model_consent import ConsentRecord
from gateway.core.model_identity import Account, Link
from gateway.core.model_limits import SaleCount
from gateway.core.model_ownership import Entitlement, OwnershipChange, Transfer
from gateway.core.privacy import DataUse
from gateway.core.wire_identity import render_link

PAGE = 100  # rows in memory at once
GOODS = "Codes and other goods are opened in the channel where you bought them, and never exported."
KEYS = "Answers to repeated requests are kept for seven days, and then deleted."
README = """\
What is held about you
======================
This archive has what the merchant's gateway holds about you, as far as manifest.json says.
Each .ndjson file has one record in a line, as JSON, which any text editor shows.
manifest.json names every file, says what it is and how many records it has, and what is left out and why.
Goods that you bought (codes, licences, links) are not in here: open them where you bought them.
You can withdraw a consent, or have your data erased, on the data page of any of your channels.

关于您的数据
============
本压缩包包含商家网关所保存的与您有关的数据，范围见 manifest.json。
每个 .ndjson 文件每行一条 JSON 记录，可用任何文本编辑器打开。
manifest.json 列出每个文件的名称、含义和记录数，并说明未包含的内容及原因。
您购买的商品（兑换码、许可证、链接）不在其中：请在购买的渠道查看。
您可以在任一渠道的数据页面撤回同意，或要求删除您的数据。
"""


MOST_LINKS = 500  # of one account


class Source(Protocol):
    """Reads of a buyer's rows, page by page: those that come after the one with the id `after`."""

    async def orders_of(self, account: Account, after: str, limit: int) -> Sequence[Order]: ...
    async def holds_of(self, account: Account, after: str, limit: int) -> Sequence[Reservation]: ...
    async def deliveries_of(self, account: Account, after: str, limit: int) -> Sequence[Delivery]: ...
    async def entitlements_of(self, account: Account, after: str, limit: int) -> Sequence[Entitlement]: ...
    async def handed_on_by(self, account: Account, after: str, limit: int) -> Sequence[OwnershipChange]: ...
    async def transfers_of(self, account: Account, after: str, limit: int) -> Sequence[Transfer]: ...
    async def counts_of(self, account: Account, after: str, limit: int) -> Sequence[SaleCount]: ...
    async def limited_offers(self, account: Account, first: str, last: str) -> Sequence[Offer]: ...
    async def links(self, buyer_id: str, now: datetime, before: str | None, limit: int) -> Sequence[Link]: ...
    async def consent_records(
        self, account_id: str, purpose: str | None, before: str | None, limit: int
    ) -> Sequence[ConsentRecord]: ...


@dataclass(frozen=True, slots=True)
class Export:
    """Whose data, and who gets it: `own` is the account of the channel that asks, None for the merchant, who gets all.

    `accounts` are all accounts of the buyer, `names` the names of their channels. `proved`: ids of the
    accounts for which she has proved who she is.
    `still` is asked before each page of an account that is shown by her consent: she may withdraw it meanwhile.
    `receipt` makes the ConsentReceipt of a decision, `contacts` shows how she can be reached.
    """

    source: Source
    own: Account | None
    accounts: Sequence[Account]
    names: Mapping[str, str]
    uses: DataUse
    proved: Collection[str]
    now: datetime
    receipt: Callable[[ConsentRecord, str], Json]
    contacts: Callable[[Account], Awaitable[list[Json]]]
    still: Callable[[Account], Awaitable[bool]] | None = None
    _stopped: set[str] = field(default_factory=set)

    def stream(self) -> AsyncIterator[bytes]:
        """The archive."""
        return pack(self.files(), self.manifest, self.now)

    def files(self) -> list[File]:
        """All files but the manifest."""
        source = self.source
        return [
            File("README.txt", "What this archive is, in English and Chinese", _text(README)),
            File("accounts.ndjson", "How you are known", self._accounts()),
            File("contacts.ndjson", "How you can be reached", self._contacts()),
            File("links.ndjson", "What you have proved, to link your accounts", self._links()),
            File("orders.ndjson", "What you ordered", self._rows(source.orders_of, self._order)),
            File("deliveries.ndjson", "What was delivered", self._rows(source.deliveries_of, self._delivery)),
            File("entitlements.ndjson", "What you own", self._rows(source.entitlements_of, self._owned)),
            File("handed_on.ndjson", "What you handed on", self._rows(source.handed_on_by, self._handed_on)),
            File("offers.ndjson", "What you offered to hand on", self._rows(source.transfers_of, self._offer)),
            File("holds.ndjson", "What was held for you", self._rows(source.holds_of, self._hold)),
            File("limits.ndjson", "What counts toward purchase limits", self._limits()),
            File("consents.ndjson", "What you decided, with receipts", self._consents()),
        ]  # fmt: skip

    def manifest(self, files: list[Json]) -> Json:
        """The ExportManifest; it says what is left out and why (CNS-019)."""
        left = [{"what": "goods", "why": GOODS}, {"what": "idempotency_keys", "why": KEYS}]
        hidden = [one for one in self.accounts if one.id in self._stopped or not self._may(one)]
        if hidden:
            left.append({"what": "other_channels", "why": self._why(hidden[0])})
        account = self.own or self.accounts[0]
        return {
            "buyer_id": account.id,
            "scope": "this_channel"
            if {one.id for one in self.accounts} - set(self.proved)
            else "all_channels",
            "exported_at": wire.timestamp(self.now),
            "files": files,
            "left_out": left,
        }

    def _may(self, account: Account) -> bool:
        """Whether this export shows what she did on the account's channel (CNS-014, CNS-022)."""
        if account.id in self.proved or (self.own is not None and account.id == self.own.id):
            return True
        return self.uses.may("personalisation", "export", account.channel_id).allowed

    async def _goes_on(self, account: Account) -> bool:
        """The same, before each page of a long archive (CNS-015)."""
        own = self.own is None or account.id in {self.own.id, *self.proved}
        if not own and self.still is not None and not await self.still(account):
            self._stopped.add(account.id)
        return account.id not in self._stopped

    def _why(self, account: Account) -> str:
        if account.id in self._stopped:
            return "withdrawn"
        return self.uses.may("personalisation", "export", account.channel_id).reason

    def _foreign(self, account: Account) -> bool:
        """Whether what comes from it is shown without ids."""
        return self.own is not None and account.id != self.own.id

    async def _accounts(self) -> AsyncIterator[list[Json]]:
        for account in filter(self._may, self.accounts):
            shown: Json = {"channel": self._name(account), "created_at": wire.timestamp(account.created_at)}
            shown["tier"] = identity.tier_of(self.accounts)
            if account.locale is not None:
                shown["locale"] = account.locale
            if not self._foreign(account):
                shown |= {"id": account.id, "subject": account.subject}
            yield [shown]

    async def _contacts(self) -> AsyncIterator[list[Json]]:
        for account in filter(self._may, self.accounts):
            yield [{"channel": self._name(account), **one} for one in await self.contacts(account)]

    async def _links(self) -> AsyncIterator[list[Json]]:
        """Those of her own account: a link of another one has an id that is not this channel's to know."""
        for account in self.accounts:
            if not self._foreign(account):
                found = await self.source.links(account.id, self.now, None, MOST_LINKS)
                yield [render_link(one, self.now) for one in found]

    async def _rows(
        self, find: Callable[[Account, str, int], Any], show: Callable[[Account, Any], Json]
    ) -> AsyncIterator[list[Json]]:
        for account in filter(self._may, self.accounts):
            after = ""
            while await self._goes_on(account) and (rows := await find(account, after, PAGE)):
                yield [show(account, row) for row in rows]
                after = rows[-1].id

    async def _limits(self) -> AsyncIterator[list[Json]]:
        """Not what was bought in periods that are over."""
        for account in filter(self._may, self.accounts):
            name, after = {"channel": self._name(account)}, ""
            while await self._goes_on(account) and (
                rows := await self.source.counts_of(account, after, PAGE)
            ):
                first, after = rows[0].product_id, rows[-1].product_id
                offers = await self.source.limited_offers(account, first, after)
                still = counting(rows, offers, self.now)
                yield [{**name, "product_id": row.product_id, "quantity": row.quantity} for row in still]

    async def _consents(self) -> AsyncIterator[list[Json]]:
        """Decisions that were made elsewhere are not another channel's to have, but in full, and then without ids."""
        for account in filter(self._may, self.accounts):
            before: str | None = None
            while await self._goes_on(account) and (
                rows := await self.source.consent_records(account.id, None, before, PAGE)
            ):
                yield [self._consent(account, row) for row in rows]
                before = rows[-1].receipt_id

    def _consent(self, account: Account, row: ConsentRecord) -> Json:
        name = self._name(account)
        if not self._foreign(account):
            return self.receipt(row, name)
        shown = receipts.render_receipt(row, name)
        return {"channel": name} | {one: shown[one] for one in ("purpose", "decision", "decided_at", "text")}

    def _order(self, account: Account, order: Order) -> Json:
        shown = wire.render_order(order, DataUse(account.channel_id, asked=self.uses.asked))
        return self._from(account, shown, ("status", "total", "created_at", "updated_at"), _line)

    def _delivery(self, account: Account, delivery: Delivery) -> Json:
        shown = wire.render_delivery(delivery)
        return self._from(account, shown, ("kind", "status", "created_at", "revealed_at"))

    def _owned(self, account: Account, one: Entitlement) -> Json:
        shown: Json = {"id": one.id, "product": one.product, "status": one.status}
        shown["acquired_at"] = wire.timestamp(one.acquired_at)
        return self._from(account, shown, ("product", "status", "acquired_at"))

    def _handed_on(self, account: Account, one: OwnershipChange) -> Json:
        shown: Json = {"entitlement_id": one.entitlement_id, "at": wire.timestamp(one.at)}
        return self._from(account, shown, ("at",))

    def _offer(self, account: Account, one: Transfer) -> Json:
        shown: Json = {"entitlement_id": one.entitlement_id, "status": one.status}
        shown |= {name: wire.timestamp(at) for name, at in _times(one).items() if at is not None}
        return self._from(account, shown, ("status", "created_at", "expires_at", "ended_at"))

    def _hold(self, account: Account, hold: Reservation) -> Json:
        uses = DataUse(account.channel_id, asked=self.uses.asked)
        shown = wire.render_reservation(hold, self.now, uses)
        return self._from(account, shown, ("quantity", "status", "unit_price", "created_at", "expires_at"))

    def _from(
        self,
        account: Account,
        shown: Json,
        members: tuple[str, ...],
        line: Callable[[Json], Json] | None = None,
    ) -> Json:
        if not self._foreign(account):
            return shown if self.own is not None else {**shown, "channel": self._name(account)}
        kept: Json = {"channel": self._name(account)}
        kept |= {name: shown[name] for name in members if name in shown}
        return kept if line is None else {**kept, "lines": [line(one) for one in shown["lines"]]}

    def _name(self, account: Account) -> str:
        return self.names.get(account.channel_id, account.channel_id)


def _times(one: Transfer) -> dict[str, datetime | None]:
    return {"created_at": one.created_at, "expires_at": one.expires_at, "ended_at": one.ended_at}


async def _text(text: str) -> AsyncIterator[list[str]]:
    yield text.splitlines()


def _line(line: Json) -> Json:
    return {
        name: line[name]
        for name in ("product_id", "quantity", "unit_price", "total", "buyer_input")
        if name in line
    }
