"""How a client proves who it is at the token endpoint (RFC 6749 section 2.3, RFC 7523)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.core.errors import ProtocolError
from gateway.core.model import Assertion, Channel
from gateway.core.ports import Books
from gateway.http.jose import client_registry

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# An assertion is for now, not for a year: its jti must be remembered until it expires.
LONGEST_ASSERTION = 3600
SKEW = 60

Find = Callable[[str], Awaitable[Channel | None]]
SecretMatches = Callable[[Channel, str], bool]


class ClientAuthentication:
    """`audiences` are the names by which an assertion may address this server: its issuer or its token endpoint."""

    def __init__(self, find: Find, secret_matches: SecretMatches, audiences: frozenset[str]) -> None:
        self._find = find
        self._secret_matches = secret_matches
        self._audiences = audiences

    async def by_secret(self, client_id: str, secret: str) -> Channel:
        """The channel with this secret (AUT-002). Raises ProtocolError `invalid_client` (AUT-005)."""
        channel = await self._find(client_id)
        if channel is None or not channel.active or not self._secret_matches(channel, secret):
            raise _refused()
        return channel

    async def by_assertion(self, form: dict[str, str], now: datetime) -> tuple[Channel, Assertion]:
        """The channel that signed the assertion, and its jti to be used up (AUT-003, AUT-004). Raises `invalid_client`."""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise ProtocolError("invalid_request", f"client_assertion_type is {ASSERTION_TYPE}.")
        client_id = unverified_subject(form["client_assertion"])
        if form.get("client_id", client_id) != client_id:
            raise _refused()
        channel = await self._find(client_id)
        if channel is None or not channel.active or not channel.jwks:
            raise _refused()
        claims = _verified(form["client_assertion"], channel.jwks)
        return channel, self._assertion(channel, claims, now)

    def _assertion(self, channel: Channel, claims: dict[str, Any], now: datetime) -> Assertion:
        """RFC 7523 section 3."""
        audience = claims.get("aud")
        audiences = {audience} if isinstance(audience, str) else set(audience or ())
        expires, jti, begins = claims.get("exp"), claims.get("jti"), claims.get("nbf", 0)
        seconds = now.timestamp()
        valid = (
            claims.get("iss") == claims.get("sub") == channel.id
            and bool(audiences & self._audiences)
            and _is_number(expires)
            and _is_number(begins)
            and seconds < expires <= seconds + LONGEST_ASSERTION
            and begins <= seconds + SKEW
            and isinstance(jti, str)
            and 0 < len(jti) <= 255
            and "\x00" not in jti
        )
        if not valid:
            raise _refused()
        return Assertion(channel.id, jti, datetime.fromtimestamp(expires, UTC))


def use_assertion(books: Books, assertion: Assertion) -> None:
    """Use the jti up. Raises ProtocolError `invalid_client` when that has happened before (AUT-004)."""
    if books.get(Assertion, assertion.channel_id, assertion.jti) is not None:
        raise _refused()
    books.put(assertion)


def parse_basic(header: bytes) -> tuple[str, str]:
    """Client id and secret, each form-encoded before (RFC 6749 section 2.3.1). Raises ProtocolError `invalid_client`."""
    try:
        pair = base64.b64decode(header, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _refused() from error
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def unverified_subject(assertion: str) -> str:
    """Whose assertion this claims to be; nothing is believed before the signature has been verified."""
    try:
        payload = assertion.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["sub"]
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise _refused() from error
    if not isinstance(subject, str):
        raise _refused()
    return subject


def _verified(assertion: str, jwks: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(jwt.decode(assertion, KeySet.import_key_set(jwks), registry=client_registry).claims)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused() from error


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refused() -> ProtocolError:
    """One answer for everything, so that nobody learns which clients exist."""
    return ProtocolError("invalid_client", "Client authentication failed.")
