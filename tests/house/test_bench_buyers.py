"""The benchmark of buyers' operations runs, and leaves none of them out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.buyer_operations import OPERATIONS, READ, WRITE
from benchmarks.buyers import table

ROOT = Path(__file__).parents[2]


def figures(place: str) -> dict[str, Any]:
    """As a run finds them."""
    ends = ("", "_p50", "_ratio")
    return {f"{place} {one.name}{end}": {"median": 1.5} for one in OPERATIONS for end in ends if one.name}


def test_its_table_has_every_operation_once() -> None:
    """Each row has the three figures of each database, and what it is compared with."""
    found = table(figures("SQLite") | figures("PostgreSQL")).splitlines()
    names = [one.name for one in OPERATIONS if one.name]
    assert len(found) == 2 + len(names) == 2 + len({*names})
    assert {line.count("|") for line in found} == {9}
    assert all(one.over in (READ, WRITE) or one.name in (READ, WRITE) for one in OPERATIONS)


@pytest.mark.bench
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_run_measures_all(tmp_path: Path) -> None:
    """A few people go through all of it, on each database that is at hand."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.buyers",
        "--people",
        "8",
        "--rounds",
        "1",
        "--json",
    ]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    raw = json.loads(answer.stdout)["raw"]
    assert raw.keys() >= figures("SQLite").keys()
    assert all(one["median"] > 0 for one in raw.values())
