"""Stories of transfers: from one buyer to another, over channels, and what is not handed on."""

from __future__ import annotations

import asyncio
from functools import partial

from conformance import timing
from conformance.driver.gateway_client import GatewaySession, settled
from conformance.driver.shop import Json, Shop, word
from conformance.model import scenario
from conformance.scenarios.gateway_owning import buy, certify, look, status
from conformance.transcript import Exchange

story = partial(scenario, role="gateway", capability="ownership")


async def offer(shop: Shop, label: str, owned: str) -> tuple[str, str]:
    """Offer it: the transfer's id and its code, which is a secret of this run."""
    seen = await shop.do("create_transfer", label, path={"entitlement_id": owned}, body={})
    code = str(seen.answer.get("code")) if seen.status == 201 else "none"
    if seen.status == 201:
        shop.session.transcript.secret(code)
    return str(seen.answer.get("id") or "none"), code


async def recipient(shop: Shop, label: str = "recipient") -> str:
    """A buyer whom the channel has resolved."""
    found = await shop.must("resolve_buyer", label, body={"subject": word("buyer")})
    return str(found.get("id", "none"))


async def accept(shop: Shop, label: str, who: str, code: str) -> Exchange:
    """Accept what was offered."""
    return await shop.do("accept_transfer", label, body={"buyer_id": who, "code": code})


@story("handing_on")
async def handing_on(s: GatewaySession) -> None:
    """One of two units goes to a buyer of another channel, with its goods; then both are to be refunded."""
    here, there = await s.callback("standard_webhooks"), await s.callback("standard_webhooks")
    shop, other = await s.shop(callback=here), await s.shop("other", callback=there)
    await shop.do("get_jwks", "keys", token="")
    order, owned = await buy(shop, "of two", quantity=2, codes=s.codes(2))
    one = await look(shop, "before", owned[0])
    delivery = {"id": str(one.answer.get("delivery_id", "none"))}
    s.transcript.note("names", [str(one.answer.get("buyer_id")), str(order.get("id"))])
    old = await certify(shop, "old certificate", owned[0])
    who = await recipient(other)
    s.transcript.note("recipient", who)
    name, code = await offer(shop, "offer it", owned[0])
    await look(shop, "while offered", owned[0])
    await accept(other, "accept", who, code)
    await accept(other, "accept again", who, code)
    await look(shop, "old owner's look", owned[0])
    await look(other, "new owner's look", owned[0])
    await other.do("list_entitlements", "new owner's list", path={"buyer_id": who})
    await shop.do("get_transfer", "transfer", path={"transfer_id": name})
    await shop.reveal(delivery, "old reveal")
    await other.reveal(delivery, "new reveal")
    new = await certify(other, "new certificate", owned[0])
    await status(shop, "list after", old)
    if new:
        await status(shop, "list of the new", new)
    at = {"order_id": str(order.get("id"))}
    lines = order.get("lines")
    line = lines[0].get("id", "none") if isinstance(lines, list) and lines else "none"
    part: Json = {"reason": "other", "lines": [{"line_id": line, "quantity": 1}]}
    await shop.do("create_refund", "refund of one", path=at, body=part)
    await shop.do("create_refund", "refund of the other", path=at, body={"reason": "other"})
    kind = "entitlement.transferred"
    await settled(lambda: bool(here.events(kind) and there.events(kind)), timing.EVENT_PATIENCE)


@story("handing_on_rules")
async def handing_on_rules(s: GatewaySession) -> None:
    """What is never handed on, what is not once it is revealed; offered twice, declined, cancelled."""
    shop = await s.shop()
    who = await recipient(shop)
    _, (never,) = await buy(shop, "never", transferable="never")
    await offer(shop, "hand on never", never)
    _, (until,) = await buy(shop, "until revealed", codes=s.codes(1), transferable="until_revealed")
    name, code = await offer(shop, "offer before reveal", until)
    await shop.do("cancel_transfer", "cancel", path={"transfer_id": name})
    await accept(shop, "accept cancelled", who, code)
    found = await look(shop, "after cancel", until)
    await shop.reveal({"id": str(found.answer.get("delivery_id", "none"))}, "reveal it")
    await offer(shop, "offer after reveal", until)
    _, (free,) = await buy(shop, "free")
    _, code = await offer(shop, "offer", free)
    await offer(shop, "offer twice", free)
    await shop.do("decline_transfer", "decline", body={"code": code})
    await look(shop, "after decline", free)
    await accept(shop, "accept declined", who, code)
    await shop.do("consume_entitlement", "consume", path={"entitlement_id": free}, body={})
    await offer(shop, "offer consumed", free)


@story("handing_on_rush")
async def handing_on_rush(s: GatewaySession) -> None:
    """Six buyers enter one code at once."""
    shop = await s.shop()
    people = [await recipient(shop) for _ in range(6)]
    _, (owned,) = await buy(shop, "to rush for")
    _, code = await offer(shop, "offer", owned)
    async with asyncio.TaskGroup() as together:
        for who in people:
            together.create_task(accept(shop, "rush", who, code))
    await look(shop, "after the rush", owned)
