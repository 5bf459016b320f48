"""What the watch over stock reads and the courier writes: small statements beside the flights, all by index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, or_, select, text

from gateway.core.model import Offer, Stock
from gateway.core.model_limits import Alert, StockWatch
from gateway.storage import due
from gateway.storage.engine.base import Engine
from gateway.storage.ids import first_id, moment_of
from gateway.storage.outbox import Attempt
from gateway.storage.queries import OFFERS
from gateway.storage.tables import alerts, movements, stock_watches, stocks

Reading = tuple[Stock, StockWatch | None]
HOUR = timedelta(hours=1)
SAMPLE = (
    2000  # movements from which a rate is taken, the newest ones: of a hot stock they are less than an hour's
)
AFTER: Any = bindparam("after")
LIMIT: Any = bindparam("limit")

LIMITED = stocks.c.kind != "unlimited"
_MOVED = select(movements.c.stock_id).where(movements.c.id > AFTER)
# Written out, not bound: a database only takes a partial index whose condition it can read in the statement.
_TOLD = select(stock_watches.c.stock_id).where(text("level <> 'ok' OR selling_out"))
PENDING = text("state = 'pending'")
PAGE = select(stocks).where(LIMITED, stocks.c.id > AFTER).order_by(stocks.c.id).limit(LIMIT)
MOVED_STOCKS = select(stocks).where(LIMITED, stocks.c.id.in_(_MOVED.union(_TOLD)))
MOVED_WATCHES = select(stock_watches).where(stock_watches.c.stock_id.in_(_MOVED.union(_TOLD)))
WATCHES = select(stock_watches).where(
    stock_watches.c.stock_id > AFTER, stock_watches.c.stock_id <= bindparam("last")
)
_NEWEST = (
    select(movements.c.id, movements.c.kind, movements.c.quantity)
    .where(movements.c.stock_id == bindparam("stock_id"), movements.c.id > AFTER)
    .order_by(movements.c.id.desc())
    .limit(SAMPLE)
    .subquery("newest")
)
_IS_SALE = or_(*(_NEWEST.c.kind == kind for kind in ("sell", "sell_reserved", "sell_allotted")))
SOLD = case((_IS_SALE, _NEWEST.c.quantity), else_=0)
RATE = select(func.count(), func.min(_NEWEST.c.id), func.sum(SOLD)).select_from(_NEWEST)
ANY_DUE = select(alerts.c.id).where(PENDING, alerts.c.next_attempt_at <= bindparam("now")).limit(1)
CLAIM = due.claim(alerts, PENDING, alerts.c.next_attempt_at <= bindparam("now"))
RECORD = due.record(alerts, "alert_id", PENDING)
NEWEST_ALERTS = select(alerts).order_by(alerts.c.id.desc()).limit(LIMIT)


class Watching:
    """Reads outside of transactions, and the alerts' own small ones."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def moved(self, since: datetime) -> Sequence[Reading]:
        """Limited stocks that moved since, or of which something was told."""
        wanted = {"after": first_id("mov", since)}
        found = await self._engine.rows(Stock, MOVED_STOCKS, wanted)
        return _joined(found, await self._engine.rows(StockWatch, MOVED_WATCHES, wanted) if found else [])

    async def page(self, after: str, limit: int) -> Sequence[Reading]:
        """Limited stocks with ids above `after`, in id order."""
        found = await self._engine.rows(Stock, PAGE, {"after": after, "limit": limit})
        if not found:
            return []
        wanted = {"after": after, "last": found[-1].id}
        return _joined(found, await self._engine.rows(StockWatch, WATCHES, wanted))

    async def hourly(self, stock_id: str, now: datetime) -> float:
        """Units sold in the last hour; at the rate of the newest movements when an hour has more than SAMPLE."""
        wanted = {"stock_id": stock_id, "after": first_id("mov", now - HOUR)}
        count, first, sold = (await self._engine.read(RATE, wanted))[0]
        if not count:
            return 0.0
        seconds = (now - moment_of(first)).total_seconds() if count >= SAMPLE else HOUR.total_seconds()
        return float(sold) * HOUR.total_seconds() / max(seconds, 1.0)

    async def offers(self) -> Sequence[Offer]:
        """All offers, for their names."""
        return await self._engine.rows(Offer, OFFERS)

    async def newest_alerts(self, limit: int) -> Sequence[Alert]:
        """The newest first."""
        return await self._engine.rows(Alert, NEWEST_ALERTS, {"limit": limit})

    async def claim_alerts(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Alert]:
        """Pending ones that are due, oldest first, leased: nobody else gets them before `lease_until`."""
        if not await self._engine.read(ANY_DUE, {"now": now}):
            return []
        async with self._engine.transaction() as transaction:
            claimed = await transaction.fetch_rows(
                Alert, CLAIM, {"now": now, "lease_until": lease_until, "limit": limit}
            )
            await transaction.commit()
        return sorted(claimed, key=lambda alert: alert.id)

    async def record_alerts(self, attempts: Sequence[Attempt]) -> None:
        """Write these outcomes, in one transaction."""
        async with self._engine.transaction() as transaction:
            for attempt in sorted(attempts, key=lambda one: one.event_id):
                values = {
                    "alert_id": attempt.event_id,
                    "state_now": attempt.state,
                    "attempts_now": attempt.attempts,
                    "again_at": attempt.next_attempt_at,
                    "error": attempt.last_error,
                }
                await transaction.fetch(RECORD, values)
            await transaction.commit()


def _joined(found: Sequence[Stock], told: Sequence[StockWatch]) -> list[Reading]:
    watches = {one.stock_id: one for one in told}
    return [(stock, watches.get(stock.id)) for stock in found]
