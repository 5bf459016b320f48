"""Operation: all that is held about a buyer, as one archive."""

from __future__ import annotations

from gateway.core import contacts
from gateway.core.export import MOST_LINKS, Export
from gateway.core.model import Json
from gateway.core.model_identity import Account
from gateway.http.privacy import check_proof, data_use, receipt
from gateway.http.request import Request
from gateway.http.response import Response


async def export_buyer(request: Request) -> Response:
    """What this channel may see, or with a fresh proof everything (CNS-019 to CNS-022)."""
    queries = request.services.queries
    account, uses = await data_use(request)
    accounts = await queries.accounts(request.channel_id, account.id)
    proved = await check_proof(request, account, accounts)
    uses.check(account.channel_id, "export")

    async def still(one: Account) -> bool:
        _, now = await data_use(request)  # raises once she is erased, and the archive breaks off
        together = await queries.accounts(request.channel_id, account.id)
        linked = one.id in {other.id for other in together}
        return linked and now.may("personalisation", "export", one.channel_id).allowed

    names = {one.id: one.name for one in await queries.channels()}
    export = Export(
        source=queries,
        own=account,
        accounts=accounts,
        names=names,
        uses=uses,
        proved=proved,
        now=request.call.now,
        receipt=lambda record, channel: receipt(request, record, channel),
        contacts=lambda one: _contacts(request, one),
        still=still,
    )
    response = Response(200, media_type=b"application/zip", stream=export.stream())
    response.headers.append((b"content-disposition", b'attachment; filename="my-data.zip"'))
    response.headers.append((b"cache-control", b"no-store"))
    return response


async def _contacts(request: Request, account: Account) -> list[Json]:
    """Masked, as everywhere (IDN-006): what she was asked for she knows, and the channel need not."""
    queries = request.services.queries
    links = await queries.links(account.id, request.call.now, None, MOST_LINKS)
    return contacts.shown(request.services.vault, await queries.contacts(account.id), links)
