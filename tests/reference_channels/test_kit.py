"""The kit without a shop: traces, errors, pauses, the inbox, feeds."""

from __future__ import annotations

import sqlite3
import time
from email.utils import formatdate
from typing import Any

import pytest

from reference_channels.kit import inbox, sync, trace
from reference_channels.kit.client import every
from reference_channels.kit.errors import NoAnswer, Problem, seconds, timestamp
from reference_channels.kit.inbox import Verdict
from reference_channels.kit.retry import Policy, insist
from reference_channels.kit.tokens import Credentials, TokenCache

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_trace_is_continued_with_a_step_of_its_own() -> None:
    """The trace id stays, the span id is new."""
    step = trace.continue_trace(PARENT)
    assert step.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert step.traceparent != PARENT
    assert step.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")


@pytest.mark.parametrize(
    "header",
    [
        None, "", "nonsense", PARENT.upper(), PARENT + "-more", "ff" + PARENT[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
    ],
)  # fmt: skip
def test_a_malformed_trace_is_not_continued(header: str | None) -> None:
    """A new trace begins where the header cannot be trusted (W3C Trace Context, section 4.3)."""
    assert trace.continue_trace(header).trace_id != "0af7651916cd43dd8448eb211c80319c"


def test_a_later_version_of_the_header_is_read() -> None:
    """What a version after 00 adds at the end is ignored."""
    assert trace.continue_trace("01" + PARENT[2:] + "-extra").trace_id == "0af7651916cd43dd8448eb211c80319c"


def test_retry_after_is_a_number_or_a_date() -> None:
    """Both forms of RFC 9110; what is neither says nothing."""
    now = time.time()
    assert seconds("7", now) == 7
    assert seconds(formatdate(now + 30, usegmt=True), now) == pytest.approx(30, abs=1.1)
    assert seconds(formatdate(now - 30, usegmt=True), now) == 0
    assert seconds("soon", now) is None
    assert seconds(None, now) is None


def test_times_of_the_wire_are_read() -> None:
    """RFC 3339 with and without fractions."""
    assert timestamp("1970-01-01T00:00:10Z") == 10
    assert timestamp("1970-01-01T00:00:10.5Z") == 10.5


@pytest.mark.parametrize(
    ("status", "document", "transient"),
    [
        (503, {"code": "unavailable", "retryable": True}, True),
        (503, {}, True),
        (429, {"code": "rate_limited", "retryable": True}, True),
        (409, {"code": "idempotency_in_flight", "retryable": True}, True),
        (409, {"code": "out_of_stock", "retryable": True}, False),
        (503, {"code": "unavailable", "retryable": False}, False),
        (401, {"code": "unauthenticated", "retryable": True}, False),
        (422, {"code": "from_the_future"}, False),
    ],
)
def test_what_is_worth_another_try(status: int, document: dict[str, Any], transient: bool) -> None:
    """Only what the same request, sent later, can cure (ERR-011)."""
    assert Problem(status, document).transient is transient


def test_pauses_grow_and_have_jitter() -> None:
    """Each within half and the whole of a doubling ceiling; never shorter than Retry-After."""
    policy = Policy(first_pause=1, longest_pause=8)
    assert all(0.5 <= policy.pause(1, None) <= 1 for _ in range(50))
    assert all(4 <= policy.pause(4, None) <= 8 for _ in range(50))
    assert all(4 <= policy.pause(9, None) <= 8 for _ in range(50))
    assert len({policy.pause(1, None) for _ in range(5)}) > 1
    assert policy.pause(1, 3.0) >= 3


async def test_tries_are_bounded() -> None:
    """After the last try the error comes out."""
    count = 0

    async def fail() -> None:
        nonlocal count
        count += 1
        raise NoAnswer("gone")

    with pytest.raises(NoAnswer):
        await insist(fail, Policy(tries=3, first_pause=0.001), "test")
    assert count == 3


async def test_a_pause_beyond_the_budget_ends_it_at_once() -> None:
    """Nobody waits ten minutes in a request; the caller is told when to come back."""
    started = time.monotonic()

    async def refuse() -> None:
        raise Problem(503, {"retryable": True}, retry_after=600)

    with pytest.raises(Problem) as caught:
        await insist(refuse, Policy(budget=2), "test")
    assert caught.value.retry_after == 600
    assert time.monotonic() - started < 1


async def test_a_token_is_fetched_once_and_again_before_it_expires() -> None:
    """The cache is used until a quarter of a short life is left."""
    now, fetched = 1000.0, 0

    async def fetch() -> dict[str, Any]:
        nonlocal fetched
        fetched += 1
        return {"access_token": f"token-{fetched}", "expires_in": 40}

    cache = TokenCache(fetch, lambda: now)
    assert [await cache.get(), await cache.get()] == ["token-1", "token-1"]
    now = 1029.0
    assert await cache.get() == "token-1"
    now = 1031.0
    assert await cache.get() == "token-2"
    cache.drop("token-1")
    assert await cache.get() == "token-2"
    cache.drop("token-2")
    assert await cache.get() == "token-3"


def test_secrets_are_in_no_repr() -> None:
    """What is printed by accident holds no secret."""
    assert "s3cret" not in repr(Credentials("shop", "s3cret", "whsec_s3cret"))


@pytest.fixture
def db() -> Any:
    """A database with the kit's tables."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(inbox.SCHEMA + sync.SCHEMA)
    yield connection
    connection.close()


def event(name: str, revision: int, subject: str = "off_1") -> dict[str, Any]:
    """As much of an event as the inbox looks at."""
    return {"id": name, "subject": subject, "revision": revision}


def test_an_event_is_fresh_once(db: sqlite3.Connection) -> None:
    """The second time it is a duplicate, also when its revision would count."""
    assert inbox.take(db, event("evt_1", 1), 0) is Verdict.FRESH
    assert inbox.take(db, event("evt_1", 9), 0) is Verdict.DUPLICATE


def test_a_lower_revision_is_stale(db: sqlite3.Connection) -> None:
    """Per subject; another subject does not mind, and the stale one is still known afterwards."""
    assert inbox.take(db, event("evt_1", 5), 0) is Verdict.FRESH
    assert inbox.take(db, event("evt_2", 4), 0) is Verdict.STALE
    assert inbox.take(db, event("evt_3", 4, "off_2"), 0) is Verdict.FRESH
    assert inbox.take(db, event("evt_4", 6), 0) is Verdict.FRESH
    assert inbox.take(db, event("evt_2", 4), 0) is Verdict.DUPLICATE


def test_old_ids_are_forgotten_but_not_revisions(db: sqlite3.Connection) -> None:
    """An event that comes after weeks is stale then, not fresh."""
    inbox.take(db, event("evt_1", 5), 100)
    inbox.take(db, event("evt_2", 6), 200)
    inbox.forget_before(db, 150)
    assert inbox.take(db, event("evt_1", 5), 300) is Verdict.STALE


async def test_a_feed_is_read_to_its_end_and_from_there(db: sqlite3.Connection) -> None:
    """Every item once; the next time only what is new, also when the process was another one."""
    items = list(range(5))
    asked: list[str | None] = []
    applied: list[Any] = []

    async def pull(cursor: str | None) -> dict[str, Any]:
        asked.append(cursor)
        start = int(cursor or 0)
        end = min(start + 2, len(items))
        return {"items": items[start:end], "next_cursor": str(end), "has_more": end < len(items)}

    async def transact(work: Any) -> Any:
        with db:
            return work(db)

    def apply(_: sqlite3.Connection, page: list[Any]) -> None:
        applied.extend(page)

    assert await sync.catch_up("offers", pull, apply, transact) == 5
    items += [5]
    assert await sync.catch_up("offers", pull, apply, transact) == 1
    assert applied == [0, 1, 2, 3, 4, 5]
    assert asked == [None, "2", "4", "5"]


async def test_a_page_that_cannot_be_applied_is_read_again(db: sqlite3.Connection) -> None:
    """The cursor moves together with the effect, or not at all."""

    async def pull(cursor: str | None) -> dict[str, Any]:
        return {"items": [cursor], "next_cursor": "end", "has_more": False}

    async def transact(work: Any) -> Any:
        with db:
            return work(db)

    def fail(_: sqlite3.Connection, page: list[Any]) -> None:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await sync.catch_up("offers", pull, fail, transact)
    assert sync.load_cursor(db, "offers") is None


async def test_a_refused_cursor_begins_anew(db: sqlite3.Connection) -> None:
    """A gateway that does not know the cursor any more is read from the beginning."""
    sync.save_cursor(db, "offers", "old")

    async def pull(cursor: str | None) -> dict[str, Any]:
        if cursor == "old":
            raise Problem(400, {"code": "cursor_invalid"})
        return {"items": [1], "next_cursor": "new", "has_more": False}

    async def transact(work: Any) -> Any:
        with db:
            return work(db)

    assert await sync.catch_up("offers", pull, lambda *_: None, transact) == 1
    assert sync.load_cursor(db, "offers") == "new"


async def test_a_list_that_never_ends_is_left() -> None:
    """A gateway whose cursor does not move cannot keep a channel busy for ever."""

    async def pages(cursor: str | None) -> dict[str, Any]:
        return {"items": [{}], "next_cursor": "same", "has_more": True}

    assert await every(pages) == [{}, {}]
