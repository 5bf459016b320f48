"""Passkeys over real sockets, with an authenticator in software, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.fixtures.authenticator import EDDSA, ES256, PRESENT, RS256, Authenticator, encoded
from tests.fixtures.buyers import resolved
from tests.fixtures.gateway import RunningGateway
from tests.fixtures.passkeys import Page, opened, proved
from tests.http.test_identity import events_of, two

Json = dict[str, Any]


@pytest.fixture
def key(gateway: RunningGateway) -> Authenticator:
    """A passkey of the gateway's page."""
    return Authenticator(gateway.url)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_a_passkey_joins_who_proves_it(gateway: RunningGateway, algorithm: int) -> None:
    """PSK-001: made for one account and used for another, by each algorithm; both channels are told."""
    mia, other = await two(gateway)
    key = Authenticator(gateway.url, algorithm, counts=True)
    await proved(mia, key, new=True)
    assert (await mia.profile())["linked"] is False
    await proved(other, key)
    assert (await mia.profile())["linked"] is (await other.profile())["linked"] is True
    assert [len(await events_of(one.shop, "buyer.linked")) for one in (mia, other)] == [1, 1]
    third = await resolved(other.shop, "third")
    await proved(third, Authenticator(gateway.url), new=True)
    assert (await third.profile())["linked"] is False


async def test_a_code_is_shown_for_a_credential_that_holds_alone(
    gateway: RunningGateway, key: Authenticator
) -> None:
    """PSK-002, PSK-010: nothing before has it, and the ticket is used up by it."""
    mia, _ = await two(gateway)
    page = await opened(mia)
    assert page.url == f"{gateway.url}/passkey#{page.ticket}"
    options = await page.options()
    assert options == await page.options()
    assert options["channel"] == "shop"
    assert "code" not in str([page.link, options])
    assert (await mia.confirm(page.link, code="AAAA-AAAA")).code == "link_proof_invalid"
    assert (await mia.confirm(page.link, id_token="a.b.c")).json["errors"][0]["pointer"] == "/code"
    answer = await page.make(key)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["channel"] == "shop"
    assert (await page.ask("begin")).code == (
        await page.ask("finish", credential=key.create(options["creation"]))
    ).code
    assert (await page.ask("begin")).code == "link_expired"
    assert (await page.confirm(answer)).json["status"] == "confirmed"
    assert (await page.confirm(answer)).code == "link_expired"


async def test_no_channel_sees_anything_of_a_passkey(gateway: RunningGateway, key: Authenticator) -> None:
    """PSK-003: not in links, profiles, events or exports, and no secret is in a line of the log."""
    mia, other = await two(gateway)
    pages = [await opened(mia), await opened(other)]
    handle = (await pages[0].options())["creation"]["user"]["id"]
    answers = [await pages[0].make(key)]
    shown = [(await pages[0].confirm(answers[0])).body]
    answers.append(await pages[1].use(key))
    shown.append((await pages[1].confirm(answers[1])).body)
    for one in (mia, other):
        paths = (f"/buyers/{one.id}", f"/buyers/{one.id}/links", "/events", f"/buyers/{one.id}/export")
        found = [await one.shop.get(path) for path in paths]
        assert all(answer.status == 200 for answer in found), found
        shown += [answer.body for answer in found]
    assert b'"passkey"' in shown[0]
    secret = [encoded(key.id), handle, *(page.ticket for page in pages)]
    codes = [answer.json["code"] for answer in answers]
    everything = b"".join(shown)
    assert [word for word in (*secret, *codes) if word.encode() in everything] == []
    log = b"".join(gateway.log_lines)
    assert b"finish_passkey" in log
    assert [word for word in (*secret, *codes) if word.encode() in log] == []


@pytest.mark.parametrize(
    "wrong",
    [{"challenge": encoded(b"another challenge")}, {"origin": "https://else.example"}, {"rp_id": "else.example"},
     {"flags": PRESENT}, {"flags": 0}, {"embedded": True}],
    ids=str,
)  # fmt: skip
async def test_credentials_are_looked_at(
    gateway: RunningGateway, key: Authenticator, wrong: dict[str, Any]
) -> None:
    """PSK-004 to PSK-007: one thing wrong, and it holds neither when it is made nor when it is used."""
    mia, other = await two(gateway)
    faulty = replace(key, **wrong)
    page = await opened(mia)
    made = await page.make(faulty)
    assert (made.code, made.json["errors"][0]["pointer"]) == ("link_proof_invalid", "/credential")
    await page.confirm(await page.make(key))
    page = await opened(other)
    assert (await page.use(faulty)).code == "link_proof_invalid"
    assert (await page.use(key)).status == 200


