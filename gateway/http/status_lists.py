"""Status lists as signed tokens, made anew only when something has changed or the copy grows old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt

from gateway.core import status_lists
from gateway.core.errors import ProtocolError
from gateway.core.model_ownership import StatusList
from gateway.http.certificates import status_uri
from gateway.http.jose import OWN, own_registry
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.services import Services

TYPE = "statuslist+jwt"
MEDIA_TYPE = b"application/statuslist+jwt"
TTL = 300  # seconds for which a copy may be used
LIFE = 86_400  # seconds for which it is signed
KEPT = 64  # tokens that are remembered; a list has a quarter of a million places


@dataclass(frozen=True, slots=True)
class Token:
    """A signed list, and of which state of it."""

    revision: int
    kid: str
    at: int
    text: bytes

    @property
    def tag(self) -> bytes:
        """The ETag."""
        return b'"%d-%d"' % (self.revision, self.at)


class StatusTokens:
    """The tokens of this process."""

    def __init__(self) -> None:
        self._known: dict[str, Token] = {}

    async def of(self, services: Services, list_id: str, now: datetime) -> Token:
        """The list as it is now. Raises ProtocolError `not_found`."""
        kept = await services.ownership.status_list(list_id)
        if kept is None:
            raise ProtocolError("not_found")
        known, moment = self._known.get(list_id), int(now.timestamp())
        fresh = known is not None and 0 <= moment - known.at < TTL
        if known and fresh and (known.revision, known.kid) == (kept.revision, services.keys.kid):
            return known
        made = await _make(services, kept, moment)
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[list_id] = made
        return made


def answer(request: Request, token: Token) -> Response:
    """The token with what caches need; 304 for who has it already (RFC 9110 section 13.1.2)."""
    known = request.headers.get(b"if-none-match", b"")
    same = token.tag in (one.strip().removeprefix(b"W/") for one in known.split(b","))
    response = Response(304) if same else Response(200, token.text, media_type=MEDIA_TYPE)
    response.headers += [
        (b"etag", token.tag),
        (b"cache-control", b"public, max-age=%d" % TTL),
        (b"access-control-allow-origin", b"*"),  # verifiers are pages too, and there is nothing secret in it
    ]
    return response


async def _make(services: Services, kept: StatusList, moment: int) -> Token:
    entries = await services.ownership.status_entries(kept.id)
    claims: dict[str, Any] = {
        "sub": status_uri(services, kept.id),
        "iat": moment,
        "exp": moment + LIFE,
        "ttl": TTL,
        "status_list": {"bits": status_lists.BITS, "lst": status_lists.pack(entries)},
    }
    header = {"alg": OWN, "typ": TYPE, "kid": services.keys.kid}
    text = jwt.encode(header, claims, services.keys.signing, registry=own_registry)
    return Token(kept.revision, services.keys.kid, moment, text.encode())


__all__ = ["StatusTokens", "Token", "answer"]
