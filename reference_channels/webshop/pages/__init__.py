"""The pages that buyers see. They work without JavaScript, from the keyboard, and on a phone."""

from __future__ import annotations

from aiohttp import web

from reference_channels.webshop.pages import catalog, checkout, orders


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