async def test_a_passkey_signs_by_its_own_key(gateway: RunningGateway, key: Authenticator) -> None:
    """PSK-008, PSK-009: not by another one, not when nobody knows it, and not under the id of one that is known."""
    mia, other = await two(gateway)
    await proved(mia, key, new=True)
    thief = Authenticator(gateway.url, id=key.id)
    page = await opened(other)
    for answer in (await page.use(thief), await page.make(thief), await page.use(Authenticator(gateway.url))):
        assert answer.code == "link_proof_invalid"
    assert (await page.confirm(await page.use(key))).status == 200


async def test_of_two_new_passkeys_with_one_id_the_first_is_known(
    gateway: RunningGateway, key: Authenticator
) -> None:
    """PSK-008: whoever makes one under the id of another's, while that is being made, is not joined to her."""
    mia, other = await two(gateway)
    pages = [await opened(mia), await opened(other)]
    answers = [await pages[0].make(key), await pages[1].make(Authenticator(gateway.url, id=key.id))]
    assert (await pages[0].confirm(answers[0])).status == 200
    assert (await pages[1].confirm(answers[1])).code == "link_proof_invalid"
    assert (await mia.profile())["linked"] is False


async def test_a_copied_counter_does_not_hold(gateway: RunningGateway) -> None:
    """PSK-008: a passkey that counts has counted on since it was last used; the count is kept with each proof."""
    mia, other = await two(gateway)
    key = Authenticator(gateway.url, counts=True, count=4)
    await proved(mia, key, new=True)
    copy = replace(key)
    await proved(other, key)
    page = await opened(mia)
    assert (await page.use(copy)).code == "link_proof_invalid"
    assert (await page.confirm(await page.use(key))).status == 200


async def test_a_passkey_that_nobody_has_any_more_is_forgotten(
    gateway: RunningGateway, key: Authenticator
) -> None:
    """PSK-009: while one account has it, it leads there; with the last link it is unknown; it can be made anew."""
    mia, other = await two(gateway)
    links = [await proved(mia, key, new=True), await proved(other, key)]
    await mia.unlink(links[0])
    assert (await other.profile())["linked"] is False
    links[0] = await proved(mia, key)
    assert (await other.profile())["linked"] is True
    await mia.unlink(links[0])
    await other.unlink(links[1])
    page = await opened(mia)
    assert (await page.use(key)).code == "link_proof_invalid"
    assert (await page.confirm(await page.make(key))).status == 200


async def test_an_erased_buyer_takes_her_passkey_along(gateway: RunningGateway, key: Authenticator) -> None:
    """PSK-009, CNS-024: what only she had proved is unknown; a page that was open for her is over."""
    mia, other = await two(gateway)
    await proved(mia, key, new=True)
    page = await opened(mia)
    answer = await mia.shop.request("DELETE", f"/buyers/{mia.id}")
    assert answer.status == 200, answer.body
    assert (await page.ask("begin")).code == "link_expired"
    page = await opened(other)
    assert (await page.use(key)).code == "link_proof_invalid"


async def test_a_sandbox_that_is_reset_knows_no_passkey(gateway: RunningGateway, key: Authenticator) -> None:
    """PSK-009: nobody has proved it any more."""
    mia, _ = await two(gateway)
    await proved(mia, key, new=True)
    await gateway.control("/reset")
    page = await opened(await resolved(mia.shop))
    assert (await page.use(key)).code == "link_proof_invalid"


async def test_a_passkey_proves_who_wants_all_her_data(gateway: RunningGateway, key: Authenticator) -> None:
    """CNS-022: a link that was confirmed by it a moment ago opens what her other accounts have."""
    mia, other = await two(gateway)
    await proved(mia, key, new=True)
    await gateway.control("/clock", {"advance_seconds": 1000})
    for one in (mia, other):
        one.shop.forget_token()
    link = await proved(other, key)
    query = {"scope": "all_channels", "proof": link["id"]}
    answer = await other.shop.request("DELETE", f"/buyers/{other.id}", params=query)
    assert answer.status == 200, answer.body


