"""Test control of what a buyer does over all channels: the same functions as her pages call (spec/text/buyers.md)."""

from __future__ import annotations

import base64
from functools import wraps

from aiohttp import web

from reference_channels.kit.errors import Json, Problem
from reference_channels.trade import consent, identity, ownership, wire
from reference_channels.trade.buyers import NotOfferedError, final
from reference_channels.trade.ownership import NotHersError
from reference_channels.trade.problems import RefusalError
from reference_channels.trade.settings import TRADE, Trade
from reference_channels.trade.testing import Handler, guarded


def buyers(handler: Handler) -> Handler:
    """Guarded; what the gateway does not offer, and what is not hers, is not there. What it refuses for good is told
    as the buyer would be told."""

    @guarded
    @wraps(handler)
    async def told(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (NotOfferedError, NotHersError) as error:
            raise RefusalError("not_found") from error
        except Problem as problem:
            if not final(problem):
                raise
            if request.method == "POST":
                return wire.answer({"status": "refused", "reason": problem.code})
            raise RefusalError("not_found", problem.title) from problem

    return told


def _of(request: web.Request) -> tuple[Trade, str]:
    return request.app[TRADE], request.match_info["reference"]


def _told(link: Json) -> web.Response:
    """The TestLink document of a Link."""
    document = {"status": link["status"], "link_id": link["id"]}
    code = link.get("link_code", {}).get("code")
    return wire.answer(document | ({"code": code} if code else {}))


@buyers
async def test_link(request: web.Request) -> web.Response:
    """Ask for a mail, for a code to show, or enter a code."""
    (trade, who), asked = _of(request), await wire.read(request, "TestLinkRequest")
    if asked["kind"] == "email_code":
        return _told(await identity.mail_code(trade, who, asked.get("email", "")))
    if "code" in asked:
        return _told(await identity.redeem(trade, who, asked["code"]))
    return _told(await identity.show_code(trade, who))


@buyers
async def test_confirm_link(request: web.Request) -> web.Response:
    """Enter the code that was mailed."""
    (trade, who), asked = _of(request), await wire.read(request, "TestCode")
    return _told(await identity.confirm(trade, who, request.match_info["link_id"], asked["code"]))


@buyers
async def test_unlink(request: web.Request) -> web.Response:
    """End a link."""
    trade, who = _of(request)
    return _told(await identity.unlink(trade, who, request.match_info["link_id"]))


def _shown(found: Json) -> Json:
    """The TestConsent document of a Consent."""
    document: Json = {"purpose": found["purpose"], "decision": found["decision"]}
    return document | ({"scope": found["scope"]["kind"]} if "scope" in found else {})


@buyers
async def test_list_consents(request: web.Request) -> web.Response:
    """What her page of data shows."""
    return wire.answer({"items": [_shown(each) for each in await consent.consents(*_of(request))]})


@buyers
async def test_set_consent(request: web.Request) -> web.Response:
    """Give or withdraw."""
    (trade, who), asked = _of(request), await wire.read(request, "TestConsentRequest")
    wish = {"decision": asked["decision"], "scope": {"kind": asked["scope"]}}
    return wire.answer(_shown(await consent.decide(trade, who, request.match_info["purpose"], wish)))


@buyers
async def test_erase_buyer(request: web.Request) -> web.Response:
    """Have her data erased."""
    await consent.erase(*_of(request))
    return web.Response(status=204)


@buyers
async def test_export_buyer(request: web.Request) -> web.Response:
    """The archive that she downloads."""
    async with consent.export(*_of(request)) as parts:
        archive = b"".join([part async for part in parts])
    return wire.answer({"archive": base64.b64encode(archive).decode()})


@buyers
async def test_list_goods(request: web.Request) -> web.Response:
    """What her page of goods shows."""
    items = [
        {"entitlement_id": each["id"], "product_name": each["product"]["name"], "status": each["status"]}
        for each in await ownership.goods(*_of(request))
    ]
    return wire.answer({"items": items})


@buyers
async def test_get_certificate(request: web.Request) -> web.Response:
    """The file that she downloads when she keeps nothing back."""
    trade, who = _of(request)
    issued = await ownership.certificate(trade, who, request.match_info["entitlement_id"])
    return wire.answer({"certificate": issued["certificate"]})


@buyers
async def test_offer_transfer(request: web.Request) -> web.Response:
    """Offer something of hers."""
    (trade, who), asked = _of(request), await wire.read(request, "TestTransferRequest")
    made = await ownership.offer(trade, who, asked["entitlement_id"])
    document = {"status": made["status"], "entitlement_id": made["entitlement_id"], "code": made.get("code")}
    return wire.answer({name: value for name, value in document.items() if value is not None})


@buyers
async def test_accept_transfer(request: web.Request) -> web.Response:
    """Enter the code of a transfer."""
    (trade, who), asked = _of(request), await wire.read(request, "TestCode")
    taken = await ownership.accept(trade, who, asked["code"])
    return wire.answer({"status": "accepted", "entitlement_id": taken["id"]})


ROOT = "/vgcp/v1/test/buyers/{reference:[^/]+}"
ROUTES = [
    web.post(f"{ROOT}/links", test_link),
    web.delete(ROOT + "/links/{link_id}", test_unlink),
    web.post(ROOT + "/links/{link_id}/confirm", test_confirm_link),
    web.get(f"{ROOT}/consents", test_list_consents),
    web.put(ROOT + "/consents/{purpose}", test_set_consent),
    web.delete(ROOT, test_erase_buyer),
    web.get(f"{ROOT}/export", test_export_buyer),
    web.get(f"{ROOT}/goods", test_list_goods),
    web.get(ROOT + "/certificates/{entitlement_id}", test_get_certificate),
    web.post(f"{ROOT}/transfers", test_offer_transfer),
    web.post(f"{ROOT}/transfers/accept", test_accept_transfer),
]
