"""The pages that buyers see. They work without JavaScript, from the keyboard, and on a phone."""

from __future__ import annotations

from aiohttp import web

from reference_channels.webshop.pages import accounts, catalog, checkout, data, goods, orders, provider


def set_up(app: web.Application) -> None:
    """Add the pages to the application."""
    app.router.add_get("/", catalog.offers)
    app.router.add_get("/offers/{offer_id}", catalog.product)
    app.router.add_post("/checkout", checkout.start)
    app.router.add_get("/checkout/{intent_id}", checkout.show)
    app.router.add_post("/checkout/{intent_id}/pay", checkout.pay)
    app.router.add_post("/checkout/{intent_id}/retry", checkout.retry)
    app.router.add_post("/checkout/{intent_id}/cancel", checkout.cancel)
    app.router.add_get("/orders", orders.mine)
    app.router.add_get("/orders/{intent_id}", orders.show)
    app.router.add_get("/orders/{intent_id}/state", orders.state)
    app.router.add_post("/orders/{intent_id}/reveal", orders.open_goods)
    app.router.add_get("/goods", goods.mine)
    app.router.add_post("/goods/accept", goods.accept)
    app.router.add_get("/goods/{entitlement_id}", goods.show)
    app.router.add_post("/goods/{entitlement_id}/open", goods.open_good)
    app.router.add_post("/goods/{entitlement_id}/certificate", goods.certificate)
    app.router.add_post("/goods/{entitlement_id}/transfer", goods.hand_on)
    app.router.add_post("/goods/{entitlement_id}/take-back", goods.take_back)
    app.router.add_get("/accounts", accounts.mine)
    app.router.add_post("/accounts/mail", accounts.mail)
    app.router.add_post("/accounts/passkey", accounts.passkey)
    app.router.add_post("/accounts/provider", provider.leave)
    app.router.add_get(provider.RETURN, provider.back, allow_head=False)
    app.router.add_post("/accounts/redeem", accounts.redeem)
    app.router.add_post("/accounts/show", accounts.show)
    app.router.add_post("/accounts/{link_id}/confirm", accounts.confirm)
    app.router.add_post("/accounts/{link_id}/unlink", accounts.unlink)
    app.router.add_get("/data", data.mine)
    app.router.add_post("/data/export", data.export)
    app.router.add_get("/data/erase", data.ask_to_erase)
    app.router.add_post("/data/erase", data.erase)
    app.router.add_get("/data/{purpose}", data.receipts)
    app.router.add_post("/data/{purpose}", data.decide)
