"""Access tokens: JWTs as RFC 9068 says, signed with Ed25519, with a bounded cache of those that have been verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from joserfc import jwt
from joserfc.errors import JoseError

from gateway.core.errors import ProtocolError
from gateway.http.jose import OWN, own_registry
from gateway.http.keys import KeyRing

CACHE_SIZE = 10_000
TOKEN_LIMIT = 8192


@dataclass(frozen=True, slots=True)
class Access:
    """What a valid token says. `expires` is in seconds since 1970."""

    channel_id: str
    scopes: frozenset[str]
    expires: float


class Tokens:
    """Issues and verifies. `issuer` and `audience` are URLs; `life` is in seconds (AUT-006: at most an hour)."""

    def __init__(self, keys: KeyRing, issuer: str, audience: str, life: int) -> None:
        self._keys = keys
        self.issuer = issuer
        self.audience = audience
        self.life = life
        self._cache: dict[str, Access] = {}

    def issue(self, channel_id: str, scopes: list[str], now: datetime, jti: str) -> str:
        """A token for these scopes (RFC 9068 section 2.2)."""
        seconds = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": channel_id,
            "client_id": channel_id,
            "aud": self.audience,
            "iat": seconds,
            "exp": seconds + self.life,
            "jti": jti,
            "scope": " ".join(scopes),
        }
        header = {"alg": OWN, "typ": "at+jwt", "kid": self._keys.kid}
        return jwt.encode(header, claims, self._keys.signing, registry=own_registry)

    async def verify(self, token: str, now: datetime) -> Access:
        """What the token grants. Raises ProtocolError `unauthenticated` (AUT-008, AUT-009, AUT-013)."""
        seconds = now.timestamp()
        access = self._cache.get(token)
        if access is None:
            access = self._remember(token, await self._learn(token, now), seconds)
        if access.expires <= seconds:
            self._cache.pop(token, None)
            raise ProtocolError("unauthenticated", "The access token has expired.")
        return access

    def forget(self) -> None:
        """Verify everything anew."""
        self._cache.clear()

    async def _learn(self, token: str, now: datetime) -> Access:
        """What a token says that was not seen before; another process may have signed it with a key that is new."""
        try:
            return self._read(token)
        except ProtocolError:
            await self._keys.look_again(now)
            return self._read(token)

    def _read(self, token: str) -> Access:
        """Check signature and claims, all but the expiry (RFC 9068 section 4)."""
        refused = ProtocolError("unauthenticated", "The access token is not valid.")
        if len(token) > TOKEN_LIMIT:
            raise refused
        try:
            decoded = jwt.decode(token, self._keys.verifying, registry=own_registry)
            claims = decoded.claims
            access = Access(claims["client_id"], frozenset(claims["scope"].split()), float(claims["exp"]))
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise refused from error
        expected = ("at+jwt", self.issuer, self.audience)
        if (decoded.header.get("typ"), claims.get("iss"), claims.get("aud")) != expected:
            raise refused
        return access

    def _remember(self, token: str, access: Access, seconds: float) -> Access:
        if len(self._cache) >= CACHE_SIZE:
            self._cache = {key: one for key, one in self._cache.items() if one.expires > seconds}
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
        self._cache[token] = access
        return access
