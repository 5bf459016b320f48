"""A supplier that speaks HTTP: two calls, signed as webhooks are (docs/merchants.md, "Goods made on demand")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
from standardwebhooks import Webhook

from gateway.core import wire
from gateway.core.suppliers import Answer, Made, Pending, Refused, SupplierTrouble, SupplyRequest, Unknown
from gateway.settings import is_webhook_secret

MOST_BYTES = 64 * 1024
LONGEST_REASON = 200  # characters


class HttpSupplier:
    """`POST URL/supplies` and `GET URL/supplies/ID`. `secret` is a Standard Webhooks secret; `timeout` in seconds."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str, timeout: float = 10.0) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._webhook = Webhook(secret)
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def make(self, request: SupplyRequest) -> Answer:
        """As the port says. What is no answer of the contract tells nothing: the supplier may have made it."""
        status, body = await self._call(
            "POST", f"{self._url}/supplies", request, orjson.dumps(_wanted(request))
        )
        if not 200 <= status < 300:
            raise SupplierTrouble(f"The supplier answered HTTP {status}.", body.get("retry_after"))
        return _read(body)

    async def status(self, request: SupplyRequest) -> Answer:
        """As the port says. 404 with the contract's own body is Unknown; any other 404 may be a wrong address."""
        status, body = await self._call("GET", f"{self._url}/supplies/{request.id}", request, b"")
        if status == 404 and body.get("status") == "unknown":
            return Unknown()
        if status != 200:
            raise SupplierTrouble(f"The supplier answered HTTP {status}.", body.get("retry_after"))
        return _read(body)

    async def _call(
        self, method: str, url: str, request: SupplyRequest, body: bytes
    ) -> tuple[int, Mapping[str, Any]]:
        at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "vgcp-gateway",
            "idempotency-key": request.id,
            "traceparent": request.traceparent,
            "webhook-id": request.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(request.id, at, body.decode()),
        }
        try:
            async with self._session.request(
                method, url, data=body or None, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                return answer.status, _parsed(await _body(answer), answer.headers)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SupplierTrouble(f"The supplier cannot be reached: {type(error).__name__}.") from error


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """All of it. Raises SupplierTrouble when it is longer than an answer of the contract can be."""
    body = b""
    async for chunk in answer.content.iter_chunked(MOST_BYTES):
        body += chunk
        if len(body) > MOST_BYTES:
            raise SupplierTrouble("The supplier's answer is too long.")
    return body


def _wanted(request: SupplyRequest) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "id": request.id,
        "kind": request.kind,
        "product_id": request.product_id,
        "unit": request.unit,
        "valid_until": wire.timestamp(request.valid_until),
    }
    return wanted if request.buyer_input is None else {**wanted, "buyer_input": request.buyer_input}


def _parsed(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The answer's object, with the header's `retry_after`; what is none is empty, and never repeated anywhere."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    asked = headers.get("Retry-After", "")
    found: dict[str, Any] = value if isinstance(value, dict) else {}
    return {**found, "retry_after": float(asked) if asked.isdecimal() else None}


def _read(body: Mapping[str, Any]) -> Answer:
    status, goods, reason = body.get("status"), body.get("goods"), body.get("reason")
    if status == "made" and isinstance(goods, str) and goods:
        return Made(goods)
    if status == "refused":
        return Refused(_line(reason) or "The supplier gave no reason.")
    if status == "pending":
        return Pending(body.get("retry_after"))
    raise SupplierTrouble("The supplier's answer is not one of the contract.")


def _line(reason: Any) -> str:
    """A text of somebody else's on one line, fit for every database and terminal."""
    words = " ".join(str(reason or "").split())
    return "".join(letter for letter in words if letter.isprintable())[:LONGEST_REASON]


def make(session: aiohttp.ClientSession, options: Mapping[str, Any]) -> HttpSupplier:
    """The adapter `http`. Raises ValueError for options that it does not know, lacks or cannot use."""
    unknown = set(options) - {"url", "secret", "timeout"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    url, secret, timeout = (
        str(options.get("url", "")),
        str(options.get("secret", "")),
        options.get("timeout", 10),
    )
    if not url.startswith(("http://", "https://")):
        raise ValueError("url is the URL under which the supplier answers, without /supplies")
    if not isinstance(timeout, int | float) or not 0 < timeout <= 15:
        raise ValueError("timeout is in seconds, 15 at most")
    if not is_webhook_secret(secret):
        raise ValueError(
            "secret (or the variable that secret_env names) is whsec_ and at least 24 bytes in base64"
        )
    return HttpSupplier(session, url, secret, float(timeout))
