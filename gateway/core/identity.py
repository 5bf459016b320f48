"""One buyer over all channels (spec/text/identity.md): her accounts, and the set that they make up."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.core import contacts
from gateway.core.errors import ProtocolError, missing
from gateway.core.model import Call, Json
from gateway.core.model_identity import STANDARD, Account, AccountName, Buyer, BuyerChange, Link
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def account_id(vault: Vault, channel_id: str, subject: str) -> str:
    """The pairwise id of a buyer on a channel: a keyed hash, so it is known before there is any row, stays through
    merges and their undoing, and two channels cannot tell by it that they have the same buyer."""
    digest = vault.fingerprint(f"account\0{channel_id}\0{subject}".encode())
    return "buy_" + base64.b32encode(digest[:20]).decode().lower()


@dataclass(frozen=True, slots=True)
class ResolveBuyer:
    """A buyer as the channel names her; e-mail and phone are what it says of itself (IDN-005)."""

    subject: str
    email: str | None = None
    phone: str | None = None
    locale: str | None = None

    @classmethod
    def from_wire(cls, body: Json) -> ResolveBuyer:
        """From a valid ResolveRequest."""
        return cls(body["subject"], body.get("email"), body.get("phone"), body.get("locale"))


@dataclass(frozen=True, slots=True)
class Profile:
    """An account, with what its buyer's other accounts add to it, and its contacts as the wire shows them."""

    account: Account
    tier: str
    together: Sequence[Account]  # all accounts of the buyer, this one too
    contacts: list[Json]


def resolve_buyer(books: Books, vault: Vault, call: Call, cmd: ResolveBuyer) -> Profile:
    """The account of this name, made when it is not there (IDN-001)."""
    key = account_id(vault, call.channel_id, cmd.subject)
    known = books.get(Account, key)
    if known is not None and known.channel_id != call.channel_id:
        known = None  # erased a moment ago: nothing of the old is hers
    account = known or _open(books, call, cmd.subject, key)
    kept = contacts.claim(books, vault, call, account, {"email": cmd.email, "phone": cmd.phone})
    if kept or (cmd.locale or account.locale) != account.locale:
        account = replace(
            account, locale=cmd.locale or account.locale, revision=account.revision + bool(known)
        )
        books.put(account)
    # a new buyer is not looked up: her id is another one each time the rule is run anew
    return profile(books, vault, account, members(books, account.buyer_id) if known else [account])


def own(books: Books, call: Call, buyer_id: str) -> Account:
    """The caller's account of this id. Raises ProtocolError `not_found`, also for another's (IDN-003)."""
    account = books.get(Account, buyer_id)
    if account is None or account.channel_id != call.channel_id:
        raise missing("buyer_id")
    return account


def members(books: Books, buyer_id: str) -> list[Account]:
    """The accounts of a buyer, who is locked."""
    the_buyer(books, buyer_id)
    return books.accounts_of(buyer_id)


def the_buyer(books: Books, buyer_id: str) -> Buyer:
    """The buyer that accounts name, locked."""
    buyer = books.get(Buyer, buyer_id)
    if buyer is None:
        raise LookupError("an account has no buyer")
    return buyer


def profile(books: Books, vault: Vault, account: Account, together: Sequence[Account]) -> Profile:
    """What the account's channel may see of her; `together` are all her accounts."""
    shown = contacts.shown(vault, contacts.of_account(books, account), books.links_of([account.id]))
    return Profile(account, tier_of(together), together, shown)


def tier_of(together: Iterable[Account]) -> str:
    """The tier that was set last for any of a buyer's accounts (IDN-047)."""
    newest = max(together, key=lambda one: (one.tier_set_at or NEVER, one.id), default=None)
    return newest.tier if newest else STANDARD


def set_tier(books: Books, call: Call, buyer_id: str, tier: str) -> list[Account]:
    """The merchant sets the tier of the buyer with this account; all her accounts as they are now.

    Raises ProtocolError `not_found`.
    """
    account = books.get(Account, buyer_id)
    if account is None:
        raise missing("buyer_id")
    together = members(books, account.buyer_id)
    changed = [replace(one, tier=tier, tier_set_at=call.now, revision=one.revision + 1) for one in together]
    touch(books, account.buyer_id)
    for one in changed:
        books.put(one)
    note(books, call, "tier", account.id, None, [together], [together], tier)
    return changed


def touch(books: Books, buyer_id: str) -> None:
    """Note with the buyer that something about her set is new, so that whoever goes by the old one begins again."""
    buyer = the_buyer(books, buyer_id)
    books.put(replace(buyer, revision=buyer.revision + 1))


def note(
    books: Books,
    call: Call,
    kind: str,
    buyer_id: str,
    link: Link | None,
    before: Sequence[Sequence[Account]],
    after: Sequence[Sequence[Account]],
    words: str | None = None,
) -> None:
    """The audit row (IDN-048)."""
    books.put(
        BuyerChange(
            id=books.new_id("bch"),
            kind=kind,
            channel_id=call.channel_id,
            account_id=buyer_id,
            link_id=link.id if link else None,
            before=[sorted(one.id for one in part) for part in before],
            after=[sorted(one.id for one in part) for part in after],
            note=words,
            at=call.now,
            trace_id=call.trace_id,
        )
    )


def _open(books: Books, call: Call, subject: str, key: str) -> Account:
    """A new account, of a buyer of its own."""
    buyer = Buyer(books.new_id("per"), 1, call.now)
    # counted from this instant on: a channel must not take what comes for older than the erasure of one of that name
    revision = (call.now - NEVER) // timedelta(microseconds=1)
    account = Account(key, call.channel_id, subject, buyer.id, call.now, revision)
    books.put(buyer)
    books.put(account)
    books.put(AccountName(call.channel_id, subject, key))
    return account


def not_open(detail: str = "The link is not open any more; begin a new one.") -> ProtocolError:
    """`link_expired`: its time is over, it was used, or too many wrong proofs came."""
    return ProtocolError("link_expired", detail)
