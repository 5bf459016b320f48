"""Posts events to channels, signed as each wants it, and again until they are taken."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from datetime import UTC, datetime, timedelta

import aiohttp
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from standardwebhooks.webhooks import Webhook

from conformance.mini_gateway import trace
from conformance.mini_gateway.world import Client, Note, World

COVERED = ("@method", "@target-uri", "content-type", "content-digest")


class _Key(HTTPSignatureKeyResolver):
    def __init__(self, world: World) -> None:
        self._world = world

    def resolve_private_key(self, key_id: str) -> object:
        return self._world.key.private_key


class _Posted:
    """A request as the signing library reads it."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = "POST", url, headers


def sign(world: World, client: Client, event_id: str, data: bytes) -> dict[str, str]:
    """The headers of one try, dated now."""
    headers = {"Content-Type": "application/json"}
    at = datetime.now(UTC) - timedelta(seconds=4000 if world.fault == "old_signatures" else 0)
    scheme = client.scheme
    if world.fault == "one_scheme":
        scheme = "standard_webhooks"
    if scheme == "rfc9421":
        signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=_Key(world))
        posted = _Posted(client.events_url, headers)
        covered = COVERED[:2] if world.fault == "digest_unsigned" else COVERED
        body = None if world.fault == "digest_unsigned" else data
        nonce = secrets.token_urlsafe(12)
        signer.sign(
            posted,
            key_id=str(world.key.kid),
            created=at,
            nonce=nonce,
            label="vgcp",
            tag="vgcp-event",
            covered_component_ids=covered,
            body=body,
        )
        return dict(posted.headers)
    wrong = "whsec_" + "bm90IHRoZSByaWdodCBrZXkgYXQgYWxs"
    secret = wrong if world.fault == "wrong_key" else client.webhook_secret
    signature = Webhook(secret).sign(event_id, at, data.decode())
    stamp = str(int(at.timestamp()))
    return headers | {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": signature}


class Postman:
    """One queue for each client, so that a channel that fails delays nobody else.

    `pause` is in seconds of the sandbox's clock.
    """

    def __init__(self, world: World, pause: float) -> None:
        self._world = world
        self._pause = pause
        self._offset = world.offset
        self._moved = asyncio.Event()
        self._queues: dict[str, asyncio.Queue[Note]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._turn = asyncio.Lock()

    def collect(self) -> None:
        """Take over what has been written since; called after every request."""
        if self._offset != self._world.offset:
            self._offset = self._world.offset
            self._moved.set()  # those that wait look at the clock again
            self._moved = asyncio.Event()
        ready, self._world.posted = self._world.posted, []
        for note in ready:
            pending = note.body["data"].get("order", {}).get("status") == "payment_required"
            if self._world.fault == "events_to_all" and pending:
                for client in self._world.clients.values():
                    self._put(Note(client.id, note.body, note.position))
            else:
                self._put(note)

    def _put(self, note: Note) -> None:
        client = self._world.clients.get(note.owner)
        if client is None or not client.events_url:
            return
        if note.owner not in self._queues:
            self._queues[note.owner] = asyncio.Queue()
            self._start(self._work(client))
        self._queues[note.owner].put_nowait(note)

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, client: Client) -> None:
        queue = self._queues[client.id]
        while True:
            note = await queue.get()
            if self._world.fault == "slow_channel_blocks":
                async with self._turn:
                    await self._try(client, note)
            else:
                await self._try(client, note)

    async def _try(self, client: Client, note: Note) -> None:
        note.tries += 1
        if self._world.fault == "new_event_ids" and note.tries > 1:
            note.body = note.body | {"id": self._world.name("note")}
        if await self._post(client, note):
            note.taken = True
        elif self._world.fault != "no_retries":
            growth = 6 if self._world.fault == "flat_retries" else 2 ** (note.tries - 1)
            self._start(self._later(note, self._pause * growth * random.uniform(0.9, 1.1)))  # noqa: S311

    async def _later(self, note: Note, pause: float) -> None:
        due = self._world.now() + timedelta(seconds=min(pause, 3600))
        while (left := (due - self._world.now()).total_seconds()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)
        self._queues[note.owner].put_nowait(note)

    async def _post(self, client: Client, note: Note) -> bool:
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        data = json.dumps(note.body, ensure_ascii=False).encode()
        headers = sign(self._world, client, note.body["id"], data)
        strays = self._world.fault == "post_traces"
        headers["traceparent"] = (
            trace.traceparent(trace.new_trace_id()) if strays else note.body["traceparent"]
        )
        try:
            async with self._http.post(client.events_url, data=data, headers=headers) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def close(self) -> None:
        """Stop posting."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._http is not None:
            await self._http.close()
