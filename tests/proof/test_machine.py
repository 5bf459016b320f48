"""Any interleaving of trade on both databases, against the model (INV-001, INV-015). `make torture` runs many more."""

from __future__ import annotations

import asyncio
import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from gateway.storage.engine import open_engine
from gateway.storage.keys import new_entry
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore
from tests.proof.leasing import over

EXAMPLES = int(os.environ.get("VGCP_PROOF_EXAMPLES", "6"))


def run_machine(database_url: str, examples: int) -> None:
    """So many examples of up to fifty steps each."""
    quick = settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    with asyncio.Runner() as runner:

        async def opened() -> DatabaseStore:
            return DatabaseStore(open_engine(database_url))

        store = runner.run(opened())
        try:
            run_state_machine_as_test(over(runner, store, AesVault(new_entry())), settings=quick)
        finally:
            runner.run(store.close())


def test_any_interleaving_keeps_the_books(database_url: str) -> None:
    """After each step, what the gateway has in its books is what the model says, to the unit."""
    run_machine(database_url, EXAMPLES)
