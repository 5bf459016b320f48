"""The supplier of tokens: mints each unit once from the contract (docs/decisions/0020), and keeps nothing itself.

What became of a unit is asked of the chain. The contract refuses a second mint of a request, and any after the deadline
that the request has: so a mint that was sent may be forgotten here, and one that was given up can never come.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from gateway.chain.contract import Contract, Minted, request_of
from gateway.chain.wallet import GWEI, FeesError, Wallet
from gateway.core.eip55 import checksummed, is_address
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

log = logging.getLogger(__name__)
CONFIRMATIONS, WINDOW = 12, 300
OPTIONS = {"url", "secret", "contract", "chain_id", "key_file", "confirmations", "window", "max_fee_gwei"}
LOOK = 5.0  # seconds between two looks at the chain


@dataclass(frozen=True, slots=True)
class Rules:
    """`confirmations`: blocks after a mint until it counts as made. `window`: seconds beyond the request's own time in
    which it may still be mined."""

    chain_id: int
    confirmations: int = CONFIRMATIONS
    window: int = WINDOW


class Erc721Supplier:
    """`open` gives contract and wallet, and is called when they are first needed."""

    def __init__(
        self, address: str, open_chain: Callable[[], Awaitable[tuple[Contract, Wallet]]], rules: Rules
    ) -> None:
        self.contract = f"eip155:{rules.chain_id}/erc721:{checksummed(address)}"  # as assets begin
        self._open = open_chain
        self._rules = rules
        self._opened: tuple[Contract, Wallet] | None = None

    async def make(self, request: SupplyRequest) -> Answer:
        """Mint, unless there is the token already. What is sent is not made: see `status`."""
        to = (request.buyer_input or {}).get("address")
        if not isinstance(to, str) or not is_address(to):
            return Refused("The buyer gave no address to mint to.")
        return await self._guarded(lambda: self._make(request, to))

    async def status(self, request: SupplyRequest) -> Answer:
        """Made, when the token is deep enough in the chain; unknown, when it is not there and can never come."""
        return await self._guarded(lambda: self._status(request))

    async def sure_block(self) -> int:
        """The last block that no reorganisation is reckoned with to take."""
        contract, _ = await self._chain()
        return max((await contract.head()).number - self._rules.confirmations, 0)

    async def moved(self, first: int, last: int) -> list[int]:
        """Tokens that got another owner in these blocks."""
        contract, _ = await self._chain()
        return [one.token_id for one in await contract.moved(first, last)]

    async def _make(self, request: SupplyRequest, to: str) -> Answer:
        contract, wallet = await self._chain()
        name, head = request_of(request.id), await contract.head()
        if await contract.token_of(name, head.number) is not None:
            return await self._status(request)
        await wallet.unstick()
        await wallet.send(contract.mint_data(name, to, self._deadline(request.valid_until)))
        return Pending(LOOK)

    async def _status(self, request: SupplyRequest) -> Answer:
        contract, wallet = await self._chain()
        name, head = request_of(request.id), await contract.head()
        sure = await contract.block(max(head.number - self._rules.confirmations, 0))
        now, then = await contract.token_of(name, head.number), await contract.token_of(name, sure.number)
        if now is not None and now == then:
            minted = await contract.minted(name, now[1])
            return Made(self._goods(minted)) if minted is not None else Pending(LOOK)
        if now is None and then is None and sure.timestamp > self._deadline(request.valid_until):
            return Unknown()
        await wallet.unstick()
        return Pending(LOOK)

    def _deadline(self, valid_until: datetime) -> int:
        return int(valid_until.timestamp()) + self._rules.window

    def _goods(self, minted: Minted) -> str:
        """The TokenContent of the standard, as text."""
        chain = f"eip155:{self._rules.chain_id}"
        token = {
            "chain": chain,
            "asset": f"{self.contract}/{minted.token_id}",
            "token_id": str(minted.token_id),
            "owner": f"{chain}:{minted.to}",
            "transaction": minted.transaction,
        }
        return orjson.dumps(token).decode()

    async def _chain(self) -> tuple[Contract, Wallet]:
        if self._opened is None:
            self._opened = await self._open()
        return self._opened

    async def _guarded(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What goes wrong, without what a node or the URL to it may give away."""
        try:
            return await ask()
        except FeesError as error:
            raise SupplierTrouble(f"The fees are too high: {error}.") from error
        except SupplierTrouble:
            raise
        except Exception as error:
            said = str(error).lower()
            known = "The minter cannot pay for gas." if "insufficient funds" in said else ""
            text = known or f"The chain could not be used: {type(error).__name__}."
            log.warning("a chain could not be used: %s", type(error).__name__)
            raise SupplierTrouble(text) from error


