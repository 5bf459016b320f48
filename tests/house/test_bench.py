"""The benchmark runs and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_bench_writes_a_summary(tmp_path: Path) -> None:
    """A very short run sells over HTTP, sells in the bare loop, and writes the ratio of the two."""
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--rounds", "1", "--seconds", "0.5"]
    answer = subprocess.run(
        [*command, "--connections", "8"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    summary = json.loads((tmp_path / "build" / "bench" / "summary.json").read_text("utf-8"))
    assert summary["gateway_orders_per_second"] > 0
    assert summary["bare_orders_per_second"] > 0
    assert summary["ratio"] > 0
    assert summary["p50_ms"] <= summary["p99_ms"]
