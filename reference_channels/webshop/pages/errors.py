"""When something goes wrong, in the buyer's words."""

from __future__ import annotations

from aiohttp import web

from reference_channels.webshop.pages.view import page as render

KNOWN = (403, 404, 405, 413, 500, 503)


def page(request: web.Request, status: int) -> web.Response:
    """The error page for a status. It repeats nothing of a query, which may have a secret."""
    place = str(request.rel_url.with_query(None))
    return render(request, "error.html", status, place, kind=status if status in KNOWN else 500)
