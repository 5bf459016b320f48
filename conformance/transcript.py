"""The append-only record of a run: every exchange in both directions, and what the driver set up.

Times are monotonic seconds since the run began. Secrets that the driver registers stay in memory only. What is written
out (record.py) shows a digest in their place, and beside an exchange what could only be seen with them (observed.py);
judges read nothing but what is written.
"""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from conformance import chance
from conformance.model import MissingError
from conformance.redaction import Secrets
from conformance.timing import Clock

Direction = Literal["sent", "received"]
Headers = tuple[tuple[str, str], ...]
LONGEST = 1 << 18  # bytes of a body that is written down
_scenario: ContextVar[str] = ContextVar("scenario", default="")


@dataclass(frozen=True, slots=True)
class Message:
    """A request (method and url set) or an answer (status set). Header names keep the case of the wire."""

    headers: Headers
    body: bytes
    method: str = ""
    url: str = ""
    status: int = 0
    omitted: int = 0  # bytes of a body that is too long to be written down

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        """The body as JSON, or None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `sent`: the suite asked. `received`: the implementation under test did."""

    number: int
    scenario: str
    label: str
    direction: Direction
    operation: str  # operationId, or "" when the request fits none
    request: Message
    response: Message | None  # None: no answer (see error)
    started: float
    ended: float
    error: str = ""
    flaw: str = ""  # what the suite got wrong on purpose in its part of the exchange
    observed: dict[str, Any] = field(default_factory=dict)  # what can be seen with secrets only (observed.py)

    @property
    def status(self) -> int:
        """The answer's status; 0 when there was none."""
        return self.response.status if self.response else 0

    @property
    def answer(self) -> Any:
        """The answer's body as JSON; an empty dict when there is none or it is no JSON object."""
        value = self.response.json if self.response else None
        return value if isinstance(value, dict) else {}

    @property
    def asked(self) -> Any:
        """The request's body as JSON; an empty dict when it is no JSON object."""
        value = self.request.json
        return value if isinstance(value, dict) else {}

    @property
    def problem(self) -> str:
        """The code of the problem answered; "" when it is no proper one (type, status, media type)."""
        body = self.answer
        code = body.get("code")
        proper = (
            self.response is not None
            and self.response.media_type == "application/problem+json"
            and body.get("status") == self.status
            and body.get("type") == f"urn:vgcp:problem:{code}"
        )
        return str(code) if proper else ""

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return self.response.header(name) if self.response else None


