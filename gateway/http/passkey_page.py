"""The page on which a buyer uses her passkey: one document that asks for nothing else, in English and in Chinese."""

from __future__ import annotations

import base64
import hashlib
import html
from importlib import resources
from string import Template

import yaml

from gateway.http.response import Receive, Response, Scope, Send, send_response

DEFAULT, LANGUAGES = "en", ("en", "zh")
CHANNEL = "<b data-channel></b>"
HEADERS = (
    (b"cache-control", b"no-store"),  # who opens it again gets today's
    (b"vary", b"accept-language"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"publickey-credentials-get=(self), publickey-credentials-create=(self)"),
)


class PasskeyPage:
    """Served beside the operations, by GET. `name` is what the gateway is called."""

    def __init__(self, name: str) -> None:
        site = resources.files("gateway.http") / "site"
        read = {
            ending: (site / f"passkey.{ending}").read_text("utf-8")
            for ending in ("html", "css", "js", "yaml")
        }
        texts = yaml.safe_load(read["yaml"])
        parts = {"gateway": html.escape(name), "css": read["css"], "js": read["js"]}
        self._pages = {
            lang: Template(read["html"]).substitute(parts, lang=lang, **_safe(texts[lang])).encode()
            for lang in LANGUAGES
        }
        policy = (
            "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            f"frame-ancestors 'none'; script-src {_source(read['js'])}; style-src {_source(read['css'])}"
        )
        self._policy = (b"content-security-policy", policy.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send, params: dict[str, str]) -> None:
        """One request."""
        scope["vgcp.exchange"].operation = "passkey_page"
        wanted = language(scope["vgcp.headers"].get(b"accept-language", b"").decode("latin-1"))
        response = Response(200, self._pages[wanted], media_type=b"text/html; charset=utf-8")
        response.headers += [*HEADERS, self._policy, (b"content-language", wanted.encode())]
        await send_response(send, response, scope["vgcp.exchange"])


def language(accepted: str) -> str:
    """The one of ours that an Accept-Language header wants most (RFC 9110 section 12.5.4)."""
    best, chosen = 0.0, DEFAULT
    for one in accepted.split(","):
        tag, _, weight = one.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        try:
            wanted = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if primary in LANGUAGES and wanted > best:
            best, chosen = wanted, primary
    return chosen


def _safe(texts: dict[str, str]) -> dict[str, str]:
    """As HTML, with a place for the channel's name, which only the script knows."""
    return {name: html.escape(text).replace("&lt;channel&gt;", CHANNEL) for name, text in texts.items()}


def _source(inline: str) -> str:
    """What is in the document by its hash (CSP Level 3 section 2.3.1): nothing else runs there."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"
