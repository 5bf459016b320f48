"""What a buyer owns, and the proof of it: the calls of capability `ownership` (spec/text/ownership.md)."""

from __future__ import annotations

from reference_channels.kit.errors import Json
from reference_channels.kit.transport import Calls, part


class OwnershipCalls(Calls):
    """One method per operation, as in client.py. Ask for a certificate or a transfer only of what `list_entitlements`
    gives for the buyer who wants it (BUY-019)."""

    async def list_entitlements(self, buyer_id: str, cursor: str | None = None) -> Json:
        """A page of what is hers, from whichever channel it came."""
        path = f"/buyers/{part(buyer_id)}/entitlements"
        return await self._call("list_entitlements", "GET", path, query={"cursor": cursor})

    async def get_entitlement(self, entitlement_id: str) -> Json:
        """One of them (Entitlement)."""
        return await self._call("get_entitlement", "GET", _one(entitlement_id))

    async def list_ownership_changes(self, entitlement_id: str, cursor: str | None = None) -> Json:
        """A page of what became of it."""
        path = _one(entitlement_id) + "/history"
        return await self._call("list_ownership_changes", "GET", path, query={"cursor": cursor})

    async def issue_certificate(self, entitlement_id: str, key: str, holder_key: Json | None = None) -> Json:
        """A proof of ownership (Certificate). Hand it on byte for byte, and keep it nowhere (BUY-018, BUY-023)."""
        body = {"holder_key": holder_key} if holder_key else {}
        path = _one(entitlement_id) + "/certificates"
        return await self._call("issue_certificate", "POST", path, body=body, key=key)

    async def verify_certificate(self, request: Json) -> Json:
        """Whether a certificate that somebody shows is good."""
        return await self._call("verify_certificate", "POST", "/certificates/verify", body=request)

    async def consume_entitlement(self, entitlement_id: str, key: str) -> Json:
        """It is used up (Entitlement)."""
        return await self._call("consume_entitlement", "POST", _one(entitlement_id) + "/consume", key=key)

    async def create_transfer(self, entitlement_id: str, key: str) -> Json:
        """Offer it to whoever has the code (Transfer): show the code to the offering buyer only (BUY-020)."""
        return await self._call(
            "create_transfer", "POST", _one(entitlement_id) + "/transfers", body={}, key=key
        )

    async def accept_transfer(self, buyer_id: str, code: str, key: str) -> Json:
        """The buyer takes what the code stands for (Entitlement, hers now)."""
        body = {"buyer_id": buyer_id, "code": code}
        return await self._call("accept_transfer", "POST", "/transfers/accept", body=body, key=key)

    async def decline_transfer(self, code: str, key: str) -> Json:
        """She does not want it (Transfer)."""
        return await self._call(
            "decline_transfer", "POST", "/transfers/decline", body={"code": code}, key=key
        )

    async def get_transfer(self, transfer_id: str) -> Json:
        """How it stands (Transfer)."""
        return await self._call("get_transfer", "GET", f"/transfers/{part(transfer_id)}")

    async def cancel_transfer(self, transfer_id: str) -> Json:
        """Take the offer back; harmless when it is not open any more (Transfer)."""
        return await self._call("cancel_transfer", "DELETE", f"/transfers/{part(transfer_id)}")


def _one(entitlement_id: str) -> str:
    return f"/entitlements/{part(entitlement_id)}"
