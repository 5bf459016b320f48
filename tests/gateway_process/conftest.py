"""A gateway as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.gateway import RunningGateway, subprocess_gateway


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[RunningGateway]:
    """A sandbox gateway, once on each database."""
    with subprocess_gateway(database_url, tmp_path) as running:
        yield running
