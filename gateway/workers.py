"""Several processes that serve one port: forked before any loop runs, replaced when they die, stopped together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

log = logging.getLogger("gateway.workers")
# A worker that dies this soon, this often in a row, will not do better the next time.
SOON, TOO_OFTEN = 2.0, 5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Workers:
    """Forks `count` processes that each run `work(number)` and exit with what it returns."""

    def __init__(self, count: int, work: Callable[[int], int], pause: float = 0.5) -> None:
        self._count = count
        self._work = work
        self._pause = pause
        self._alive: dict[int, tuple[int, float]] = {}
        self._stopping = False
        self._early_deaths = 0

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Until SIGTERM or SIGINT, then wait for all; `started` is called once all have been forked.

        The exit code: 0, or 1 when workers kept dying.
        """
        for one in STOP_SIGNALS:
            signal.signal(one, self._stop)
        for number in range(self._count):
            self._start(number)
        started()
        while self._alive:
            self._reap()
        return 1 if self._early_deaths >= TOO_OFTEN else 0

    def _start(self, number: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal just after the fork would be lost, on a child that the parent does not know yet or that still has the
        # parent's handlers. So it waits.
        with _signals_wait():
            if self._stopping:
                return
            pid = os.fork()
            if pid:
                self._alive[pid] = (number, time.monotonic())
                return
            for one in STOP_SIGNALS:
                signal.signal(one, signal.SIG_DFL)
        code = 1
        try:
            code = self._work(number)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            # not sys.exit: the parent's cleanup is the parent's
            os._exit(code)

    def _reap(self) -> None:
        """Wait for one worker to end; start another in its place unless all are to stop."""
        try:
            pid, status = os.wait()
        except ChildProcessError:
            self._alive.clear()
            return
        number, since = self._alive.pop(pid, (-1, 0.0))
        if number < 0 or self._stopping:
            return
        self._early_deaths = self._early_deaths + 1 if time.monotonic() - since < SOON else 0
        log.error("a worker died", extra={"worker": number, "status": status})
        if self._early_deaths >= TOO_OFTEN:
            self._stop(signal.SIGTERM, None)
            return
        time.sleep(self._pause)
        self._start(number)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._alive:
            with contextlib.suppress(ProcessLookupError):  # it has just been waited for
                os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Keep signals to stop back until the block has ended; both processes leave it after a fork."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
