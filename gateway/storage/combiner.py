"""Group commit: requests that arrive while a transaction is out form the next one, and share its commit."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.core.errors import ProtocolError
from gateway.core.ports import Books
from gateway.storage.books import FlightBooks
from gateway.storage.engine.base import Conflict, DatabaseFailure, Engine, Transaction, Unreachable
from gateway.storage.flight import Flight, NotLoaded
from gateway.storage.ids import Ids
from gateway.storage.pools import Hints
from gateway.storage.shelf import Shelf

T = TypeVar("T")
Operation = Callable[[Books], Any]
log = logging.getLogger("gateway.storage")

FLIGHT = 256  # operations in one transaction
QUEUE = 4096  # operations that may wait
ROUNDS = 60  # times that the operations of a flight may ask for something more
LEADING = 8  # times in a row that one of them may
ATTEMPTS = 6  # of one operation whose transaction keeps being beaten by others
TURN = 16  # operations run before others in this process have a turn


@dataclass(slots=True)
class Ticket:
    """One caller's operation, and what came of it."""

    operation: Operation
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        """Tell the caller, if it still listens."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Combiner:
    """Runs operations in transactions, one transaction at a time in this process.

    `committed` is called after a commit that has events to be sent, in the event loop: a signal for the relay, not a
    place for work.
    """

    def __init__(self, engine: Engine, committed: Callable[[], None] | None = None) -> None:
        self.committed = committed or _nothing
        # Seconds that callers wait for a flight; then they are told to try again, and so is who comes until it has
        # ended. What it does may still happen: that is what idempotency keys are for. None: as long as it takes.
        self.patience: float | None = None
        self._stalled = False
        self._engine = engine
        self._queue: deque[Ticket] = deque()
        self._task: asyncio.Task[None] | None = None
        self._hints = Hints()
        self._shelf = Shelf()
        self._ids = Ids()
        self._closed = False

    async def run(self, operation: Callable[[Books], T]) -> T:
        """Run an operation; its result once that is durable.

        Raises what the operation raised (nothing of it is written then), or ProtocolError `unavailable` when too many
        wait, the database cannot be reached, or others keep getting in its way.
        """
        if self._stalled:
            raise _unavailable()
        if self._closed or len(self._queue) >= QUEUE:
            raise ProtocolError("unavailable", "The gateway is busy.", retry_after=1)
        ticket = Ticket(operation, asyncio.get_running_loop().create_future())
        self._queue.append(ticket)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name="combiner")
        return await ticket.future  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Take nothing more, and end what is under way."""
        self._closed = True
        if self._task is not None:
            await self._task

    async def _drain(self) -> None:
        while self._queue:
            tickets = [self._queue.popleft() for _ in range(min(FLIGHT, len(self._queue)))]
            try:
                await self._watched(tickets)
            except Exception as error:
                log.exception("a flight failed")
                _fail(tickets, error)
            except BaseException:
                _fail([*tickets, *self._queue], _unavailable())
                for ticket in [*tickets, *self._queue]:
                    ticket.settle()
                self._queue.clear()
                raise
            for ticket in tickets:
                ticket.settle()

    async def _watched(self, tickets: list[Ticket]) -> None:
        """Let nobody wait for longer than `patience` for a database that does not answer."""
        if self.patience is None:
            await self._depart(tickets)
            return
        watch = asyncio.get_running_loop().call_later(self.patience, self._stall, tickets)
        try:
            await self._depart(tickets)
        finally:
            watch.cancel()
            self._stalled = False

    def _stall(self, tickets: list[Ticket]) -> None:
        log.warning("a flight is out for %s s; nobody waits for it any more", self.patience)
        self._stalled = True
        for ticket in [*tickets, *self._queue]:
            if not ticket.future.done():
                ticket.future.set_exception(_unavailable())
        self._queue.clear()

    async def _depart(self, tickets: list[Ticket]) -> None:
        """All together; if the database does not take that, one by one."""
        try:
            await self._fly(tickets)
        except Unreachable as error:
            log.warning("the database cannot be reached: %s", error)
            _fail(tickets, _unavailable())
        except DatabaseFailure as error:
            log.info("a flight of %d is flown singly: %s", len(tickets), error)
            for ticket in tickets:
                await self._single(ticket)

    async def _single(self, ticket: Ticket) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await self._fly([ticket])
            except Conflict:
                await asyncio.sleep(random.uniform(0.001, 0.005 * 2**attempt))  # noqa: S311
            except Unreachable:
                ticket.error = _unavailable()
                return
            except DatabaseFailure as error:
                log.error("an operation was refused by the database: %s", error)
                ticket.error = error
                return
            else:
                return
        ticket.error = _unavailable()

    async def _fly(self, tickets: list[Ticket]) -> None:
        """One transaction. When it returns, every ticket has its outcome and all is durable."""
        async with self._engine.transaction() as transaction:
            self._shelf.check(transaction.stamp)
            flight = Flight(self._hints, self._shelf, len(tickets))
            await self._finish(flight, transaction, tickets)
            while not await transaction.confirm(flight.written, flight.assumed):
                # Somebody else was there between reading and locking.
                flight.again()
                await flight.load(transaction)
                await self._finish(flight, transaction, tickets)
            changes = flight.changes()
            if changes:
                await transaction.write(changes)
                stamp = transaction.stamp  # before the commit: after it, others may have written already
                await transaction.commit()
                flight.learn(transaction, stamp)
        if flight.sends():
            self.committed()

    async def _finish(self, flight: Flight, transaction: Transaction, tickets: list[Ticket]) -> None:
        """Run operations until each has its outcome, loading in between what they lack.

        The first round finds out what each needs of its own, and loads that for all at once. From then on the first
        that lacks something leads: it is run to its end, and what it loads is most often what the others lack too.
        """
        lacking = [ticket for ticket in tickets if not self._attempt(flight, ticket)]
        for _ in range(ROUNDS):
            if not lacking:
                return
            await flight.load(transaction)
            lacking = await self._round(flight, transaction, lacking)
        _fail(lacking, RuntimeError(f"the operation asked for something more {ROUNDS} times"))

    async def _round(self, flight: Flight, transaction: Transaction, tickets: list[Ticket]) -> list[Ticket]:
        """Run each; those that still lack something."""
        lacking: list[Ticket] = []
        may_lead = True
        for turn, ticket in enumerate(tickets, 1):
            done = self._attempt(flight, ticket)
            if not done and may_lead:
                may_lead = False  # what the others still lack is their own: all of it is loaded together
                done = await self._lead(flight, transaction, ticket)
            if not done:
                lacking.append(ticket)
            if turn % TURN == 0:
                await asyncio.sleep(0)
        return lacking

    async def _lead(self, flight: Flight, transaction: Transaction, ticket: Ticket) -> bool:
        for _ in range(LEADING):
            await flight.load(transaction)
            if self._attempt(flight, ticket):
                return True
        return False

    def _attempt(self, flight: Flight, ticket: Ticket) -> bool:
        """Run an operation on an overlay of its own; False when it lacks something."""
        books = FlightBooks(flight, self._ids)
        try:
            ticket.result = ticket.operation(books)
        except NotLoaded:
            books.drop()
            return False
        except Exception as error:
            books.drop()
            ticket.error = error
        else:
            books.keep()
            ticket.error = None
        return True


def _fail(tickets: list[Ticket], error: Exception) -> None:
    for ticket in tickets:
        ticket.error = error


def _unavailable() -> ProtocolError:
    return ProtocolError("unavailable", "The books cannot be written now.", retry_after=1)


def _nothing() -> None:
    """Nobody waits for commits."""
