"""What a buyer allows, over real sockets, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

import spec
from gateway.http.jose import own_registry
from tests.fixtures.buyers import Person, resolved
from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, call

EMAIL = "mia@shop.example"
GIVEN: dict[str, Any] = {"decision": "given", "scope": {"kind": "all_channels"}}


async def linked(gateway: RunningGateway) -> tuple[Person, Person]:
    """One buyer with an account on each of two channels."""
    shops = [await gateway.channel(name) for name in ("shop", "bot")]
    found = [await resolved(shop, f"mia-{n}") for n, shop in enumerate(shops)]
    for one in found:
        await one.prove_email(EMAIL)
    return found[0], found[1]


async def decide(who: Person, purpose: str, body: Any) -> Answer:
    """Her decision."""
    return await who.shop.request("PUT", f"/buyers/{who.id}/consents/{purpose}", json=body)


async def consent(who: Person, purpose: str) -> Any:
    """What counts."""
    return (await who.shop.get(f"/buyers/{who.id}/consents/{purpose}")).json


async def uses(who: Person) -> dict[tuple[str, str], tuple[bool, str]]:
    """What her channel may do, by purpose and origin."""
    items = (await who.shop.get(f"/buyers/{who.id}/data-uses")).json["items"]
    return {(one["purpose"], one["origin"]): (one["allowed"], one["reason"]) for one in items}


async def told(shop: TestChannel, kind: str) -> list[Any]:
    """A channel's events of one type."""
    return [one for one in (await shop.get("/events")).json["items"] if one["type"] == kind]


async def test_every_purpose_is_listed_before_anything_is_decided(gateway: RunningGateway) -> None:
    """CNS-001: with its legal basis, in pages that fit together."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    path = f"/buyers/{mia.id}/consents"
    whole = (await mia.shop.get(path)).json["items"]
    assert {one["purpose"]: (one["legal_basis"], one["decision"]) for one in whole} == {
        "fulfilment": ("contract", "not_needed"),
        "fraud_prevention": ("legitimate_interest", "not_needed"),
        "personalisation": ("consent", "none"),
        "attribution": ("consent", "none"),
        "marketing": ("consent", "none"),
    }
    first = (await mia.shop.get(path, params={"limit": 3})).json
    rest = (await mia.shop.get(path, params={"cursor": first["next_cursor"]})).json
    assert first["items"] + rest["items"] == whole


async def test_a_decision_counts_on_all_channels_at_once(gateway: RunningGateway) -> None:
    """CNS-002, CNS-006, CNS-008, CNS-015: each channel is told under its own id, and a withdrawal ends it on both."""
    mia, bot = await linked(gateway)
    made = (await decide(mia, "personalisation", GIVEN)).json
    assert made["decision"] == (await consent(bot, "personalisation"))["decision"] == "given"
    assert (await uses(bot))["personalisation", "other_channels"] == (True, "consent_given")
    events = [(await told(one.shop, "consent.changed"))[-1] for one in (mia, bot)]
    assert [one["data"]["consent"]["buyer_id"] for one in events] == [mia.id, bot.id]
    assert events[0]["traceparent"].split("-")[1] != events[1]["traceparent"].split("-")[1]
    assert "receipt" not in await consent(bot, "personalisation")
    withdrawn = (await decide(bot, "personalisation", {"decision": "withdrawn"})).json
    assert withdrawn["revision"] > made["revision"]
    for one in (mia, bot):
        assert (await uses(one))["personalisation", "this_channel"] == (False, "withdrawn")
        assert (await uses(one))["fulfilment", "this_channel"] == (True, "own_data")
    assert len(await told(mia.shop, "consent.changed")) == 2


async def test_links_undone_leave_each_account_its_own_decision(gateway: RunningGateway) -> None:
    """What was decided on the one account does not stay with the other."""
    mia, bot = await linked(gateway)
    await decide(mia, "marketing", GIVEN)
    link = (await bot.links())[0]
    await bot.unlink(link)
    assert (await consent(bot, "marketing"))["decision"] == "none"
    assert (await consent(mia, "marketing"))["decision"] == "given"


async def test_what_counts_by_a_link_is_told_and_never_goes_back(gateway: RunningGateway) -> None:
    """CNS-006, CNS-008, EVT-010: linking and unlinking change what counts for an account without a decision on it; its
    channel hears so, under a higher revision than any before."""
    shops = [await gateway.channel(name) for name in ("shop", "bot")]
    mia, bot = [await resolved(shop, f"mia-{n}") for n, shop in enumerate(shops)]
    await decide(mia, "marketing", GIVEN)
    await decide(bot, "marketing", {"decision": "withdrawn"})
    await decide(bot, "personalisation", GIVEN)
    await bot.join(mia)
    assert (await consent(mia, "marketing"))["decision"] == "withdrawn"
    await bot.unlink((await bot.links())[0])
    seen = [one["data"]["consent"] for one in await told(mia.shop, "consent.changed")]
    for purpose, decisions in (
        ("marketing", ["given", "withdrawn", "given"]),
        ("personalisation", ["given", "none"]),
    ):
        about = [one for one in seen if one["purpose"] == purpose]
        assert [one["decision"] for one in about] == decisions
        revisions = [one["revision"] for one in about]
        assert revisions == sorted(set(revisions))
        assert (await consent(mia, purpose))["revision"] == revisions[-1]
        withdrawn = (await decide(mia, purpose, {"decision": "withdrawn"})).json
        assert withdrawn["revision"] > revisions[-1]
    assert len(await told(bot.shop, "consent.changed")) == 2


async def test_scopes(gateway: RunningGateway) -> None:
    """CNS-014: data moves among the channels of the scope only; whoever is outside sees no names."""
    mia, bot = await linked(gateway)
    await decide(mia, "personalisation", {"decision": "given"})
    assert (await uses(mia))["personalisation", "this_channel"] == (True, "consent_given")
    assert (await uses(mia))["personalisation", "other_channels"] == (False, "out_of_scope")
    named = {"kind": "channels", "channels": ["bot"]}
    await decide(mia, "personalisation", {"decision": "given", "scope": named})
    assert (await uses(bot))["personalisation", "other_channels"] == (True, "consent_given")
    third = await gateway.channel("third")
    other = await resolved(third, "mia-3")
    await other.prove_email(EMAIL)
    seen = await consent(other, "personalisation")
    assert (seen["covered"], seen["scope"]) == (False, {"kind": "channels"})
    assert (await consent(bot, "personalisation"))["scope"] == named


@pytest.mark.parametrize(
    ("purpose", "body", "code", "place"),
    [
        ("fulfilment", {"decision": "withdrawn"}, "consent_not_needed", "purpose"),
        ("mind_reading", {"decision": "given"}, "not_found", "purpose"),
        ("marketing", {"decision": "given", "expires_at": "2020-01-01T00:00:00Z"}, "invalid", "/expires_at"),
        ("marketing", {"decision": "given", "expires_at": "2027-12-31T23:59:60Z"}, "invalid", "/expires_at"),
        ("marketing", {"decision": "given", "expires_at": "0000-01-01T00:00:00Z"}, "invalid", "/expires_at"),
        ("marketing", {"decision": "given", "scope": {"kind": "moon"}}, "invalid", "/scope/kind"),
        ("marketing", {"decision": "given", "scope": {"kind": "channels"}}, "invalid", "/scope/channels"),
        (
            "marketing",
            {"decision": "given", "scope": {"kind": "channels", "channels": ["nobody"]}},
            "invalid",
            "/scope/channels/0",
        ),
    ],
)
async def test_refusals_name_the_field(
    gateway: RunningGateway, purpose: str, body: Any, code: str, place: str
) -> None:
    """CNS-003, CNS-004: and nothing is decided."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    answer = await decide(mia, purpose, body)
    error = answer.json["errors"][0]
    assert (answer.code, error.get("pointer", error.get("name"))) == (code, place)
    assert (await consent(mia, "marketing"))["decision"] == "none"


