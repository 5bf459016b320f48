"""Looks after stock, off the path of requests: who sells out is told to the merchant (gateway/core/alerts.py)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.core import alerts
from gateway.core.model import Stock
from gateway.core.model_limits import Alert, StockWatch
from gateway.relay.ports import Writer
from gateway.relay.sweeper import own_call

log = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=15)  # movements become visible a little after the time that is in their ids
ALL = timedelta(minutes=10)  # everything is looked at so often, for what was overlooked, and at the start
RATE_FOR = timedelta(minutes=1)  # a rate is looked up again after so long


PAGE = 1000  # stocks in memory at once when everything is looked at
Reading = tuple[Stock, StockWatch | None]


class Readings(Protocol):
    """What has moved; times are real ones, as in ids."""

    async def moved(self, since: datetime) -> Sequence[Reading]:
        """Limited stocks that moved since, or of which something was told."""

    async def page(self, after: str, limit: int) -> Sequence[Reading]:
        """Limited stocks with ids above `after`, in id order."""

    async def hourly(self, stock_id: str, now: datetime) -> float:
        """Units sold in the last hour, by index and from a bounded number of rows."""


class Watcher:
    """Safe to run in every replica: an alert is due only while nobody has told it, and the row is locked."""

    def __init__(self, readings: Readings, writer: Writer, deliver: bool) -> None:
        self._readings = readings
        self._writer = writer
        self._deliver = deliver
        self._looked_at: datetime | None = None
        self._all_at: datetime | None = None
        self._rates: dict[str, tuple[datetime, float]] = {}

    async def run_once(self, now: datetime) -> int:
        """Look at what has moved; how many alerts were written. `now` is the gateway's clock, for what is written."""
        real = datetime.now(UTC)
        whole = self._all_at is None or real - self._all_at >= ALL or self._looked_at is None
        fired = 0
        async for stock, told in self._found(None if whole else self._looked_at):
            fired += await self._look(stock, told or alerts.fresh(stock.id, now), now, real, whole)
        self._looked_at = real
        self._all_at = real if whole else self._all_at
        self._rates = {key: rate for key, rate in self._rates.items() if real - rate[0] < RATE_FOR}
        return fired

    async def _found(self, since: datetime | None) -> AsyncIterator[Reading]:
        """What has moved since, or everything, page by page."""
        if since is not None:
            for reading in await self._readings.moved(since - OVERLAP):
                yield reading
            return
        after = ""
        while found := await self._readings.page(after, PAGE):
            for reading in found:
                yield reading
            after = found[-1][0].id

    async def _look(self, stock: Stock, told: StockWatch, now: datetime, real: datetime, whole: bool) -> int:
        # a look at everything takes rates only where one was told: else it would be a query for each product there is
        wanted = told.selling_out or not whole
        hourly = await self._rate(stock, real) if wanted else None
        if alerts.judge(stock, told, hourly, now)[0] == told:
            return 0
        if hourly is None and alerts.level(stock) != "ok":
            hourly = await self._rate(stock, real)
        call, deliver = own_call(now), self._deliver
        made = await self._writer.run(lambda books: alerts.look(books, call, stock.id, hourly, deliver))
        for alert in made:
            tell(alert)
        return len(made)

    async def _rate(self, stock: Stock, real: datetime) -> float:
        """Looked up once a minute; not at all where even all that was ever sold would not do in an hour."""
        known = self._rates.get(stock.id)
        if known is not None and real - known[0] < RATE_FOR:
            return known[1]
        if stock.sold * alerts.NEAR * 2 < alerts.left(stock):
            return 0.0
        rate = await self._readings.hourly(stock.id, real)
        self._rates[stock.id] = (real, rate)
        return rate


def tell(alert: Alert) -> None:
    """A line in the log, once, from the replica that wrote the alert."""
    told = {name: value for name, value in alert.data.items() if name != "offers"}
    products = [one["product_id"] for one in alert.data["offers"]]
    log.warning(
        "stock alert", extra={"alert": alert.kind, "alert_id": alert.id, "products": products, **told}
    )
