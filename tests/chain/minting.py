"""A contract to mint from, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from gateway.chain.contract import Contract
from gateway.chain.erc721 import Erc721Supplier, Rules, connect
from gateway.chain.wallet import Wallet
from gateway.core.suppliers import Made, SupplyRequest
from tests.chain.chains import Chain

BUYER = "0x52908400098527886E0F7030069857D2E4169EE7"


@dataclass
class Mint:
    """A contract, and a supplier that mints from it with three confirmations."""

    chain: Chain
    minter: Any
    address: str
    max_fee_gwei: float | None = None
    wallets: list[Wallet] = field(default_factory=list)

    @property
    def contract(self) -> Contract:
        """Reads of it."""
        return Contract(self.chain.web3, self.address)

    def supplier(self, account: Any = None) -> Erc721Supplier:
        """A supplier as it is after a restart: it knows nothing."""
        rules = Rules(self.chain.chain_id, confirmations=3, window=60)

        async def opened() -> tuple[Contract, Wallet]:
            found = await connect(
                self.chain.web3, account or self.minter, self.address, rules, self.max_fee_gwei
            )
            self.wallets.append(found[1])
            return found

        return Erc721Supplier(self.address, opened, rules)

    async def request(self, supply_id: str = "sup_1", to: str = BUYER, life: int = 60) -> SupplyRequest:
        """A unit to be made, by the chain's time."""
        now = datetime.fromtimestamp((await self.contract.head()).timestamp, UTC)
        until = now + timedelta(seconds=life)
        return SupplyRequest(supply_id, "token", "prd_1", 1, "", until, {"address": to})

    async def supply(self) -> int:
        """Tokens that there are."""
        return int(await self.contract._contract.functions.totalSupply().call())


def token_in(answer: object) -> dict[str, str]:
    """What was made."""
    assert isinstance(answer, Made), answer
    return dict(orjson.loads(answer.goods))
