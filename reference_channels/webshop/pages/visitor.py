"""Who is looking: an anonymous session by cookie, its language, and the token that its forms carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from aiohttp import web

from reference_channels.webshop.pages import texts
from reference_channels.webshop.settings import COOKIE_KEY, SHOP

_KEY: web.RequestKey[Visitor]
YEAR = 365 * 86400


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser. `buyer` is what the gateway knows it by: a hash, so that no order reveals the session."""

    session: str = field(repr=False)
    language: str
    csrf: str = field(repr=False)
    known: bool

    @property
    def buyer(self) -> str:
        """The buyer's reference at the gateway."""
        return "web-" + hashlib.sha256(self.session.encode()).hexdigest()[:32]


_KEY = web.RequestKey("visitor", Visitor)


def cookie_name(request: web.Request) -> str:
    """With HTTPS a name that browsers accept from this very host only."""
    return "__Host-session" if request.app[SHOP].settings.secure else "session"


def visitor(request: web.Request) -> Visitor:
    """The request's visitor; a new one when there is no usable cookie."""
    if _KEY not in request:
        given = request.cookies.get(cookie_name(request), "")
        known = len(given) == 43 and given.isascii()
        session = given if known else secrets.token_urlsafe(32)
        key = request.app[COOKIE_KEY]
        csrf = hmac.new(key, b"csrf:" + session.encode(), hashlib.sha256).hexdigest()
        request[_KEY] = Visitor(session, texts.choose(request), csrf, known)
    return request[_KEY]


def remember(request: web.Request, answer: web.Response) -> None:
    """Set the cookies that are new: session (not for scripts) and language."""
    who, secure = visitor(request), request.app[SHOP].settings.secure
    if not who.known:
        answer.set_cookie(
            cookie_name(request), who.session, max_age=YEAR, httponly=True, samesite="Lax", secure=secure
        )
    if request.query.get("lang") == who.language and request.cookies.get("lang") != who.language:
        answer.set_cookie("lang", who.language, max_age=YEAR, httponly=True, samesite="Lax", secure=secure)


def forget(request: web.Request, answer: web.Response) -> None:
    """The browser is somebody new from now on: nothing that it does is joined with what was erased."""
    secure = request.app[SHOP].settings.secure
    answer.del_cookie(cookie_name(request), httponly=True, samesite="Lax", secure=secure)


async def form(request: web.Request) -> dict[str, str]:
    """The fields of a form that this shop gave to this visitor. Raises HTTPForbidden for any other (CSRF)."""
    fields = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    if not hmac.compare_digest(fields.get("csrf", "").encode(), visitor(request).csrf.encode()):
        raise web.HTTPForbidden
    return fields
