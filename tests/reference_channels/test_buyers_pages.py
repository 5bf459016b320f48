"""The pages about a buyer over all channels without JavaScript, at a gateway that the suite plays."""

from __future__ import annotations

import json
import re

import pytest

from conformance.driver.faults import Fault
from conformance.driver.played_gateway import PlayedGateway
from conformance.driver.signer import STANDARD
from tests.reference_channels.ada import Ada
from tests.reference_channels.conftest import RunningShop
from tests.reference_channels.plain import Browser
from tests.reference_channels.scripted import ScriptedGateway

PAGES = ("/goods", "/accounts", "/data", "/data/marketing", "/data/erase")


async def test_a_gateway_without_buyers_has_no_such_pages(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """BUY-002: neither the pages nor the way to them, and nothing is asked."""
    await shop.sync()
    async with Browser(shop) as browser:
        assert "My goods" not in await browser.go("/")
        for page in PAGES:
            await browser.go(page)
            assert browser.status == 404, page
    asked = {call.operation for call in gateway.calls}
    assert not {one for one in asked if "buyer" in one or "entitlement" in one}


async def test_goods_of_all_channels_with_their_state(played: PlayedGateway, ada: Ada) -> None:
    """BUY-016, BUY-017: what she bought here and elsewhere, and how it stands."""
    played.world.grant(ada.name, "Kyoto <Tea>", status="suspended")
    page = await ada.go("/goods")
    assert "Harbour Nights" in page
    assert "bought here" in page
    assert "Kyoto &lt;Tea&gt;" in page
    assert "by Another channel" in page
    assert "On hold" in page
    async with Browser(ada.shop) as stranger:
        assert "Nothing here yet" in await stranger.go("/goods")


async def test_a_token_says_where_it_is(played: PlayedGateway, ada: Ada) -> None:
    """TOK-008: in short beside her other goods, in full on its page, in both languages; a code says nothing."""
    token = {"chain": "eip155:1", "asset": "eip155:1/erc721:0xfB69<b>/77", "token_id": "77"}
    name = played.world.grant(ada.name, "Dragon", token=token)
    page = await ada.go("/goods")
    assert page.count("Token 77 on eip155:1") == page.count("Token ") == 1
    page = await ada.go(f"/goods/{name}")
    assert '<dt>Where the token is</dt><dd class="mono">eip155:1/erc721:0xfB69&lt;b&gt;/77</dd>' in page
    assert "Where the token is" not in await ada.go(f"/goods/{next(iter(played.world.owned))}")
    assert "eip155:1 上的代币 77" in await ada.go("/goods?lang=zh")


async def test_a_visitor_who_was_never_here_is_not_made_known(
    played: PlayedGateway, lumen: RunningShop
) -> None:
    """Looking at the pages for the first time resolves nobody."""
    await lumen.sync()
    async with Browser(lumen) as stranger:
        for page in ("/goods", "/accounts", "/data"):
            stranger.http.cookie_jar.clear()
            await stranger.go(page)
            assert stranger.status == 200
    assert played.world.accounts == {}


async def test_anothers_goods_are_not_there(played: PlayedGateway, ada: Ada) -> None:
    """BUY-019: neither the page nor the proof nor a transfer of it, and the gateway is not asked."""
    other = played.world.grant("somebody-else", "Not hers")
    await ada.go("/goods")
    csrf = ada.form("/goods/accept")["csrf"]
    await ada.go(f"/goods/{other}")
    assert ada.status == 404
    for what in ("certificate", "transfer", "take-back", "open"):
        await ada.go(f"/goods/{other}/{what}", {"csrf": csrf})
        assert ada.status == 404, what
    asked = played.transcript.all(where=lambda e: other in e.request.url)
    assert asked == []


async def test_handing_on_and_taking(played: PlayedGateway, lumen: RunningShop, ada: Ada) -> None:
    """BUY-020 to BUY-022: a code for her eyes, once; entered by another, it is his; a wrong one is told."""
    mine = next(iter(played.world.owned))
    await ada.go(f"/goods/{mine}")
    page = await ada.press("/transfer")
    (code,) = re.findall(r'<code id="transfer-code">([^<]+)</code>', page)
    assert ada.headers["Cache-Control"] == "no-store"
    assert code not in await ada.go(f"/goods/{mine}")
    assert "Offered to somebody" in ada.html
    async with Ada(lumen) as ben:
        await ben.go("/goods")
        assert "We do not know this code" in await ben.press("/accept", code="nonsense")
        assert ben.status == 422
        assert "Harbour Nights" in await ben.press("/accept", code=f" {code} ")
        assert "Prove that it is yours" in ben.html
        await ben.go("/goods")
        assert "was used already" in await ben.press("/accept", code=code)
    assert "Handed on" in await ada.go("/goods")
    assert "bought" not in ada.html.partition("Handed on")[0].partition("Harbour Nights")[2]
    assert not [line for line in lumen.parts.ring.lines if code in line]


async def test_an_offer_is_taken_back(played: PlayedGateway, lumen: RunningShop, ada: Ada) -> None:
    """Its code is worth nothing any more, and it can be offered again."""
    mine = next(iter(played.world.owned))
    await ada.go(f"/goods/{mine}")
    page = await ada.press("/transfer")
    (code,) = re.findall(r'<code id="transfer-code">([^<]+)</code>', page)
    await ada.go(f"/goods/{mine}")
    assert "Make a code" in await ada.press("/take-back")
    async with Ada(lumen) as ben:
        await ben.go("/goods")
        assert "was used already" in await ben.press("/accept", code=code)
    await ada.press("/transfer")
    played.faults.append(Fault(("cancel_transfer",), "", code="transfer_not_open"))
    assert "was used already" in await ada.press("/take-back")
    assert ada.status == 422


async def test_linking_by_mail(played: PlayedGateway, ada: Ada) -> None:
    """BUY-003, BUY-007, BUY-008: asked for, mistyped, confirmed, and ended again."""
    await ada.go("/accounts")
    assert "one e-mail address" in await ada.press("/mail", email="nobody")
    assert "Look into your mail" in await ada.press("/mail", email="ada@shop.example")
    (link,) = played.world.links.values()
    assert link["secret"] not in ada.html
    assert "This code is not right" in await ada.press("/confirm", code="zzzz-zzzz")
    assert "E-mail address, confirmed" in await ada.press("/confirm", code=link["secret"])
    assert "the accounts part again" in ada.html, "what it means to end it"
    assert "stands alone" in await ada.press("/unlink")
    assert link["document"]["status"] == "ended"


async def test_linking_by_a_code(played: PlayedGateway, lumen: RunningShop, ada: Ada) -> None:
    """BUY-004, BUY-005: shown to one account, entered on another, and the goods come together."""
    await ada.go("/accounts")
    page = await ada.press("/show")
    (code,) = re.findall(r'<code id="link-code">([^<]+)</code>', page)
    assert code not in await ada.go("/accounts")
    async with Ada(lumen) as phone:
        await phone.go("/accounts")
        assert "This code is not right" in await phone.press("/redeem", code="x")
        await phone.press("/redeem", code=code.upper())
        assert phone.status == 200
        assert "Harbour Nights" in await phone.go("/goods")
    assert not [line for line in lumen.parts.ring.lines if code in line]


async def test_giving_and_withdrawing(played: PlayedGateway, ada: Ada) -> None:
    """BUY-010, BUY-011: as the form said, and shown as the gateway has it."""
    page = await ada.go("/data")
    assert "nothing to decide" in page
    await ada.press("/data/marketing", scope="all_channels")
    assert "In this shop and in all your linked accounts." in ada.html
    (sent,) = played.transcript.all(operation="set_consent")
    assert sent.asked["decision"] == "given"
    assert sent.asked["scope"] == {"kind": "all_channels"}
    assert sent.asked["notice"] == {"text": "Writing to you about new goods and reductions.", "locale": "en"}
    await ada.press("/data/marketing")
    assert "In this shop and in all" not in ada.html
    played.faults.append(Fault(("set_consent",), "attribution", code="not_found"))
    assert 'role="alert"' in await ada.press("/data/attribution", scope="this_channel")
    assert ada.status == 422
    assert "You have decided nothing" in await ada.go("/data/attribution")


async def test_suggestions_end_with_the_consent(played: PlayedGateway, ada: Ada) -> None:
    """BUY-012: what she bought is made use of while she allows it; a withdrawal on another channel ends it at once."""
    assert "What suits you" not in await ada.go("/")
    await ada.go("/data")
    await ada.press("/data/personalisation", scope="this_channel")
    assert "What suits you" in await ada.go("/")
    async with Browser(ada.shop) as stranger:
        assert "What suits you" not in await stranger.go("/")
    consent = played.world.decide(next(iter(played.world.accounts)), "personalisation", "withdrawn")
    event = {
        "id": "evt_withdrawn",
        "type": "consent.changed",
        "subject": consent["id"],
        "revision": consent["revision"],
        "occurred_at": consent["decided_at"],
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        "data": {"consent": consent},
    }
    url, body = f"{ada.shop.url}/vgcp/v1/events", json.dumps(event).encode()
    headers = played.signer.sign(STANDARD, "good", url, event["id"], body)
    async with ada.http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 204
    assert "What suits you" not in await ada.go("/")


@pytest.mark.parametrize("wish", [{"decision": "perhaps"}, {"decision": "given", "scope": "the_world"}])
async def test_what_no_form_says_is_refused(played: PlayedGateway, ada: Ada, wish: dict[str, str]) -> None:
    """A decision or scope that there is not goes nowhere; the near-twin with both right does."""
    await ada.go("/data")
    csrf = ada.form("/data/marketing")["csrf"]
    await ada.go("/data/marketing", {"csrf": csrf, **wish})
    assert ada.status == 400
    assert played.transcript.all(operation="set_consent") == []
    await ada.go("/data/marketing", {"csrf": csrf, "decision": "given", "scope": "this_channel"})
    assert ada.status == 200


async def test_taking_the_data_along(ada: Ada) -> None:
    """BUY-013: an archive, passed on."""
    await ada.go("/data")
    fields = ada.form("/data/export")
    async with ada.http.post(f"{ada.shop.url}/data/export", data=fields) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.zip"'
        assert answer.content_type == "application/zip"
        assert (await answer.read()).startswith(b"PK")


async def test_erasing(played: PlayedGateway, ada: Ada) -> None:
    """BUY-014, BUY-015: only when she confirms it; what is gone and kept is told, and the shop drops her too."""
    await ada.go("/data/erase")
    assert "Please confirm" in await ada.press("/data/erase")
    assert ada.status == 422
    assert played.transcript.all(operation="erase_buyer") == []
    played.faults.append(Fault(("erase_buyer",), "", code="proof_required"))
    assert "show first that it is you" in await ada.press("/data/erase", sure="on", everywhere="on")
    (asked,) = played.transcript.all(operation="erase_buyer")
    assert "all_channels" in asked.request.url, "when her proof is too old it is refused, and not made less"
    page = await ada.press("/data/erase", sure="on")
    assert "Your data is erased" in page
    assert "Orders: the law wants books to be kept" in page
    assert "No orders yet" in await ada.go("/orders")
    assert "Nothing here yet" in await ada.go("/goods")
    rows = await ada.shop.parts.db.run(lambda db: db.execute("select buyer, state from intents").fetchall())
    assert [tuple(row) for row in rows] == [("erased", "fulfilled")]


async def test_a_purpose_that_there_is_not(played: PlayedGateway, ada: Ada) -> None:
    """It is not there, and the gateway is not said to be away."""
    played.faults.append(Fault(("list_receipts",), "", code="not_found"))
    assert "There is nothing here" in await ada.go("/data/nonsense")
    assert ada.status == 404


@pytest.mark.parametrize("page", ["/goods", "/accounts", "/data"])
async def test_a_gateway_that_is_away_is_told(played: PlayedGateway, ada: Ada, page: str) -> None:
    """A page of its own, which says that nothing has changed."""
    played.faults.append(
        Fault(("list_entitlements", "list_links", "list_consents"), "", count=9, code="unavailable")
    )
    assert "Nothing has been changed" in await ada.go(page)
    assert ada.status == 503


@pytest.mark.parametrize("page", ["/goods", "/accounts", "/data", "/data/erase"])
async def test_forms_of_others_are_refused(ada: Ada, page: str) -> None:
    """CSRF: each form carries the visitor's own token."""
    await ada.go(page)
    for action in set(re.findall(r'<form method="post" action="([^"]+)"', ada.html)):
        await ada.go(action, {"csrf": "0" * 64})
        assert ada.status == 403, action
        await ada.go(page)
