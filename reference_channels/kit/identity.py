"""Who a buyer is over all channels: the calls of capability `identity` (spec/text/identity.md)."""

from __future__ import annotations

from reference_channels.kit.errors import Json
from reference_channels.kit.transport import Calls, part


class IdentityCalls(Calls):
    """One method per operation, as in client.py. `buyer_id` is the id of `resolve_buyer`, good on this channel only."""

    async def resolve_buyer(self, subject: str, key: str, **claims: str) -> Json:
        """The buyer with this `buyer.reference` (BuyerProfile). `claims`: email, phone, locale, as the channel knows
        them; they prove nothing and link nothing."""
        body = {"subject": subject, **claims}
        return await self._call("resolve_buyer", "POST", "/buyers/resolve", body=body, key=key)

    async def get_buyer(self, buyer_id: str) -> Json:
        """Her profile now (BuyerProfile)."""
        return await self._call("get_buyer", "GET", f"/buyers/{part(buyer_id)}")

    async def create_link(self, buyer_id: str, request: Json, key: str) -> Json:
        """Begin to link another account of hers: LinkRequest to Link. Only when she asks for it (BUY-003)."""
        return await self._call(
            "create_link", "POST", f"/buyers/{part(buyer_id)}/links", body=request, key=key
        )

    async def confirm_link(self, buyer_id: str, link_id: str, proof: Json, key: str) -> Json:
        """Her proof, as she gave it: LinkProof to Link."""
        path = f"/buyers/{part(buyer_id)}/links/{part(link_id)}/confirm"
        return await self._call("confirm_link", "POST", path, body=proof, key=key)

    async def redeem_link_code(self, buyer_id: str, code: str, key: str) -> Json:
        """A code that another account of hers shows (Link)."""
        path = f"/buyers/{part(buyer_id)}/links/redeem"
        return await self._call("redeem_link_code", "POST", path, body={"code": code}, key=key)

    async def list_links(self, buyer_id: str, cursor: str | None = None) -> Json:
        """A page of her links."""
        path = f"/buyers/{part(buyer_id)}/links"
        return await self._call("list_links", "GET", path, query={"cursor": cursor})

    async def delete_link(self, buyer_id: str, link_id: str) -> Json:
        """Undo a link; what came together splits again. Harmless when it has ended."""
        path = f"/buyers/{part(buyer_id)}/links/{part(link_id)}"
        return await self._call("delete_link", "DELETE", path)
