"""One buyer over all channels, over real sockets, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.buyers import ISSUER, Issuer, Person, mailed, resolved
from tests.fixtures.gateway import RunningGateway, TestChannel, hold_of, order_of

EMAIL = "mia@shop.example"


async def two(gateway: RunningGateway, subject: str = "mia") -> tuple[Person, Person]:
    """An account of the same name on two channels."""
    shops = [await gateway.channel(name) for name in ("shop", "bot")]
    return await resolved(shops[0], subject), await resolved(shops[1], subject)


async def events_of(shop: TestChannel, kind: str) -> list[dict[str, Any]]:
    """A channel's events of one type."""
    items = (await shop.get("/events")).json["items"]
    return [one for one in items if one["type"] == kind]


async def test_a_subject_is_one_buyer_of_its_channel_alone(gateway: RunningGateway) -> None:
    """IDN-001 to IDN-003: the same name is the same id, on another channel another one, and to that nobody."""
    mia, other = await two(gateway)
    again = await resolved(mia.shop, "mia")
    assert again.id == mia.id != other.id
    assert (await mia.profile())["linked"] is False
    for path in (f"/buyers/{mia.id}", f"/buyers/{mia.id}/links"):
        answer = await other.shop.get(path)
        assert (answer.status, answer.code) == (404, "not_found")
    link = (await mia.begin("link_code")).json
    assert (await Person(other.shop, mia.id, "mia").confirm(link, code="AAAA")).code == "not_found"


async def test_claims_never_merge_and_are_masked(gateway: RunningGateway) -> None:
    """IDN-005 to IDN-007: what channels say proves nothing; an address is verified while its link is in force."""
    mia, other = await two(gateway)
    for one in (mia, other):
        await resolved(one.shop, one.subject, email=EMAIL, phone="+4915112345678", locale="de-DE")
    profile = await mia.profile()
    assert profile["linked"] is False
    assert profile["contacts"] == [
        {"kind": "email", "masked": "m…@shop.example", "verified": False},
        {"kind": "phone", "masked": "+49…78", "verified": False},
    ]
    link = await mia.prove_email(EMAIL)
    assert (await mia.profile())["contacts"][0]["verified"] is True
    assert (await other.profile())["contacts"][0]["verified"] is False
    await mia.unlink(link)
    assert (await mia.profile())["contacts"][0]["verified"] is False


async def test_an_address_joins_who_proves_it(gateway: RunningGateway) -> None:
    """IDN-010, IDN-041, IDN-042: both channels are told under their own id and trace, and again when it is undone."""
    mia, other = await two(gateway)
    await mia.prove_email(EMAIL)
    link = await other.prove_email("MIA@Shop.Example")
    profiles = [await mia.profile(), await other.profile()]
    assert [one["linked"] for one in profiles] == [True, True]
    told = [(await events_of(one.shop, "buyer.linked"))[0] for one in (mia, other)]
    assert [one["subject"] for one in told] == [mia.id, other.id]
    assert told[0]["traceparent"].split("-")[1] != told[1]["traceparent"].split("-")[1]
    assert "contacts" not in told[0]["data"]["buyer"]
    assert mia.id not in str(told[1])
    assert (await other.unlink(link)).json["status"] == "ended"
    assert (await mia.profile())["linked"] is (await other.profile())["linked"] is False
    assert [len(await events_of(one.shop, "buyer.unlinked")) for one in (mia, other)] == [1, 1]


async def test_a_code_of_one_channel_is_entered_on_another(gateway: RunningGateway) -> None:
    """IDN-012, IDN-016: in small letters and without hyphens, once; both accounts have the link, each under its id."""
    mia, other = await two(gateway)
    shown = (await mia.begin("link_code")).json
    code = shown["link_code"]["code"]
    assert (await mia.redeem(code)).code == "link_proof_invalid"
    answer = await other.redeem(code.lower().replace("-", " "))
    assert answer.json["status"] == "confirmed"
    assert (await other.redeem(code)).code == "link_expired"
    assert [one["status"] for one in [*await mia.links(), *await other.links()]] == ["confirmed"] * 2
    assert (await mia.links())[0]["id"] != (await other.links())[0]["id"]
    await mia.unlink(shown)
    assert await mia.links() == await other.links() == []
    assert (await other.profile())["linked"] is False


