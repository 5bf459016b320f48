"""What the rules ask of the outside: the books of one transaction, ids, and the vault that keeps secrets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.core.model import (
    Call,
    Channel,
    Delivery,
    Event,
    Offer,
    Order,
    Reservation,
    Row,
    SigningKey,
    Stock,
    Unit,
)
from gateway.core.model_allotments import Allotment
from gateway.core.model_consent import Consent, ConsentRecord
from gateway.core.model_identity import Account, BuyerChange, Contact, Identifier, Link, Mail
from gateway.core.model_limits import Counted, SaleCount
from gateway.core.model_ownership import Entitlement, OwnershipChange, StatusList, Transfer
from gateway.core.model_ownership_log import LogEntry, LogHead

R = TypeVar("R", bound=Row)


class Books(Protocol):
    """The working set of one transaction, seen by one operation.

    Reading something that is not loaded ends the attempt; the combiner loads it and runs the operation again
    from the start, so operations must have no effect but through their books. What is read with `get` is locked
    until the transaction ends if its table is one that operations change.
    """

    def get(self, kind: type[R], *key: str) -> R | None:
        """The row with this primary key, or None. Sees what this flight has written before."""

    def need(self, kind: type[Row], *keys: tuple[str, ...]) -> None:
        """Note keys that will be read; the next read that misses something loads these in the same round.

        Never ends the attempt itself.
        """

    def peek(self, kind: type[R], *key: str) -> R | None:
        """The row if it is known already, else None, and it is noted as by `need`. To prepare by, not to decide."""

    def need_units(self, stock_id: str, quantity: int) -> None:
        """Note that so many units will be taken, as `need` does for rows."""

    def take_units(self, stock_id: str, quantity: int) -> list[Unit]:
        """The next `quantity` available units in `seq` order; fewer if there are not so many.

        Each unit is given out once. The stock must have been read before: its lock guards the units that are unsold.
        """

    def due_reservations(self, stock_id: str, now: datetime, limit: int) -> list[Reservation]:
        """Active holds on a stock that expired by `now`, oldest first."""

    def order_deliveries(self, order_id: str) -> list[str]:
        """Ids of the deliveries of an order, in line order."""

    def order_supplies(self, order_id: str) -> list[str]:
        """Ids of the supplies of an order, in the order of their making."""

    def offers_of_stock(self, stock_id: str) -> list[Offer]:
        """The offers that sell from this stock."""

    def find_codes(self, code_hashes: Sequence[bytes]) -> dict[bytes, Unit]:
        """The units with these keyed hashes, in whatever state; those that there are none of are left out."""

    def channels(self) -> list[Channel]:
        """All active channels, in id order."""

    def accounts_of(self, buyer_id: str) -> list[Account]:
        """The accounts that make up a buyer, in id order. Lock the buyer first, with `get`."""

    def consents_of(self, account_ids: Sequence[str]) -> list[Consent]:
        """What was decided on these accounts. Lock their buyer first, with `get`."""

    def links_of(self, account_ids: Sequence[str]) -> list[Link]:
        """All links of these accounts, whatever became of them, in id order."""

    def put(self, row: Row) -> None:
        """Insert the row, or replace the one with its key.

        Later operations of the flight see it when this one succeeds.
        """

    def new_id(self, prefix: str) -> str:
        """A fresh id: prefix, underscore, UUIDv7 in 26 characters of lower-case base32; sorts by time."""


class Vault(Protocol):
    """Encrypts at rest (AES-256-GCM) and hashes with a key (HMAC-SHA256).

    Contexts in use: a unit's, a delivery's and a signing key's id; a channel's id for its webhook secrets, old and
    new; `idempotency.context(row)` for the body of an answer that carries goods.
    """

    @property
    def current_key_id(self) -> str:
        """The key id new secrets are sealed under."""

    def seal(self, clear: bytes, context: str) -> bytes:
        """Encrypt under the current key; `context` is authenticated and must be given again to open."""

    def open(self, sealed: bytes, key_id: str, context: str) -> bytes:
        """Decrypt. Raises VaultError if the key is unknown or anything was changed."""

    def fingerprint(self, clear: bytes) -> bytes:
        """A 32-byte keyed hash that finds equal values without opening them."""


class Queries(Protocol):
    """Reads outside of transactions; every one is bound to a channel where the row has one."""

    async def offer(self, channel_id: str, offer_id: str) -> Offer | None: ...

    async def offers_after(self, channel_id: str, position: int, limit: int) -> Sequence[Offer]: ...

    async def order(self, channel_id: str, order_id: str) -> Order | None: ...

    async def orders(
        self, channel_id: str, reference: str | None, before: str | None, limit: int
    ) -> Sequence[Order]: ...

    async def reservation(self, channel_id: str, reservation_id: str) -> Reservation | None:
        """A hold that the channel made; never an order's internal one."""

    async def reservations(
        self, channel_id: str, reference: str | None, before: str | None, limit: int
    ) -> Sequence[Reservation]:
        """Holds that the channel made, newest id first, ids below `before`."""

    async def allotment(self, channel_id: str, allotment_id: str) -> Allotment | None: ...

    async def allotments(
        self, channel_id: str, reference: str | None, before: str | None, limit: int
    ) -> Sequence[Allotment]:
        """The channel's leases, newest id first, ids below `before`."""

    async def deliveries(
        self, channel_id: str, order_id: str, after: str | None, limit: int
    ) -> Sequence[Delivery]:
        """The deliveries of the channel's order in id order, ids above `after`."""

    async def events_after(self, channel_id: str, position: int, limit: int) -> Sequence[Event]:
        """The channel's numbered events in order."""

    async def accounts(self, channel_id: str, buyer_id: str) -> Sequence[Account]:
        """All accounts of the buyer who is known to the channel by this id, in id order; none when nobody is."""

    async def contacts(self, buyer_id: str) -> Sequence[Contact]:
        """What is known of how to reach a buyer, of one account."""

    async def counted(self, channel_id: str, subjects: Sequence[str]) -> Counted:
        """What of limited products these accounts have (`limits.subject_of`), and what the channel sells of them."""

    async def links(self, buyer_id: str, now: datetime, before: str | None, limit: int) -> Sequence[Link]:
        """Links of an account that are in force or open, newest id first, ids below `before`."""

    async def link(self, buyer_id: str, link_id: str) -> Link | None:
        """A link of an account."""

    async def all_links(self, account_id: str) -> Sequence[Link]:
        """All links of all accounts of the buyer with this account, whatever became of them."""

    async def link_by(self, code_hash: str) -> tuple[Link, str] | None:
        """The link that a code or a ticket finds, and its channel."""

    async def identifier(self, identifier_id: str) -> Identifier | None:
        """What accounts have proved, or had."""

    async def mails(self, identifier_id: str) -> Sequence[Mail]:
        """Mails to one address, oldest first (test control)."""

    async def buyer_changes(self, account_id: str) -> Sequence[BuyerChange]:
        """What has joined and split the buyers of an account, oldest first (test control)."""

    async def channel(self, client_id: str) -> Channel | None:
        """A registered channel, whoever asks."""

    async def consents(self, buyer_id: str) -> Sequence[Consent]:
        """What was decided on all accounts of a buyer."""

    async def consent_records(
        self, account_id: str, purpose: str | None, before: str | None, limit: int
    ) -> Sequence[ConsentRecord]:
        """Decisions that were made on an account, newest first, ids below `before`."""

    async def orders_of(self, account: Account, after: str, limit: int) -> Sequence[Order]:
        """A buyer's orders on a channel in id order, ids above `after`."""

    async def holds_of(self, account: Account, after: str, limit: int) -> Sequence[Reservation]:
        """Her holds, but for those that orders made."""

    async def entitlements_of(self, account: Account, after: str, limit: int) -> Sequence[Entitlement]:
        """What she owns by this account, ids above `after`."""

    async def handed_on_by(self, account: Account, after: str, limit: int) -> Sequence[OwnershipChange]:
        """What she has handed on by it."""

    async def deliveries_of(self, account: Account, after: str, limit: int) -> Sequence[Delivery]:
        """Her deliveries, order by order, those that come after the one with the id `after`."""

    async def transfers_of(self, account: Account, after: str, limit: int) -> Sequence[Transfer]:
        """What she has offered by it to hand on, whatever came of it."""

    async def counts_of(self, account: Account, after: str, limit: int) -> Sequence[SaleCount]:
        """What of her purchases was counted toward limits, by product."""

    async def limited_offers(self, account: Account, first: str, last: str) -> Sequence[Offer]:
        """What her channel has (had) of these products of which something of hers counts, from `first` to `last`."""

    async def channels(self) -> Sequence[Channel]:
        """All registered channels, in id order."""

    async def stock_of_offer(self, offer_id: str) -> Stock | None:
        """The stock behind an offer, whichever channel sees it (test control)."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        """All of the gateway's keys, oldest first."""


