"""Linking by a sign-in with an OpenID provider: the way there, and back."""

from __future__ import annotations

import logging

from aiohttp import web

from reference_channels.kit import openid
from reference_channels.kit.errors import GatewayError, timestamp
from reference_channels.kit.openid import SignInError
from reference_channels.trade import identity
from reference_channels.webshop.pages import view
from reference_channels.webshop.pages.accounts import PAGE
from reference_channels.webshop.pages.buyers import attempt, needs, onward, outcome
from reference_channels.webshop.pages.visitor import form, visitor
from reference_channels.webshop.providers import SIGN_INS, SignIn
from reference_channels.webshop.settings import SHOP

RETURN = f"{PAGE}/provider/return"
log = logging.getLogger(__name__)


@needs("identity")
async def leave(request: web.Request) -> web.StreamResponse:
    """Begin a link and send her to the provider: by a page that moves on, as a form may lead to this shop only."""
    data, shop, away = await form(request), request.app[SHOP], request.app[SIGN_INS]
    provider, buyer = away.providers.get(data.get("issuer", "")), visitor(request).buyer
    if provider is None:
        raise web.HTTPNotFound
    try:
        ends = await openid.discover(away.http, provider)
    except SignInError as error:
        return _told(_reason(error, provider.issuer))
    made, wrong = await outcome(identity.sign_in(shop, buyer, provider.issuer))
    if wrong:
        return _told(wrong)
    one = SignIn(provider, ends, buyer, made["id"], timestamp(made["expires_at"]))
    asked = {"state": away.leave(one, shop.clock()), "nonce": made["challenge"]["nonce"]}
    there = openid.address(
        provider, ends, one.verifier, redirect_uri=shop.settings.public_url + RETURN, **asked
    )
    answer = view.page(request, "provider.html", 200, PAGE, name=provider.name, there=there)
    answer.headers.update({"Refresh": f"0; url={there}", "Referrer-Policy": "no-referrer"})
    return answer


@needs("identity")
async def back(request: web.Request) -> web.StreamResponse:
    """She comes back. Whatever became of it, she is led on, so that no page has the code in its address."""
    one = request.app[SIGN_INS].back(
        request.query.get("state", ""), visitor(request).buyer, request.app[SHOP].clock()
    )
    if one is None:
        return _told("sign_in_expired")
    try:
        wrong = await _proved(request, one)
    except SignInError as error:
        return _told(_reason(error, one.provider.issuer))
    except GatewayError as error:
        log.warning("the gateway did not do it", extra={"problem": str(error)})
        return _told("sign_in_unsure")
    return _told(wrong) if wrong else onward(f"{PAGE}#links")


async def _proved(request: web.Request, one: SignIn) -> str:
    """The id token goes from the provider to the gateway; the code of the gateway's refusal."""
    shop, http = request.app[SHOP], request.app[SIGN_INS].http
    code = openid.code_in(one.provider, one.ends, request.query)
    asked = {"code": code, "redirect_uri": shop.settings.public_url + RETURN}
    token = await openid.id_token(http, one.provider, one.ends, one.verifier, **asked)
    return await attempt(identity.signed_in(shop, one.buyer, one.link_id, token))


def _reason(error: SignInError, issuer: str) -> str:
    log.warning("nobody has signed in", extra={"issuer": issuer, "problem": str(error)})
    return f"sign_in_{error.reason}"


# What is said of a code that is wrong or late is not what is said of a sign-in.
OWN = {"link_proof_invalid": "sign_in_failed", "link_expired": "sign_in_expired"}


def _told(reason: str) -> web.Response:
    """To her accounts, which say why nothing was linked."""
    return onward(f"{PAGE}?told={OWN.get(reason, reason)}#provider")
