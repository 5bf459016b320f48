"""Stories of one person with accounts on two channels: who she is on each, and the proofs that link them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from conformance import timing
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.person import Issuer, Person, address, mailed, people
from conformance.driver.shop import EUR, Json, Shop, word
from conformance.model import scenario
from conformance.scenarios.gateway_waiting import until
from conformance.transcript import Exchange

story = partial(scenario, role="gateway", capability="identity")
PHONE = "+4915155512345"
WRONG = "ZZZZ-ZZZZ-ZZZZ"
MOST_LINKS, MOST_MAILS, MOST_CODES = 20, 10, 20  # what the standard allows in an hour


async def _shops(s: GatewaySession, count: int = 2) -> list[Shop]:
    return [await s.shop() for _ in range(count)]


@story("buyers")
async def buyers(s: GatewaySession) -> None:
    """One name on two channels, with one address claimed on both; each asks for the other's."""
    shops, email = await _shops(s), address()
    s.transcript.note("email", email)
    s.transcript.note("phone", PHONE)
    name = word("user")
    a, b = (Person(shop, who, name) for shop, who in zip(shops, "ab", strict=True))
    for one in (a, b):
        await one.resolve("resolve", email=email, phone=PHONE)
    await a.resolve("resolve again")
    for one in (a, b):
        await one.profile("profile with claims")
    link = (await a.begin("link", "link_code")).answer
    strange = Person(b.shop, "as b", name, a.id)
    nobody = Person(b.shop, "of nobody", name, "buy_nobody")
    for one in (strange, nobody):
        await one.profile("read")
        await one.confirm("confirm", link, code=WRONG)
        await one.shop.do("list_links", f"links {one.who}", path={"buyer_id": one.id})


@story("email_links")
async def email_links(s: GatewaySession) -> None:
    """An address proved on one channel and on another, in other letters by a third; a fourth only begins."""
    first, second = await _shops(s)
    a, b, c, d = await people(s, first, second, second, first)
    email = address()
    s.transcript.note("email", email)
    await a.resolve("claim", email=email)
    await a.profile("claimed")
    begun = (await a.begin("begin", "email_code", email=email)).answer
    code = await mailed(s, "mail to a", email)
    await a.confirm("wrong code", begun, code=WRONG)
    await a.confirm("right code", begun, code=code)
    await a.confirm("code again", begun, code=code)
    await a.profile("proved")
    other, link = address(), {}
    for wanted, label in ((email, "begin known"), (other, "begin unknown")):
        link = (await d.begin(label, "email_code", email=wanted)).answer
    for one in (a, d):
        await one.profile("while pending")
    await d.confirm("own proof", link, code=await mailed(s, "mail to d", other))
    await b.prove("second proof", email)
    for one in (a, b):
        await one.profile("linked")
    await c.prove("third proof", email.upper().replace("VGCP.EXAMPLE", "vgcp.example"))
    await c.profile("linked")
    await a.begin("known kind", "link_code")
    await a.begin("unknown kind", "carrier_pigeon")
    await a.begin("unknown issuer", "id_token", issuer="https://nobody.vgcp.example")


@story("link_codes")
async def link_codes(s: GatewaySession) -> None:
    """A code shown on one channel, entered wrongly and rightly on the other, and by a third afterwards."""
    first, second = await _shops(s)
    a, b, c = await people(s, first, second, second)
    shown = (await a.begin("show", "link_code")).answer.get("link_code")
    code = str(shown.get("code", "")) if isinstance(shown, dict) else ""
    await b.redeem("wrong link code", WRONG)
    await b.redeem("redeem", code.lower())
    await c.redeem("redeem again", code.lower())
    for one in (a, b, c):
        await one.profile("after redeeming")


@story("links_undone")
async def links_undone(s: GatewaySession) -> None:
    """Linked, proved once more, undone; both channels read their feeds each time."""
    first, second = await _shops(s)
    a, b = await people(s, first, second)
    email = address()
    await a.prove("proof", email)
    await b.prove("proof", email)
    for one in (a, b):
        await one.profile("linked")
        await _told(one, "buyer.linked", "feed when linked")
    again = await b.prove("proof again", email)
    await b.shop.do("list_links", "links b", path={"buyer_id": b.id})
    await asyncio.sleep(timing.AFTERWARDS)
    await a.events("feed after proof again")
    await b.unlink("unlink", again)
    await s.test("test_list_buyer_changes", "audit", path={"buyer_id": a.id})
    for one in (a, b):
        await one.profile("unlinked")
        await _told(one, "buyer.unlinked", "feed when unlinked")
        await one.resolve("resolve after all")


async def _told(one: Person, kind: str, label: str) -> None:
    """Read a feed until the event is there, for a while."""
    for _ in range(int(timing.EVENT_PATIENCE / timing.POLL)):
        pages = await one.events(label)
        found = [
            x for page in pages if isinstance(page.answer.get("items"), list) for x in page.answer["items"]
        ]
        if any(isinstance(x, dict) and x.get("type") == kind for x in found):
            return
        await asyncio.sleep(timing.POLL)


@story("link_ring")
async def link_ring(s: GatewaySession) -> None:
    """Three accounts, each linked with both others; one link goes, then another one."""
    first, second = await _shops(s)
    a, b, c = await people(s, first, second, second)
    links = {}
    for one, other in ((a, b), (b, c), (c, a)):
        email = address()
        links[one.who] = await one.prove(f"link with {other.who}", email)
        links[other.who + one.who] = await other.prove(f"link with {one.who}", email)
    for one in (a, b, c):
        await one.profile("ring")
    await c.unlink("unlink one of the ring", links["c"])
    for one in (a, b, c):
        await one.profile("chain")
    await a.unlink("unlink the end", links["a"])
    for one in (a, b, c):
        await one.profile("split")


