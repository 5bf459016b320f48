"""The same seed gives the same transcript, and the same implementation the same report.

`VGCP_RENEW_GOLDEN=1` in the environment writes the golden reports anew; look at the difference before you commit it.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from conformance.normal import normalised, told
from conformance.report import report
from conformance.runner import Run
from tests.conformance.conftest import SEED, certified_channel, certified_gateway

GOLDEN = Path(__file__).parent / "golden"
CERTIFY = {"gateway": certified_gateway, "channel": certified_channel}
MUTANTS = {"gateway": "any_amount", "channel": "trims_goods"}


def golden(name: str, run: Run) -> None:
    """The run's report is the golden one of this name."""
    path, now = GOLDEN / f"{name}.txt", "".join(f"{line}\n" for line in told(report(run)))
    if os.environ.get("VGCP_RENEW_GOLDEN"):
        path.write_text(now, "utf-8")
    assert now.splitlines() == path.read_text("utf-8").splitlines()


def test_the_same_seed_gives_the_same_transcript(full_run: Run) -> None:
    """Once more with the seed of the first run: what was asked and answered is the same, times and ids apart."""
    role = full_run.target.role
    again = asyncio.run(CERTIFY[role](seed=SEED))
    assert normalised(again.transcript) == normalised(full_run.transcript)
    assert again.transcript.nonce != full_run.transcript.nonce


def test_another_seed_makes_other_choices(channel_run: Run) -> None:
    """The prices of offers are the seed's."""
    other = asyncio.run(certified_channel(seed=SEED + 1, only=("SEL-002",)))
    prices = [r.transcript.fact("buy", "offer price") for r in (channel_run, other)]
    assert prices[0] != prices[1]


def test_the_report_of_the_right_one_is_golden(full_run: Run) -> None:
    """Every check, its verdict and its words."""
    golden(full_run.target.role, full_run)


@pytest.mark.parametrize("role", MUTANTS)
def test_the_report_of_a_wrong_one_is_golden(role: str) -> None:
    """One mutant of each role."""
    golden(f"{role}-{MUTANTS[role]}", asyncio.run(CERTIFY[role](MUTANTS[role])))