def make(session: aiohttp.ClientSession, options: Mapping[str, Any]) -> Supplier:
    """The supplier of the options that docs/merchants.md names. Raises ValueError for what is wrong with them."""
    try:
        import web3 as library
    except ImportError as error:
        raise ValueError("tokens need the extra `chain`: pip install 'vgcp[chain]'") from error
    rules, contract = _rules(options), options["contract"]
    account, most = read_key(Path(options["key_file"])), options.get("max_fee_gwei")
    url = options["url"].replace("{secret}", str(options.get("secret", "")))

    async def open_chain() -> tuple[Contract, Wallet]:
        provider = library.AsyncHTTPProvider(url)
        await provider.cache_async_session(session)
        return await connect(library.AsyncWeb3(provider), account, contract, rules, most)

    return Erc721Supplier(contract, open_chain, rules)


def _rules(options: Mapping[str, Any]) -> Rules:
    """Raises ValueError for the first option that is wrong."""
    if unknown := sorted(options.keys() - OPTIONS):
        raise ValueError(f"unknown: {', '.join(unknown)}")
    for name in ("url", "contract", "key_file"):
        if not isinstance(options.get(name), str):
            raise ValueError(f"it needs {name}")
    if not is_address(options["contract"]):
        raise ValueError(
            "contract is an address, 0x and 40 hexadecimal digits, with the right checksum if mixed"
        )
    usual = {"chain_id": None, "confirmations": CONFIRMATIONS, "window": WINDOW}
    numbers = {name: options.get(name, default) for name, default in usual.items()}
    for name, value in numbers.items():
        if type(value) is not int or value < 0:
            raise ValueError(f"{name} is a whole number, not below 0")
    most = options.get("max_fee_gwei")
    if most is not None and (type(most) not in (int, float) or most <= 0):
        raise ValueError("max_fee_gwei is a number above 0")
    return Rules(**numbers)


async def connect(
    web3: Any, account: Any, contract: str, rules: Rules, max_fee_gwei: float | None = None
) -> tuple[Contract, Wallet]:
    """Contract and wallet at a node, which must be of the right chain. Raises SupplierTrouble."""
    found = await web3.eth.chain_id
    if found != rules.chain_id:
        raise SupplierTrouble(f"The node is of chain {found}, not {rules.chain_id}.")
    most = None if max_fee_gwei is None else int(max_fee_gwei * GWEI)
    opened = Contract(web3, contract)
    return opened, Wallet(web3, account, opened.address, rules.chain_id, most)


def read_key(path: Path) -> Any:
    """The minter's key: 32 bytes in hexadecimal, in a file that nobody else reads. Raises ValueError, ImportError."""
    from eth_account import Account

    try:
        mode, text = path.stat().st_mode, path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the key file {path} cannot be read") from error
    if mode & 0o077:
        raise ValueError(f"the key file {path} can be read by others: chmod 600")
    try:
        return Account.from_key(bytes.fromhex(text.removeprefix("0x")))
    except Exception:  # whatever is wrong with a key must not show it
        raise ValueError(f"the key file {path} has no key in it") from None
