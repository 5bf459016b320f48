"""The shop's words in English and Chinese, and which of the two a buyer gets."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from reference_channels.trade.words import LANGUAGES, Words

WORDS = Words(Path(__file__).parents[1] / "texts")
say = WORDS.say


def choose(request: web.Request) -> str:
    """The language asked for in the address, kept in the cookie, or preferred by the browser; else
    English."""
    for wanted in (request.query.get("lang"), request.cookies.get("lang")):
        if wanted in LANGUAGES:
            return wanted
    ranked = sorted(_accepted(request.headers.get("Accept-Language", "")), reverse=True)
    return next((language for _, _, language in ranked if language in LANGUAGES), "en")


def _accepted(header: str) -> list[tuple[float, int, str]]:
    """The languages of an Accept-Language header with weight and place (RFC 9110, section 12.5.4)."""
    found = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            found.append((float(weight or 1), -place, tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    return found
