"""The shop's words in English and Chinese, and which of the two a buyer gets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from aiohttp import web

from reference_channels.kit.errors import Json

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}
_FOLDER = Path(__file__).parents[1] / "texts"


@cache
def texts(language: str) -> dict[str, str]:
    """All words of a language by their key."""
    loaded: dict[str, str] = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text("utf-8"))
    return loaded


def say(language: str, key: str, **values: object) -> str:
    """The words for a key, with values filled in. Reasons, categories and kinds that are not known have
    general words, as gateways may use new ones (CNV-002); any other key that is missing is a mistake."""
    words = texts(language)
    room = key.rpartition(".")[0]
    text = words.get(key) or words.get(f"{room}.other") or words[key]
    return text.format(**values)


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


def product_text(product: Json, language: str) -> tuple[str, str]:
    """A product's name and description in the language, or as they are when there is no translation."""
    translations = product.get("translations", {})
    tags = (TAGS[language], f"{language}-CN", language)
    own: Json = next((translations[tag] for tag in tags if tag in translations), {})
    name = str(own.get("name", product.get("name", "")))
    return name, str(own.get("description", product.get("description", "")))
