"""A buyer over all channels: her accounts, what she allows, and what she owns."""

from __future__ import annotations

import base64

from conformance.discovery import BUYERS
from conformance.driver.channel_buyers import Shopper, event, shopper
from conformance.driver.channel_client import ChannelSession
from conformance.driver.played_gateway import PlayedGateway
from conformance.driver.played_world import account_id, code
from conformance.model import scenario
from conformance.scenarios.channel_events import priced

PLAIN = "gateway without buyers"


@scenario("linking", role="channel", capability="identity")
async def linking(session: ChannelSession) -> None:
    """A buyer asks for a code by mail, mistypes it, types it right, and ends the link again."""
    ada = await shopper(session, "ada", await session.offered())
    begun = await ada.link("mail", kind="email_code", email=f"{ada.name}@shop.example")
    link_id = str(begun.answer.get("link_id"))
    mailed = session.gateway.world.links.get(link_id)
    if mailed is None:
        return
    session.transcript.claim(link_id)
    wrong = code()
    session.transcript.note("codes", [mailed["secret"], wrong])
    session.transcript.note("link", link_id)
    await ada.confirm(link_id, "wrong", wrong)
    await ada.confirm(link_id, "right", mailed["secret"])
    await ada.unlink(link_id, "unlinked")


@scenario("link_codes", role="channel", capability="identity")
async def link_codes(session: ChannelSession) -> None:
    """Two buyers are each shown a code; a third enters one from another channel, and one that is none."""
    offer = await session.offered()
    ada, ben, eve = [await shopper(session, name, offer) for name in ("ada", "ben", "eve")]
    for label, who in (("ada", ada), ("ben", ben)):
        shown = await who.link(f"{label} shown", kind="link_code")
        session.transcript.note(f"{label} code", shown.answer.get("code"))
    entered, wrong = _elsewhere(session), code()
    session.transcript.note("entered", entered)
    session.transcript.note("wrong", wrong)
    await eve.link("entered", kind="link_code", code=f" {entered} ")
    await eve.link("wrong", kind="link_code", code=wrong)


def _elsewhere(session: ChannelSession) -> str:
    """A link code that is shown to a buyer on another channel."""
    world = session.gateway.world
    mine = account_id(f"elsewhere-{code()}")
    shown = code()
    document = {
        "id": f"lnk_{shown.replace('-', '')}",
        "kind": "link_code",
        "status": "pending",
        "revision": 1,
        "created_at": world.stamp(),
        "expires_at": world.stamp(900),
    }
    world.links[str(document["id"])] = {"document": document, "buyer_id": mine, "secret": shown}
    return shown


@scenario("unknown_buyer", role="channel", capability="identity")
async def unknown_buyer(session: ChannelSession) -> None:
    """Events come about a buyer whom the channel does not know, and a good one follows."""
    offer = await session.offered()
    session.gateway.hidden.add(offer)
    data, stranger = session.transcript.fact("unknown_buyer", "offer data"), account_id(f"stranger-{code()}")
    profile = {
        "id": stranger,
        "subject": "a-stranger",
        "tier": "standard",
        "revision": 2,
        "linked": True,
        "created_at": session.gateway.world.stamp(),
    }
    erasure = session.gateway.world.erase(stranger)
    await session.send(event(session, "buyer.linked", stranger, 2, buyer=profile), "linked")
    apart = {**profile, "revision": 3, "linked": False}
    await session.send(event(session, "buyer.unlinked", stranger, 3, buyer=apart), "unlinked")
    await session.send(event(session, "buyer.erased", stranger, 4, erasure=erasure), "erased")
    await session.send(session.event("offer.updated", priced(data, 660, 1)), "good")
    await session.shelf_at("after good", offer, 660)


@scenario("consents", role="channel", capability="consent")
async def consents(session: ChannelSession) -> None:
    """A buyer allows two things; a third is refused; one is withdrawn on another channel."""
    ada = await shopper(session, "ada", await session.offered())
    await ada.decide("personalisation", "narrow", "given", "this_channel")
    await ada.decide("marketing", "wide", "given", "all_channels")
    await ada.consents("allowed")
    session.fault("set_consent", f"{ada.id}/consents/attribution", code="not_found")
    await ada.decide("attribution", "refused", "given", "this_channel")
    await ada.consents("after the refusal")
    withdrawn = session.gateway.world.decide(ada.id, "marketing", "withdrawn")
    changed = event(session, "consent.changed", withdrawn["id"], withdrawn["revision"], consent=withdrawn)
    await session.send(changed, "withdrawn")
    gone = {"purpose": "marketing", "decision": "withdrawn"}
    await ada.consents(
        "after the withdrawal", lambda items: any(gone.items() <= one.items() for one in items)
    )


@scenario("exporting", role="channel", capability="consent")
async def exporting(session: ChannelSession) -> None:
    """A buyer wants to know what is held about her."""
    ada = await shopper(session, "ada", await session.offered())
    await ada.does("test_export_buyer", "GET", "/export", "exported")
    given = session.transcript.all(operation="export_buyer", where=lambda e: ada.id in e.request.url)
    # noted, as a transcript has text only
    session.transcript.note(
        "archives", [base64.b64encode(e.response.body).decode() for e in given if e.response]
    )


