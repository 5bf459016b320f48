"""What holds for all tests."""

import os
from collections.abc import Generator

import pytest


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With VGCP_NO_SKIPS=1 (as in CI) what was skipped has failed: what was not tried is not green."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("VGCP_NO_SKIPS") == "1":
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and nothing may be skipped here: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Watch the outcome of every test."""
    report = yield
    refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Watch the outcome of every file's import."""
    report = yield
    refuse(report)
    return report
