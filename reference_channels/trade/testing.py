"""Test control, by which certification buys as a buyer would. Served in a sandbox only (TST-002, TST-004,
TST-006, TST-008)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from reference_channels.kit.errors import GatewayError, Json
from reference_channels.kit.tokens import Credentials
from reference_channels.trade import intents, shelf, wire
from reference_channels.trade.clock import rfc3339
from reference_channels.trade.database import forget_all, trade_with
from reference_channels.trade.intents import Intent
from reference_channels.trade.link import Connection
from reference_channels.trade.problems import RefusalError
from reference_channels.trade.reveal import reveal
from reference_channels.trade.selling import Wish
from reference_channels.trade.settings import TRADE, Trade

Handler = Callable[[web.Request], Awaitable[web.Response]]
FAILED = frozenset({"unresolved", "order_fulfilment_failed"})


def guarded(handler: Handler) -> Handler:
    """Ask for the test secret first."""

    @wraps(handler)
    async def checked(request: web.Request) -> web.Response:
        secret = request.app[TRADE].settings.test_secret or ""
        given = request.headers.get("VGCP-Test-Secret", "")
        if not secret or not secrets.compare_digest(given.encode(), secret.encode()):
            raise RefusalError("test_secret_invalid")
        try:
            return await handler(request)
        except GatewayError as error:
            raise RefusalError("unavailable", "The gateway cannot be reached now.") from error

    return checked


@guarded
async def test_reset(request: web.Request) -> web.Response:
    """Forget everything and, when a gateway is given, trade with that one from now on (TST-009)."""
    trade = request.app[TRADE]
    gateway = (await wire.read(request, "TestReset")).get("gateway")
    async with trade.worker.quiet():
        trade.link.connect(_connection(gateway) if gateway else trade.link.connection)
        await trade.db.run(forget_all)
        if trade.link.connection is not None:
            name = trade.link.connection.name
            await trade.db.run(lambda db: trade_with(db, name))
        trade.clock.reset()
        trade.ring.lines.clear()
    trade.worker.sync_soon()
    return web.Response(status=204)


def _connection(gateway: Json) -> Connection:
    credentials = Credentials(gateway["client_id"], gateway["client_secret"], gateway["webhook_secret"])
    return Connection(gateway["url"], credentials)


@guarded
async def test_sync(request: web.Request) -> web.Response:
    """Pull both feeds to their ends now."""
    await request.app[TRADE].worker.catch_up()
    return web.Response(status=204)


@guarded
async def test_list_shelf(request: web.Request) -> web.Response:
    """What the page of offers shows."""
    offers = await request.app[TRADE].db.run(shelf.all_on_sale)
    items = [
        {
            "offer_id": offer["id"],
            "name": offer["product"]["name"],
            "price": offer["price"],
            "buyable": shelf.buyable(offer),
        }
        for offer in offers
    ]
    return wire.answer({"items": items})


@guarded
async def test_purchase(request: web.Request) -> web.Response:
    """Press the button: the same steps as the pages take, without the pages (TST-008)."""
    trade = request.app[TRADE]
    asked = await wire.read(request, "TestPurchaseRequest")
    wish = Wish(
        intent_id=asked["intent_id"],
        offer_id=asked["offer_id"],
        quantity=asked["quantity"],
        buyer=asked["buyer_reference"],
        region=asked.get("region"),
        buyer_input=asked.get("buyer_input", {}),
    )
    intent = await trade.purchases.open(wish)
    shown = asked.get("reveal", True)
    # Kept with the intent, so that the goods are there for this buyer also when the order is finished later.
    await trade.db.run(lambda db: intents.save(db, intent, reveal=int(shown or intent.reveal)))
    intent = await trade.purchases.hold(intent.id)
    if intent.unit_amount is not None and intent.unit_amount > intent.seen_amount:
        # The checkout page shows the new price; this buyer leaves rather than pay more than was shown.
        intent = await trade.purchases.cancel(intent.id, "price_mismatch")
    elif asked.get("pay", True):
        intent = await trade.purchases.pay(
            intent.id, f"test-{secrets.token_hex(8)}", asked.get("recipient_key")
        )
    return wire.answer(await _seen(trade, intent, reveal_now=shown))


@guarded
async def test_get_purchase(request: web.Request) -> web.Response:
    """What the buyer sees on the order page now."""
    trade = request.app[TRADE]
    intent = await trade.purchases.find(request.match_info["intent_id"])
    if intent is None:
        raise RefusalError("not_found")
    return wire.answer(await _seen(trade, intent, reveal_now=bool(intent.reveal)))


async def _seen(trade: Trade, intent: Intent, reveal_now: bool) -> Json:
    """The TestPurchase document; the goods only where the buyer opened them, now or before."""
    document: Json = {"intent_id": intent.id, "outcome": outcome(intent)}
    if intent.order_id:
        document["order_id"] = intent.order_id
    if intent.payment == "collected":
        document["total"] = {"amount": intent.amount, "currency": intent.currency}
    if intent.reason:
        document["reason"] = intent.reason
    if reveal_now:
        document["goods_shown"] = [
            each.text for each in await reveal(trade.db, trade.link, intent) if each.text
        ]
    return document


def outcome(intent: Intent) -> str:
    """The intent's state in the words of test control."""
    if intent.state == "fulfilled":
        return "fulfilled"
    if intent.reason in FAILED:
        return "failed"
    return "refused" if intent.state in ("releasing", "closed") else "pending"


@guarded
async def test_advance_clock(request: web.Request) -> web.Response:
    """Advance the channel's clock and do what falls due by it."""
    trade = request.app[TRADE]
    trade.clock.advance((await wire.read(request, "TestClock"))["advance_seconds"])
    await trade.worker.tick()
    return wire.answer({"now": rfc3339(trade.clock())})


@guarded
async def test_get_log(request: web.Request) -> web.Response:
    """Every line logged since reset."""
    return wire.answer({"lines": list(request.app[TRADE].ring.lines)})


ROUTES = [
    web.post("/vgcp/v1/test/reset", test_reset),
    web.post("/vgcp/v1/test/sync", test_sync),
    web.get("/vgcp/v1/test/shelf", test_list_shelf),
    web.post("/vgcp/v1/test/purchases", test_purchase),
    web.get("/vgcp/v1/test/purchases/{intent_id}", test_get_purchase),
    web.post("/vgcp/v1/test/clock", test_advance_clock),
    web.get("/vgcp/v1/test/log", test_get_log),
]
