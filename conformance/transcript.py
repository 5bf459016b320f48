"""The append-only record of a run: every exchange in both directions, and what the driver set up.

Times are monotonic seconds since the run began. Secrets that the driver registers stay in memory only: what
is written out shows `redacted-` and a salted digest in their place, the same for the same secret, so that a
judge that compares secrets with one another can still work from the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from conformance.model import MissingError

Direction = Literal["sent", "received"]
Headers = tuple[tuple[str, str], ...]

_scenario: ContextVar[str] = ContextVar("scenario", default="")


@dataclass(frozen=True, slots=True)
class Message:
    """A request (method and url set) or an answer (status set). Header names keep the case of the wire."""

    headers: Headers
    body: bytes
    method: str = ""
    url: str = ""
    status: int = 0

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

    nonce: str = field(default_factory=lambda: secrets.token_hex(8))
    began_at: float = field(default_factory=time.time)  # seconds since 1970 by the wall's clock
    exchanges: list[Exchange] = field(default_factory=list)
    facts: dict[tuple[str, str], Any] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)  # scenario -> why it ended early
    broken: dict[str, str] = field(default_factory=dict)  # scenario -> what the suite did wrong in it
    claims: dict[str, str] = field(default_factory=dict)  # id or reference -> scenario that made it
    _secrets: dict[str, str] = field(default_factory=dict)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _start: float = field(default_factory=time.monotonic)
    _next: int = 0

    # recording
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._start

    @contextmanager
    def scene(self, name: str) -> Iterator[None]:
        """Everything recorded inside (in this task) belongs to the scenario of this name."""
        token = _scenario.set(name)
        try:
            yield
        finally:
            _scenario.reset(token)

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
            if value and value not in self._secrets:
                digest = hashlib.sha256(self._salt + value.encode()).hexdigest()[:16]
                self._secrets[value] = f"redacted-{digest}"

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
        """The text with every registered secret (plain, JSON-escaped or base64) replaced by its digest."""
        for value, shown in sorted(self._secrets.items(), key=lambda item: -len(item[0])):
            escaped = json.dumps(value)[1:-1]
            coded = base64.b64encode(value.encode()).decode()
            for form in dict.fromkeys((value, escaped, coded)):
                text = text.replace(form, shown)
        return text

    def as_data(self, exchange: Exchange) -> dict[str, Any]:
        """One exchange as redacted JSON data, as it stands in transcript.jsonl and in reports."""
        return {
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

    def _message(self, message: Message) -> dict[str, Any]:
        data: dict[str, Any] = {"status": message.status} if message.status else {}
        if message.method:
            data = {"method": message.method, "url": self.redact(message.url)}
        data["headers"] = [[k, self.redact(v)] for k, v in message.headers]
        data["body"] = self.redact(message.body.decode("utf-8", "backslashreplace"))
        return data

    def write(self, path: Path) -> None:
        """Write the redacted transcript as JSON lines: a head, the facts, then the exchanges."""
        lines = [json.dumps({"vgcp_transcript": 1, "nonce": self.nonce, "began_at": self.began_at})]
        for (name, key), value in self.facts.items():
            fact = {"fact": key, "scenario": name, "value": value}
            lines.append(self.redact(json.dumps(fact, default=str)))
        lines += [json.dumps(self.as_data(e)) for e in sorted(self.exchanges, key=lambda e: e.number)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
