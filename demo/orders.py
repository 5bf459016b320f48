"""The real order stream: CDNOW's purchase history, 69,659 orders of 23,570 customers in 1997 and 1998."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data" / "cdnow_master.txt"
CACHE = ROOT / "build" / "cache"
PACKAGE = "Lifetimes==0.11.3"  # MIT licensed, carries the same file


@dataclass(frozen=True, slots=True)
class PastOrder:
    """One row of the history: `cents` is what the whole order cost, `day` is YYYYMMDD."""

    customer: str
    day: str
    units: int
    cents: int


def history_file() -> Path:
    """The history on disk; fetched from the package that carries it where the shared copy is absent."""
    if SHARED.exists():
        return SHARED
    cached = CACHE / "cdnow_master.txt"
    if not cached.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        print(f"Fetching the order history from the package {PACKAGE} ...", flush=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(CACHE),
            PACKAGE,
        ]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(CACHE.glob("[Ll]ifetimes*.whl"))) as wheel:
            member = next(
                name for name in wheel.namelist() if name.lower().endswith("datasets/cdnow_master.txt")
            )
            cached.write_bytes(wheel.read(member))
    return cached


def past_orders(limit: int) -> Iterator[PastOrder]:
    """The first `limit` orders in the order of their days, each with at least one unit."""
    rows: list[PastOrder] = []
    for line in history_file().read_text().splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[0].isdigit() and int(fields[2]) > 0:
            rows.append(PastOrder(fields[0], fields[1], int(fields[2]), round(float(fields[3]) * 100)))
    rows.sort(key=lambda row: (row.day, row.customer))
    yield from rows[:limit]
