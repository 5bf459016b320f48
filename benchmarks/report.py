"""What was measured: the figures, the table, and the picture of the growth."""

import asyncio
import statistics
import urllib.request
from collections.abc import Sequence
from typing import Any

from gateway.storage.audit import Discrepancy
from gateway.storage.store import open_store

# ratio, what it must be at least, what is aimed for, in words
TARGETS = (
    ("orders_hot", 3.0, 5.0, "paid orders on one product, over pgbench on one row"),
    ("orders_spread", 0.5, 1.0, "paid orders over many products, over pgbench over 1,000 rows"),
    ("reservations_hot", 5.0, 8.0, "reservations of one product, over pgbench on one row"),
    ("offer_read", 0.3, 0.4, "one offer, over a bare ASGI application"),
    ("page_read", None, None, "a page of 100 offers, over a bare ASGI application"),
    ("growth_1m_over_10k", 0.8, 1.0, "orders with most old orders, over those with fewest"),
    ("two_workers_over_one", None, None, "orders with two workers, over one"),
    ("sqlite_over_bare_loop", None, None, "orders on SQLite, over a bare loop of SQLite transactions"),
)
WORK = ("orders_hot", "orders_spread", "reservations_hot", "offer_read", "page_read")
PLACES = {
    "": "PostgreSQL, one worker",
    "_two_workers": "PostgreSQL, two workers",
    "_sqlite": "SQLite, one worker",
}
LOOK = 'font-family="sans-serif" font-size="13" fill="#333" role="img"'
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 300, 70, 40, 50


class Figures:
    """Every figure with all its values, one a round."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}
        self._units: dict[str, str] = {}
        self._last = ""

    def add(self, name: str, value: float, unit: str) -> None:
        """One more value of this figure."""
        self._values.setdefault(name, []).append(value)
        self._units[name] = unit
        if not name.endswith(("_p50", "_p99", "_offers")):
            self._last = name

    def newest(self) -> str:
        """The last value in words."""
        return f"{self._values[self._last][-1]:,.1f} {self._units[self._last]}"

    def median(self, name: str) -> float:
        """Over the rounds."""
        return statistics.median(self._values[name])

    def raw(self) -> dict[str, dict[str, Any]]:
        """Each with minimum, median, maximum and unit."""
        return {
            name: {
                "min": round(min(values), 2),
                "median": round(statistics.median(values), 2),
                "max": round(max(values), 2),
                "unit": self._units[name],
            }
            for name, values in self._values.items()
        }


def table(ratios: dict[str, float], figures: Figures) -> str:
    """Two Markdown tables: the ratios against their targets, and every figure."""
    lines = ["| what | ratio | at least | aim | met |", "|---|---|---|---|---|"]
    for name, least, aim, words in TARGETS:
        met = "" if least is None else "yes" if ratios[name] >= least else "**no**"
        lines.append(f"| {words} (`{name}`) | {ratios[name]:.2f} | {least or ''} | {aim or ''} | {met} |")
    raw = figures.raw()
    paced = raw["orders_paced_p99"]["median"]
    lines.append(
        f"| p99 of orders at 70% of the peak, ms | {paced:.0f} | below 250 | | {_below(paced, 250)} |"
    )
    most = max(one["max"] for name, one in raw.items() if name.startswith("memory_"))
    lines.append(f"| memory of the largest process, MiB | {most:.0f} | below 250 | | {_below(most, 250)} |")
    lines += ["", *same_elsewhere(raw)]
    lines += ["", "| figure | median | min | max | unit |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {one['median']:,} | {one['min']:,} | {one['max']:,} | {one['unit']} |"
        for name, one in raw.items()
    ]
    return "\n".join(lines) + "\n"


def same_elsewhere(raw: dict[str, dict[str, Any]]) -> list[str]:
    """The same work on one worker, on two, and on SQLite: medians, with the p99."""
    lines = [f"| a second (p99 in ms) | {' | '.join(PLACES.values())} |", "|---" * (len(PLACES) + 1) + "|"]
    for name in WORK:
        found = [(raw[f"{name}{suffix}"], raw[f"{name}{suffix}_p99"]) for suffix in PLACES]
        cells = (f"{rate['median']:,.0f} ({slow['median']:,.0f})" for rate, slow in found)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


def _below(value: float, limit: float) -> str:
    return "yes" if value < limit else "**no**"


def growth_svg(figures: Figures, growth: Sequence[int]) -> str:
    """Orders a second and p99 by the number of old orders: bars, and the p99 written over each."""
    rates = [figures.median(f"orders_at_{count}") for count in growth]
    times = [figures.median(f"orders_at_{count}_p99") for count in growth]
    step = (WIDTH - LEFT) / len(growth)
    room = HEIGHT - TOP - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {LOOK}>',
        "<title>Orders a second by the number of old orders</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        '<text x="10" y="20">orders a second (p99 in ms) by the number of old orders and codes</text>',
    ]
    for number, (count, rate, slow) in enumerate(zip(growth, rates, times, strict=True)):
        high = room * rate / max(rates)
        x, y = LEFT + number * step, HEIGHT - BOTTOM - high
        middle = x + step * 0.35
        parts += [
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{step * 0.7:.0f}" height="{high:.0f}" fill="#3b7dd8"/>',
            f'<text x="{middle:.0f}" y="{y - 6:.0f}" text-anchor="middle">{rate:,.0f} ({slow:.0f} ms)</text>',
            f'<text x="{middle:.0f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{count:,}</text>',
        ]
    parts.append(
        f'<line x1="{LEFT - 10}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - 10}" y2="{HEIGHT - BOTTOM}" stroke="#333"/>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def fetch(url: str, token: str) -> bytes:
    """One read, by other means than the load tool's."""
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def audit(database: str, ring: str) -> list[Discrepancy]:
    """What does not balance in a database."""

    async def run() -> list[Discrepancy]:
        store = open_store(database, ring)
        try:
            return await store.audit()
        finally:
            await store.close()

    return asyncio.run(run())
