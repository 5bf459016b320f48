"""The kit's client over real sockets: tokens, keys, pauses, traces, typed errors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

import spec
from reference_channels.kit import trace
from reference_channels.kit.client import GatewayClient, discover
from reference_channels.kit.errors import NoAnswer, Problem
from reference_channels.kit.tokens import Credentials
from reference_channels.kit.transport import exchange
from tests.reference_channels.conftest import POLICY
from tests.reference_channels.scripted import Fault, ScriptedGateway

HOLD = {"quantity": 1, "buyer": {"reference": "ada"}, "reference": "r1"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A connection pool."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def client(gateway: ScriptedGateway, http: aiohttp.ClientSession) -> GatewayClient:
    """A client that has discovered the gateway."""
    found = await discover(http, gateway.url, POLICY)
    return GatewayClient(http, found, Credentials("shop", "s3cret"), policy=POLICY)


async def test_one_token_serves_many_calls(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """AUT-015: a token is used again."""
    for _ in range(3):
        await client.list_offers()
    assert len(gateway.made("issue_token")) == 1


async def test_a_401_brings_a_new_token_and_one_more_try(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """AUT-014: the same request with the same key, once."""
    offer = gateway.add()
    await client.list_offers()
    gateway.tokens.clear()
    held = await client.create_reservation({**HOLD, "offer_id": offer["id"]}, "k1")
    assert held["status"] == "active"
    calls = gateway.made("create_reservation")
    assert [call.status for call in calls] == [401, 201]
    assert {call.headers["Idempotency-Key"] for call in calls} == {"k1"}


async def test_a_second_401_is_final(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """No loop when the gateway refuses new tokens too."""
    gateway.faults = [Fault("list_offers", count=9, status=401, code="unauthenticated", retryable=False)]
    with pytest.raises(Problem, match="401 unauthenticated"):
        await client.list_offers()
    assert len(gateway.made("list_offers")) == 2


async def test_503_is_tried_again_with_the_same_key_after_the_asked_pause(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """LIM-003, LIM-004, IDM-008."""
    offer = gateway.add()
    gateway.faults = [Fault("create_reservation", status=503, retry_after="1")]
    await client.create_reservation({**HOLD, "offer_id": offer["id"]}, "k1")
    first, second = gateway.made("create_reservation")
    assert second.at - first.at >= 1
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "k1"
    assert first.body == second.body


async def test_a_lost_answer_is_fetched_by_the_same_key(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """The work was done, the connection died: the retry gets the first answer, and nothing is held twice."""
    offer = gateway.add()
    gateway.faults = [Fault("create_reservation", drop="after")]
    held = await client.create_reservation({**HOLD, "offer_id": offer["id"]}, "k1")
    assert list(gateway.holds) == [held["id"]]


async def test_a_gateway_that_is_away_leaves_the_outcome_unknown(
    gateway: ScriptedGateway, client: GatewayClient
) -> None:
    """NoAnswer after a bounded number of tries."""
    gateway.faults = [Fault("list_offers", count=99, drop="before")]
    with pytest.raises(NoAnswer):
        await client.list_offers()
    # aiohttp by itself sends a GET once more when a kept connection was closed.
    assert POLICY.tries <= len(gateway.made("list_offers")) <= 2 * POLICY.tries


async def test_a_refusal_is_typed_and_not_repeated(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """ERR-011: the code, the status, one call."""
    offer = gateway.add(codes=0)
    with pytest.raises(Problem) as caught:
        await client.create_reservation({**HOLD, "offer_id": offer["id"]}, "k1")
    assert (caught.value.code, caught.value.status) == ("out_of_stock", 409)
    assert len(gateway.made("create_reservation")) == 1


async def test_the_trace_goes_along(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """TRC-006: each call carries the trace id and a span id of its own; without a trace it begins one."""
    await client.list_offers()
    step = trace.new_trace()
    token = trace.current.set(step)
    await client.list_offers()
    await client.list_events()
    trace.current.reset(token)
    sent = [call.headers["traceparent"] for call in gateway.calls]
    assert all(sent)
    assert [each[3:35] for each in sent[-2:]] == [step.trace_id, step.trace_id]
    assert len(set(sent)) == len(sent)


async def test_only_a_gateway_is_a_gateway(gateway: ScriptedGateway, http: aiohttp.ClientSession) -> None:
    """Discovery refuses another protocol, another role, another major version, and nobody."""
    for change in ({"protocol": "other"}, {"role": "channel"}, {"versions": ["2.0"]}):
        document = {**gateway.get_discovery(gateway.calls[0] if gateway.calls else None), **change}  # type: ignore[arg-type]
        gateway.get_discovery = lambda _, found=document: found  # type: ignore[method-assign,misc]
        with pytest.raises(NoAnswer):
            await discover(http, gateway.url, POLICY)
        del gateway.get_discovery
    with pytest.raises(NoAnswer):
        await discover(http, "http://127.0.0.1:9", POLICY)


async def test_a_redirect_is_not_followed(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """A token does not travel to where an answer points."""
    gateway.faults = [Fault("list_offers", status=307, code="moved", retryable=False)]
    with pytest.raises(Problem, match="307"):
        await client.list_offers()
    assert client.offers("catalog")
    assert not client.offers("time_travel")


async def test_a_hold_is_kept_longer_and_given_back(gateway: ScriptedGateway, client: GatewayClient) -> None:
    """Extend, find by reference, release; the offer by its id."""
    offer = gateway.add()
    held = await client.create_reservation({**HOLD, "offer_id": offer["id"]}, "k1")
    longer = await client.extend_reservation(held["id"], 900, "k2")
    assert longer["expires_at"] > held["expires_at"]
    assert [each["id"] for each in (await client.list_reservations("r1"))["items"]] == [held["id"]]
    assert (await client.release_reservation(held["id"]))["status"] == "released"
    assert (await client.get_offer(offer["id"]))["id"] == offer["id"]


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (200, "no json", NoAnswer),
        (200, "[1]", NoAnswer),
        (502, "<html>Bad gateway</html>", Problem),
        (400, "[]", Problem),
        (204, "", dict),
    ],
)
async def test_answers_of_something_in_between(
    http: aiohttp.ClientSession, status: int, text: str, expected: type
) -> None:
    """A good status without the promised document is no answer; a bad one without a problem is still an error."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        found: object = await exchange(http, "GET", url, patience=2)
    except (NoAnswer, Problem) as error:
        found = error
    await runner.cleanup()
    assert isinstance(found, expected)
    assert not isinstance(found, Problem) or found.transient is (status == 502)


def test_every_operation_about_a_buyer_has_its_method() -> None:
    """One method per operation, named as in the document; what is public needs none."""
    nouns = ("identity", "consent", "ownership")
    wanted = [one.id for one in spec.operations("gateway") if one.tag in nouns and one.security == "oauth"]
    assert len(wanted) > 20
    assert [name for name in wanted if not hasattr(GatewayClient, name)] == []
