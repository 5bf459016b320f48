"""Linking a buyer's accounts, at her wish only and by her proof (BUY-003 to BUY-008)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reference_channels.kit.client import every
from reference_channels.kit.errors import Json
from reference_channels.trade import shelf
from reference_channels.trade.buyers import known, new_key
from reference_channels.trade.settings import Trade
from reference_channels.trade.words import product_text

# For so long after it was confirmed, a link proves to the gateway that it is her who asks for all her data.
FRESH = timedelta(minutes=15)


async def mail_code(trade: Trade, reference: str, email: str, locale: str | None = None) -> Json:
    """Have a code mailed to her (Link, pending)."""
    buyer = await known(trade, reference)
    proof = {"email": email.strip()} | ({"locale": locale} if locale else {})
    request = {"kind": "email_code", "email_code": proof}
    return await buyer.client.create_link(buyer.id, request, new_key())


async def confirm(trade: Trade, reference: str, link_id: str, code: str) -> Json:
    """The code that was mailed, or that the gateway's page shows, as she typed it (Link)."""
    buyer = await known(trade, reference)
    return await buyer.client.confirm_link(buyer.id, link_id, {"code": code.strip()}, new_key())


async def passkey_page(trade: Trade, reference: str) -> Json:
    """A page of the gateway that shows her a code once she has used her passkey there (Link, pending, with `passkey`).
    For her browser alone, and kept and logged nowhere."""
    buyer = await known(trade, reference, "passkeys")
    return await buyer.client.create_link(buyer.id, {"kind": "passkey"}, new_key())


async def sign_in(trade: Trade, reference: str, issuer: str) -> Json:
    """A nonce, for which this issuer is asked for an id token (Link, pending, with `challenge`)."""
    buyer = await known(trade, reference)
    request = {"kind": "id_token", "id_token": {"issuer": issuer}}
    return await buyer.client.create_link(buyer.id, request, new_key())


async def signed_in(trade: Trade, reference: str, link_id: str, id_token: str) -> Json:
    """The id token, as the issuer gave it (Link). It is kept and logged nowhere, and read by the gateway only."""
    buyer = await known(trade, reference)
    return await buyer.client.confirm_link(buyer.id, link_id, {"id_token": id_token}, new_key())


async def show_code(trade: Trade, reference: str) -> Json:
    """A code for her to enter on another channel (Link with `link_code`). Shown to her, kept and logged nowhere."""
    buyer = await known(trade, reference)
    return await buyer.client.create_link(buyer.id, {"kind": "link_code"}, new_key())


async def redeem(trade: Trade, reference: str, code: str) -> Json:
    """The code that another channel shows her, as she typed it (Link)."""
    buyer = await known(trade, reference)
    return await buyer.client.redeem_link_code(buyer.id, code.strip(), new_key())


async def links(trade: Trade, reference: str) -> list[Json]:
    """Her links that are in force or open, newest first."""
    buyer = await known(trade, reference)
    return await every(lambda cursor: buyer.client.list_links(buyer.id, cursor))


async def unlink(trade: Trade, reference: str, link_id: str) -> Json:
    """End a link (Link, ended)."""
    buyer = await known(trade, reference)
    return await buyer.client.delete_link(buyer.id, link_id)


async def proof(trade: Trade, reference: str) -> str | None:
    """The id of a link that was confirmed just now, if there is one."""
    since = datetime.now(UTC) - FRESH
    for link in await links(trade, reference):
        at = link.get("confirmed_at")
        if link["status"] == "confirmed" and at and datetime.fromisoformat(at) > since:
            return str(link["id"])
    return None


async def allowances(trade: Trade, reference: str, language: str) -> list[Json]:
    """What limits leave her, wherever she has bought (PurchaseAllowances): each with `name`, and with `key`, the words
    that say it."""
    buyer = await known(trade, reference)
    limits = (await buyer.client.get_buyer(buyer.id)).get("purchase_limits", [])
    sold = await trade.db.run(shelf.products) if limits else {}
    return [
        one
        | {
            "name": product_text(sold[one["product_id"]], language)[0],
            "key": "limits.days" if "days" in one else "limits.ever",
        }
        for one in limits
        if one["product_id"] in sold
    ]
