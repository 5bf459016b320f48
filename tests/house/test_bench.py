"""The benchmark runs and says what it measured."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.xdist_group("bench")]  # one run for all of them
ROOT = Path(__file__).parents[2]
RATIOS = {"orders_hot", "orders_spread", "reservations_hot", "growth_1m_over_10k", "offer_read"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run has left its results: a very short one, on both databases, with few old orders."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-W", "ignore", str(ROOT / "benchmarks" / "run.py"), "--quick"]
    answer = subprocess.run(
        [*command, "--rounds", "1", "--seconds", "0.4"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-4000:]
    assert "| what | ratio |" in answer.stdout
    return folder / "build"


def summary(folder: Path) -> dict[str, Any]:
    """The figures of the run."""
    found: dict[str, Any] = json.loads((folder / "bench.json").read_text("utf-8"))
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_bench_writes_ratios(folder: Path) -> None:
    """A run sells over HTTP and in pgbench, keeps books that balance, and writes the ratios."""
    ratios = summary(folder)["ratios"]
    assert set(ratios) >= RATIOS
    assert all(value > 0 for value in ratios.values())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_figure_has_its_spread(folder: Path) -> None:
    """Each figure has a minimum, a median, a maximum and a unit."""
    for figure in summary(folder)["raw"].values():
        assert figure["min"] <= figure["median"] <= figure["max"]
        assert figure["unit"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_growth_is_a_picture(folder: Path) -> None:
    """The growth plot is well-formed SVG with a bar for each size."""
    root = ElementTree.fromstring((folder / "growth.svg").read_text("utf-8"))
    bars = [one for one in root if one.tag.endswith("rect") and one.get("fill") != "#fff"]
    assert len(bars) == 3
