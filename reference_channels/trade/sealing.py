"""The public key that the buyer's browser has made (static/sealing.js), as the payment form brings it."""

from __future__ import annotations

import json

from aiohttp import web

import spec
from reference_channels.kit.errors import Json

PUBLIC = ("kty", "crv", "x", "y")


def key_of(data: dict[str, str]) -> Json | None:
    """The key, None where the browser has made none. Raises HTTPBadRequest for what no browser sends.

    A key with anything private in it is refused and not looked at further (DLV-036).
    """
    text = data.get("recipient_key", "")
    if not text:
        return None
    try:
        given = json.loads(text)
    except ValueError as error:
        raise web.HTTPBadRequest from error
    if not spec.validator("RecipientKey").is_valid(given) or {"d", "k"} & given.keys():
        raise web.HTTPBadRequest
    return {name: given[name] for name in PUBLIC if name in given}
