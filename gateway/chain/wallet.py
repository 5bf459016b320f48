"""Sends transactions of one key (EIP-1559): nonces in their order, fees that follow the chain, none stuck for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

GWEI = 10**9
TIP = GWEI  # where a node does not say what is usual
RISE = 5 / 4  # nodes take a replacement that pays at least a tenth more
TRIES = 12


class FeesError(Exception):
    """The chain wants more than the merchant allows."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction under way. `tip` and `fee` are in wei for a unit of gas, `at` in seconds of a steady clock."""

    nonce: int
    to: str
    data: str
    gas: int
    tip: int
    fee: int
    at: float


class Wallet:
    """One key at one contract. Several processes may use the same key: who loses a race for a nonce takes the next."""

    def __init__(
        self,
        web3: Any,
        account: Any,
        contract: str,
        chain_id: int,
        most: int | None = None,
        patience: float = 45.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most`: wei that a unit of gas may cost; `patience`: seconds after which a transaction is stuck."""
        self._web3 = web3
        self._account = account
        self._contract = contract
        self._chain_id = chain_id
        self._most = most
        self._patience = patience
        self._timer = timer
        self._lock = asyncio.Lock()
        self._under_way: dict[int, Sent] = {}
        self._strange: tuple[int, float] | None = (
            None  # a nonce that another process has used, and since when it waits
        )

    @property
    def address(self) -> str:
        """Who pays."""
        return str(self._account.address)

    async def send(self, data: str) -> None:
        """Send a call to the contract. Raises FeesError, and what web3 raises: also when it would fail there."""
        gas = await self._web3.eth.estimate_gas({"from": self.address, "to": self._contract, "data": data})
        async with self._lock:
            nonce = await self._next()
            tip, fee = await self._fees()
            await self._push(Sent(nonce, self._contract, data, gas * 6 // 5, tip, fee, self._timer()))

    async def unstick(self) -> bool:
        """Send again, for more, the oldest transaction that nobody has mined for too long; whether there was one."""
        async with self._lock:
            mined = await self._web3.eth.get_transaction_count(self.address, "latest")
            self._under_way = {nonce: one for nonce, one in self._under_way.items() if nonce >= mined}
            oldest = self._under_way.get(mined) or await self._left_by_another(mined)
            if oldest is None or self._timer() - oldest.at < self._patience:
                return False
            tip, fee = await self._fees()
            dearer = replace(oldest, tip=_more(oldest.tip, tip), fee=_more(oldest.fee, fee), at=self._timer())
            await self._push(dearer, instead=True)
            return True

    async def _left_by_another(self, nonce: int) -> Sent | None:
        """What takes the place of a transaction that waits at the node and of which this process knows nothing: one
        that does nothing. Whose mint it was will find that out, and send it again."""
        waiting = await self._web3.eth.get_transaction_count(self.address, "pending")
        if self._strange is None or self._strange[0] != nonce:
            # not every node counts as waiting what pays too little; then what was sent after it tells
            self._strange = (nonce, self._timer()) if max(waiting, *self._under_way, 0) > nonce else None
        if self._strange is None:
            return None
        return Sent(nonce, self.address, "0x", 21_000, 0, 0, self._strange[1])

    async def _next(self) -> int:
        """The nonce after all that are mined, wait at the node, or were sent from here."""
        mined = await self._web3.eth.get_transaction_count(self.address, "latest")
        waiting = await self._web3.eth.get_transaction_count(self.address, "pending")
        return max(int(mined), int(waiting), *(nonce + 1 for nonce in self._under_way if nonce >= mined), 0)

    async def _fees(self) -> tuple[int, int]:
        """Tip and highest fee: enough for the base fee to double before it is mined."""
        block = await self._web3.eth.get_block("latest")
        base = int(block.get("baseFeePerGas") or 0)
        try:
            tip = int(await self._web3.eth.max_priority_fee)
        except Exception:  # not every node knows what is usual
            tip = TIP
        return tip, 2 * base + tip

    async def _push(self, sent: Sent, instead: bool = False) -> None:
        """Sign and send. Pays more while the node says that it is too little; takes the next nonce when another process
        was faster, unless it is to be sent `instead` of what is there."""
        for _ in range(TRIES):
            if self._most is not None and sent.fee > self._most:
                raise FeesError(f"gas costs {sent.fee / GWEI:.3g} gwei")
            signed = self._account.sign_transaction(self._fields(sent))
            try:
                await self._web3.eth.send_raw_transaction(signed.raw_transaction)
            except Exception as error:
                said = str(error).lower()
                if "already known" in said:
                    break
                if not instead and ("nonce too low" in said or "replacement" in said):
                    self._strange = self._strange or (sent.nonce, self._timer())
                    sent = replace(sent, nonce=sent.nonce + 1)
                elif "underpriced" in said:
                    sent = replace(sent, tip=_more(sent.tip), fee=_more(sent.fee))
                else:
                    raise
            else:
                break
        else:
            raise FeesError("no fee was enough")
        self._under_way[sent.nonce] = sent

    def _fields(self, sent: Sent) -> dict[str, Any]:
        return {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": sent.nonce,
            "to": sent.to,
            "value": 0,
            "data": sent.data,
            "gas": sent.gas,
            "maxPriorityFeePerGas": sent.tip,
            "maxFeePerGas": sent.fee,
        }


def _more(before: int, usual: int = 0) -> int:
    """More by enough for a node to take it in the place of what it has, and no less than is usual."""
    return max(int(before * RISE) + 1, usual)