@dataclass
class Transcript:
    """All exchanges of a run; look-ups raise `MissingError` when the evidence is not there."""

    head: dict[str, Any] = field(default_factory=dict)  # role, target, profile, only, disabled, seed …
    end: dict[str, Any] = field(default_factory=dict)  # seconds, void
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    clock: Clock = field(default_factory=Clock)
    began_at: float = 0.0  # seconds since 1970 by the wall's clock
    exchanges: list[Exchange] = field(default_factory=list)
    facts: dict[tuple[str, str], Any] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)  # scenario -> why it ended early
    broken: dict[str, str] = field(default_factory=dict)  # scenario -> what the suite did wrong in it
    claims: dict[str, str] = field(default_factory=dict)  # id or reference -> scenario that made it
    secrets: Secrets = field(default_factory=Secrets)
    source: str = ""  # the file that this was read from
    _chances: dict[str, random.Random] = field(default_factory=dict)
    _next: int = 0

    def __post_init__(self) -> None:
        self.began_at = self.began_at or self.clock.wall()
        self._start = self.clock.monotonic()

    # recording
    def now(self) -> float:
        """Seconds since the run began."""
        return self.clock.monotonic() - self._start

    def wall(self) -> float:
        """Seconds since 1970, now."""
        return self.clock.wall()

    @contextmanager
    def scene(self, name: str) -> Iterator[None]:
        """Everything recorded inside (in this task) belongs to the scenario of this name, and so does its chance."""
        if name not in self._chances:
            self._chances[name] = random.Random(f"{self.head.get('seed', self.nonce)} {name}")  # noqa: S311
        scene, drawn = _scenario.set(name), chance.source.set(self._chances[name])
        try:
            yield
        finally:
            chance.source.reset(drawn)
            _scenario.reset(scene)

    @property
    def scenario(self) -> str:
        """The scenario that the running task is in."""
        return _scenario.get()

    def number(self) -> int:
        """The next exchange's number; take it when the exchange begins."""
        self._next += 1
        return self._next

    def record(self, exchange: Exchange) -> Exchange:
        """Append an exchange that has ended."""
        self.exchanges.append(exchange)
        return exchange

    def note(self, key: str, value: Any, scenario: str | None = None) -> None:
        """Record a fact that the driver set up (an offer id, a price, the codes in stock) for the judges."""
        self.facts[self.scenario if scenario is None else scenario, key] = value

    def claim(self, *tokens: str) -> None:
        """Say that requests naming one of these ids belong to the running scenario."""
        for token in tokens:
            self.claims[token] = self.scenario

    def owner(self, text: str) -> str:
        """The scenario whose id or reference occurs in this text, or ""."""
        return next((name for token, name in self.claims.items() if token in text), "")

    def secret(self, *values: str) -> None:
        """Register secrets, which must not appear in what is written out."""
        for value in values:
            self.secrets.add(value)

    def set_aside(self, scenario: str, name: str) -> None:
        """Give all of a scenario so far another name, because it is driven once more under its own."""
        self.exchanges = [replace(e, scenario=name) if e.scenario == scenario else e for e in self.exchanges]
        self.facts = {(name if of == scenario else of, key): v for (of, key), v in self.facts.items()}
        self.claims = {token: name if of == scenario else of for token, of in self.claims.items()}
        for ended in (self.stopped, self.broken):
            if scenario in ended:
                ended[name] = ended.pop(scenario)

    # reading
    def all(
        self,
        scenario: str | None = None,
        *,
        label: str | None = None,
        operation: str | None = None,
        direction: Direction | None = None,
        where: Callable[[Exchange], bool] | None = None,
    ) -> list[Exchange]:
        """The exchanges that fit everything given, in order of their start."""
        found = [
            e
            for e in self.exchanges
            if (scenario is None or e.scenario == scenario)
            and (label is None or e.label == label)
            and (operation is None or e.operation == operation)
            and (direction is None or e.direction == direction)
            and (where is None or where(e))
        ]
        return sorted(found, key=lambda e: e.number)

    def one(self, scenario: str, label: str | None = None, **more: Any) -> Exchange:
        """The first exchange that fits; raises MissingError when there is none."""
        found = self.all(scenario, label=label, **more)
        if not found:
            why = self.stopped.get(scenario)
            raise MissingError(
                f"no exchange {label or more or ''} in {scenario}" + (f" ({why})" if why else "")
            )
        return found[0]

    def fact(self, scenario: str, key: str) -> Any:
        """A fact noted by the driver; raises MissingError when it is not there."""
        if (scenario, key) not in self.facts:
            why = self.stopped.get(scenario)
            raise MissingError(f"{scenario} did not get to {key}" + (f" ({why})" if why else ""))
        return self.facts[scenario, key]

    # writing
    def redact(self, text: str) -> str:
        """The text with every registered secret replaced by its digest."""
        return self.secrets.redact(text)

    def as_data(self, exchange: Exchange) -> dict[str, Any]:
        """One exchange as redacted JSON data, as it stands in transcript.jsonl and in reports."""
        data = {
            "number": exchange.number,
            "scenario": exchange.scenario,
            "label": exchange.label,
            "direction": exchange.direction,
            "operation": exchange.operation,
            "started": round(exchange.started, 6),
            "ended": round(exchange.ended, 6),
            "request": self._message(exchange.request),
            "response": self._message(exchange.response) if exchange.response else None,
            "error": self.redact(exchange.error),
            "flaw": exchange.flaw,
        }
        seen = exchange.observed
        return data | ({"observed": self.secrets.inside(seen)} if seen else {})

    def _message(self, message: Message) -> dict[str, Any]:
        data: dict[str, Any] = {"status": message.status} if message.status else {}
        if message.method:
            data = {"method": message.method, "url": self.redact(message.url)}
        data["headers"] = [[name, self.redact(value)] for name, value in message.headers]
        omitted = message.omitted or (len(message.body) if len(message.body) > LONGEST else 0)
        written = "" if omitted else message.body.decode("utf-8", "backslashreplace")
        data["body"] = self.secrets.body(written)
        return data | ({"omitted": omitted} if omitted else {})
