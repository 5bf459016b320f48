"""My accounts: bringing together what one person has on several channels, by her proof, and taking it apart again."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from reference_channels.kit.errors import Json
from reference_channels.trade import identity
from reference_channels.trade.words import TAGS
from reference_channels.webshop.pages import view
from reference_channels.webshop.pages.buyers import attempt, needs, onward, outcome
from reference_channels.webshop.pages.goods import day
from reference_channels.webshop.pages.visitor import form, visitor
from reference_channels.webshop.providers import SIGN_INS
from reference_channels.webshop.settings import SHOP

PAGE = "/accounts"
# Why a sign-in with a provider has linked nothing (provider.py); its page says it under this name.
TOLD = {
    "sign_in_denied", "sign_in_unreachable", "sign_in_failed", "sign_in_expired", "sign_in_unsure",
    "link_kind_not_supported", "link_limit_reached",
}  # fmt: skip


@needs("identity")
async def mine(request: web.Request) -> web.StreamResponse:
    """The visitor's links, the ways to make one, and what limits leave her over all of them."""
    told = request.query.get("told")
    return await _page(request, wrong={"provider": told if told in TOLD else "other"} if told else None)


async def _page(
    request: web.Request, made: Json | None = None, wrong: dict[str, str] | None = None
) -> web.Response:
    """`wrong` names the form that was refused and why. The secret of the link that was just `made` is in this answer
    only."""
    shop, who = request.app[SHOP], visitor(request)
    found = await identity.links(shop, who.buyer) if who.known else []
    limits = await identity.allowances(shop, who.buyer, who.language) if who.known else []
    pending = [each for each in found if each["status"] == "pending"]
    made = made or {}
    address = made.get("passkey", {}).get("url", "")
    values: Json = {
        "limits": limits,
        "links": [_shown(each) for each in found if each["status"] == "confirmed"],
        "mailed": [each for each in pending if each["kind"] == "email_code"],
        "passkeys": [each for each in pending if each["kind"] == "passkey"],
        "begun": made["id"] if address else "",
        "there": address,
        "host": URL(address).host,
        "code": made.get("link_code", {}).get("code", ""),
        "providers": list(request.app[SIGN_INS].providers.values()),
        "wrong": wrong or {},
    }
    refused = wrong and request.method == "POST"
    return view.page(request, "accounts.html", 422 if refused else 200, PAGE, **values)


def _shown(link: Json) -> Json:
    return link | {"since": day(link.get("confirmed_at") or link["created_at"])}


@needs("identity")
async def mail(request: web.Request) -> web.StreamResponse:
    """Send a code to her address. Whether anybody is known by it is not told."""
    data, shop, who = await form(request), request.app[SHOP], visitor(request)
    email = data.get("email", "").strip()
    if email.count("@") != 1 or not 3 <= len(email) <= 254:
        return await _page(request, wrong={"mail": "email"})
    asked = identity.mail_code(shop, who.buyer, email, TAGS[who.language])
    wrong = await attempt(asked)
    return await _page(request, wrong={"mail": wrong}) if wrong else onward(PAGE)


@needs("passkeys")
async def passkey(request: web.Request) -> web.StreamResponse:
    """The way to the gateway's page, where she uses her passkey; it is on the page that answers, once."""
    await form(request)
    made, wrong = await outcome(identity.passkey_page(request.app[SHOP], visitor(request).buyer))
    answer = await _page(request, made, {"passkey": wrong} if wrong else None)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@needs("identity")
async def confirm(request: web.Request) -> web.StreamResponse:
    """The code that was mailed, or that the gateway's page shows."""
    data, shop, who = await form(request), request.app[SHOP], visitor(request)
    link_id = request.match_info["link_id"]
    wrong = await attempt(identity.confirm(shop, who.buyer, link_id, _code(data)))
    return await _done(request, f"confirm-{link_id}", wrong)


@needs("identity")
async def redeem(request: web.Request) -> web.StreamResponse:
    """A code that another channel shows her."""
    data, shop, who = await form(request), request.app[SHOP], visitor(request)
    return await _done(request, "redeem", await attempt(identity.redeem(shop, who.buyer, _code(data))))


def _code(data: dict[str, str]) -> str:
    """What she typed; something that is no code, where she typed nothing that could be one."""
    code = data.get("code", "").strip()
    return code if 4 <= len(code) <= 64 else "0000"


@needs("identity")
async def show(request: web.Request) -> web.StreamResponse:
    """A code to enter on another channel; it is on the page that answers, once."""
    await form(request)
    made, wrong = await outcome(identity.show_code(request.app[SHOP], visitor(request).buyer))
    return await _page(request, made, {"show": wrong} if wrong else None)


@needs("identity")
async def unlink(request: web.Request) -> web.StreamResponse:
    """End a link, or a code that is still awaited."""
    await form(request)
    ended = identity.unlink(request.app[SHOP], visitor(request).buyer, request.match_info["link_id"])
    return await _done(request, "unlink", await attempt(ended))


async def _done(request: web.Request, what: str, wrong: str) -> web.StreamResponse:
    return await _page(request, wrong={what: wrong}) if wrong else onward(f"{PAGE}#links")
