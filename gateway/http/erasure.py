"""Operation: a buyer is forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core import erasure as rules
from gateway.core.errors import FieldError, ProtocolError, missing
from gateway.core.model_consent import Erasure
from gateway.core.model_identity import Account
from gateway.http.privacy import PROVE, check_proof, data_use
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response


async def erase_buyer(request: Request) -> Response:
    """Forget an account, or with proof all of them; done when this answers (CNS-023 to CNS-028)."""
    services, buyer_id, scope = request.services, request.values["buyer_id"], request.values["scope"]
    request.uses.check(request.channel_id, "erasure")
    try:
        account, _ = await data_use(request)
    except ProtocolError:
        return await _again(request, buyer_id)
    together = await services.queries.accounts(request.channel_id, account.id)
    proved = await check_proof(request, account, together)
    chosen = [one for one in together if scope == "all_channels" or one.id == account.id]
    ids = {one.id for one in chosen}
    if scope == "all_channels" and not ids <= proved:
        raise ProtocolError("proof_required", PROVE, FieldError("query", PROVE, name="proof"))
    held = await _settled(request, chosen)
    call = request.call
    try:
        begun = await services.writer.run(
            lambda books: rules.erase_buyer(books, services.vault, call, buyer_id, scope, held, ids)
        )
    except ProtocolError as refused:
        if refused.code != "not_found":
            raise
        return await _again(request, buyer_id)  # another request was first
    for one in begun:
        await services.eraser.finish(one, call.now)
    return render(200, rules.render_erasure(begun[0]))


async def _again(request: Request, buyer_id: str) -> Response:
    """The answer to one who was erased before, when that is done. Raises ProtocolError `not_found`."""
    known: Erasure | None = await request.services.erasing.last(request.channel_id, buyer_id)
    if known is None:
        raise missing("buyer_id")
    await request.services.eraser.finish(known, request.call.now)
    return render(200, rules.render_erasure(known))


async def _settled(request: Request, accounts: Sequence[Account]) -> list[str]:
    """Ids of holds to give back. Raises ProtocolError `orders_under_way`."""
    held: list[str] = []
    for one in accounts:
        rules.refuse_under_way(await request.services.erasing.under_way(one.channel_id, one.subject))
        held += await request.services.erasing.held(one.channel_id, one.subject)
    return held
