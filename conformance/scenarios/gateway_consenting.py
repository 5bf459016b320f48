"""Stories of what a buyer allows, of her data handed out to her, and of her being forgotten."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.person import Person, address, people
from conformance.driver.shop import EUR, Json, word
from conformance.model import scenario
from conformance.scenarios.gateway_waiting import until

story = partial(scenario, role="gateway", capability="consent")
PURPOSES = ("fulfilment", "fraud_prevention", "personalisation", "attribution", "marketing")
EVERYWHERE: Json = {"scope": {"kind": "all_channels"}}
ENGLISH: Json = {"text": "We write to you.", "version": "1", "locale": "en"}
CHINESE: Json = {"text": "我们会给您写信。", "version": "1", "locale": "zh-CN"}
ASKED = {"type": "object", "properties": {"player": {"type": "string"}}, "required": ["player"]}
DEAR = {"amount": EUR["amount"] + 4711, "currency": "EUR"}  # by which what b bought is recognised
PROOF_IS_OVER = 16 * 60  # seconds after which a link proves nothing any more


@story("consents")
async def consents(s: GatewaySession) -> None:
    """One account: what counts before anything is decided, then decisions right and wrong, and their receipts."""
    shop = await s.shop()
    a, b = await people(s, shop, shop)
    await a.do("list_consents", "untold")
    for purpose in PURPOSES:
        await a.do("get_consent", f"untold {purpose}", purpose=purpose)
    await a.shop.do("get_jwks", "keys", token="")
    await a.decide("give", "marketing", notice=ENGLISH, **EVERYWHERE)
    await a.do("get_consent", "given", purpose="marketing")
    await a.do("list_consents", "told")
    await a.decide("give again", "marketing", notice=ENGLISH, **EVERYWHERE)
    await a.decide("give otherwise", "marketing", notice=CHINESE)
    await b.decide("give", "marketing")
    await b.decide("decide contract", "fulfilment")
    now = await s.now()
    ahead, past = ((now + timedelta(hours=n)).strftime("%Y-%m-%dT%H:%M:%SZ") for n in (2, -2))
    await a.decide("give until later", "attribution", expires_at=ahead)
    await a.decide("give until the past", "attribution", expires_at=past)
    for whom, name in (("itself", shop.id), ("nobody", word("nobody"))):
        await a.decide(f"give to {whom}", "attribution", scope={"kind": "channels", "channels": [name]})
    await a.decide("object", "fraud_prevention", "withdrawn")
    await a.do("list_data_uses", "uses")
    await a.do("list_receipts", "receipts", purpose="marketing")


async def _bought(one: Person, label: str, price: Json, **more: Any) -> Json:
    """A fulfilled order of hers; its goods are noted."""
    codes = one.shop.session.codes(2)
    offer = await one.shop.offer(codes=codes, price=price, buyer_input=ASKED)
    who = {"reference": one.subject, "region": "DE", "locale": "de-DE"}
    body = one.shop.ordering(
        offer, who=who, buyer_input={"player": more.pop("typed", word("player"))}, **more
    )
    seen = await one.shop.do("create_order", f"{label} {one.who}", body=body)
    return {"order_id": str(seen.answer.get("id", "none")), "codes": codes}


@story("consents_shared")
async def consents_shared(s: GatewaySession) -> None:
    """Two linked accounts, each with an order: who sees what, before a consent, under it, after it, and by proof."""
    a, b = await people(s, await s.shop(), await s.shop())
    email = address()
    proof = await a.prove("proof", email)
    foreign = await b.prove("proof", email)
    for one in (a, b):
        await one.profile("linked")
    await _bought(a, "order", EUR)
    await _bought(b, "order", DEAR)
    await a.do("export_buyer", "export apart")
    await a.decide("give", "personalisation", **EVERYWHERE)
    await b.do("get_consent", "read", purpose="personalisation")
    await b.do("list_data_uses", "uses given")
    await b.decide("withdraw", "personalisation", "withdrawn")
    for one in (a, b):
        await one.do("get_consent", "read after", purpose="personalisation")
        await one.do("list_data_uses", "uses after")
    await a.do("export_buyer", "export after")
    await a.do("export_buyer", "export with proof", params={"proof": str(proof.get("id", "none"))})
    await a.do("export_buyer", "export with foreign proof", params={"proof": str(foreign.get("id", "none"))})
    for one in (a, b):
        await one.events("events")


@story("exports")
async def exports(s: GatewaySession) -> None:
    """Two orders, one of them revealed, and a decision."""
    (a,) = await people(s, await s.shop())
    made = [await _bought(a, f"order {n}", EUR) for n in (1, 2)]
    s.transcript.note("goods", [code for one in made for code in one["codes"]])
    delivered = await a.shop.deliveries({"id": made[0]["order_id"]})
    for one in delivered[:1]:
        await a.shop.reveal(one)
    await a.decide("give", "marketing")
    for n, order in enumerate(made, 1):
        await a.shop.do("get_order", f"read {n} a", path={"order_id": order["order_id"]})
    await a.do("export_buyer", "export")


@story("erasures")
async def erasures(s: GatewaySession) -> None:
    """An account with an order, a hold and a decision: erased too early, then erased, again, and begun anew."""
    (a,) = await people(s, await s.shop())
    typed = word("player")
    s.transcript.note("typed", typed)
    order = await _bought(a, "order", EUR, typed=typed)
    await a.decide("give", "marketing")
    who = {"reference": a.subject, "region": "DE"}
    offer = await a.shop.offer(codes=s.codes(3))
    await a.shop.hold(offer, "hold a", who=who)
    waiting = await a.shop.do(
        "create_order", "waiting a", body=a.shop.ordering(offer, who=who, pay="pending")
    )
    at = {"order_id": str(waiting.answer.get("id", "none"))}
    await a.shop.do("get_order", "order before a", path={"order_id": order["order_id"]})
    await a.do("erase_buyer", "erase too early")
    await a.profile("still there")
    await a.shop.do("cancel_order", "cancel a", path=at)
    await a.do("erase_buyer", "erase")
    await a.shop.do("get_order", "order after a", path={"order_id": order["order_id"]})
    await a.shop.pages("list_reservations", "holds after a", 100)
    await a.shop.pages("list_orders", "orders after a", 100)
    await a.events("events after")
    await a.profile("profile after")
    await a.do("erase_buyer", "erase again")
    await a.events("events at last")
    anew = Person(a.shop, "anew", a.subject)
    await anew.resolve()
    await anew.do("list_consents", "consents")
    await anew.do("export_buyer", "export")


@story("consents_expire", phase=22, clock=True)
async def consents_expire(s: GatewaySession) -> None:
    """A consent at the instant of its `expires_at`."""
    (a,) = await people(s, await s.shop())
    ends = (await s.now() + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await a.decide("give", "marketing", expires_at=ends, **EVERYWHERE)
    await a.do("list_data_uses", "uses before")
    await s.advance(until(ends, await s.now()))
    a.shop.token = await s.token(a.shop)
    await a.do("get_consent", "read late", purpose="marketing")
    await a.do("list_data_uses", "uses late")


@story("proofs_apart", phase=23, clock=True)
async def proofs_apart(s: GatewaySession) -> None:
    """Two accounts that a link joins, which is too old to prove anything: a has another address proved, then this one
    anew, and an export is asked for without a proof and by each."""
    a, b = await people(s, await s.shop(), await s.shop())
    email = address()
    for one in (a, b):
        await one.prove("join", email)
    for one in (a, b):
        await one.profile("linked")
    await _bought(b, "order", DEAR)
    await s.advance(PROOF_IS_OVER)
    for one in (a, b):
        one.shop.token = await s.token(one.shop)
    await a.do("export_buyer", "export without proof")
    for label, proved in (("of something else", address()), ("of the link", email)):
        link = await a.prove(f"prove {label}", proved)
        await a.do("export_buyer", f"export by proof {label}", params={"proof": str(link.get("id", "none"))})
