"""Erasure: a buyer is forgotten, what the books need stays under a pseudonym (spec/text/consent.md).

It begins in one transaction, which cuts her account off and tells the channel; from then on she is nobody. What she is
known by in orders, holds and events is replaced after that, row by row, by `forget_order` and `forget_hold`, before the
answer is given; a process that dies in between is followed by the job. Rows that are made meanwhile are a new buyer's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from gateway.core import consent, contacts, events, expiry, holds, limits, links, refunds
from gateway.core.errors import ProtocolError
from gateway.core.idempotency import RETENTION
from gateway.core.model import Call, Json, Order, Reservation
from gateway.core.model_consent import Erasure
from gateway.core.model_identity import Account
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace
from gateway.core.wire import timestamp

UNDER_WAY = frozenset(
    {"created", "verification_required", "payment_required", "paid", "fulfilling", "disputed"}
)
ERASED = (
    "account",
    "contacts",
    "links",
    "consents",
    "buyer",
    "buyer_input",
    "evidence",
    "holds",
    "sale_counts",
)
KEPT = (
    ("orders", "accounting"),
    ("deliveries", "warranty"),
    ("entitlements", "ownership"),
    ("reveals", "accounting"),
    ("account_changes", "audit"),
    ("idempotency_keys", "retries"),
    ("erasure", "proof_of_erasure"),
)
PREFIX = "erased:"  # of every pseudonym
FRESH = timedelta(minutes=15)  # in which a confirmed link proves who the buyer is (CNS-022)


def refuse_under_way(count: int) -> None:
    """Raises ProtocolError `orders_under_way` when there are orders that are not settled (CNS-026)."""
    if count:
        words = "1 order is" if count == 1 else f"{count} orders are"
        raise ProtocolError("orders_under_way", f"{words} not settled yet.")


def erase_buyer(
    books: Books,
    vault: Vault,
    call: Call,
    buyer_id: str,
    scope: str,
    held: Iterable[str] = (),
    chosen: Collection[str] = (),
) -> list[Erasure]:
    """Cut off the account, and with it those of its buyer's others that are `chosen`; the caller's comes first.

    `held`: ids of holds of theirs that are to be given back. Raises ProtocolError `not_found`.
    """
    account, accounts = consent.set_of(books, call, buyer_id)
    others = [one for one in accounts if one.id != account.id and one.id in chosen]
    for hold_id in held:
        hold = books.get(Reservation, hold_id)
        if hold is None or hold.internal:
            continue
        if holds.is_active(hold, call.now):
            holds.release(books, call, hold)
        else:  # over, and not swept yet
            expiry.expire_reservation(books, call, hold_id)
    return [
        _cut_off(books, call, links.end_all(books, vault, call, one), scope) for one in (account, *others)
    ]


def forget_order(books: Books, order_id: str, pseudonym: str, by: datetime) -> bool:
    """Take out of an order what its buyer is known by and has typed (CNS-024); the rest stays (CNS-025).

    False, and nothing, for one that is not settled or was made after `by`.
    """
    order = books.get(Order, order_id)
    if order is None or order.status in UNDER_WAY or order.created_at > by:
        return False
    left = {} if order.status in limits.UNSOLD else refunds.left(order)  # the rest was given back before
    for line_id, noted in (order.counted or {}).items():
        limits.give_back(books, [one for one in noted if one["scope"] == "buyer"], left.get(line_id, 0))
    books.put(
        replace(
            order,
            buyer={"reference": pseudonym},
            buyer_reference=pseudonym,
            lines=[without(line, "buyer_input") for line in order.lines],
            disputes=[without(one, "evidence") for one in order.disputes],
            counted={line_id: _uncounted(noted) for line_id, noted in (order.counted or {}).items()} or None,
        )
    )
    return True


def forget_hold(books: Books, hold_id: str, pseudonym: str, by: datetime) -> bool:
    """The same for a hold that has ended."""
    hold = books.get(Reservation, hold_id)
    if hold is None or hold.status == "active" or hold.created_at > by:
        return False
    books.put(
        replace(
            hold,
            buyer={"reference": pseudonym},
            buyer_reference=pseudonym,
            counted=_uncounted(hold.counted or []) or None,
        )
    )
    return True


def forgotten(data: Json, pseudonym: str) -> Json:
    """The data of an event without what a buyer is known by and has typed."""
    found = dict(data)
    for name in ("order", "reservation"):
        if name in found:
            found[name] = {**found[name], "buyer": {"reference": pseudonym}}
    if "disputes" in found.get("order", {}):
        found["order"]["disputes"] = [without(one, "evidence") for one in found["order"]["disputes"]]
    if "buyer" in found:
        found["buyer"] = without({**found["buyer"], "subject": pseudonym}, "contacts", "locale")
    return found


def finish(books: Books, call: Call, erasure_id: str) -> Erasure | None:
    """Nothing is left to do: the name itself goes."""
    erasure = books.get(Erasure, erasure_id)
    if erasure is None or erasure.done_at is not None:
        return erasure
    done = replace(erasure, subject=None, done_at=call.now)
    books.put(done)
    return done


def render_erasure(erasure: Erasure) -> Json:
    """The Erasure on the wire (CNS-023)."""
    return {
        "id": erasure.id,
        "buyer_id": erasure.account_id,
        "scope": erasure.scope,
        "erased_at": timestamp(erasure.at),
        **erasure.report,
    }


def report(now: datetime) -> Json:
    """What is erased and what is kept, with its reason."""
    until = {"idempotency_keys": {"until": timestamp(now + RETENTION)}}
    return {
        "erased": [{"what": one} for one in ERASED],
        "kept": [{"what": what, "why": why, **until.get(what, {})} for what, why in KEPT],
    }


def without(value: Json, *names: str) -> Json:
    """The object without these members."""
    return {name: one for name, one in value.items() if name not in names}


def _cut_off(books: Books, call: Call, account: Account, scope: str) -> Erasure:
    erasure_id = books.new_id("ers")
    known = contacts.of_account(books, account)
    decided = [one.decided_at for one in books.consents_of([account.id])]
    # what a request wrote that began after this one, and came first, is hers and goes too
    at = max([call.now, *decided, *(one.given_at for one in known)])
    erasure = Erasure(
        id=erasure_id,
        account_id=account.id,
        channel_id=account.channel_id,
        subject=account.subject,
        pseudonym=PREFIX + erasure_id.removeprefix("ers_"),
        scope=scope,
        at=at,
        request_id=call.request_id,
        trace_id=call.trace_id,
        report=report(call.now),
    )
    books.put(erasure)
    for contact in known:
        books.put(replace(contact, sealed=None, key_id=None))
    # nobody's from now on: who resolves the same name begins anew, in the same row
    books.put(replace(account, channel_id="", subject=erasure_id, locale=None))
    events.buyer_erased(books, call, account, render_erasure(erasure), account.revision + 1)
    return erasure


def _uncounted(noted: list[Json]) -> list[Json]:
    return [one for one in noted if one["scope"] != "buyer"]
