"""Stories of passkeys: made on one channel and used on another, wrong credentials, and tickets that are no good."""

from __future__ import annotations

from functools import partial

from yarl import URL

from conformance.chance import hexes
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.page import Page, page
from conformance.driver.person import people
from conformance.driver.shop import Shop
from conformance.model import scenario
from conformance.passkeys import Passkey, Wrong
from conformance.scenarios.gateway_waiting import until

story = partial(scenario, role="gateway", capability="passkeys")
CEREMONIES = ("making", "using")
FAULTS = ("challenge", "origin", "port", "party", "verification")
MOST_WRONG = 5  # what the standard allows
ELSEWHERE = "elsewhere.vgcp.example"


async def _page(s: GatewaySession, shop: Shop, label: str) -> Page:
    """The page of a link of somebody new: no story is to meet a limit of an account."""
    (one,) = await people(s, shop)
    return await page(one, label)


@story("passkeys")
async def passkeys(s: GatewaySession) -> None:
    """One is made on a channel and used on the other, another one is made by a third account; then all links go."""
    first, second = await s.shop(), await s.shop()
    a, b, c, d, e = await people(s, first, second, second, first, second)
    opened = await page(a, "passkey")
    hers, code = await opened.make("make")
    links = {"a": await opened.confirm("confirm", code)}
    other = await page(b, "passkey")
    code = await other.use("use", hers)
    await b.shop.do("list_links", "links b", path={"buyer_id": b.id})
    links["b"] = await other.confirm("confirm", code)
    third = await page(c, "passkey")
    await third.confirm("confirm", (await third.make("make"))[1])
    for one in (a, b, c):
        await one.profile("after passkeys")
        await one.shop.do("list_links", f"links at last {one.who}", path={"buyer_id": one.id})
        await one.events("events")
    await a.unlink("unlink", links["a"])
    fourth = await page(d, "passkey")
    links["d"] = await fourth.confirm("confirm", await fourth.use("use", hers))
    await d.profile("after passkeys")
    await b.unlink("unlink", links["b"])
    await d.unlink("unlink", links["d"])
    await (await page(e, "passkey")).use("use of what nobody has", hers)


@story("wrong_passkeys")
async def wrong_passkeys(s: GatewaySession) -> None:
    """Each thing that can be wrong with a credential, on a link of its own: the wrong one, then the right one."""
    shop = await s.shop()
    opened = await _page(s, shop, "first")
    hers, code = await opened.make("right making")
    await opened.confirm("confirm", code)
    await (await _page(s, shop, "second")).use("right using", hers)
    for what in CEREMONIES:
        for name in FAULTS:
            opened = await _page(s, shop, f"{name}, {what}")
            wrong = await _wrong(s, shop, opened, name)
            for label, one in ((f"{name}: wrong {what}", wrong), (f"{name}: then right {what}", Wrong())):
                await (opened.make(label, one) if what == "making" else opened.use(label, hers, one))
    opened = await _page(s, shop, "signature")
    await opened.use("signature: wrong using", hers, Wrong(key=Passkey()))
    await opened.use("signature: then right using", hers)
    await (await _page(s, shop, "stranger")).use("stranger: wrong using", Passkey(handle=hers.handle))
    opened = await _page(s, shop, "many")
    for _ in range(MOST_WRONG):
        await opened.use("many: wrong using", hers, Wrong(key=Passkey()))
    await opened.use("many: right using after all", hers)
    await (await _page(s, shop, "taken")).make("taken: wrong making", made=Passkey(id=hers.id))


async def _wrong(s: GatewaySession, shop: Shop, opened: Page, name: str) -> Wrong:
    """What is wrong; the other challenge is one that another link still waits for."""
    url = URL(opened.origin)
    if name == "challenge":
        other = await _page(s, shop, "another")
        asked = other.options.get("request")
        return Wrong(challenge=str(asked.get("challenge")) if isinstance(asked, dict) else "none")
    return {
        "origin": Wrong(origin=f"{url.scheme}://{url.host}.{ELSEWHERE}"),
        "port": Wrong(origin=str(url.with_port(1).origin())),
        "party": Wrong(party=ELSEWHERE),
        "verification": Wrong(verified=False),
    }[name]


@story("tickets")
async def tickets(s: GatewaySession) -> None:
    """A ticket that was used, one that never was, and one whose link was ended."""
    shop = await s.shop()
    opened = await _page(s, shop, "used")
    hers, code = await opened.make("used: make")
    await opened.make("used: make again", made=hers)
    await opened.read("used: read again")
    await opened.confirm("confirm", code)
    await opened.make("confirmed: make again", made=hers)
    await opened.read("confirmed: read again")
    never = Page(opened.one, {}, opened.origin, hexes(20), opened.options)
    await never.read("never: read again")
    await never.make("never: make again")
    ended = await _page(s, shop, "ended")
    await ended.one.unlink("unlink", ended.link)
    await ended.read("ended: read again")
    await ended.make("ended: make again")


@story("tickets_expire", phase=24, clock=True)
async def tickets_expire(s: GatewaySession) -> None:
    """A ticket, at the instant at which its link expires."""
    opened = await _page(s, await s.shop(), "late")
    await s.advance(until(str(opened.options.get("expires_at")), await s.now()))
    await opened.read("late: read again")
    await opened.make("late: make again")