class OwnershipLog(Protocol):
    """The public log of ownership, as far as entries are merged into its tree."""

    async def head(self) -> LogHead:
        """What the log is now."""

    async def entries(self, start: int, limit: int) -> Sequence[LogEntry]:
        """Entries in the order of the tree, from a place on."""

    async def inclusion(self, leaf_hash: bytes, size: int) -> tuple[int, list[bytes]] | None:
        """The place of an entry and the proof that the tree of this size has it; None if it has not, or was never."""

    async def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The proof that the tree of `first` leaves is the beginning of the other; None if there was none so large."""


class OwnershipReads(Protocol):
    """What is read of ownership; who may see it is for the caller to say."""

    async def account(self, account_id: str, channel_id: str) -> Account | None:
        """An account of the channel."""

    async def accounts_with(self, account_id: str) -> Sequence[Account]:
        """This account and all others of its buyer, in id order; none when it was never resolved."""

    async def entitlement(self, entitlement_id: str) -> Entitlement | None:
        """An entitlement, whoever asks."""

    async def entitlements(
        self, account_id: str, channel_id: str, given: bool, before: str | None, limit: int
    ) -> Sequence[Entitlement]:
        """What this account of the channel owns, and with `given` what it has handed on: newest id first."""

    async def changes(self, entitlement_id: str) -> Sequence[OwnershipChange]:
        """The history after the issue, oldest first."""

    async def transfer(self, transfer_id: str) -> Transfer | None:
        """An offer, whoever asks."""

    async def status_list(self, list_id: str) -> StatusList | None:
        """A list, without what is in it."""

    async def status_entries(self, list_id: str) -> Sequence[tuple[int, int]]:
        """(place, status) of all places in the list that are not valid."""

    async def certificate_status(self, list_id: str, place: int) -> int | None:
        """The status at a place; None where there is no such list."""


__all__ = ["Books", "Call", "OwnershipLog", "OwnershipReads", "Queries", "Vault"]
