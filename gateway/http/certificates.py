"""Certificates of ownership: signed as SD-JWT VC (RFC 9901, draft-ietf-oauth-sd-jwt-vc), and verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError

from gateway.core import sd_jwt
from gateway.core.certificates import DIGESTS, TYPE, Draft, key_of
from gateway.core.model import Json
from gateway.core.wire import timestamp
from gateway.http.jose import OWN, client_registry, own_registry
from gateway.http.services import Services

FORMAT = "dc+sd-jwt"
BINDING = "kb+jwt"
LEEWAY = 60  # seconds by which clocks may differ
BINDING_LIFE = 600  # seconds for which the proof of a holder is taken
FAULTS = (JoseError, ValueError, TypeError)  # of what is no JWS, or says in its header what no JWS says


@dataclass
class Verdict:
    """What was found of a presentation: `reasons` against it, `claims` when the signature holds."""

    reasons: list[str] = field(default_factory=list)
    claims: Json | None = None
    holder_proven: bool = False


def status_uri(services: Services, list_id: str) -> str:
    """Where a status list stands."""
    return f"{services.public_url}/vgcp/v1/status-lists/{list_id}"


def status_place(services: Services, claims: Json) -> tuple[str, int] | None:
    """The list and the place in it that a certificate of ours names."""
    named = claims.get("status", {}).get("status_list", {})
    base, _, list_id = str(named.get("uri")).rpartition("/")
    place = named.get("idx")
    ours = f"{base}/{list_id}" == status_uri(services, list_id)
    return (list_id, place) if ours and isinstance(place, int) else None


def sign_certificate(services: Services, draft: Draft) -> Json:
    """The Certificate, with all disclosures (OWN-014 to OWN-018)."""
    hidden, disclosures = sd_jwt.disclose(draft.disclosable, DIGESTS)
    claims: dict[str, Any] = {
        "iss": services.tokens.issuer,
        "vct": TYPE,
        "iat": int(draft.issued_at.timestamp()),
        "exp": int(draft.expires_at.timestamp()),
        "status": {"status_list": {"idx": draft.place, "uri": status_uri(services, draft.list_id)}},
        **hidden,
    }
    if draft.holder_key is not None:
        claims["cnf"] = {"jwk": draft.holder_key}
    header = {"alg": OWN, "typ": FORMAT, "kid": services.keys.kid}
    signed = jwt.encode(header, claims, services.keys.signing, registry=own_registry)
    return {
        "format": FORMAT,
        "certificate": sd_jwt.join(signed, disclosures),
        "expires_at": timestamp(draft.expires_at),
    }


def examine(services: Services, text: str, nonce: str | None, audience: str | None, now: datetime) -> Verdict:
    """All but the status (OWN-024, OWN-025)."""
    try:
        shown = sd_jwt.split(text)
    except sd_jwt.Malformed:
        return Verdict(["malformed"])
    payload, reason = _payload(services, shown.jwt)
    if payload is None:
        return Verdict([reason])
    try:
        claims = sd_jwt.reveal(payload, shown.disclosures)
    except sd_jwt.Malformed:
        return Verdict(["disclosure_invalid"])
    found = Verdict([*_claims(services, claims, now)], claims)
    wanted = nonce is not None or audience is not None
    if shown.key_binding is None:
        found.reasons += ["holder_proof_missing"] if wanted else []
    elif _binds(claims, shown, nonce, audience, now):
        found.holder_proven = True
    else:
        found.reasons.append("holder_proof_invalid")
    return found


def _payload(services: Services, text: str) -> tuple[Json | None, str]:
    """The signed claims, or why there are none."""
    try:
        header = jws.extract_compact(text.encode()).headers()
    except FAULTS:
        return None, "malformed"
    if header.get("typ") != FORMAT:
        return None, "type_unknown"
    known = {one.kid: one for one in services.keys.verifying.keys}
    key = known.get(str(header.get("kid")))
    if key is None:
        return None, "key_unknown"
    try:
        verified = jws.deserialize_compact(text, key, registry=own_registry)
        payload = orjson.loads(verified.payload)
    except FAULTS:
        return None, "signature_invalid"
    return (payload, "") if isinstance(payload, dict) else (None, "malformed")


def _claims(services: Services, claims: Json, now: datetime) -> Iterator[str]:
    moment = now.timestamp()
    if claims.get("iss") != services.tokens.issuer:
        yield "issuer_unknown"
    if claims.get("vct") != TYPE:
        yield "type_unknown"
    if claims.get("exp", 0) <= moment:
        yield "expired"
    if claims.get("iat", 0) > moment + LEEWAY:
        yield "not_yet_valid"


def _binds(
    claims: Json, shown: sd_jwt.Presented, nonce: str | None, audience: str | None, now: datetime
) -> bool:
    """Whether the key binding JWT is the holder's, about exactly this, for who asks (RFC 9901 section 7.3)."""
    key = key_of(claims.get("cnf", {}).get("jwk", {}))
    if key is None or shown.key_binding is None:
        return False
    try:
        verified = jws.deserialize_compact(shown.key_binding, key, registry=client_registry)
        said = orjson.loads(verified.payload)
    except FAULTS:
        return False
    made = said.get("iat") if isinstance(said, dict) else None
    return (
        isinstance(made, int | float)
        and -LEEWAY <= now.timestamp() - made <= BINDING_LIFE
        and verified.headers().get("typ") == BINDING
        and said.get("sd_hash") == sd_jwt.digest(shown.bound)
        and nonce in (None, said.get("nonce"))
        and audience in (None, said.get("aud"))
    )
