"""Operations: the public log of ownership. Nobody needs a token; an address may ask so often (LIM-001)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt

from gateway.core.errors import FieldError, ProtocolError
from gateway.core.model import Json
from gateway.core.model_ownership_log import LogEntry, LogHead
from gateway.core.wire import base64url, timestamp
from gateway.http.jose import OWN, own_registry
from gateway.http.limits import PUBLIC
from gateway.http.render import cached, render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.services import Services

TYPE = "vgcp-tree-head+jwt"
FOR_EVER = 31_536_000  # seconds that a proof may be kept: it never changes


async def get_log_head(request: Request) -> Response:
    """The head as it is now, signed now: so nobody can be shown an old one for long (OLG-010, OLG-012)."""
    _limit(request)
    services = request.services
    head = await services.ownership_log.head()
    now = services.clock.now().replace(microsecond=0)
    return render(
        200,
        {
            "tree_size": head.tree_size,
            "root_hash": base64url(head.root_hash),
            "timestamp": timestamp(now),
            "signed_head": _sign(services, head, now),
        },
    )


async def list_log_entries(request: Request) -> Response:
    """Entries from a place on (OLG-003)."""
    _limit(request)
    start, limit = request.values["start"], request.values["limit"]
    rows = await request.services.ownership_log.entries(start, limit + 1)
    items = [_entry(one) for one in rows[:limit]]
    return render(200, {"items": items, "has_more": len(rows) > limit})


async def get_inclusion_proof(request: Request) -> Response:
    """OLG-020, OLG-022."""
    _limit(request)
    size: int = request.values["tree_size"]
    found = await request.services.ownership_log.inclusion(_digest(request.values["leaf_hash"]), size)
    if found is None:
        raise ProtocolError("not_found", "The log has no such tree, or the tree no such entry.")
    index, hashes = found
    proof = {"leaf_index": index, "tree_size": size, "hashes": [base64url(one) for one in hashes]}
    return cached(proof, FOR_EVER)


async def get_consistency_proof(request: Request) -> Response:
    """OLG-021, OLG-022."""
    _limit(request)
    first, second = request.values["first"], request.values["second"]
    if first > second:
        raise ProtocolError(
            "invalid", "", FieldError("query", "Is larger than the second tree.", name="first")
        )
    hashes = await request.services.ownership_log.consistency(first, second)
    if hashes is None:
        raise ProtocolError("not_found", "The log has no tree of this size.")
    proof = {"first": first, "second": second, "hashes": [base64url(one) for one in hashes]}
    return cached(proof, FOR_EVER)


def _limit(request: Request) -> None:
    request.extra_headers = request.services.limiter.take(f"address {request.peer}", PUBLIC)


def _sign(services: Services, head: LogHead, now: datetime) -> str:
    """The TreeHeadClaims as a compact JWS."""
    claims: dict[str, Any] = {
        "iss": services.tokens.issuer,
        "iat": int(now.astimezone(UTC).timestamp()),
        "tree_size": head.tree_size,
        "root_hash": base64url(head.root_hash),
    }
    header = {"alg": OWN, "typ": TYPE, "kid": services.keys.kid}
    return jwt.encode(header, claims, services.keys.signing, registry=own_registry)


def _entry(row: LogEntry) -> Json:
    return {"index": row.leaf_index, "leaf": row.leaf, "leaf_hash": base64url(row.leaf_hash)}


def _digest(text: str) -> bytes:
    return urlsafe_b64decode(text + "=")
