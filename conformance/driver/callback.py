"""A channel's event endpoint, as the gateway under certification calls it: records every try, answers as told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from types import TracebackType
from typing import Any, Self

from aiohttp import web

import spec
from conformance.transcript import Exchange, Message, Transcript


def event_name(body: bytes) -> str:
    """What tells one event from another even when its id changes: type, subject and revision."""
    try:
        event = json.loads(body)
        return f"{event['type']} {event['subject']} {event['revision']}"
    except (ValueError, KeyError, TypeError):
        return "not an event"


class Callback:
    """Serves a discovery document and receives events. `url` is the origin to register at the gateway.

    `answers` are the statuses of the first tries of each event (those after get 204); `delay` holds each answer
    back, in seconds. `tries` are the exchanges received, `begun` how many began.
    """

    def __init__(
        self, transcript: Transcript, host: str, scheme: str, answers: list[int], delay: float
    ) -> None:
        self.transcript, self.host, self.scheme = transcript, host, scheme
        self.answers, self.delay = answers, delay
        self.scenario = transcript.scenario
        self.label = f"events by {scheme}"
        self.url = ""
        self.tries: list[Exchange] = []
        self.begun = 0
        self.hurry = asyncio.Event()  # ends the delay of this and all later answers
        self._told: dict[str, int] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/.well-known/vgcp", self._discovery)
        app.router.add_post("/events", self._event)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, 0).start()
        self.url = f"http://{self.host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The events taken (answered 2xx) so far, of one type when it is given."""
        taken = [e.asked for e in self.tries if 200 <= e.status < 300]
        return [event for event in taken if not kind or event.get("type") == kind]

    async def _discovery(self, request: web.Request) -> web.Response:
        document = {
            "protocol": "vgcp",
            "role": "channel",
            "name": "A channel of the certification suite",
            "versions": [spec.VERSION],
            "sandbox": True,
            "capabilities": [{"name": "events", "revision": 1}],
            "profiles": ["core"],
            "endpoints": {"api": self.url + spec.PATH, "events": f"{self.url}/events"},
            "implementation": {"name": "vgcp-certify", "version": spec.VERSION},
            "signature_scheme": self.scheme,
        }
        return web.json_response(document)

    async def _event(self, request: web.Request) -> web.Response:
        number, started = self.transcript.number(), self.transcript.now()
        body = await request.read()
        self.begun += 1
        status = self._status(body)
        if self.delay:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.hurry.wait(), self.delay)
        sent = Message(tuple(request.headers.items()), body, method="POST", url=f"{self.url}/events")
        answer = self._answer(status)
        got = Message(tuple(answer.headers.items()), answer.body or b"", status=status)  # type: ignore[arg-type]
        seen = Exchange(
            number,
            self.scenario,
            self.label,
            "received",
            "send_event",
            sent,
            got,
            started,
            self.transcript.now(),
        )
        self.tries.append(self.transcript.record(seen))
        return answer

    def _status(self, body: bytes) -> int:
        """What this try of its event gets."""
        number = self._told.get(name := event_name(body), 0)
        self._told[name] = number + 1
        return self.answers[number] if number < len(self.answers) else 204

    def _answer(self, status: int) -> web.Response:
        if status < 400:
            return web.Response(status=status)
        code = {503: "unavailable", 429: "rate_limited"}.get(status, "internal")
        entry = spec.problems()[code]
        document = {
            "type": f"urn:vgcp:problem:{code}",
            "title": entry.title,
            "status": entry.status,
            "code": code,
            "retryable": True,
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        }
        return web.json_response(document, status=entry.status, content_type="application/problem+json")