async def test_a_mailed_code_is_good_once_and_for_a_while(gateway: RunningGateway) -> None:
    """IDN-015 to IDN-018: wrong, late, used, and after five wrong ones."""
    mia, _ = await two(gateway)
    link = (await mia.begin("email_code", email=EMAIL)).json
    assert "code" not in str(link).replace("email_code", "")
    code = await mailed(gateway, EMAIL)
    wrong = await mia.confirm(link, code="AAAA-AAAA")
    assert (wrong.code, wrong.json["errors"][0]["pointer"]) == ("link_proof_invalid", "/code")
    assert (await mia.confirm(link, code=code)).status == 200
    assert (await mia.confirm(link, code=code)).code == "link_expired"
    guessed = (await mia.begin("email_code", email=EMAIL)).json
    answers = [await mia.confirm(guessed, code="AAAA-AAAA") for _ in range(6)]
    assert [one.code for one in answers] == ["link_proof_invalid"] * 5 + ["link_expired"]
    assert (await mia.confirm(guessed, code=await mailed(gateway, EMAIL))).code == "link_expired"
    late = (await mia.begin("email_code", email=EMAIL)).json
    code = await mailed(gateway, EMAIL)
    await gateway.control("/clock", {"advance_seconds": 900})
    mia.shop.forget_token()
    assert (await mia.confirm(late, code=code)).code == "link_expired"
    assert (await gateway.control("/mails/read", {"email": EMAIL})).json["mails"] == []


async def test_nobody_is_flooded(gateway: RunningGateway) -> None:
    """IDN-019 to IDN-021: by account, by address over all accounts, and by wrong codes; it passes after an hour."""
    mia, other = await two(gateway)
    third = await resolved(other.shop, "third")
    answers = [await mia.begin("link_code") for _ in range(13)]
    assert [one.status for one in answers] == [201] * 12 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 3000
    who = (other, other, other, third, third, third, other)
    mails = [await one.begin("email_code", email=EMAIL) for one in who]
    assert [one.status for one in mails] == [201] * 6 + [429]
    assert mails[-1].json["errors"][0]["pointer"] == "/email_code/email"
    redeemed = [await third.redeem("0000-0000-0000") for _ in range(11)]
    assert [one.code for one in redeemed] == ["link_proof_invalid"] * 10 + ["link_limit_reached"]
    await gateway.control("/clock", {"advance_seconds": 3600})
    mia.shop.forget_token()
    assert (await mia.begin("email_code", email=EMAIL)).status == 201


async def test_known_and_unknown_addresses_are_answered_alike(gateway: RunningGateway) -> None:
    """IDN-022: but for ids and times, the same answer."""
    mia, other = await two(gateway)
    await mia.prove_email(EMAIL)
    answers = [(await other.begin("email_code", email=one)).json for one in (EMAIL, "nobody@else.example")]
    moving = ("id", "created_at", "expires_at")
    known, unknown = ({k: v for k, v in one.items() if k not in moving} for one in answers)
    assert known == unknown


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://else.example"}, {"aud": "else"}, {"aud": ["else", "vgcp-gateway"]}, {"exp": 1}, {"nonce": "x"},
     {"nonce": None}, {"sub": ""}, {"iat": None}, {"nbf": 4_000_000_000}],
    ids=str,
)  # fmt: skip
async def test_id_tokens_are_looked_at(gateway: RunningGateway, claims: dict[str, Any]) -> None:
    """IDN-030 to IDN-033: one wrong claim, and nothing is linked."""
    mia, _ = await two(gateway)
    issuer = Issuer()
    await issuer.trusted_by(gateway)
    link = (await mia.begin("id_token", issuer=ISSUER)).json
    answer = await mia.confirm(link, id_token=issuer.token(link, "s1", **claims))
    assert (answer.code, answer.json["errors"][0]["pointer"]) == ("link_proof_invalid", "/id_token")
    assert (await mia.confirm(link, id_token=issuer.token(link, "s1"))).status == 200


