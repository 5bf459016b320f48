"""Schemathesis' coverage phase against a real gateway: requests made from the document, good and bad on purpose."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from schemathesis import engine, openapi

import spec
from tests.fixtures.gateway import RunningGateway
from tests.http.shared import gateway

__all__ = ["gateway"]

# They would pull the rug from under the others; send_event is the channel's side.
LEFT_OUT = ["test_reset", "test_advance_clock", "test_raise_fault", "send_event"]


def is_expected(check: str, failure: str) -> bool:
    """What the standard wants otherwise.

    A malformed traceparent is not refused (TRC-002), and a value that fits its schema may still be refused: a cursor
    that was not issued (CNV-006), a scope that there is not, a channel that cannot be reached.
    """
    return check == "positive_data_acceptance" or "parameter `traceparent`" in failure


def found(running: RunningGateway, token: str) -> tuple[int, list[str]]:
    """How many checks were made, and the failures."""
    schema = openapi.from_dict(spec.document("gateway")).exclude(operation_id=LEFT_OUT)
    schema.config.base_url = running.url
    schema.config.headers = {"Authorization": f"Bearer {token}", "VGCP-Test-Secret": running.test_secret}
    schema.config.phases.update(phases=["coverage"])
    made, failures = 0, []
    for event in engine.from_schema(schema).execute():
        kind = type(event).__name__
        if kind in ("NonFatalError", "FatalError"):
            failures.append(str(event))
        if kind != "ScenarioFinished":
            continue
        for checks in event.recorder.checks.values():
            made += len(checks)
            failures += [text for one in checks if (text := failure_of(one)) is not None]
    return made, failures


def failure_of(check: Any) -> str | None:
    """Its text, unless it passed or the standard wants it so."""
    if check.failure_info is None:
        return None
    text = str(check.failure_info.failure)
    return None if is_expected(check.name, text) else f"{check.name}: {text}"


@pytest.mark.slow
async def test_the_gateway_answers_as_its_document_says(gateway: RunningGateway) -> None:
    """No server error, only declared statuses, headers and bodies; what breaks the document is refused."""
    shop = await gateway.channel("schemathesis")
    made, failures = await asyncio.to_thread(found, gateway, await shop.token())
    assert failures == []
    assert made > 2000
