"""Has goods made by suppliers: each unit once, whatever is lost on the way (spec/text/orders.md, ORD-050 on)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from gateway.core import supplies
from gateway.core.errors import ProtocolError
from gateway.core.model import Call
from gateway.core.model_supplies import Supply
from gateway.core.ports import Books, Vault
from gateway.core.suppliers import Answer, Made, Refused, Supplier, SupplierTrouble, Unknown
from gateway.relay import backoff
from gateway.relay.ports import Writer

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
T = TypeVar("T")
dice = secrets.SystemRandom()
GRACE = 5.0  # seconds that a call may still take when the gateway stops
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=60)  # somebody has paid, and waits


class SupplyBox(Protocol):
    """Units that wait to be made."""

    async def suppliers_due(self, now: datetime) -> set[str]:
        """Suppliers of which something is due."""

    async def claim_supplies(
        self, now: datetime, lease_until: datetime, room: Mapping[str, int], late: int
    ) -> Sequence[Supply]:
        """Due units, leased until then: of each supplier as many as there is room, and `late` ones of any."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is under way at once, how long one call may take, and for how long it is nobody else's (seconds)."""

    per_supplier: int = 8
    late: int = 16
    timeout: float = 20.0
    lease: float = 90.0  # longer than a status, a make and two operations


