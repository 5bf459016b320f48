"""What buyers own, over real sockets, on both databases."""

from __future__ import annotations

import asyncio
import json

from tests.fixtures.gateway import RunningGateway, TestChannel, call, order_of
from tests.http.owning import buy, certificate, claims_of, known, owned, status
from tests.http.test_supplies import ended


async def test_what_is_bought_is_owned(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-001 to OWN-003: named in the delivery, listed for its buyer, and for no other channel."""
    offer = await gateway.offer(codes=["A", "B", "C"])
    first, second = await buy(shop, offer), await buy(shop, offer)
    assert (first["status"], first["transferable"], first["origin"]) == ("active", True, {"channel": "shop"})
    assert first["product"] == {"id": offer["product"]["id"], "name": "A game", "kind": "game_key"}
    path = f"/buyers/{first['buyer_id']}/entitlements"
    page = (await shop.get(path, params={"limit": "1"})).json
    assert (page["items"], page["has_more"]) == ([second], True)
    last = (await shop.get(path, params={"limit": "1", "cursor": page["next_cursor"]})).json
    assert (last["items"], last["has_more"]) == ([first], False)
    other = await gateway.channel("other")
    for strange in (f"/entitlements/{first['id']}", path, f"/entitlements/{first['id']}/history"):
        assert (await other.get(strange)).code == "not_found"
    refused = await other.post(f"/entitlements/{first['id']}/certificates")
    assert (refused.status, refused.code) == (404, "not_found")


async def test_after_the_sale(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-005, OWN-006, OWN-008, OWN-009, OWN-012: replaced, disputed, refunded; and its history."""
    one = await buy(shop, await gateway.offer(codes=["A", "B"]))
    order = f"/orders/{one['order_id']}"
    wish = {"delivery_id": one["delivery_id"], "reason": "faulty"}
    made = (await shop.post(f"{order}/replacements", wish)).json["delivery"]
    now = await owned(shop, one["id"])
    assert (now["delivery_id"], now["status"], made["entitlement_id"]) == (made["id"], "active", one["id"])
    proof = await certificate(shop, one["id"])
    assert await status(proof) == 0
    await shop.post(f"{order}/disputes", {"reason": "chargeback"})
    assert ((await owned(shop, one["id"]))["status"], await status(proof)) == ("suspended", 2)
    used = await shop.post(f"/entitlements/{one['id']}/consume")
    assert (used.status, used.code) == (409, "entitlement_not_active")
    assert (await shop.post(f"{order}/refunds", {"reason": "dispute"})).status == 201
    ended = await owned(shop, one["id"])
    assert (ended["status"], ended["transferable"], await status(proof)) == ("revoked", False, 1)
    history = (await shop.get(f"/entitlements/{one['id']}/history")).json["items"]
    assert [row["change"] for row in history] == ["issued", "replaced", "suspended", "revoked"]
    assert {row["owner_id"] for row in history} == {one["buyer_id"]}
    kinds = [row["type"] for row in (await shop.get("/events")).json["items"] if row["subject"] == one["id"]]
    assert kinds == ["entitlement.updated", "entitlement.updated", "entitlement.revoked"]


async def test_a_dismissed_dispute_gives_it_back(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-007: by the sandbox's merchant, which is active again, and so is its certificate."""
    one = await buy(shop, await gateway.offer())
    proof, order = await certificate(shop, one["id"]), f"/orders/{one['order_id']}"
    dismissal = f"{order}/dismiss-dispute"
    assert (await gateway.control(dismissal)).code == "transition_not_allowed"
    await shop.post(f"{order}/disputes", {"reason": "chargeback"})
    assert ((await owned(shop, one["id"]))["status"], await status(proof)) == ("suspended", 2)
    assert (await gateway.control(dismissal)).status == 204
    assert ((await owned(shop, one["id"]))["status"], await status(proof)) == ("active", 0)
    seen = (await shop.get(order)).json
    assert (seen["status"], [each["status"] for each in seen["disputes"]]) == ("fulfilled", ["dismissed"])
    assert (await gateway.control("/orders/ord_none/dismiss-dispute")).code == "not_found"


async def test_a_history_has_pages(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-012: one change a page, each once, to the end."""
    one = await buy(shop, await gateway.offer(codes=["A", "B"]))
    wish = {"delivery_id": one["delivery_id"], "reason": "faulty"}
    await shop.post(f"/orders/{one['order_id']}/replacements", wish)
    await shop.post(f"/entitlements/{one['id']}/consume")
    path, params = f"/entitlements/{one['id']}/history", {"limit": "1"}
    for change in ("issued", "replaced", "consumed"):
        page = (await shop.get(path, params=params)).json
        assert [row["change"] for row in page["items"]] == [change]
        params["cursor"] = page.get("next_cursor", "")
    assert page["has_more"] is False


async def test_handed_on_over_channels(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-026, OWN-027, OWN-032 to OWN-035: the good goes with it, and what is of the one is not the other's."""
    offer, bot = await gateway.offer(codes=["A", "B"]), await gateway.channel("bot")
    buyer_id = await known(bot, "somebody")
    one = await buy(shop, offer)
    old = await certificate(shop, one["id"])
    offered = await shop.post(f"/entitlements/{one['id']}/transfers", {"expires_in": 60})
    code = offered.json["code"]
    assert (offered.status, offered.json["status"]) == (201, "offered")
    seen = await owned(shop, one["id"])
    assert (seen["transfer"]["id"], seen["transferable"]) == (offered.json["id"], False)
    taken = await bot.post("/transfers/accept", {"buyer_id": buyer_id, "code": code})
    assert taken.status == 200, taken.body
    mine = await owned(bot, one["id"])
    assert (mine, mine["status"], mine["buyer_id"]) == (taken.json, "active", buyer_id)
    assert "order_id" not in mine
    hers = await owned(shop, one["id"])
    assert (hers["status"], hers["buyer_id"]) == ("transferred", one["buyer_id"])
    assert not {"delivery_id", "order_id", "log", "origin"} & hers.keys()
    assert (await shop.get(f"/buyers/{one['buyer_id']}/entitlements")).json["items"] == [hers]
    assert (await shop.post(f"/deliveries/{one['delivery_id']}/reveal")).code == "not_found"
    assert (await shop.get(f"/orders/{one['order_id']}/deliveries")).json["items"] == []
    goods = (await bot.post(f"/deliveries/{mine['delivery_id']}/reveal")).json["goods"]
    assert goods == {"kind": "code", "code": {"value": "A"}}
    new = await certificate(bot, one["id"])
    assert (await status(old), await status(new)) == (1, 0)
    refused = await shop.post(f"/orders/{one['order_id']}/refunds", {"reason": "buyer_request"})
    assert (refused.status, refused.code) == (409, "entitlement_transferred")
    told = [
        [e for e in (await x.get("/events")).json["items"] if e["subject"] == one["id"]] for x in (shop, bot)
    ]
    assert [e["type"] for e in told[1]] == ["entitlement.transferred"]
    assert told[0][-1]["data"]["entitlement"] == hers
    assert code not in str(told) + str((await shop.get(f"/transfers/{offered.json['id']}")).json)
    assert (await shop.get(f"/transfers/{offered.json['id']}")).json["status"] == "accepted"


async def test_two_accept_at_once(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-028: one of them has it."""
    offer = await gateway.offer()
    people = [await known(shop, f"r{number}") for number in range(4)]
    one = await buy(shop, offer)
    code = (await shop.post(f"/entitlements/{one['id']}/transfers")).json["code"]
    answers = await asyncio.gather(
        *(shop.post("/transfers/accept", {"buyer_id": who, "code": code}) for who in people)
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    assert {answer.code for answer in answers if answer.status == 409} == {"transfer_not_open"}
    winner = next(answer.json for answer in answers if answer.status == 200)
    assert await owned(shop, one["id"]) == winner


async def test_acceptance_and_refund_at_once(gateway: RunningGateway, shop: TestChannel) -> None:
    """Either it is refunded or it is handed on, and the books balance."""
    offer, seen = await gateway.offer(), set()
    who = await known(shop, "recipient")
    for number in range(12):
        one = await buy(shop, offer, f"owner-{number}")
        code = (await shop.post(f"/entitlements/{one['id']}/transfers")).json["code"]
        acting = [
            shop.post("/transfers/accept", {"buyer_id": who, "code": code}),
            shop.post(f"/orders/{one['order_id']}/refunds", {"reason": "other"}),
        ]
        answers = await asyncio.gather(*(acting if number % 2 else acting[::-1]))
        assert sorted(answer.status >= 400 for answer in answers) == [False, True]
        seen.add((await owned(shop, one["id"]))["status"])
    assert seen <= {"active", "revoked"}


async def test_offers_end(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-029 to OWN-031: declined, cancelled, expired, twice, and what is not handed on at all."""
    one = await buy(shop, await gateway.offer(transferable="until_revealed", codes=["A"]))
    path = f"/entitlements/{one['id']}/transfers"
    declined = (await shop.post(path)).json
    assert (await shop.post(path)).code == "transfer_open"
    assert (await shop.post("/transfers/decline", {"code": declined["code"]})).json["status"] == "declined"
    cancelled = (await shop.post(path)).json
    ended = await shop.request("DELETE", f"/transfers/{cancelled['id']}")
    assert (ended.json["status"], "transfer" in await owned(shop, one["id"])) == ("cancelled", False)
    expired = (await shop.post(path, {"expires_in": 5})).json
    await gateway.control("/clock", {"advance_seconds": 6})
    shop.forget_token()
    assert (await shop.get(f"/transfers/{expired['id']}")).json["status"] == "expired"
    for code in (declined["code"], cancelled["code"], expired["code"]):
        refused = await shop.post("/transfers/accept", {"buyer_id": one["buyer_id"], "code": code})
        assert (refused.status, refused.code) == (409, "transfer_not_open")
    assert (await shop.post("/transfers/decline", {"code": "AAAAA-AAAAA"})).code == "not_found"
    await shop.post(f"/deliveries/{one['delivery_id']}/reveal")
    assert (await shop.post(path)).code == "transfer_not_allowed"
    never = await buy(shop, await gateway.offer(transferable="never"))
    assert never["transferable"] is False
    assert (await shop.post(f"/entitlements/{never['id']}/transfers")).code == "transfer_not_allowed"


async def test_time_runs_out(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-010: what is owned for days is expired after them, and says so to its channel."""
    one = await buy(shop, await gateway.offer(valid_days=1))
    proof = await certificate(shop, one["id"])
    await gateway.control("/clock", {"advance_seconds": 86_401})
    shop.forget_token()
    now = await owned(shop, one["id"])
    assert (now["status"], now["ended_at"] >= one["valid_until"], await status(proof)) == ("expired", True, 1)
    last = (await shop.get("/events")).json["items"][-1]
    assert (last["type"], last["data"]["entitlement"]["status"]) == ("entitlement.updated", "expired")


async def test_lists_are_cached(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-020: by an ETag, which lasts until something changes."""
    one = await buy(shop, await gateway.offer())
    await certificate(shop, one["id"])
    uri = claims_of(await certificate(shop, one["id"]))["status"]["status_list"]["uri"]
    first = await call("GET", uri)
    tag = first.headers["ETag"]
    for known_as in (tag, f'"other", W/{tag}'):  # as a proxy may have made it
        assert (await call("GET", uri, headers={"If-None-Match": known_as})).status == 304
    await shop.post(f"/entitlements/{one['id']}/consume")
    changed = await call("GET", uri, headers={"If-None-Match": tag})
    assert (changed.status, changed.headers["Cache-Control"]) == (200, "public, max-age=300")
    assert (await call("GET", uri + "x")).code == "not_found"


async def test_sealed_goods_stay(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-029: nobody else could open them."""
    key = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
           "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}  # fmt: skip
    sealed = await buy(shop, await gateway.offer(codes=["A"]), recipient_key=key)
    assert sealed["transferable"] is False


async def test_an_erased_buyer_owns_nothing(gateway: RunningGateway, shop: TestChannel) -> None:
    """CNS-027: who comes again under the same name begins anew; what was owned is nobody's who is known."""
    buyer_id = await known(shop, "mia")
    one = await buy(shop, await gateway.offer(), "mia")
    assert one["buyer_id"] == buyer_id
    assert (await shop.request("DELETE", f"/buyers/{buyer_id}")).status == 200
    assert (await shop.get(f"/buyers/{buyer_id}/entitlements")).code == "not_found"
    after = await owned(shop, one["id"])
    assert after["buyer_id"] != buyer_id
    assert after["log"]["salt"] != one["log"]["salt"]
    again = await known(shop, "mia")
    assert (await shop.get(f"/buyers/{again}/entitlements")).json["items"] == []


async def test_a_token_is_named_on_every_channel(gateway: RunningGateway, shop: TestChannel) -> None:
    """TOK-008: as the delivery says where it is, also to another channel that she lets look, and of tokens only."""
    bot, form = await gateway.channel("bot"), {"properties": {"address": {"type": "string"}}}
    here, there = await known(shop, "mia"), await known(bot, "m-7")
    offer = await gateway.offer(delivery_kind="token", buyer_input=form, on_demand={"supplier": "makes"})
    body = order_of(offer, buyer={"reference": "mia"})
    body["lines"][0]["buyer_input"] = {"address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
    order = (await shop.post("/orders", body)).json
    assert (await ended(shop, order))["status"] == "fulfilled"
    (delivery,) = (await shop.get(f"/orders/{order['id']}/deliveries")).json["items"]
    goods = (await shop.post(f"/deliveries/{delivery['id']}/reveal")).json["goods"]["token"]
    one = await owned(shop, delivery["entitlement_id"])
    assert one["token"] == {name: goods[name] for name in ("chain", "asset", "token_id")}
    ordinary = await buy(shop, await gateway.offer(), "mia")
    assert "token" not in ordinary
    made = (await shop.post(f"/buyers/{here}/links", {"kind": "link_code"})).json
    await bot.post(f"/buyers/{there}/links/redeem", {"code": made["link_code"]["code"]})
    wish = {"decision": "given", "scope": {"kind": "all_channels"}}
    await shop.request("PUT", f"/buyers/{here}/consents/personalisation", json=wish)
    seen = (await bot.get(f"/buyers/{there}/entitlements")).json["items"]
    assert [row.get("token") for row in seen] == [None, one["token"]]
    for moved, wanted in ((ordinary, 404), (one, 204), (one, 204)):  # TOK-007
        answer = await gateway.control(f"/deliveries/{moved['delivery_id']}/move-token")
        assert answer.status == wanted
    assert (await owned(shop, one["id"]))["status"] == "transferred"


async def test_what_she_handed_on_is_hers_nowhere(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-004, OWN-027: what she gave a friend is not hers on her other channel; what she gave herself, once."""
    bot = await gateway.channel("bot")
    here, there = await known(shop, "mia"), await known(bot, "m-7")
    made = (await shop.post(f"/buyers/{here}/links", {"kind": "link_code"})).json
    await bot.post(f"/buyers/{there}/links/redeem", {"code": made["link_code"]["code"]})
    body = {"decision": "given", "scope": {"kind": "all_channels"}}
    await shop.request("PUT", f"/buyers/{here}/consents/personalisation", json=body)
    offer, friend = await gateway.offer(codes=["A", "B"]), await known(shop, "friend")
    given, kept = await buy(shop, offer, "mia"), await buy(shop, offer, "mia")
    for one, channel, buyer_id in ((given, shop, friend), (kept, bot, there)):
        code = (await shop.post(f"/entitlements/{one['id']}/transfers")).json["code"]
        taken = await channel.post("/transfers/accept", {"buyer_id": buyer_id, "code": code})
        assert taken.status == 200, taken.body
    for channel, buyer_id, seen in (
        (bot, there, [(kept["id"], "active")]),
        (shop, here, [(kept["id"], "transferred"), (given["id"], "transferred")]),
    ):
        shown = (await channel.get(f"/buyers/{buyer_id}/entitlements")).json["items"]
        assert [(row["id"], row["status"]) for row in shown] == seen


async def test_what_an_erased_buyer_had_is_not_joined(gateway: RunningGateway, shop: TestChannel) -> None:
    """OLG-005: what becomes of it later does not tell everybody that it was one buyer's."""
    buyer_id, offer = await known(shop, "mia"), await gateway.offer()
    ours = [await buy(shop, offer, "mia") for _ in range(2)]
    assert (await shop.request("DELETE", f"/buyers/{buyer_id}")).status == 200
    for one in ours:
        assert (await shop.post(f"/entitlements/{one['id']}/consume")).status == 200
    leaves: list[dict[str, str]] = []
    for _ in range(100):
        page = (await call("GET", f"{gateway.api}/ownership-log/entries")).json
        leaves = [json.loads(row["leaf"]) for row in page["items"]]
        if len(leaves) == 4:
            break
        await asyncio.sleep(0.05)
    assert [leaf["change"] for leaf in leaves] == ["issued", "issued", "consumed", "consumed"]
    assert len({leaf["owner"] for leaf in leaves}) == 4


async def test_consent_shows_another_channel(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-004: linked, and with her consent for both; not before, and not after she withdraws it."""
    bot = await gateway.channel("bot")
    here, there = await known(shop, "mia"), await known(bot, "m-7")
    one = await buy(shop, await gateway.offer(), "mia")
    made = (await shop.post(f"/buyers/{here}/links", {"kind": "link_code"})).json
    await bot.post(f"/buyers/{there}/links/redeem", {"code": made["link_code"]["code"]})
    path = f"/buyers/{there}/entitlements"
    assert (await bot.get(path)).json["items"] == []
    for decision, seen in (("given", [one["id"]]), ("withdrawn", [])):
        body = {"decision": decision, "scope": {"kind": "all_channels"}}
        answer = await shop.request("PUT", f"/buyers/{here}/consents/personalisation", json=body)
        assert answer.status == 200, answer.body
        shown = (await bot.get(path)).json["items"]
        assert [row["id"] for row in shown] == seen
        if seen:
            assert shown[0]["buyer_id"] == there
            assert not {"order_id", "delivery_id", "log", "transfer"} & shown[0].keys()
            assert (await bot.get(f"/entitlements/{one['id']}")).json == shown[0]
            refused = await bot.post(f"/entitlements/{one['id']}/transfers")
            assert (refused.status, refused.code) == (404, "not_found")
    assert (await bot.get(f"/entitlements/{one['id']}")).code == "not_found"
