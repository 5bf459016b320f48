"""The sandbox's own suppliers, which behave as test control says (TestSupply of spec/schemas/testing.yaml)."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from json import dumps

from gateway.core.suppliers import (
    Answer,
    Made,
    Pending,
    Refused,
    Supplier,
    SupplierTrouble,
    SupplyRequest,
    Unknown,
)

PREFIX = "sandbox."


class SandboxSupplier:
    """Goods follow from the id, so that a restarted sandbox gives the same. There is none that is `absent`."""

    def __init__(self, manner: str) -> None:
        self._manner = manner
        self._asked: set[str] = set()

    async def make(self, request: SupplyRequest) -> Answer:
        """As the manner is."""
        await asyncio.sleep(0)
        first = request.id not in self._asked
        self._asked.add(request.id)
        if first and self._manner == "forgetful":
            raise SupplierTrouble("The answer was lost.")
        return self._known(request)

    async def status(self, request: SupplyRequest) -> Answer:
        """What `make` said, or would have said if its answer had not been lost."""
        return self._known(request) if request.id in self._asked else Unknown()

    def _known(self, request: SupplyRequest) -> Answer:
        if self._manner == "silent":
            return Pending()
        if self._manner == "refuses" or (self._manner == "alternates" and request.unit % 2 == 0):
            return Refused("The sandbox's supplier refuses.")
        made = sha256(request.id.encode()).hexdigest()
        return Made(_token(request, made) if request.kind == "token" else f"SANDBOX-{made[:20].upper()}")


def _token(request: SupplyRequest, made: str) -> str:
    """A token of a chain that there is not."""
    chain, number, address = (
        "eip155:31337",
        str(int(made[:8], 16)),
        (request.buyer_input or {}).get("address"),
    )
    return dumps(
        {
            "chain": chain,
            "asset": f"{chain}/erc721:0x{'0' * 39}1/{number}",
            "token_id": number,
            "owner": f"{chain}:{address}",
            "transaction": f"0x{made}",
        }
    )


def sandbox_suppliers() -> dict[str, Supplier]:
    """All of them, by the name that an offer has."""
    manners = ("makes", "refuses", "alternates", "forgetful", "silent")
    return {PREFIX + manner: SandboxSupplier(manner) for manner in manners}
