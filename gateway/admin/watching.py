"""`stock watch` and `stock alerts`."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from gateway.admin.context import Desk, desk, table
from gateway.admin.ports import Store
from gateway.core import alerts as rules
from gateway.core import wire
from gateway.core.model import Json, Offer, Stock
from gateway.core.stock import on_sale

HEAD = ("product", "level", "on_sale", "held", "sold", "safety", "per_hour", "sells_out_in")
RATED = 200  # stocks whose rate is looked up, those that may run out first
PAGE = 5000  # stocks that are read at once
CLEAR = "\x1b[H\x1b[2J"
ORDER = {"sold_out": 0, "low": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class Reading:
    """A stock as it is now. `hourly` None: not looked up."""

    stock: Stock
    product: str
    hourly: float | None

    @property
    def hours(self) -> float | None:
        """Until it is sold out at this rate."""
        return None if self.hourly is None else rules.hours_left(self.stock, self.hourly)

    def urgency(self) -> tuple[int, float, str]:
        """Sorts what is most urgent first."""
        hours = self.hours
        return ORDER[rules.level(self.stock)], hours if hours is not None else 1e12, self.product

    def row(self) -> tuple[Any, ...]:
        """For a person."""
        kept, hours = self.stock, self.hours
        rate = "-" if self.hourly is None else f"{self.hourly:,.1f}"
        level = rules.level(kept).replace("_", " ")
        until = "-" if hours is None or not rules.left(kept) else _span(hours)
        return (self.product, level, on_sale(kept), kept.reserved, kept.sold, kept.safety, rate, until)

    def line(self) -> Json:
        """For a program, without the time."""
        kept = self.stock
        return {
            "stock_id": kept.id,
            "product": self.product,
            "level": rules.level(kept),
            "on_sale": on_sale(kept),
            "left": rules.left(kept),
            "held": kept.reserved,
            "sold": kept.sold,
            "safety_stock": kept.safety,
            "low_threshold": kept.low_threshold,
            "sold_per_hour": None if self.hourly is None else round(self.hourly, 1),
            "hours_left": None if self.hours is None else round(self.hours, 2),
        }


@click.command(
    epilog="Examples:\n\n  vgcp stock watch\n\n  vgcp stock watch --every 10 --limit 100\n\n"
    "  vgcp stock watch --json | jq 'select(.level == \"low\")'\n\n  vgcp stock watch --once"
)
@click.option(
    "--every", default=2.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds between looks."
)
@click.option(
    "--limit", default=30, show_default=True, type=click.IntRange(1, 10_000), help="How many at most."
)
@click.option("--once", is_flag=True, help="One look, then end.")
@desk
def watch(at: Desk, every: float, limit: int, once: bool) -> None:
    """Watch stock sell: what is left, how fast it goes, and when it will be gone. Ctrl-C ends it, with exit code 0.

    The most urgent first. Rates are those of the last hour. With --json, a line for each stock at first and then for
    each that has changed; without a limit.
    """

    async def look(store: Store) -> None:
        shown: dict[str, Json] = {}
        while True:
            readings = await read(store)
            if at.as_json:
                _lines(readings, shown)
            else:
                _page(readings, limit)
            if once:
                return
            await asyncio.sleep(every)

    try:
        at.work(look)
    except KeyboardInterrupt:
        return


@click.command("alerts", epilog="Examples:\n\n  vgcp stock alerts\n\n  vgcp stock alerts --limit 5 --json")
@click.option(
    "--limit", default=30, show_default=True, type=click.IntRange(1, 10_000), help="How many at most."
)
@desk
def alerts_(at: Desk, limit: int) -> None:
    """The newest alerts, and whether your webhook has taken them."""
    found = at.work(lambda store: store.watching.newest_alerts(limit))
    head = ("alert", "kind", "at", "product", "left", "state", "attempts", "last_error")
    rows = [
        (one.id, one.kind, wire.timestamp(one.occurred_at)[:19] + "Z", _names(one.data), one.data["left"], one.state,
         one.attempts, one.last_error or "-")
        for one in found
    ]  # fmt: skip
    values = [{**rules.render(one), "state": one.state, "attempts": one.attempts} for one in found]
    at.answer(values, *table(head, rows))


async def read(store: Store) -> list[Reading]:
    """All limited stocks that an offer sells from, the most urgent first."""
    offers: dict[str, Offer] = {
        one.stock_id: one for one in await store.watching.offers() if one.status != "deleted"
    }
    found = [one for one in await _stocks(store) if one.id in offers]
    found.sort(key=lambda one: (rules.left(one) / one.sold if one.sold else 1e12, one.id))
    now, readings = datetime.now(UTC), []
    for place, kept in enumerate(found):
        hourly = await store.watching.hourly(kept.id, now) if kept.sold and place < RATED else None
        readings.append(Reading(kept, offers[kept.id].product["id"], 0.0 if not kept.sold else hourly))
    return sorted(readings, key=Reading.urgency)


async def _stocks(store: Store) -> list[Stock]:
    found: list[Stock] = []
    while page := await store.watching.page(found[-1].id if found else "", PAGE):
        found += [one for one, _ in page]
    return found


def _lines(readings: list[Reading], shown: dict[str, Json]) -> None:
    at = wire.timestamp(datetime.now(UTC))
    for reading in readings:
        line = reading.line()
        if shown.get(reading.stock.id) != line:
            shown[reading.stock.id] = line
            click.echo(json.dumps({"at": at, **line}, ensure_ascii=False))
    sys.stdout.flush()


def _page(readings: list[Reading], limit: int) -> None:
    live = sys.stdout.isatty()
    more = f", {len(readings) - limit:,} more" if len(readings) > limit else ""
    title = f"{datetime.now(UTC).strftime('%H:%M:%S')} UTC  {len(readings):,} products{more}"
    lines = [title, *table(HEAD, [one.row() for one in readings[:limit]])]
    click.echo((CLEAR if live else "") + "\n".join(lines))


def _span(hours: float) -> str:
    whole = timedelta(hours=min(hours, 24 * 9999))
    days, minutes = whole.days, whole.seconds // 60
    return f"{days}d {minutes // 60}h" if days else f"{minutes // 60}h {minutes % 60:02}m"


def _names(data: Json) -> str:
    return ", ".join(str(one["product_id"]) for one in data["offers"]) or str(data["stock_id"])
