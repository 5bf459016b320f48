"""A load tool that costs little, because it shares the machine with what it measures: raw sockets, prepared bytes.

Closed loop: each connection sends the next request when it has the answer. Paced: requests are due at a fixed rate
whether or not the ones before are answered, and a request's time counts from when it was due, so that waiting shows.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

Make = Callable[[], bytes]
ERRORS_SHOWN = 400  # characters of a bad answer
LAST_PIECE = b"\r\n0\r\n\r\n"


@dataclass
class Result:
    """What one measurement saw. `times` are seconds from sending (or from being due) to the whole answer."""

    seconds: float
    times: list[float] = field(default_factory=list)
    last: bytes = b""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the requests took at most."""
        return sorted(self.times)[min(len(self.times) - 1, int(len(self.times) * share))] * 1000


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, answered: Callable[["Connection", bytes], None]) -> None:
        self._answered = answered
        self._buffer = b""
        self.transport: asyncio.Transport
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def send(self, request: bytes, due: float) -> None:
        """Send; `due` is when the clock of this request began."""
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        place = self._buffer.find(b"content-length: ", 0, head)
        if place < 0:  # in pieces, of which the last is empty
            whole = self._buffer.endswith(LAST_PIECE)
        else:
            length = int(self._buffer[place + 16 : self._buffer.index(b"\r", place)])
            whole = len(self._buffer) >= head + 4 + length
        if whole:
            answer, self._buffer = self._buffer, b""
            self._answered(self, answer)


class Run:
    """One measurement under way."""

    def __init__(self, make: Make, expect: bytes, seconds: float, rate: float | None) -> None:
        self.make, self.expect, self.rate = make, expect, rate
        self.result = Result(seconds)
        self.started = self.until = 0.0
        self.failure: str | None = None
        self.out = 0
        self.idle: list[Connection] = []
        self.waiting: deque[float] = deque()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, connection: Connection, answer: bytes) -> None:
        now = time.perf_counter()
        self.out -= 1
        if self.expect not in answer:
            self.failure = _unexpected(answer)
            self.until = 0.0
        elif now >= self.started and (self.rate is not None or now <= self.until):
            self.result.times.append(now - connection.due)
            self.result.last = answer
        if self.rate is None and now < self.until:
            self.send(connection, now)
        elif self.waiting:
            self.send(connection, self.waiting.popleft())
        else:
            self.idle.append(connection)
        self.settle(now)

    def send(self, connection: Connection, due: float) -> None:
        self.out += 1
        connection.send(self.make(), due)

    def settle(self, now: float) -> None:
        if now >= self.until and not self.out and not self.waiting and not self.done.done():
            self.done.set_result(None)

    async def pace(self, rate: float) -> None:
        """Let requests fall due, evenly."""
        for number in itertools.count():
            due = self.started + number / rate
            if due >= self.until:
                break
            now = time.perf_counter()
            if due > now:
                await asyncio.sleep(due - now)
            if self.idle:
                self.send(self.idle.pop(), due)
            else:
                self.waiting.append(due)
        self.settle(time.perf_counter())


class Batch:
    """Requests of which each is sent once. `numbers` is which of them a connection waits for."""

    def __init__(self, asked: Sequence[bytes], expect: bytes) -> None:
        self.asked, self.expect = asked, expect
        self.left, self.numbers = iter(range(len(asked))), dict[Connection, int]()
        self.answers, self.times = [b""] * len(asked), [0.0] * len(asked)
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, connection: Connection, answer: bytes) -> None:
        number = self.numbers.pop(connection)
        self.answers[number], self.times[number] = answer, time.perf_counter() - connection.due
        if self.expect not in answer[: len(self.expect)] and not self.done.done():
            self.done.set_exception(RuntimeError(_unexpected(answer)))
        self.send(connection)

    def send(self, connection: Connection) -> None:
        number = next(self.left, None)
        if number is not None:
            self.numbers[connection] = number
            connection.send(self.asked[number], time.perf_counter())
        elif not self.numbers and not self.done.done():
            self.done.set_result(None)


async def _each(
    url: str, asked: Sequence[bytes], expect: bytes, connections: int
) -> tuple[Result, list[bytes]]:
    batch = Batch(asked, expect)
    links = await _connect(url, batch.answered, connections, own=True)
    began = time.perf_counter()
    for link in links:
        batch.send(link)
    await asyncio.wait_for(batch.done, 60 + len(asked) / 10)
    result = Result(time.perf_counter() - began, batch.times)
    for link in links:
        link.transport.close()
    return result, batch.answers


async def _connect(
    url: str, answered: Callable[[Connection, bytes], None], connections: int, own: bool = False
) -> list[Connection]:
    """Connections, each from an address of its `own` if so wished: limits count by the address."""
    place, loop = urlsplit(url), asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: Connection(answered),
            place.hostname,
            place.port,
            local_addr=(f"127.0.1.{number}", 0) if own else None,
        )
        for number in range(1, connections + 1)
    ]
    return [link for _, link in made]


def _unexpected(answer: bytes) -> str:
    return f"an answer was not what it should be:\n{answer[:ERRORS_SHOWN].decode('latin-1')}"


async def _measure(
    url: str, make: Make, expect: bytes, seconds: float, connections: int, rate: float | None, warm: float
) -> Result:
    run = Run(make, expect, seconds, rate)
    links = await _connect(url, run.answered, connections)
    run.started = time.perf_counter() + (0 if rate else warm)
    run.until = run.started + seconds
    if rate is None:
        for link in links:
            run.send(link, time.perf_counter())
    else:
        run.idle = links
        await run.pace(rate)
    await asyncio.wait_for(run.done, seconds + 60)
    for link in links:
        link.transport.close()
    if run.failure is not None:
        raise RuntimeError(run.failure)
    return run.result


def measure(
    url: str,
    make: Make,
    expect: bytes,
    seconds: float,
    *,
    connections: int = 64,
    rate: float | None = None,
    warm: float = 0.3,
) -> Result:
    """Load a server; `expect` must be in each answer. Paced when `rate` (a second) is given, else closed loop.

    Raises RuntimeError for the first answer that is not as expected.
    """
    return uvloop.run(_measure(url, make, expect, seconds, connections, rate, warm))


def each(
    url: str, asked: Sequence[bytes], expect: bytes, *, connections: int = 64
) -> tuple[Result, list[bytes]]:
    """Send each of these once; every answer, in their order, begins with `expect`. Each connection is another client's.

    Raises RuntimeError for the first answer that is not as expected.
    """
    return uvloop.run(_each(url, asked, expect, connections))
