"""The contract as a node shows it: what was minted for a request, and where tokens went."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("Collectible.json")


@cache
def compiled() -> dict[str, Any]:
    """`abi` and `bytecode`, made from Collectible.sol by compile.cjs."""
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    return found


def request_of(supply_id: str) -> bytes:
    """What the contract knows a unit by: 32 bytes, always the same for the same unit."""
    return sha256(supply_id.encode()).digest()


@dataclass(frozen=True, slots=True)
class Block:
    """`timestamp` is in seconds since 1970."""

    number: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Minted:
    """A token that there is. `to` is who it was minted to, with EIP-55's checksum."""

    token_id: int
    to: str
    transaction: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A token that has another owner."""

    token_id: int
    to: str


class Contract:
    """Reads. `web3` is an AsyncWeb3; what it raises goes through."""

    def __init__(self, web3: Any, address: str) -> None:
        self._web3 = web3
        self.address = web3.to_checksum_address(address)
        self._contract = web3.eth.contract(address=self.address, abi=compiled()["abi"])

    async def head(self) -> Block:
        """The newest block."""
        return await self.block("latest")

    async def block(self, number: int | str) -> Block:
        """A block of the chain as it is now."""
        found = await self._web3.eth.get_block(number)
        return Block(int(found["number"]), int(found["timestamp"]))

    async def token_of(self, request: bytes, block: int) -> tuple[int, int] | None:
        """The token of a request and the block that has its event, as of a block; None if there was none."""
        if not await self._web3.eth.get_code(self.address, block_identifier=block):
            return None  # older than the contract
        token_id, at = await self._contract.functions.mintOf(request).call(block_identifier=block)
        return (int(token_id), int(at)) if token_id else None

    async def minted(self, request: bytes, block: int) -> Minted | None:
        """The event of a request's mint, in the block that has it."""
        logs = await self._contract.events.Minted.get_logs(
            from_block=block, to_block=block, argument_filters={"request": request}
        )
        for log in logs:
            args = log["args"]
            return Minted(int(args["tokenId"]), str(args["to"]), _hex(log["transactionHash"]))
        return None

    async def moved(self, first: int, last: int) -> list[Moved]:
        """Transfers to another owner in these blocks, in their order, mints left out."""
        nobody = "0x" + 40 * "0"
        logs = await self._contract.events.Transfer.get_logs(from_block=first, to_block=last)
        return [
            Moved(int(log["args"]["tokenId"]), str(log["args"]["to"]))
            for log in logs
            if log["args"]["from"] not in (nobody, log["args"]["to"])
        ]

    def mint_data(self, request: bytes, to: str, deadline: int) -> str:
        """What a transaction says that mints the token of a request, if it is mined by the deadline."""
        call = self._contract.functions.mint(request, self._web3.to_checksum_address(to), deadline)
        return str(call._encode_transaction_data())


def _hex(raw: Any) -> str:
    return "0x" + bytes(raw).hex()
