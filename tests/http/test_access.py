"""Who may do what, for every operation of the document."""

from __future__ import annotations

import pytest

import spec
from gateway.core.clients import SCOPES
from gateway.http.handlers import handlers
from tests.fixtures.gateway import TEST_SECRET, Answer, RunningGateway, TestChannel, call
from tests.http.shared import gateway

__all__ = ["gateway"]

OPERATIONS = {one.id: one for one in spec.operations("gateway")}
SCOPED = sorted(name for name, one in OPERATIONS.items() if one.security == "oauth")
TEST_CONTROL = sorted(name for name, one in OPERATIONS.items() if one.security == "test")
# What is public has nothing to be kept from anybody.
PUBLIC = {
    "get_discovery",
    "get_authorization_server",
    "get_jwks",
    "issue_token",
    "get_certificate_issuer",
    "get_status_list",
    "get_log_head",
    "list_log_entries",
    "get_inclusion_proof",
    "get_consistency_proof",
}
BY_TICKET = {"begin_passkey", "finish_passkey"}  # their body has what opens them (PSK-010)


def test_documents_handlers_and_these_tests_know_the_same_operations() -> None:
    """An operation that is added has a handler and is tried without authorisation, or this fails."""
    assert set(handlers()) == set(OPERATIONS)
    assert {*SCOPED, *TEST_CONTROL} | PUBLIC | BY_TICKET == set(OPERATIONS)


def url_of(gateway: RunningGateway, operation: spec.Operation) -> str:
    """With an id that does not exist for every parameter."""
    path = operation.path
    for name in ("offer_id", "reservation_id", "order_id", "delivery_id", "buyer_id", "link_id"):
        path = path.replace("{" + name + "}", "off_doesnotexist")
    return gateway.url + path


async def send(gateway: RunningGateway, name: str, headers: dict[str, str]) -> Answer:
    """The request, otherwise as good as it gets without a body that fits."""
    operation = OPERATIONS[name]
    extra = {"json": {}} if operation.method == "POST" else {}
    return await call(operation.method, url_of(gateway, operation), headers=headers, **extra)


@pytest.mark.parametrize("name", SCOPED)
async def test_without_a_valid_token_nothing_is_served(gateway: RunningGateway, name: str) -> None:
    """AUT-008, AUT-016: no token, a wrong one, and the test-control secret, which opens nothing else."""
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"VGCP-Test-Secret": TEST_SECRET}):
        answer = await send(gateway, name, headers)
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", SCOPED)
async def test_a_token_without_the_scope_is_refused(gateway: RunningGateway, name: str) -> None:
    """AUT-010, before anything in the request is looked at."""
    scope = OPERATIONS[name].scope
    others = [one for one in SCOPES if one != scope]
    client = await gateway.channel("narrow", scopes=others)
    answer = await send(gateway, name, {"Authorization": f"Bearer {await client.token()}"})
    assert (answer.status, answer.code) == (403, "scope_missing")


@pytest.mark.parametrize("name", TEST_CONTROL)
async def test_test_control_wants_its_secret(gateway: RunningGateway, shop: TestChannel, name: str) -> None:
    """TST-003: none, a wrong one, and a channel's token are refused."""
    token = {"Authorization": f"Bearer {await shop.token()}"}
    for headers in ({}, {"VGCP-Test-Secret": "wrong"}, {"VGCP-Test-Secret": ""}, token):
        answer = await send(gateway, name, headers)
        assert (answer.status, answer.code) == (401, "test_secret_invalid")
