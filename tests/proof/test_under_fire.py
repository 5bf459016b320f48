"""A part of `make torture`, small enough for every day: the same scenes, a few seconds each."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.http.services import Clock
from tests.torture import concurrency, crash, failing, overload, soak
from tests.torture.places import Postgres

pytestmark = pytest.mark.timeout(240)


@pytest.mark.postgres
async def test_64_buyers_at_3_gateways(own_server: Postgres, tmp_path: Path) -> None:
    """Nothing is oversold, no code is given out twice, no order is lost, nothing waits for a lock at the end."""
    await concurrency.rush(own_server.url(), tmp_path, seconds=3)


async def test_the_gateway_is_killed(database_url: str, tmp_path: Path) -> None:
    """After each restart the books balance; what was confirmed is there, what had no answer is found by its key."""
    await crash.gateways_killed(database_url, tmp_path, kills=3, seed=5)


@pytest.mark.postgres
async def test_postgresql_is_killed(own_server: Postgres, tmp_path: Path) -> None:
    """The gateway outlives its database, and nothing is lost."""
    await crash.database_killed(own_server, own_server.url(), tmp_path, kills=2, seed=6)


@pytest.mark.postgres
async def test_postgresql_is_gone(own_server: Postgres, tmp_path: Path) -> None:
    """Reads and writes are answered 503 with Retry-After, and trade goes on without a restart."""
    await failing.database_gone(own_server, tmp_path, 1.5)


@pytest.mark.postgres
async def test_postgresql_stands_still(own_server: Postgres, tmp_path: Path) -> None:
    """Connections that are open and do not answer keep nobody waiting for long."""
    await failing.database_frozen(own_server, tmp_path, 6)


@pytest.mark.parametrize("mount", [True, False], ids=["small disk", "file limit"])
async def test_the_disk_is_full(mount: bool, tmp_path: Path) -> None:
    """Writes are answered 503, and succeed when there is room again; without root, a limit stands for the disk."""
    await failing.disk_full(tmp_path, 1, mount)


async def test_the_clock_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trade goes on, also at a gateway that starts while the books are ahead of its clock."""
    clock = Clock()
    monkeypatch.setattr("gateway.main.Clock", lambda: clock)
    await failing.clock_set_back(f"sqlite:///{tmp_path}/books.db", clock, 2, 0.6)


@pytest.mark.postgres
async def test_more_than_it_can_do(own_server: Postgres, tmp_path: Path) -> None:
    """Beyond its limit the gateway sheds with 503 and Retry-After, lives, and serves the next one at once."""
    await overload.flood(own_server.url(), tmp_path, at_once=1500)


@pytest.mark.postgres
async def test_a_short_soak(own_server: Postgres, tmp_path: Path) -> None:
    """The long one is `make soak`."""
    await soak.soak(own_server.url(), tmp_path, minutes=0.1)
