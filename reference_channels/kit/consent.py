"""What a buyer allows, and her data: the calls of capability `consent` (spec/text/consent.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reference_channels.kit.errors import Json
from reference_channels.kit.transport import Calls, part


class ConsentCalls(Calls):
    """One method per operation, as in client.py."""

    async def list_consents(self, buyer_id: str, cursor: str | None = None) -> Json:
        """A page of what she has decided, purpose by purpose."""
        path = f"/buyers/{part(buyer_id)}/consents"
        return await self._call("list_consents", "GET", path, query={"cursor": cursor})

    async def get_consent(self, buyer_id: str, purpose: str) -> Json:
        """What she has decided about one purpose (Consent)."""
        return await self._call("get_consent", "GET", _consent(buyer_id, purpose))

    async def set_consent(self, buyer_id: str, purpose: str, request: Json) -> Json:
        """Her decision, as she made it (BUY-010): ConsentRequest to Consent."""
        return await self._call("set_consent", "PUT", _consent(buyer_id, purpose), body=request)

    async def list_receipts(self, buyer_id: str, purpose: str, cursor: str | None = None) -> Json:
        """A page of the receipts of all her decisions about a purpose."""
        path = _consent(buyer_id, purpose) + "/receipts"
        return await self._call("list_receipts", "GET", path, query={"cursor": cursor})

    async def list_data_uses(self, buyer_id: str, cursor: str | None = None) -> Json:
        """A page of what this channel may use her data for, and why."""
        path = f"/buyers/{part(buyer_id)}/data-uses"
        return await self._call("list_data_uses", "GET", path, query={"cursor": cursor})

    async def erase_buyer(self, buyer_id: str, proof: str | None = None, scope: str | None = None) -> Json:
        """Have her data erased, with a `proof` (a link confirmed just now) over all channels: Erasure says what stays
        and why."""
        query = {"proof": proof, "scope": scope}
        return await self._call("erase_buyer", "DELETE", f"/buyers/{part(buyer_id)}", query=query)

    @asynccontextmanager
    async def export_buyer(
        self, buyer_id: str, proof: str | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Everything that is held about her, as the parts of a zip archive while they come."""
        path = f"/buyers/{part(buyer_id)}/export"
        async with self._stream("GET", path, query={"proof": proof}) as answer:
            yield answer.content.iter_any()


def _consent(buyer_id: str, purpose: str) -> str:
    return f"/buyers/{part(buyer_id)}/consents/{part(purpose)}"