async def test_a_newer_link_by_the_same_passkey_replaces_the_older(
    gateway: RunningGateway, key: Authenticator
) -> None:
    """IDN-045: an account has one link to a passkey."""
    mia, _ = await two(gateway)
    await proved(mia, key, new=True)
    newer = await proved(mia, key)
    assert [one["id"] for one in await mia.links()] == [newer["id"]]


async def test_tickets_end(gateway: RunningGateway, key: Authenticator) -> None:
    """PSK-010: with the link, with its time, and one that never was; none is taken for a code, and no code for one."""
    mia, other = await two(gateway)
    undone = await opened(mia)
    await mia.unlink(undone.link)
    never = Page(gateway, "https://else.example/passkey#" + "A" * 43)
    shown = (await mia.begin("link_code")).json["link_code"]["code"]
    code = Page(gateway, "x#" + shown.replace("-", "") + "A" * 10)
    late = await opened(mia)
    credential = key.create((await late.options())["creation"])
    assert (await other.redeem(late.ticket[:32])).code == "link_proof_invalid"
    await gateway.control("/clock", {"advance_seconds": 900})
    for page in (undone, never, code, late):
        assert (await page.ask("begin")).code == "link_expired"
        assert (await page.ask("finish", credential=credential)).code == "link_expired"


async def test_five_credentials_that_do_not_hold_end_a_link(
    gateway: RunningGateway, key: Authenticator
) -> None:
    """PSK-011: the sixth try finds no link, whatever it brings; wrong codes count with them."""
    mia, _ = await two(gateway)
    page = await opened(mia)
    good = key.create((await page.options())["creation"])
    wrong = [await page.use(key) for _ in range(3)]
    wrong += [await mia.confirm(page.link, code="AAAA-AAAA") for _ in range(2)]
    assert [one.code for one in wrong] == ["link_proof_invalid"] * 5
    assert (await page.ask("finish", credential=good)).code == "link_expired"
    assert await mia.links() == []


async def test_of_two_answers_at_once_one_gets_the_code(gateway: RunningGateway, key: Authenticator) -> None:
    """PSK-010: a ticket is good once, also for who is as quick."""
    mia, _ = await two(gateway)
    page = await opened(mia)
    credential = key.create((await page.options())["creation"])
    answers = await asyncio.gather(*(page.ask("finish", credential=credential) for _ in range(4)))
    assert sorted(one.code or "" for one in answers) == ["", "link_expired", "link_expired", "link_expired"]
    winner = next(one for one in answers if one.status == 200)
    assert (await page.confirm(winner)).status == 200


@pytest.mark.parametrize(
    "response",
    [{}, {"attestationObject": "AAAA"}, {"authenticatorData": "AAAA", "signature": "AAAA"},
     {"attestationObject": encoded(b"\xa3cfmtdnonegattStmt\xa0hauthDataX\x01\x00")},
     {"clientDataJSON": encoded(b"[]")}, {"clientDataJSON": encoded(b"\xff")}],
    ids=str,
)  # fmt: skip
async def test_whatever_a_stranger_sends_does_not_hold(gateway: RunningGateway, response: Json) -> None:
    """PSK-008: bytes of no shape at all are a wrong proof and no error of the gateway's."""
    mia, _ = await two(gateway)
    page = await opened(mia)
    client = encoded(b'{"type":"webauthn.create","challenge":"","origin":"x"}')
    credential = {"id": "AAAA", "type": "public-key", "response": {"clientDataJSON": client, **response}}
    assert (await page.ask("finish", credential=credential)).code == "link_proof_invalid"


async def test_requests_are_answered_by_field(gateway: RunningGateway) -> None:
    """ERR-003: what is missing or of another form is named."""
    mia, _ = await two(gateway)
    page = await opened(mia)
    answer = await page.ask("finish", credential={"id": "A+", "type": "public-key"})
    assert answer.code == "invalid"
    assert {one["pointer"] for one in answer.json["errors"]} >= {"/credential/id", "/credential/response"}
    page.ticket = "short"
    assert (await page.ask("begin")).json["errors"][0]["pointer"] == "/ticket"
