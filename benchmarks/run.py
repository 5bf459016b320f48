"""Orders per second of the gateway over HTTP on SQLite, against a bare loop of SQLite transactions.

Absolute figures say more about the disk than about the program. So the two are measured in turns, in one run, and the
ratio of their medians counts. Writes build/bench/summary.json.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import bare, gateway

OUT = Path("build/bench")


async def one_round(seconds: float, connections: int) -> tuple[float, list[float]]:
    """The bare loop's rate, then the gateway's order times, each on a fresh database of its own."""
    with tempfile.TemporaryDirectory(prefix="vgcp-bench-") as name:
        rate = bare.measure(Path(name) / "bare.db", seconds)
        async with gateway.gateway(Path(name)) as url:
            units = int(seconds * 4_000)
            return rate, await gateway.measure(url, seconds, connections, units)


def summarise(rounds: list[tuple[float, list[float]]], seconds: float) -> dict[str, float]:
    """Medians over the rounds: rates in orders per second, times in milliseconds."""
    times = sorted(took for _, each in rounds for took in each)
    bare_rate = statistics.median(rate for rate, _ in rounds)
    rate = statistics.median(len(each) / seconds for _, each in rounds)
    return {
        "gateway_orders_per_second": round(rate, 1),
        "bare_orders_per_second": round(bare_rate, 1),
        "ratio": round(rate / bare_rate, 3),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[len(times) * 99 // 100] * 1000, 1),
    }


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often both are measured, in turns.")
@click.option("--seconds", default=4.0, show_default=True, help="How long each measurement lasts.")
@click.option("--connections", default=64, show_default=True, help="Buyers at once.")
def main(rounds: int, seconds: float, connections: int) -> None:
    """Measure, print a line for each round, and write the summary."""
    results = []
    for number in range(1, rounds + 1):
        rate, times = asyncio.run(one_round(seconds, connections))
        results.append((rate, times))
        click.echo(f"round {number}: bare {rate:,.0f}/s, gateway {len(times) / seconds:,.0f}/s")
    summary = {
        "rounds": rounds,
        "seconds": seconds,
        "connections": connections,
        **summarise(results, seconds),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    line = f"gateway over HTTP {summary['gateway_orders_per_second']:,.0f} orders/s"
    click.echo(f"{line}, {summary['ratio']:.2f} of a bare SQLite loop; p99 {summary['p99_ms']} ms")
    click.echo(f"see {OUT / 'summary.json'}")


if __name__ == "__main__":
    main()