async def test_a_subject_of_an_issuer_joins(gateway: RunningGateway) -> None:
    """IDN-011, IDN-034: the same subject, not another one's; no other key; no token of another link."""
    mia, other = await two(gateway)
    third = await resolved(other.shop, "third")
    issuer, forger = Issuer(), Issuer()
    await issuer.trusted_by(gateway)
    links = [(await one.begin("id_token", issuer=ISSUER)).json for one in (mia, other, third)]
    forger.key = Issuer().key
    assert (await mia.confirm(links[0], id_token=forger.token(links[0], "s1"))).code == "link_proof_invalid"
    first = issuer.token(links[0], "s1")
    assert (await mia.confirm(links[0], id_token=first)).status == 200
    assert (await other.confirm(links[1], id_token=first)).code == "link_proof_invalid"
    assert (await other.confirm(links[1], id_token=issuer.token(links[1], "s1"))).status == 200
    assert (await third.confirm(links[2], id_token=issuer.token(links[2], "s2"))).status == 200
    assert [(await one.profile())["linked"] for one in (mia, other, third)] == [True, True, False]


async def test_kinds_that_are_not_made_are_refused(gateway: RunningGateway) -> None:
    """IDN-024: another kind, an issuer that is not trusted, a member that is missing."""
    mia, _ = await two(gateway)
    assert (await mia.begin("carrier_pigeon")).code == "link_kind_not_supported"
    unknown = await mia.begin("id_token", issuer="https://else.example")
    assert (unknown.code, unknown.json["errors"][0]["pointer"]) == (
        "link_kind_not_supported",
        "/id_token/issuer",
    )
    missing = await mia.begin("email_code")
    assert (missing.code, missing.json["errors"][0]["pointer"]) == ("invalid", "/email_code")
    link = (await mia.begin("email_code", email=EMAIL)).json
    assert (await mia.confirm(link, id_token="x.y.z")).json["errors"][0]["pointer"] == "/code"


async def test_proving_again_changes_nothing(gateway: RunningGateway) -> None:
    """IDN-045: the newer link stands for the older, without an event; undoing it undoes the whole."""
    mia, other = await two(gateway)
    await mia.prove_email(EMAIL)
    first = await other.prove_email(EMAIL)
    second = await other.prove_email(EMAIL)
    assert [one["id"] for one in await other.links()] == [second["id"]]
    assert (await other.unlink(first)).json["status"] == "ended"
    assert (await mia.profile())["linked"] is True
    assert len(await events_of(mia.shop, "buyer.linked")) == 1
    await other.unlink(second)
    assert (await mia.profile())["linked"] is False


async def test_limits_count_over_accounts_and_split_again(gateway: RunningGateway) -> None:
    """IDN-040, IDN-042: what was counted before a link counts after it, and is apart again when it is undone."""
    mia, other = await two(gateway)
    offer = await gateway.offer(quantity=100, restrictions={"purchase_limit": {"quantity": 4}})
    buy = lambda one, units: one.shop.post("/orders", order_of(offer, units, buyer={"reference": "mia"}))  # noqa: E731
    assert (await buy(mia, 2)).status == 201
    link = await mia.join(other)
    assert (await buy(other, 3)).code == "purchase_limit_reached"
    answers = await asyncio.gather(*(buy(one, 1) for one in (mia, other) for _ in range(10)))
    assert sorted(one.status for one in answers) == [201] * 2 + [409] * 18
    await other.unlink(link)
    left = [(await buy(one, 1)).status for one in (mia, other) for _ in range(5)]
    assert left.count(201) == 4


