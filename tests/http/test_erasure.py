"""What is held about a buyer is handed out and forgotten, over real sockets, on both databases."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from typing import Any

import spec
from tests.fixtures.buyers import Person, resolved
from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, order_of
from tests.http.test_consent import EMAIL, GIVEN, decide, linked, told

SECRET = "GAME-CODE-7Q2M"
TYPED = "Mia Musterfrau"
INPUT = {"type": "object", "properties": {"player": {"type": "string"}}, "required": ["player"]}


def opened(answer: Answer) -> dict[str, list[Any]]:
    """The files of an archive: its lines as JSON."""
    assert answer.status == 200, answer.body
    packed = zipfile.ZipFile(io.BytesIO(answer.body))
    assert packed.testzip() is None
    found: dict[str, list[Any]] = {}
    for name in packed.namelist():
        text = packed.read(name).decode()
        if name.endswith(".ndjson"):
            found[name] = [json.loads(line) for line in text.splitlines()]
        else:
            found[name] = [json.loads(text)] if name.endswith(".json") else text.splitlines()
    return found


async def export(who: Person, **query: str) -> dict[str, list[Any]]:
    """Her archive."""
    return opened(await who.shop.get(f"/buyers/{who.id}/export", params=query))


async def erase(who: Person, **query: str) -> Answer:
    """Forget her."""
    return await who.shop.request("DELETE", f"/buyers/{who.id}", params=query)


async def bought(who: Person, offer: Any, reference: str) -> Any:
    """An order of hers that is fulfilled."""
    order = order_of(offer, reference=reference)
    order["buyer"] = {"reference": who.subject, "region": "DE", "locale": "de-DE"}
    order["lines"][0]["buyer_input"] = {"player": TYPED}
    answer = await who.shop.post("/orders", order)
    assert answer.status == 201, answer.body
    return answer.json


async def offered(gateway: RunningGateway, count: int = 3) -> Any:
    """Something to buy, that asks for a name."""
    codes = [f"{SECRET}-{n}" for n in range(count)]
    return await gateway.offer(codes=codes, price=500, buyer_input=INPUT)


async def test_an_export_tells_nothing_of_a_later_owner(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-027: that she has handed it on is in there, and not when somebody else has opened it."""
    mia, friend = await resolved(shop, "mia"), await resolved(await gateway.channel("bot"), "f-1")
    order = await bought(mia, await offered(gateway), "a-1")
    (delivery,) = (await shop.get(f"/orders/{order['id']}/deliveries")).json["items"]
    assert [one["id"] for one in (await export(mia))["deliveries.ndjson"]] == [delivery["id"]]
    code = (await shop.post(f"/entitlements/{delivery['entitlement_id']}/transfers")).json["code"]
    await friend.shop.post("/transfers/accept", {"buyer_id": friend.id, "code": code})
    assert (await friend.shop.post(f"/deliveries/{delivery['id']}/reveal")).status == 200
    found = await export(mia)
    assert (found["deliveries.ndjson"], len(found["handed_on.ndjson"])) == ([], 1)
    assert [one["status"] for one in found["offers.ndjson"]] == ["accepted"]


async def test_an_export_has_her_tier_and_what_counts(gateway: RunningGateway) -> None:
    """CNS-019: on which terms she buys, and what limits count of it."""
    mia, bot = await linked(gateway)
    offer = await offered(gateway)
    limited = await gateway.offer(quantity=9, restrictions={"purchase_limit": {"quantity": 3}})
    await bought(mia, offer, "a-1")
    await mia.shop.post("/orders", order_of(limited, 2, buyer={"reference": mia.subject}))
    await gateway.control(f"/buyers/{bot.id}/tier", {"tier": "gold"})
    found = await export(mia)
    counted = [(one["product_id"], one["quantity"]) for one in found["limits.ndjson"]]
    assert counted == [(limited["product"]["id"], 2)]
    assert [one["tier"] for one in found["accounts.ndjson"]] == ["gold"]


