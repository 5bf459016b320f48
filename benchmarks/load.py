"""A load tool that costs little, because it shares the machine with what it measures: raw sockets, prepared bytes.

Closed loop: each connection sends the next request when it has the answer. Paced: requests are due at a fixed rate
whether or not the ones before are answered, and a request's time counts from when it was due, so that waiting shows.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

Make = Callable[[], bytes]
ERRORS_SHOWN = 400  # characters of a bad answer


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
        length = int(self._buffer[place + 16 : self._buffer.index(b"\r", place)])
        if len(self._buffer) >= head + 4 + length:
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
            self.failure = answer[:ERRORS_SHOWN].decode("latin-1")
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


async def _measure(
    url: str, make: Make, expect: bytes, seconds: float, connections: int, rate: float | None, warm: float
) -> Result:
    run = Run(make, expect, seconds, rate)
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(run.answered), place.hostname, place.port)
        for _ in range(connections)
    ]
    links = [link for _, link in made]
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
        raise RuntimeError(f"an answer was not what it should be:\n{run.failure}")
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
