"""Sends events from the outbox: at least once, for days, no channel in the way of another (spec/text/events.md)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson

from gateway.core.model import Channel, Event
from gateway.core.wire import render_event
from gateway.relay import backoff
from gateway.relay.ports import Attempt, Outbox
from gateway.relay.signing import Signer

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is under way at once, and how long one try may take (seconds)."""

    in_flight: int = 256
    per_channel: int = 16
    timeout: float = 10.0
    lease: float = 30.0  # longer than a try; after a crash, what was under way is tried again then
    grace: float = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try: `error` is None when the channel took it; `retry_after` in seconds, if it said."""

    error: str | None
    retry_after: float | None = None


class Sender:
    """Claims due events under a lease, and posts each in a task of its own.

    `clock` is the gateway's, by which events fall due; signatures carry the real time, which the receiver compares
    with its own, so that a sandbox whose clock was advanced still signs what channels accept.
    """

    def __init__(
        self,
        outbox: Outbox,
        signer: Signer,
        session: aiohttp.ClientSession,
        clock: Clock,
        limits: Limits | None = None,
    ) -> None:
        self._outbox = outbox
        self._signer = signer
        self._session = session
        self._clock = clock
        self._limits = limits or Limits()
        self._breaker = backoff.Breaker()
        self._busy: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._attempts: list[Attempt] = []
        self._freed: Callable[[], None] = lambda: None

    def when_free(self, wake: Callable[[], None]) -> None:
        """Call this whenever a try has ended, so that the next can begin."""
        self._freed = wake

    async def run_once(self, now: datetime) -> int:
        """Record what has ended, claim what is due and there is room for, begin to send it; how many were begun.

        Does not wait for the channels.
        """
        await self.record()
        room = self._limits.in_flight - len(self._tasks)
        if room <= 0:
            return 0
        full = {one for one, busy in self._busy.items() if busy >= self._width(one, now)}
        skip = full | self._breaker.resting(now)
        lease_until = now + timedelta(seconds=self._limits.lease)
        events = await self._outbox.claim_events(now, lease_until, room, self._limits.per_channel, skip)
        channels = await self._outbox.channels_by_id({event.channel_id for event in events}) if events else {}
        return sum(self._begin(event, channels.get(event.channel_id), now) for event in events)

    async def record(self) -> None:
        """Write down all tries that have ended, in one transaction; kept for the next round if that fails."""
        if not self._attempts:
            return
        ended, self._attempts = self._attempts, []
        try:
            await self._outbox.record_attempts(ended)
        except BaseException:
            self._attempts = ended + self._attempts
            raise

    async def drain(self, at_most: float | None = None) -> None:
        """Wait for what is under way; after so many seconds it is cancelled and left to its lease."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=at_most)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.record()

    async def close(self) -> None:
        """Let what is under way end, for a little while. What cannot be written down any more is sent again later."""
        try:
            await self.drain(self._limits.grace)
        except Exception:  # the database may be gone already; the leases bring back what was under way
            log.exception("the last outcomes could not be written")

    def _width(self, channel_id: str, now: datetime) -> int:
        return self._breaker.width(channel_id, now, self._limits.per_channel)

    def _begin(self, event: Event, channel: Channel | None, now: datetime) -> bool:
        if channel is None or not channel.active or not channel.events_url:
            self._note(event, event.attempts, now, "parked", "the channel takes no events")
            return False
        if self._busy[event.channel_id] >= self._width(event.channel_id, now):
            self._note(
                event, event.attempts, now, "pending", event.last_error
            )  # its lane is full: back at once
            return False
        self._busy[event.channel_id] += 1
        task = asyncio.create_task(self._send(channel, channel.events_url, event), name=f"send {event.id}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._freed()

    async def _send(self, channel: Channel, url: str, event: Event) -> None:
        try:
            outcome = await self._post(channel, url, event)
        except (
            Exception
        ) as error:  # it cannot be signed, say: the books tell of it, and others are sent all the same
            log.exception("an event cannot be sent", extra={"event_id": event.id})
            outcome = Outcome(type(error).__name__)
        finally:
            self._busy[event.channel_id] -= 1
            if not self._busy[event.channel_id]:
                del self._busy[event.channel_id]
        self._judge(event, outcome)

    async def _post(self, channel: Channel, url: str, event: Event) -> Outcome:
        body = orjson.dumps(render_event(event))
        headers = self._signer.headers(channel, event.id, url, body, datetime.now(UTC))
        headers |= {"traceparent": _own_span(event.traceparent), "user-agent": "vgcp-gateway"}
        timeout = aiohttp.ClientTimeout(total=self._limits.timeout)
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                taken = 200 <= answer.status < 300
                asked = _seconds(answer.headers.get("Retry-After"))
                return Outcome(None if taken else f"HTTP {answer.status}", asked)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Outcome(type(error).__name__)

    def _judge(self, event: Event, outcome: Outcome) -> None:
        attempts, now = event.attempts + 1, self._clock()
        if outcome.error is None:
            self._breaker.answered(event.channel_id)
            self._note(event, attempts, now, "delivered", None)
            return
        self._breaker.failed(event.channel_id, now)
        if now - event.occurred_at >= backoff.GIVE_UP_AFTER:
            self._note(event, attempts, now, "parked", outcome.error)
            log.warning("event parked", extra={"event_id": event.id, "error": outcome.error})
        else:
            again_at = now + backoff.pause(attempts, outcome.retry_after)
            self._note(event, attempts, again_at, "pending", outcome.error)

    def _note(self, event: Event, attempts: int, at: datetime, state: str, error: str | None) -> None:
        self._attempts.append(Attempt(event.id, state, attempts, at, error))


def _own_span(traceparent: str) -> str:
    """The same trace, and a span for this call (W3C Trace Context)."""
    version, trace_id, _, flags = traceparent.split("-")[:4]
    return f"{version}-{trace_id}-{secrets.token_hex(8)}-{flags}"


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
