"""The OpenID providers by which buyers may link their accounts, read from a file; and who is away at one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from reference_channels.kit.openid import Endpoints, Provider, safe

NEEDED = ("name", "issuer", "client_id")
MEMBERS = {*NEEDED, "client_secret", "client_secret_env"}
MOST_AWAY = 10_000


def read_providers(path: Path, environment: Mapping[str, str]) -> list[Provider]:
    """Those of a file. Raises ValueError with what is wrong and no secret in it, or OSError."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ValueError(f"{path} is no YAML") from None  # which would quote a line of it
    rows = found.get("identity_providers") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path} has no list `identity_providers`")
    made = [_provider(f"{path}: provider {n}", row, environment) for n, row in enumerate(rows, 1)]
    if len({each.issuer for each in made}) < len(made):
        raise ValueError(f"{path} names an issuer twice")
    return made


def _provider(place: str, row: dict[str, Any], environment: Mapping[str, str]) -> Provider:
    unknown = row.keys() - MEMBERS
    if unknown:
        raise ValueError(f"{place}: unknown: {', '.join(sorted(map(str, unknown)))}")
    for name in NEEDED:
        if name not in row:
            raise ValueError(f"{place} has no {name}")
    for name, value in row.items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{place}: {name} is a text")
    if not safe(row["issuer"]) or set("?#") & set(row["issuer"]):
        raise ValueError(f"{place}: issuer is an https URL without a query")
    if "client_secret" in row and "client_secret_env" in row:
        raise ValueError(f"{place} has both client_secret and client_secret_env")
    secret, variable = row.get("client_secret", ""), row.get("client_secret_env")
    if variable is not None:
        secret = environment.get(variable, "")
        if not secret:
            raise ValueError(f"{place}: {variable} is not set")
    return Provider(row["name"], row["issuer"], row["client_id"], secret)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A buyer who is away at a provider to prove a link of hers."""

    provider: Provider
    ends: Endpoints
    buyer: str
    link_id: str
    expires_at: float
    verifier: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(48))


class SignIns:
    """Who is away, by `state`. In memory: a restart makes her begin again, and no file has the verifiers."""

    def __init__(self, http: aiohttp.ClientSession, providers: Sequence[Provider]) -> None:
        self.http = http
        self.providers = {each.issuer: each for each in providers}
        self._away: dict[str, SignIn] = {}

    def leave(self, one: SignIn, now: float) -> str:
        """Note that she goes; the `state` by which she comes back."""
        while self._away and (len(self._away) >= MOST_AWAY or self._eldest().expires_at <= now):
            del self._away[next(iter(self._away))]
        state = secrets.token_urlsafe(32)
        self._away[state] = one
        return state

    def _eldest(self) -> SignIn:
        return next(iter(self._away.values()))

    def back(self, state: str, buyer: str, now: float) -> SignIn | None:
        """Her sign-in, once, in the browser in which she began it, and while its link can be proved."""
        one = self._away.get(state)
        if one is None or one.buyer != buyer:
            return None
        del self._away[state]
        return one if now < one.expires_at else None


SIGN_INS: web.AppKey[SignIns] = web.AppKey("sign_ins", SignIns)