@story("guessing")
async def guessing(s: GatewaySession) -> None:
    """Five wrong codes and then the right one; too many links, mails and link codes."""
    first, second = await _shops(s)
    a, b, c, d = await people(s, first, first, second, second)
    email = address()
    begun = (await a.begin("begin", "email_code", email=email)).answer
    code = await mailed(s, "mail to a", email)
    for _ in range(5):
        await a.confirm("wrong code", begun, code=WRONG)
    await a.confirm("right code after all", begun, code=code)
    await _until_refused(MOST_LINKS, lambda: b.begin("many links", "link_code"))
    flooded = address()
    turns = iter([c, d] * MOST_MAILS)
    await _until_refused(MOST_MAILS, lambda: next(turns).begin("many mails", "email_code", email=flooded))
    await _until_refused(MOST_CODES, lambda: c.redeem("many codes", WRONG))


async def _until_refused(most: int, ask: Any) -> None:
    """Once more than the standard allows, unless it is refused before."""
    for _ in range(most + 1):
        seen: Exchange = await ask()
        if seen.problem == "link_limit_reached":
            return


@story("id_tokens")
async def id_tokens(s: GatewaySession) -> None:
    """An account for each claim that can be wrong: a wrong token, then the right one; one subject on two channels."""
    first, second = await _shops(s)
    issuer = Issuer()
    await issuer.trusted(s)
    at = await s.now()
    wrong: dict[str, Json] = {
        "issuer": {"iss": "https://else.vgcp.example"},
        "audience": {"aud": "somebody-else"},
        "expiry": {"exp": 1_600_000_000, "iat": 1_600_000_000 - 300},
        "nonce": {"nonce": word("nonce")},
        "signature": {"forged": True},
    }
    for name, claims in wrong.items():
        (a,) = await people(s, first)
        link = (await a.begin(f"{name}: begin", "id_token", issuer=issuer.url)).answer
        subject = word("sub")
        await a.confirm(f"{name}: wrong", link, id_token=issuer.token(s, link, subject, at=at, **claims))
        await a.confirm(f"{name}: right", link, id_token=issuer.token(s, link, subject, at=at))
    a, b, c = await people(s, first, second, second)
    subject = word("sub")
    for one, named in ((a, subject), (b, subject), (c, word("sub"))):
        link = (await one.begin("begin", "id_token", issuer=issuer.url)).answer
        await one.confirm("token", link, id_token=issuer.token(s, link, named, at=at))
    for one in (a, b, c):
        await one.profile("after tokens")


@story("shared_limits", phase=20)
async def shared_limits(s: GatewaySession) -> None:
    """Four to a buyer: three are bought on one channel, one on the other when linked; then apart again."""
    first, second = await _shops(s)
    a, b = await people(s, first, second)
    offer = await limited(s, 4)
    await buy(a, offer, "before", 3)
    await buy(a, offer, "too much alone", 2)
    email = address()
    await a.prove("proof", email)
    link = await b.prove("proof", email)
    for one in (a, b):
        await one.profile("linked")
    await buy(b, offer, "too much when linked", 2)
    await buy(b, offer, "the rest when linked", 1)
    await b.unlink("unlink", link)
    await b.profile("unlinked")
    await buy(b, offer, "own rest when apart", 3)
    await buy(a, offer, "too much when apart", 2)
    await buy(a, offer, "own rest when apart", 1)


async def limited(s: GatewaySession, units: int, **more: Any) -> Json:
    """An offer for all channels, of so many to a buyer; `more` are members of its PurchaseLimit."""
    limit = {"purchase_limit": {"quantity": units, **more}}
    body = {"product_name": word("Thing"), "price": EUR, "delivery_kind": "licence", "quantity": 50}
    return await s.control("test_create_offer", "offer for all", body={**body, "restrictions": limit})


async def buy(one: Person, offer: Json, label: str, units: int) -> Exchange:
    """An order of hers."""
    who = {"reference": one.subject, "region": "DE"}
    return await one.shop.order(offer, f"{label} {one.who}", units, who=who)


@story("link_rush", phase=20)
async def link_rush(s: GatewaySession) -> None:
    """Six accounts in a chain, of which all five links are made at once; then each wants the one unit of a buyer."""
    first, second = await _shops(s)
    all_six = await people(s, *[first, second] * 3)
    codes = []
    for one in all_six[:-1]:
        shown = (await one.begin("show", "link_code")).answer.get("link_code")
        codes.append(str(shown.get("code", "")) if isinstance(shown, dict) else "")
    async with asyncio.TaskGroup() as together:
        for one, code in zip(all_six[1:], codes, strict=True):
            together.create_task(one.redeem("redeem", code))
    offer = await limited(s, 1)
    for one in all_six:
        await buy(one, offer, "the one", 1)


@story("links_expire", phase=21, clock=True)
async def links_expire(s: GatewaySession) -> None:
    """A mailed code, and a shown one, at the instant at which they expire."""
    first, second = await _shops(s)
    a, b = await people(s, first, second)
    email = address()
    begun = (await a.begin("begin", "email_code", email=email)).answer
    code = await mailed(s, "mail to a", email)
    shown = (await a.begin("show", "link_code")).answer
    ends = max(str(one.get("expires_at")) for one in (begun, shown))
    await s.advance(until(ends, await s.now()))
    for shop in (first, second):
        shop.token = await s.token(shop)
    await a.confirm("late code", begun, code=code)
    found = shown.get("link_code")
    await b.redeem("late link code", str(found.get("code", "")) if isinstance(found, dict) else "")
