"""Around every request: its trace and request id, a log line, security headers, and errors in the right
words."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from reference_channels.kit import trace
from reference_channels.trade import problems
from reference_channels.trade.logs import request_id
from reference_channels.trade.problems import RefusalError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# What a person is shown for a status.
ErrorPage = Callable[[web.Request, int], web.StreamResponse]
log = logging.getLogger(__name__)

# No script, style, image, font or frame from anywhere else; nothing inline.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def of_protocol(request: web.Request) -> bool:
    """Whether the request is a machine's, by its path."""
    return request.path.startswith(("/vgcp/", "/.well-known/"))


def around(page: ErrorPage) -> Middleware:
    """The outermost layer, with the channel's own page for errors."""

    @web.middleware
    async def layer(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await _around(request, handler, page)

    return layer


async def _around(request: web.Request, handler: Handler, page: ErrorPage) -> web.StreamResponse:
    """Never lets an exception through, never logs a query or a body."""
    started = time.perf_counter()
    step = trace.continue_trace(request.headers.get(trace.HEADER))
    trace.current.set(step)
    request_id.set(f"req_{secrets.token_hex(12)}")
    answer = await _answered(request, handler, page)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers[trace.HEADER] = step.traceparent
    answer.headers["VGCP-Request-Id"] = request_id.get() or ""
    taken = round((time.perf_counter() - started) * 1000, 1)
    facts = {"method": request.method, "path": request.path, "status": answer.status, "ms": taken}
    log.info("request", extra=facts)
    return answer


async def _answered(request: web.Request, handler: Handler, page: ErrorPage) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusalError as refusal:
        return problems.problem(refusal.code, refusal.detail, refusal.errors)
    except web.HTTPException as error:
        return _http_error(request, error, page)
    except Exception:
        log.exception("unexpected")
        return problems.problem("internal") if of_protocol(request) else page(request, 500)


def _http_error(request: web.Request, error: web.HTTPException, page: ErrorPage) -> web.StreamResponse:
    if error.status < 400:
        return web.Response(status=error.status, headers=error.headers)
    answer = problems.for_status(error.status) if of_protocol(request) else page(request, error.status)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer
