"""More of the values the books are kept in (see model.py): what buyers own, its proof, and its way between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from gateway.core.model import Json
from gateway.core.rows import Row, row


@row
class Entitlement(Row):
    """One unit that somebody owns. `account_id` and `channel_id` are its owner's; a new owner begins a new `period`.

    `transferable` is always, until_revealed or never; it becomes never with the reveal that decides it.
    """

    id: str
    delivery_id: str
    order_id: str
    account_id: str
    channel_id: str
    status: str  # by spec/entitlement_transitions.yaml
    revision: int
    period: int  # from 1
    product: Json  # EntitledProduct, as it was bought
    transferable: str
    acquired_at: datetime  # by its present owner
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    transfer_id: str | None  # the open offer
    status_list_id: str | None  # where the certificates of this period have their status, if there are any
    status_index: int | None
    salt: bytes  # of the owner's commitment in the log
    leaf_hash: bytes | None  # its newest entry in the log; None for what was sold before there was one
    asset: str | None  # where a token is (CAIP-19); None for everything else


@row
class OwnershipChange(Row):
    """What became of an entitlement after it was issued; the owner is the one from then on.

    `from_…`: of a transfer, who owned it before, and since when.
    """

    id: str
    entitlement_id: str
    change: str
    at: datetime
    revision: int
    account_id: str
    channel_id: str
    from_account_id: str | None
    from_channel_id: str | None
    from_acquired_at: datetime | None


@row
class Transfer(Row):
    """An offer to hand an entitlement on. The id is a keyed hash of its code, so that the code is kept nowhere."""

    id: str
    entitlement_id: str
    account_id: str  # whose offer it is
    channel_id: str
    status: str  # offered | accepted | declined | cancelled | expired
    revision: int
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    to_channel_id: str | None  # the channel by which it was accepted or declined


@row
class StatusCounter(Row):
    """How many places of status lists have been given out; one row for all lists."""

    KEY: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    used: int


@row
class StatusList(Row):
    """One list of statuses. `revision` rises with every change, so that copies are known to be old."""

    id: str
    revision: int
    created_at: datetime


@row
class StatusEntry(Row):
    """A place in a list that is not, or not always was, valid. `id` is `list_id.place`."""

    id: str
    list_id: str
    place: int
    status: int  # 0 valid | 1 invalid | 2 suspended


@dataclass(frozen=True, slots=True)
class Owned:
    """An entitlement with what its owner's channel is shown beside it: the channel's name, and the open offer."""

    entitlement: Entitlement
    channel: str
    transfer: Transfer | None = None