class Maker:
    """Safe to run in every replica: units are leased, and `ask` is refused to all but one.

    A call goes out after it is noted that it will (`asked`), and before any later one the supplier is asked what
    became of the first. `breaker` keeps a supplier that does not answer from being asked by everyone (backoff.py);
    after its rest, one unit is the probe.
    """

    def __init__(
        self,
        box: SupplyBox,
        writer: Writer,
        vault: Vault,
        suppliers: Mapping[str, Supplier],
        clock: Clock,
        bounds: Bounds | None = None,
        breaker: backoff.Breaker | None = None,
    ) -> None:
        self._box = box
        self._writer = writer
        self._vault = vault
        self._suppliers = suppliers
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._breaker = breaker or backoff.Breaker(threshold=3, longest=60.0)
        self._busy: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        self._claiming = asyncio.Lock()
        self._freed: Callable[[], None] = lambda: None

    def when_free(self, wake: Callable[[], None]) -> None:
        """Call this whenever a unit has been seen to, so that the next can begin."""
        self._freed = wake

    async def run_once(self, now: datetime) -> int:
        """Claim what is due and there is room for, and begin with it; how many. Does not wait for suppliers."""
        async with self._claiming:
            due = await self._box.suppliers_due(now)
            if not due:
                return 0
            self._tell_unknown(due - self._suppliers.keys())
            room = {name: self._room(name, now) for name in due & self._suppliers.keys()}
            lease_until = now + timedelta(seconds=self._bounds.lease)
            late = max(self._bounds.late - len(self._tasks), 0)
            claimed = await self._box.claim_supplies(now, lease_until, room, late)
            for supply in claimed:
                self._busy[supply.supplier] += 1
                task = asyncio.create_task(self._see_to(supply), name=f"make {supply.id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return len(claimed)

    async def settle(self) -> None:
        """Go on until nothing is due (TST-007)."""
        while await self.run_once(self._clock()) or self._tasks:
            await self.drain()

    async def drain(self, at_most: float | None = None) -> None:
        """Wait for what is under way; after so many seconds it is cancelled and left to its lease."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=at_most)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def close(self) -> None:
        """Let what is under way end, for a little while."""
        await self.drain(GRACE)

    def _tell_unknown(self, names: set[str]) -> None:
        for name in names - self._told:
            log.warning("goods wait for a supplier that is not set up here", extra={"supplier": name})
        self._told |= names

    def _room(self, supplier: str, now: datetime) -> int:
        return self._breaker.width(supplier, now, self._bounds.per_supplier) - self._busy[supplier]

    async def _see_to(self, supply: Supply) -> None:
        try:
            await self._advance(supply)
        except Exception:  # the database is away, say: the lease brings the unit back
            log.exception("a unit could not be seen to", extra={"supply_id": supply.id})
        finally:
            self._busy[supply.supplier] -= 1
            self._freed()

    async def _advance(self, supply: Supply) -> None:
        """What became of it, if it was asked for before; else ask for it; then note the answer."""
        supplier, late = self._suppliers.get(supply.supplier), self._clock() >= supply.give_up_at
        if supply.state == "waiting" and late:
            await self._give_up(supply, supply.last_error or "The supplier could not be reached in time.")
        elif supplier is None:
            await self._later(supply, SupplierTrouble("No such supplier is set up here."))
        elif supply.state == "waiting" or await self._may_ask_again(supply, supplier, late):
            call = self._call(supply)
            asked = await self._run(lambda books: supplies.ask(books, call, supply.id, supply.attempts))
            if asked is not None:
                now_asked, request = asked
                await self._note(now_asked, await self._answer(now_asked, supplier.make(request)))

    async def _may_ask_again(self, supply: Supply, supplier: Supplier, late: bool) -> bool:
        """Whether the supplier says that it has never seen the unit, and there is time; what else it says is noted."""
        call = self._call(supply)
        request = await self._run(lambda books: supplies.request_of(books, call, supply))
        answer = await self._answer(supply, supplier.status(request))
        if not isinstance(answer, Unknown):
            await self._note(supply, answer)
        elif not late:
            return True
        elif self._clock() > request.valid_until:
            await self._give_up(supply, supply.last_error or "The supplier never took it.")
        else:  # what is still on its way counts until then
            await self._later(supply, answer, request.valid_until)
        return False

    async def _answer(self, supply: Supply, asking: Awaitable[Answer]) -> Answer | SupplierTrouble:
        """What the supplier says, in time, or that nothing is known."""
        try:
            async with asyncio.timeout(self._bounds.timeout):
                answer: Answer | SupplierTrouble = await asking
        except TimeoutError:
            answer = SupplierTrouble("The supplier did not answer in time.")
        except SupplierTrouble as trouble:
            answer = trouble
        except Exception as error:  # an adapter of somebody else's, whose text may say too much
            log.error("a supplier's adapter failed: %s", type(error).__name__, extra={"supply_id": supply.id})
            answer = SupplierTrouble(f"The adapter failed: {type(error).__name__}.")
        if isinstance(answer, SupplierTrouble):
            self._breaker.failed(supply.supplier, self._clock())
        else:
            self._breaker.answered(supply.supplier)
        return answer

    async def _note(self, supply: Supply, answer: Answer | SupplierTrouble) -> None:
        if isinstance(answer, Made):
            await self._made(supply, answer.goods)
        elif isinstance(answer, Refused):
            call, reason = self._call(supply), answer.reason
            await self._run(lambda books: supplies.note_refused(books, call, supply.id, reason))
        else:
            await self._later(supply, answer)

    async def _made(self, supply: Supply, goods: str) -> None:
        call = self._call(supply)
        try:
            await self._run(lambda books: supplies.note_made(books, self._vault, call, supply.id, goods))
        except ProtocolError as refused:
            if refused.code == "unavailable":
                raise
            error = refused.detail  # it is made and cannot be delivered: the merchant must look
            log.warning("a supplier's goods are not taken", extra={"supply_id": supply.id, "error": error})
            await self._run(lambda books: supplies.park(books, call, supply.id, error))

    async def _give_up(self, supply: Supply, reason: str) -> None:
        call = self._call(supply)
        await self._run(lambda books: supplies.give_up(books, call, supply.id, supply.attempts, reason))

    async def _later(
        self, supply: Supply, answer: Answer | SupplierTrouble, at_least: datetime | None = None
    ) -> None:
        """Look again after a while that grows with the unit's age."""
        call = self._call(supply)
        asked = getattr(answer, "retry_after", None) or 0.0
        grown = min(max((call.now - supply.created_at) / 4, FIRST_PAUSE), LONGEST_PAUSE)
        pause = grown * dice.uniform(0.75, 1.0)
        again_at = max(call.now + max(pause, timedelta(seconds=min(asked, 600.0))), at_least or call.now)
        error = str(answer) if isinstance(answer, SupplierTrouble) else None
        sure = at_least is not None
        await self._run(
            lambda books: supplies.note_later(books, call, supply.id, supply.attempts, error, again_at, sure)
        )

    async def _run(self, operation: Callable[[Books], T]) -> T:
        return await self._writer.run(operation)

    def _call(self, supply: Supply) -> Call:
        """What the gateway does by itself, in the trace of the order (TRC-004)."""
        traceparent = f"00-{supply.trace_id}-{secrets.token_hex(8)}-01"
        return Call("", self._clock(), traceparent, supply.trace_id, f"own_{secrets.token_hex(8)}")