async def test_an_export_has_what_the_channel_may_see(gateway: RunningGateway) -> None:
    """CNS-014, CNS-019 to CNS-021: own orders whole, others by consent and without ids, goods never."""
    mia, bot = await linked(gateway)
    offer = await offered(gateway)
    mine, other = await bought(mia, offer, "a-1"), await bought(bot, offer, "b-1")
    found = await export(mia)
    manifest = found["manifest.json"][0]
    assert spec.validator("ExportManifest").errors(manifest) == []
    assert {one["name"] for one in manifest["files"]} == found.keys() - {"manifest.json"}
    assert all(one["count"] == len(found[one["name"]]) for one in manifest["files"])
    assert found["orders.ndjson"] == [mine]
    assert {"what": "other_channels", "why": "no_consent"} in manifest["left_out"]
    await decide(bot, "personalisation", GIVEN)
    assert len((await export(mia))["orders.ndjson"]) == 2
    proof = (await mia.links())[0]["id"]
    full = await export(mia, proof=proof)
    assert [one["channel"] for one in full["orders.ndjson"] if "channel" in one] == ["bot"]
    for text in (other["id"], "b-1", bot.id, bot.subject, SECRET):
        assert text not in str(full)


async def test_a_proof_must_be_fresh_and_her_own(gateway: RunningGateway) -> None:
    """CNS-022: another account's link, an ended one, or one of half an hour ago proves nothing."""
    mia, bot = await linked(gateway)
    foreign = (await bot.links())[0]["id"]
    own = (await mia.links())[0]["id"]
    for proof in (foreign, "lnk_unknown"):
        answer = await mia.shop.get(f"/buyers/{mia.id}/export", params={"proof": proof})
        assert (answer.code, answer.json["errors"][0]["name"]) == ("proof_required", "proof")
    assert (await erase(mia, scope="all_channels")).code == "proof_required"
    await gateway.control("/clock", {"advance_seconds": 1000})
    mia.shop.forget_token()
    assert (await erase(mia, scope="all_channels", proof=own)).code == "proof_required"


async def test_a_channel_proves_nothing_by_its_own_mailbox(gateway: RunningGateway) -> None:
    """CNS-022: what only this account has proved opens and erases nothing that is another channel's."""
    mia, bot = await linked(gateway)
    await bought(bot, await offered(gateway), "b-1")
    await gateway.control("/clock", {"advance_seconds": 1000})
    for one in (mia, bot):
        one.shop.forget_token()
    proof = (await mia.prove_email("owner@shop.example"))["id"]
    found = await export(mia, proof=proof)
    assert (found["orders.ndjson"], found["manifest.json"][0]["scope"]) == ([], "this_channel")
    assert (await erase(mia, scope="all_channels", proof=proof)).code == "proof_required"
    proof = (await mia.prove_email(EMAIL))["id"]
    assert len((await export(mia, proof=proof))["orders.ndjson"]) == 1
    assert (await erase(mia, scope="all_channels", proof=proof)).status == 200


async def test_erased_is_erased_and_the_books_stay(gateway: RunningGateway) -> None:
    """CNS-023 to CNS-028: nothing shows who she was, the order is there, and she begins anew."""
    mia = await resolved(await gateway.channel("shop"), "mia", email=EMAIL, locale="de-DE")
    order = await bought(mia, await offered(gateway), "a-1")
    await decide(mia, "marketing", GIVEN)
    held = await mia.shop.post(
        "/reservations",
        {"offer_id": order["lines"][0]["offer_id"], "quantity": 1, "buyer": {"reference": "mia"}},
    )
    answer = await erase(mia)
    assert (answer.status, answer.json["buyer_id"]) == (200, mia.id)
    after = (await mia.shop.get(f"/orders/{order['id']}")).json
    assert after["buyer"].keys() == {"reference"}
    kept = ("status", "total", "reference", "created_at")
    assert {name: after[name] for name in kept} == {name: order[name] for name in kept}
    shown = str([after, (await mia.shop.get("/events")).json, (await mia.shop.get("/reservations")).json])
    assert [text for text in (TYPED, "'mia'", "de-DE") if text in shown] == []
    assert (await mia.shop.get(f"/reservations/{held.json['id']}")).json["status"] == "released"
    assert (await mia.shop.get(f"/buyers/{mia.id}")).code == "not_found"
    assert (await mia.shop.get(f"/buyers/{mia.id}/consents")).code == "not_found"
    again = await erase(mia)
    assert again.json == answer.json
    assert len(await told(mia.shop, "buyer.erased")) == 1
    new = await resolved(mia.shop, "mia")
    assert "contacts" not in await new.profile()
    found = await export(new)
    assert (found["orders.ndjson"], found["consents.ndjson"]) == ([], [])


