"""How a client proves who it is at the token endpoint (RFC 6749 section 2.3, RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import orjson
from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import KeySet

from gateway.core.clients import verify_secret
from gateway.core.errors import ProtocolError
from gateway.core.model import Assertion, Channel
from gateway.core.ports import Books
from gateway.http.jose import client_registry

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# An assertion is for now, not for a year: its jti must be remembered until it expires.
LONGEST_ASSERTION = 3600
SKEW = 60

Find = Callable[[str], Awaitable[Channel | None]]


class ClientAuthentication:
    """`audiences` are the names by which an assertion may address this server: its issuer or its token endpoint."""

    def __init__(self, find: Find, audiences: frozenset[str]) -> None:
        self._find = find
        self._audiences = audiences

    async def by_secret(self, client_id: str, secret: str, now: datetime) -> Channel:
        """The channel with this secret (AUT-002). Raises ProtocolError `invalid_client` (AUT-005)."""
        channel = await self._find(client_id) if is_id(client_id) else None
        if not verify_secret(channel, secret, now) or channel is None:
            raise _refused()
        return channel

    async def by_assertion(self, form: dict[str, str], now: datetime) -> tuple[Channel, Assertion]:
        """The channel that signed the assertion, and its jti to be used up (AUT-003). Raises `invalid_client`."""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise ProtocolError("invalid_request", f"client_assertion_type is {ASSERTION_TYPE}.")
        client_id = unverified_subject(form["client_assertion"])
        if form.get("client_id", client_id) != client_id:
            raise _refused()
        channel = await self._find(client_id) if is_id(client_id) else None
        if channel is None or not channel.active or not channel.jwks:
            raise _refused()
        claims = _verified(form["client_assertion"], channel.jwks)
        return channel, self._assertion(channel, claims, now)

    def _assertion(self, channel: Channel, claims: dict[str, Any], now: datetime) -> Assertion:
        """RFC 7523 section 3."""
        audience = claims.get("aud")
        audiences = {audience} if isinstance(audience, str) else set(audience or ())
        expires, begins = _seconds(claims.get("exp")), _seconds(claims.get("nbf", 0))
        jti = str(claims.get("jti", ""))
        seconds = now.timestamp()
        valid = (
            claims.get("iss") == claims.get("sub") == channel.id
            and bool(audiences & self._audiences)
            and seconds < expires <= seconds + LONGEST_ASSERTION
            and begins <= seconds + SKEW
            and 0 < len(jti) <= 255
            and "\x00" not in jti
        )
        if not valid:
            raise _refused()
        return Assertion(channel.id, jti, datetime.fromtimestamp(expires, UTC))


def use_assertion(books: Books, assertion: Assertion) -> None:
    """Use the jti up. Raises ProtocolError `invalid_client` when it was used before (AUT-004)."""
    if books.get(Assertion, assertion.channel_id, assertion.jti) is not None:
        raise _refused()
    books.put(assertion)


def parse_basic(header: bytes) -> tuple[str, str]:
    """Client id and secret, form-encoded each (RFC 6749 section 2.3.1). Raises ProtocolError `invalid_client`."""
    try:
        pair = base64.b64decode(header, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _refused() from error
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def jwt_part(token: str, part: int = 0) -> dict[str, Any]:
    """A part of a JWT (0 its header, 1 its claims), unverified. Raises ValueError, IndexError or TypeError."""
    encoded = token.split(".")[part]
    return dict(orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))))


def unverified_subject(assertion: str) -> str:
    """Whose assertion this claims to be; nothing is believed before the signature has been verified."""
    try:
        subject = jwt_part(assertion, 1)["sub"]
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise _refused() from error
    if not isinstance(subject, str):
        raise _refused()
    return subject


def is_id(text: str) -> bool:
    """Whether it can be asked for: not every database takes every character."""
    return 0 < len(text) <= 128 and text.isascii() and text.isprintable()


def _verified(assertion: str, jwks: Any) -> dict[str, Any]:
    try:
        keys = KeySet.import_key_set(jwks)
        named = "kid" in jwt_part(assertion)
        return _decode(assertion, [keys] if named else keys.keys)
    except (JoseError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _refused() from error


def _decode(assertion: str, keys: Sequence[Any]) -> dict[str, Any]:
    """By the first key that fits; an assertion need not say by which it was signed."""
    last: JoseError = BadSignatureError()
    for key in keys:
        try:
            return dict(jwt.decode(assertion, key, registry=client_registry).claims)
        except JoseError as error:
            last = error
    raise last


def _seconds(value: Any) -> float:
    """A NumericDate; anything else never holds a comparison."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def _refused() -> ProtocolError:
    """One answer for everything, so that nobody learns which clients exist."""
    return ProtocolError("invalid_client", "Client authentication failed.")
