"""Your data: who may use it and for what, in plain words; taking it along; having it erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from aiohttp import ClientError, web

from reference_channels.kit.errors import GatewayError, Json
from reference_channels.trade import consent, identity
from reference_channels.trade.words import TAGS
from reference_channels.webshop.pages import texts, view
from reference_channels.webshop.pages.buyers import attempt, needs, onward, outcome
from reference_channels.webshop.pages.goods import day
from reference_channels.webshop.pages.visitor import forget, form, visitor
from reference_channels.webshop.settings import SHOP

PAGE = "/data"
SCOPES = ("this_channel", "all_channels")
DECISIONS = ("given", "withdrawn")
ORDER = ("fulfilment", "fraud_prevention", "personalisation", "attribution", "marketing")


@needs("consent")
async def mine(request: web.Request) -> web.StreamResponse:
    """Each purpose with what it means and what counts, and what else can be done."""
    return await _page(request)


async def _page(request: web.Request, wrong: str = "") -> web.Response:
    shop, who = request.app[SHOP], visitor(request)
    values: Json = {
        "known": who.known,
        "wrong": wrong,
        "consents": [],
        "uses": {},
        "proof": None,
        "word": word,
    }
    if who.known:
        found = await consent.consents(shop, who.buyer)
        values["consents"] = [_shown(each) for each in sorted(found, key=_place)]
        values["uses"] = _by_purpose(sorted(await consent.uses(shop, who.buyer), key=_place))
        values["proof"] = await identity.proof(shop, who.buyer)
    return view.page(request, "data.html", 422 if wrong else 200, PAGE, **values)


def _place(about: Json) -> int:
    """Where a purpose stands on the page: what is needed first, what is not known last."""
    purpose = about["purpose"]
    return ORDER.index(purpose) if purpose in ORDER else len(ORDER)


def _shown(found: Json) -> Json:
    """What the template shows of a consent: whether the use is on, and whether it can be decided."""
    decision, basis = found["decision"], found["legal_basis"]
    return found | {
        "on": decision in ("given", "not_needed"),
        "open": basis != "contract",
        "scope": found.get("scope", {"kind": "this_channel"})["kind"],
        "since": day(found.get("decided_at", "")),
    }


def word(purpose: str) -> str:
    """The purpose, or `other` where there are no words for it: gateways may have more (CNV-002)."""
    return purpose if f"purpose.{purpose}.title" in texts.WORDS.texts("en") else "other"


def _by_purpose(uses: list[Json]) -> dict[str, dict[str, Json]]:
    """Data uses by purpose and by where the data is from."""
    found: dict[str, dict[str, Json]] = {}
    for each in uses:
        found.setdefault(each["purpose"], {})[each["origin"]] = each
    return found


@needs("consent")
async def decide(request: web.Request) -> web.StreamResponse:
    """Give or withdraw, exactly as the form said (BUY-010), with the words that it said it in."""
    data, shop, who = await form(request), request.app[SHOP], visitor(request)
    purpose = request.match_info["purpose"]
    decision, scope = data.get("decision"), data.get("scope", SCOPES[0])
    if decision not in DECISIONS or scope not in SCOPES:
        raise web.HTTPBadRequest
    words = texts.say(who.language, f"purpose.{word(purpose)}.about")
    wish: Json = {
        "decision": decision,
        "scope": {"kind": scope},
        "notice": {"text": words, "locale": TAGS[who.language]},
    }
    wrong = await attempt(consent.decide(shop, who.buyer, purpose, wish))
    return await _page(request, wrong) if wrong else onward(f"{PAGE}#{purpose}")


@needs("consent")
async def receipts(request: web.Request) -> web.StreamResponse:
    """What she decided about a purpose, when, and the signed receipts of it."""
    purpose = request.match_info["purpose"]
    found = await consent.receipts(request.app[SHOP], visitor(request).buyer, purpose)
    rows = [each | {"when": each["decided_at"][:16].replace("T", " ") + " UTC"} for each in found]
    return view.page(request, "receipts.html", purpose=word(purpose), receipts=rows)


@needs("consent")
async def export(request: web.Request) -> web.StreamResponse:
    """The archive, passed on as it comes; with a fresh proof that of all channels."""
    await form(request)
    shop, who = request.app[SHOP], visitor(request)
    proof = await identity.proof(shop, who.buyer)
    async with AsyncExitStack() as open_:
        # Only when the gateway gives it there is an answer to begin with.
        parts = await open_.enter_async_context(consent.export(shop, who.buyer, proof))
        answer = web.StreamResponse(headers={"Cache-Control": "no-store"})
        answer.content_type = "application/zip"
        answer.headers["Content-Disposition"] = 'attachment; filename="my-data.zip"'
        await answer.prepare(request)
        await _pass_on(request, answer, parts)
    return answer


async def _pass_on(request: web.Request, answer: web.StreamResponse, parts: AsyncIterator[bytes]) -> None:
    """Write it as it comes. When it breaks off, so does the answer, that nobody takes half of it for all."""
    try:
        async for part in parts:
            await answer.write(part)
        await answer.write_eof()
    except (GatewayError, ClientError):
        if request.transport is not None:
            request.transport.abort()


@needs("consent")
async def ask_to_erase(request: web.Request) -> web.StreamResponse:
    """What erasing means, before it is done."""
    return await _asking(request)


async def _asking(request: web.Request, wrong: str = "") -> web.Response:
    proof = await identity.proof(request.app[SHOP], visitor(request).buyer)
    return view.page(
        request, "erase.html", 422 if wrong else 200, f"{PAGE}/erase", proof=proof, wrong=wrong, erasure=None
    )


@needs("consent")
async def erase(request: web.Request) -> web.StreamResponse:
    """Erase it, when she has confirmed that she means it; the page says what was erased, and what stays and why."""
    data, shop, who = await form(request), request.app[SHOP], visitor(request)
    if "sure" not in data:
        return await _asking(request, "unsure")
    made, wrong = await outcome(consent.erase(shop, who.buyer, "everywhere" in data))
    if wrong:
        return await _asking(request, wrong)
    kept = [each | {"when": day(each.get("until", ""))} for each in made["kept"]]
    shown = made | {"kept": kept}
    answer = view.page(request, "erase.html", address=PAGE, proof=None, wrong="", erasure=shown)
    forget(request, answer)
    return answer