async def test_who_begins_anew_is_not_behind(gateway: RunningGateway) -> None:
    """EVT-010, EVT-014: her second erasure is no older for a channel than the first, or it would go unheard."""
    mia = await resolved(await gateway.channel("shop"), "mia", email=EMAIL)
    for locale in ("de", "en", "fr"):
        await mia.shop.post("/buyers/resolve", {"subject": "mia", "locale": locale})
    await erase(mia)
    await resolved(mia.shop, "mia")
    await erase(mia)
    revisions = [one["revision"] for one in await told(mia.shop, "buyer.erased")]
    assert len(revisions) == 2
    assert revisions[0] < revisions[1]


async def test_orders_under_way_refuse(gateway: RunningGateway) -> None:
    """CNS-026: until they are settled; nothing is erased meanwhile."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    offer = await gateway.offer(codes=["A"], price=500)
    waiting = order_of(offer, reference="w-1", payment={"status": "pending"})
    waiting["buyer"] = {"reference": "mia"}
    order = (await mia.shop.post("/orders", waiting)).json
    assert (await erase(mia)).code == "orders_under_way"
    assert (await mia.profile())["subject"] == "mia"
    assert (await mia.shop.post(f"/orders/{order['id']}/cancel")).status == 200
    assert (await erase(mia)).status == 200


async def test_one_account_or_all(gateway: RunningGateway) -> None:
    """Only this account goes, its link with it; or with a proof all, and each channel is told."""
    mia, bot = await linked(gateway)
    offer = await offered(gateway)
    await bought(bot, offer, "b-1")
    assert (await erase(mia)).status == 200
    assert (await bot.profile())["linked"] is False
    assert len((await export(bot))["orders.ndjson"]) == 1
    mia = await resolved(mia.shop, mia.subject)
    await mia.join(bot)
    proof = (await bot.links())[0]["id"]
    assert (await erase(bot, scope="all_channels", proof=proof)).status == 200
    for one in (mia, bot):
        assert (await one.shop.get(f"/buyers/{one.id}")).code == "not_found"
        assert (await told(one.shop, "buyer.erased"))[-1]["data"]["erasure"]["buyer_id"] == one.id


async def test_erasing_while_she_buys(gateway: RunningGateway) -> None:
    """Orders at the same time end with a name that is hers anew or with none; the books balance, nothing is broken."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    offer = await offered(gateway, 20)
    await bought(mia, offer, "before")
    answers = await asyncio.gather(
        *(bought(mia, offer, f"o-{n}") for n in range(5)),
        *(erase(mia) for _ in range(2)),
        *(bought(mia, offer, f"p-{n}") for n in range(5)),
    )
    assert {one.status for one in answers if isinstance(one, Answer)} <= {200, 404, 409}
    orders = (await mia.shop.get("/orders")).json["items"]
    assert [one["status"] for one in orders] == ["fulfilled"] * 11
    before = next(one for one in orders if one["reference"] == "before")
    assert before["buyer"]["reference"].startswith("erased:")
    assert len(await told(mia.shop, "buyer.erased")) == 1


async def test_two_erasures_at_once_are_one(gateway: RunningGateway) -> None:
    """CNS-028: whoever comes second hears what the first heard, also when they come together."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    answers = await asyncio.gather(*(erase(mia) for _ in range(8)))
    assert {one.status for one in answers} == {200}
    assert len({one.json["id"] for one in answers}) == 1
    assert len(await told(mia.shop, "buyer.erased")) == 1


async def test_limits_begin_anew(gateway: RunningGateway) -> None:
    """CNS-027: what she bought before counts against no limit of the new buyer."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    offer = await gateway.offer(
        codes=["A", "B", "C"], price=500, restrictions={"purchase_limit": {"quantity": 1}}
    )
    order = order_of(offer, reference="l-1")
    order["buyer"] = {"reference": "mia"}
    assert (await mia.shop.post("/orders", order)).status == 201
    assert (await mia.shop.post("/orders", {**order, "reference": "l-2"})).code == "purchase_limit_reached"
    assert (await erase(mia)).status == 200
    assert (await mia.shop.post("/orders", {**order, "reference": "l-3"})).status == 201