@scenario("erasing", role="channel", capability="consent")
async def erasing(session: ChannelSession) -> None:
    """One buyer has herself erased here, another one has done so elsewhere."""
    offer = await session.offered()
    ada, ben = await shopper(session, "ada", offer), await shopper(session, "ben", offer)
    await ada.decide("marketing", "ada allowed", "given", "this_channel")
    await ada.does("test_erase_buyer", "DELETE", "", "erased here")
    await ben.decide("marketing", "ben allowed", "given", "this_channel")
    await ben.consents("ben before")
    erasure = session.gateway.world.erase(ben.id)
    await session.send(event(session, "buyer.erased", ben.id, 9, erasure=erasure), "erased elsewhere")
    still = {"decision": "given"}
    await ben.consents("ben after", lambda items: not any(still.items() <= one.items() for one in items))


@scenario("goods", role="channel", capability="ownership")
async def goods(session: ChannelSession) -> None:
    """One buyer has goods of this channel and of others, more than a page of them; another has one."""
    offer = await session.offered()
    ada, ben = await shopper(session, "ada", offer, 2), await shopper(session, "ben", offer)
    for name in ("Key of elsewhere", "Course of elsewhere", "Card of elsewhere"):
        session.transcript.claim(session.gateway.world.grant(ada.subject, name))
    for label, who in (("ada", ada), ("ben", ben)):
        session.transcript.note(f"{label}'s", [one["id"] for one in session.gateway.world.of(who.id)])
        await who.goods(f"{label} sees")


@scenario("states", role="channel", capability="ownership")
async def states(session: ChannelSession) -> None:
    """Of three goods one is suspended and one revoked, by events."""
    world = session.gateway.world
    ada = await shopper(session, "ada", await session.offered())
    held, gone = world.grant(ada.subject, "To be suspended"), world.grant(ada.subject, "To be revoked")
    await ada.goods("before")
    changes = (("entitlement.updated", held, "suspended"), ("entitlement.revoked", gone, "revoked"))
    for kind, one, status in changes:
        document = world.change(one, status)
        await session.send(event(session, kind, one, document["revision"], entitlement=document), status)
    session.transcript.note("changed", {held: "suspended", gone: "revoked"})
    left = {"entitlement_id": gone, "status": "active"}
    await ada.goods("after", lambda items: not any(left.items() <= one.items() for one in items))


@scenario("certificates", role="channel", capability="ownership")
async def certificates(session: ChannelSession) -> None:
    """A buyer gets a certificate; another one asks for one of the same good."""
    offer = await session.offered()
    ada, eve = await shopper(session, "ada", offer), await shopper(session, "eve", offer)
    mine = session.gateway.world.of(ada.id)[0]["id"]
    session.transcript.claim(mine)
    await ada.certificate(mine, "certificate")
    await eve.certificate(mine, "not hers")


@scenario("transfers", role="channel", capability="ownership")
async def transfers(session: ChannelSession) -> None:
    """Two buyers offer something; a third takes what came from elsewhere, and tries what she may not."""
    offer, world = await session.offered(), session.gateway.world
    ada = await shopper(session, "ada", offer, 2)
    ben, eve = await shopper(session, "ben", offer), await shopper(session, "eve", offer)
    mine = [one["id"] for one in world.of(ada.id)]
    session.transcript.claim(*mine)
    await ada.offer(mine[0], "ada offers")
    await ben.offer(world.of(ben.id)[0]["id"], "ben offers")
    session.transcript.note("codes", [one["code"] for one in world.transfers.values()])
    await eve.offer(mine[1], "not hers")
    foreign, wrong = _offered_elsewhere(session), code()
    session.transcript.note("entered", foreign)
    session.transcript.note("wrong", wrong)
    await eve.accept(f" {foreign} ", "accepted")
    await eve.accept(wrong, "wrong")


def _offered_elsewhere(session: ChannelSession) -> str:
    """The code of a transfer that a buyer of another channel offers."""
    world = session.gateway.world
    given = world.grant(f"elsewhere-{code()}", "Handed on")
    transfer = {
        "id": given.replace("ent_", "trf_"),
        "revision": 1,
        "entitlement_id": given,
        "status": "offered",
        "created_at": world.stamp(),
        "expires_at": world.stamp(604_800),
    }
    secret = code()
    world.owned[given].document["transfer"] = transfer
    world.transfers[str(transfer["id"])] = {"document": transfer, "code": secret}
    return secret


@scenario("without_buyers", role="channel", phase=6, capability="identity")
async def without_buyers(session: ChannelSession) -> None:
    """The channel is pointed at a gateway that knows nothing of buyers, and one comes."""
    first = session.gateway
    async with PlayedGateway(session.transcript, first.host, PLAIN, without=BUYERS) as plain:
        session.gateway = plain
        try:
            await session.must("test_reset", "POST", "/reset", "reset", body={"gateway": plain.connection()})
            ada = await shopper(session, "ada", await session.offered())
            await _everything(ada)
        finally:
            session.gateway = first


async def _everything(who: Shopper) -> None:
    """One thing of each noun that the channel declares."""
    await who.link("link", kind="link_code")
    if "consent" in who.session.capabilities:
        await who.consents("consents")
    if "ownership" in who.session.capabilities:
        await who.goods("goods")