async def test_both_channels_see_what_a_limit_leaves_until_they_are_parted(gateway: RunningGateway) -> None:
    """IDN-050, IDN-052: bought here, held there; in days, at resolving too, and only of what a channel sells."""
    mia, other = await two(gateway)
    limit = {"quantity": 4, "days": 7}
    offer = await gateway.offer(quantity=9, restrictions={"purchase_limit": limit})
    own = await gateway.offer(
        quantity=9, client_id=mia.shop.client_id, restrictions={"purchase_limit": {"quantity": 5}}
    )
    buy = lambda one, of, units: one.shop.post("/orders", order_of(of, units, buyer={"reference": "mia"}))  # noqa: E731

    async def left(one: Person) -> list[tuple[Any, ...]]:
        profile = await one.profile()
        again = (await one.shop.post("/buyers/resolve", {"subject": "mia"})).json
        assert again == profile
        limits = profile.get("purchase_limits", [])
        return [(one["product_id"], one["quantity"], one.get("days"), one["remaining"]) for one in limits]

    product, private = offer["product"]["id"], (own["product"]["id"], 5, None, 4)
    assert await left(mia) == await left(other) == []
    assert "purchase_limits" not in await mia.profile()
    assert [(await buy(mia, offer, 2)).status, (await buy(mia, own, 1)).status] == [201, 201]
    hold = (await other.shop.post("/reservations", hold_of(offer, buyer={"reference": "mia"}))).json
    link = await mia.join(other)
    assert await left(mia) == sorted([(product, 4, 7, 1), private])
    assert await left(other) == [(product, 4, 7, 1)]
    await other.unlink(link)
    assert await left(mia) == sorted([(product, 4, 7, 2), private])
    assert await left(other) == [(product, 4, 7, 3)]
    await other.shop.request("DELETE", f"/reservations/{hold['id']}")
    await gateway.control(f"/offers/{offer['id']}", {"withdrawn": True})
    assert (await left(mia), await left(other)) == ([private], [])


async def test_a_tier_is_over_all_channels_and_widens_the_limit(gateway: RunningGateway) -> None:
    """IDN-047, IDN-051: set for one account, it counts on the other channel; each keeps it when they are parted."""
    mia, other = await two(gateway)
    link = await mia.join(other)
    limit = {"quantity": 1, "tiers": {"gold": 3}}
    offer = await gateway.offer(quantity=9, restrictions={"purchase_limit": limit})
    assert offer["restrictions"]["purchase_limit"] == limit
    buy = lambda one, units: one.shop.post("/orders", order_of(offer, units, buyer={"reference": "mia"}))  # noqa: E731
    assert (await buy(other, 2)).code == "purchase_limit_reached"
    assert (await gateway.control(f"/buyers/{mia.id}/tier", {"tier": "gold"})).status == 204
    assert [(await one.profile())["tier"] for one in (mia, other)] == ["gold", "gold"]
    assert (await buy(other, 2)).status == 201
    refused = await buy(mia, 2)
    assert "at most 3 of this product; 1 are left" in refused.json["detail"]
    assert (await mia.profile())["purchase_limits"][0]["remaining"] == 1
    await other.unlink(link)
    assert (await mia.profile()).get("purchase_limits") is None
    assert (await buy(mia, 3)).status == 201
    assert (await gateway.control("/buyers/buy_nobody/tier", {"tier": "gold"})).code == "not_found"
    wrong = await gateway.control(f"/buyers/{mia.id}/tier", {"tier": "Gold"})
    assert (wrong.code, wrong.json["errors"][0]["pointer"]) == ("invalid", "/tier")


async def test_what_another_link_joins_stays(gateway: RunningGateway) -> None:
    """IDN-044: of three accounts in a ring any link may go; of a chain the middle one splits it."""
    mia, other = await two(gateway)
    third = await resolved(other.shop, "third")
    ring = [await mia.join(other), await other.join(third)]
    closing = await third.join(mia)
    await mia.unlink(closing)
    assert [(await one.profile())["linked"] for one in (mia, other, third)] == [True] * 3
    await other.unlink(ring[0])
    assert [(await one.profile())["linked"] for one in (mia, other, third)] == [False, True, True]


async def test_secrets_are_in_no_log(gateway: RunningGateway) -> None:
    """IDN-023: neither addresses nor codes are in the access log or the events."""
    mia, other = await two(gateway)
    await mia.prove_email(EMAIL)
    code = (await mia.begin("link_code")).json["link_code"]["code"]
    await other.redeem(code)
    seen = b"".join(gateway.log_lines).decode() + str((await other.shop.get("/events")).json)
    assert EMAIL not in seen
    assert code not in seen
    assert await mailed(gateway, EMAIL) not in seen