async def test_the_same_again_changes_nothing(gateway: RunningGateway) -> None:
    """CNS-005: same revision, one receipt, one event; anything else is a new decision."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    first, again = [(await decide(mia, "marketing", GIVEN)).json for _ in range(2)]
    assert first["revision"] == again["revision"]
    other = (await decide(mia, "marketing", {"decision": "given"})).json
    assert other["revision"] > first["revision"]
    receipts = (await mia.shop.get(f"/buyers/{mia.id}/consents/marketing/receipts")).json["items"]
    assert [one["revision"] for one in receipts] == [other["revision"], first["revision"]]
    assert len(await told(mia.shop, "consent.changed")) == 2


async def test_consents_end_at_their_time(gateway: RunningGateway) -> None:
    """CNS-007: from `expires_at` on."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    ends = datetime.now(UTC) + timedelta(hours=1)
    body = {"decision": "given", "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert (await decide(mia, "marketing", body)).json["decision"] == "given"
    await gateway.control("/clock", {"advance_seconds": 3600})
    mia.shop.forget_token()
    assert (await consent(mia, "marketing"))["decision"] == "expired"
    assert (await uses(mia))["marketing", "this_channel"] == (False, "expired")


@pytest.mark.parametrize(
    ("locale", "words"), [("en-GB", "you agreed"), ("zh-CN", "同意"), ("de", "you agreed")]
)
async def test_receipts_are_signed_and_can_be_read(gateway: RunningGateway, locale: str, words: str) -> None:
    """CNS-010 to CNS-013: by a key of the JWKS, valid against the standard's type, in the language of the notice."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    notice = {"text": "We mail you.", "uri": "https://shop.example/privacy", "version": "3", "locale": locale}
    made = (await decide(mia, "marketing", {**GIVEN, "notice": notice})).json
    keys = KeySet.import_key_set((await call("GET", f"{gateway.api}/oauth/jwks")).json)
    token = jwt.decode(made["receipt"], keys, registry=own_registry)
    assert token.header["typ"] == "vgcp-consent+jwt"
    assert spec.validator("ConsentReceiptClaims").errors(token.claims) == []
    assert words in token.claims["text"]
    assert token.claims["purposes"][0]["recipients"] == made["scope"]
    assert token.claims["events"][0]["event_time"] == made["decided_at"]
    receipt = (await mia.shop.get(f"/buyers/{mia.id}/consents/marketing/receipts")).json["items"][0]
    assert receipt["text"] == token.claims["text"]


async def test_buyers_of_others_are_nobody(gateway: RunningGateway) -> None:
    """IDN-003: for every operation of the capability."""
    mia = await resolved(await gateway.channel("shop"), "mia")
    other = await gateway.channel("other")
    for path in ("/consents", "/consents/marketing", "/consents/marketing/receipts", "/data-uses", "/export"):
        assert (await other.get(f"/buyers/{mia.id}{path}")).code == "not_found"
    assert (await other.request("DELETE", f"/buyers/{mia.id}")).code == "not_found"
    assert (await decide(Person(other, mia.id, "mia"), "marketing", GIVEN)).code == "not_found"
