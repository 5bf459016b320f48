"""More of the values the books are kept in (see model.py): who a buyer is, over all channels.

Everything that a buyer has (orders, entitlements, consents, counts of limits, her tier) hangs on an account, never on
her. A buyer is the set of accounts with her `buyer_id`, so a merge changes nothing but that column, and its undo gives
back exactly what was each one's (docs/decisions/0016).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from gateway.core.rows import Row, row

STANDARD = "standard"
TIER = re.compile(r"[a-z][a-z0-9_]{0,63}")


@row
class Account(Row):
    """A buyer as one channel knows her. `id` is her pairwise id there: see `identity.account_id`."""

    id: str
    channel_id: str
    subject: str  # the channel's own name for her; also the `reference` of the buyer in her orders
    buyer_id: str
    created_at: datetime
    revision: int = 1  # of what her profile shows
    locale: str | None = None
    tier: str = (
        STANDARD  # what the merchant has set for her when this account was hers: see `identity.tier_of`
    )
    tier_set_at: datetime | None = None
    moved_at: datetime | None = None  # when the set of her accounts has changed last


@row
class AccountName(Row):
    """A channel's own name for one of its buyers; unique. Finds the account of an order without the vault."""

    KEY: ClassVar[tuple[str, ...]] = ("channel_id", "subject")

    channel_id: str
    subject: str
    account_id: str


@row
class Buyer(Row):
    """One person. No channel ever sees this `id`. Read with `get` before her set of accounts is read, and written
    whenever that set changes: the row is the lock on the set."""

    id: str
    revision: int
    created_at: datetime


@row
class Contact(Row):
    """An e-mail address or a phone number, as the channel gave it or a link proved it: sealed; None when erased."""

    KEY: ClassVar[tuple[str, ...]] = ("account_id", "kind")

    account_id: str
    kind: str  # email | phone
    sealed: bytes | None
    key_id: str | None
    identifier_id: str  # what it would be as an Identifier, proved or not
    given_at: datetime


@row
class Identifier(Row):
    """What accounts have proved: an address, an issuer's subject, a passkey. `id` is its keyed hash (`proofs`)."""

    id: str
    kind: str  # email | id_token | passkey
    sealed: bytes | None  # None when no account has it any more
    key_id: str | None
    accounts: list[str]  # those with a confirmed link to it
    created_at: datetime


@row
class Link(Row):
    """An edge from an account to an Identifier or to another account, proved or to be proved.

    A link code makes two, one for each account, which name each other; their ids differ, as channels see them.
    """

    id: str
    account_id: str
    kind: str  # email_code | id_token | link_code | passkey
    status: str  # pending | confirmed | ended
    revision: int
    created_at: datetime
    expires_at: datetime
    trace_id: str
    secret_hash: bytes | None  # keyed: the code or the nonce that proves it
    sealed: bytes | None = None  # the address that is to be proved, or the passkey that has held
    key_id: str | None = None
    issuer: str | None = None
    attempts: int = 0  # wrong proofs
    identifier_id: str | None = None
    peer_account_id: str | None = None
    peer_link_id: str | None = None
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None


@row
class LinkCode(Row):
    """Finds a link by the code that was shown for it, or by its ticket. `code_hash` (keyed) is in hex."""

    KEY: ClassVar[tuple[str, ...]] = ("code_hash",)

    code_hash: str
    link_id: str
    expires_at: datetime


@row
class ProofCount(Row):
    """When something was done of which only so much is allowed in an hour, in seconds since 1970, oldest first."""

    KEY: ClassVar[tuple[str, ...]] = ("subject",)

    subject: str
    times: list[int]
    last_at: datetime


@row
class Mail(Row):
    """A code on its way to an address. `sealed` has both and goes when it is sent, the row when the code expires."""

    id: str
    link_id: str
    identifier_id: str  # whom it goes to, as a keyed hash
    sealed: bytes | None
    key_id: str | None
    state: str  # pending | sent | parked
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    expires_at: datetime
    trace_id: str


@row
class BuyerChange(Row):
    """The audit row of a joining, a splitting or a new tier. `before` and `after` are sets of account ids."""

    id: str
    kind: str  # joined | split | tier
    channel_id: str  # who asked for it; '' is the merchant
    account_id: str
    link_id: str | None
    before: list[list[str]]
    after: list[list[str]]
    note: str | None
    at: datetime
    trace_id: str
