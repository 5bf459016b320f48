"""One gateway for all tests of a module, for those that do not mind what the others do there.

A module imports `gateway` from here; its fixture `shop` is then a channel at that one. Tests that reset, move the clock
or look at everything that there is want a fresh gateway, which conftest.py gives them, on both databases.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.gateway import RunningGateway, in_process


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A sandbox gateway on SQLite."""
    with in_process(f"sqlite:///{tmp_path_factory.mktemp('shared')}/gateway.db") as running:
        yield running
