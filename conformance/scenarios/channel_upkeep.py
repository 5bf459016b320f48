"""Feeds, test control, the log, and another gateway."""

from __future__ import annotations

from conformance.discovery import served
from conformance.driver.channel_client import ChannelSession, traceparent
from conformance.driver.played_gateway import SECOND, PlayedGateway
from conformance.model import scenario
from conformance.scenarios.channel_events import priced

OPERATIONS: tuple[tuple[str, str, str, dict[str, object] | None], ...] = (
    ("test_reset", "POST", "/reset", {}),
    ("test_sync", "POST", "/sync", None),
    ("test_list_shelf", "GET", "/shelf", None),
    ("test_purchase", "POST", "/purchases", {"intent_id": "nobody", "offer_id": "off_none", "quantity": 1}),
    ("test_get_purchase", "GET", "/purchases/nobody", None),
    ("test_advance_clock", "POST", "/clock", {"advance_seconds": 0}),
    ("test_get_log", "GET", "/log", None),
    ("test_link", "POST", "/buyers/nobody/links", {"kind": "link_code"}),
    ("test_unlink", "DELETE", "/buyers/nobody/links/none", None),
    ("test_confirm_link", "POST", "/buyers/nobody/links/none/confirm", {"code": "none"}),
    ("test_list_consents", "GET", "/buyers/nobody/consents", None),
    (
        "test_set_consent",
        "PUT",
        "/buyers/nobody/consents/marketing",
        {"decision": "given", "scope": "this_channel"},
    ),
    ("test_erase_buyer", "DELETE", "/buyers/nobody", None),
    ("test_export_buyer", "GET", "/buyers/nobody/export", None),
    ("test_list_goods", "GET", "/buyers/nobody/goods", None),
    ("test_get_certificate", "GET", "/buyers/nobody/certificates/none", None),
    ("test_offer_transfer", "POST", "/buyers/nobody/transfers", {"entitlement_id": "ent_none"}),
    ("test_accept_transfer", "POST", "/buyers/nobody/transfers/accept", {"code": "none"}),
)


@scenario("tombstone", role="channel")
async def tombstone(session: ChannelSession) -> None:
    """One offer is deleted, another stays, and the channel catches up by the feed."""
    gone = await session.offer("gone")
    await session.offered("left")
    await session.shelf("before")
    await session.change(gone, deleted=True)
    await session.sync("after the tombstone")
    await session.shelf("after")


@scenario("catch_up", role="channel")
async def catch_up(session: ChannelSession) -> None:
    """Three events were never delivered; they stand in the event feed, on two pages, when the channel comes back."""
    offer = await session.offered()
    session.gateway.hidden.add(offer)
    data = session.transcript.fact("catch_up", "offer data")
    missed = [session.event("offer.updated", priced(data, 810 + n, n)) for n in (1, 2, 3)]
    session.gateway.events += missed
    await session.sync("back")
    await session.shelf_at("after", offer, 813)


@scenario("test_control", role="channel")
async def test_control(session: ChannelSession) -> None:
    """Every operation of test control but reset, which is how every run begins."""
    offer = await session.offer()
    await session.sync("test_sync")
    await session.shelf("test_list_shelf")
    await session.test(
        "test_advance_clock", "POST", "/clock", "test_advance_clock", body={"advance_seconds": 0}
    )
    await session.test("test_get_log", "GET", "/log", "test_get_log")
    intent = session.intent()
    await session.press(offer, "test_purchase", intent)
    await session.buy(
        offer, "test_get_purchase", intent
    )  # a channel may answer the press before it has ordered


@scenario("test_secret", role="channel", phase=3)
async def test_secret(session: ChannelSession) -> None:
    """Every operation of test control with no secret and with a wrong one."""
    for operation, method, path, body in OPERATIONS:
        if not served(operation, session.capabilities):
            continue
        wish = {**body, "buyer_reference": "nobody"} if operation == "test_purchase" and body else body
        for how, secret in (("no secret", None), ("wrong secret", "not-" + session.target.test_secret)):
            headers = {"traceparent": traceparent()} | ({"VGCP-Test-Secret": secret} if secret else {})
            url, label = f"{session.api}/test{path}", f"{operation}: {how}"
            await session.client.call(
                f"channel:{operation}", method, url, label=label, body=wish, headers=headers
            )


@scenario("wrong_requests", role="channel")
async def wrong_requests(session: ChannelSession) -> None:
    """Requests that the channel cannot serve."""
    await session.test("test_get_purchase", "GET", "/purchases/never-pressed", "unknown intent")
    await session.test(
        "test_purchase", "POST", "/purchases", "invalid", body={"intent_id": "x"}, flaw="members are missing"
    )
    await session.test(
        "test_purchase",
        "POST",
        "/purchases",
        "malformed",
        data=b'{"intent_id": ',
        headers={"Content-Type": "application/json"},
        flaw="the JSON ends early",
    )


@scenario("log", role="channel", phase=2)
async def log(session: ChannelSession) -> None:
    """What the channel logged of everything before."""
    await session.log("log")


@scenario("second_gateway", role="channel", phase=4)
async def second_gateway(session: ChannelSession) -> None:
    """The channel is pointed at another gateway, and a buyer comes."""
    first = session.gateway
    async with PlayedGateway(session.transcript, first.host, SECOND) as second:
        session.gateway = second
        try:
            body = {"gateway": second.connection()}
            await session.must("test_reset", "POST", "/reset", "reset", body=body)
            session.transcript.note("reset at", session.transcript.now())
            offer = await session.offered()
            await session.shelf("shelf")
            await session.buy(offer, "bought")
        finally:
            session.gateway = first
