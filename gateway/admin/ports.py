"""What the merchant's commands work on; the wiring hands it to click as `ctx.obj`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gateway.core.export import Source
from gateway.core.model import Channel, Offer, Order, SigningKey, Stock
from gateway.core.model_allotments import Allotment
from gateway.core.model_consent import Erasure
from gateway.core.model_identity import Account, BuyerChange, Contact, Link
from gateway.core.model_limits import Alert, StockWatch
from gateway.core.model_supplies import Supply
from gateway.core.ports import Books, Vault

T = TypeVar("T")
Progress = Callable[[str, int, int], None]


class Discrepancy(Protocol):
    """What should be equal and is not."""

    @property
    def subject(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def expected(self) -> int: ...
    @property
    def found(self) -> int: ...


class Queries(Source, Protocol):
    """The merchant sees everything."""

    async def channels(self) -> Sequence[Channel]: ...
    async def offers(self) -> Sequence[Offer]: ...
    async def stocks(self) -> Sequence[Stock]: ...
    async def signing_keys(self) -> Sequence[SigningKey]: ...
    async def disputed_orders(self) -> Sequence[Order]: ...
    async def open_allotments(self) -> Sequence[Allotment]: ...
    async def newest_orders(self, limit: int) -> Sequence[Order]: ...
    async def account_named(self, channel_id: str, subject: str) -> Account | None: ...
    async def together(self, account_id: str) -> Sequence[Account]: ...
    async def all_links(self, account_id: str) -> Sequence[Link]: ...
    async def buyer_changes(self, account_id: str) -> Sequence[BuyerChange]: ...
    async def contacts(self, buyer_id: str) -> Sequence[Contact]: ...


class Watching(Protocol):
    """How stock sells."""

    async def page(self, after: str, limit: int) -> Sequence[tuple[Stock, StockWatch | None]]: ...
    async def hourly(self, stock_id: str, now: datetime) -> float: ...
    async def offers(self) -> Sequence[Offer]: ...
    async def newest_alerts(self, limit: int) -> Sequence[Alert]: ...


class Supplies(Protocol):
    """Units that suppliers make."""

    async def parked(self, limit: int) -> Sequence[Supply]: ...
    async def newest(self, limit: int) -> Sequence[Supply]: ...


class Erasing(Protocol):
    """What is asked before a buyer is forgotten."""

    async def under_way(self, channel_id: str, subject: str) -> int: ...
    async def held(self, channel_id: str, subject: str) -> Sequence[str]: ...


class Eraser(Protocol):
    """Who forgets buyers, and what has been kept for long enough."""

    async def finish(self, erasure: Erasure, now: datetime) -> None: ...
    async def forget_old(self, now: datetime, dry_run: bool = False) -> Mapping[str, int]: ...


class Store(Protocol):
    """One database and its vault."""

    @property
    def vault(self) -> Vault: ...
    @property
    def queries(self) -> Queries: ...
    @property
    def watching(self) -> Watching: ...
    @property
    def supplies(self) -> Supplies: ...
    @property
    def erasing(self) -> Erasing: ...

    async def run(self, operation: Callable[[Books], T]) -> T: ...
    async def audit(self) -> Sequence[Discrepancy]: ...
    async def totals(self) -> dict[str, int]: ...
    async def rotate(self, progress: Progress | None = None) -> int: ...
    async def close(self) -> None: ...


class Backend(Protocol):
    """Opens databases. All may raise ValueError (or a kind of it) with a text for the merchant."""

    def open(self, database: str, vault_keys: str | None, key_file: Path | None) -> Store:
        """The books, as they are; `is_current` says whether this version can read them."""

    def is_current(self, database: str) -> bool:
        """Whether the schema is this version's."""

    def migrate(self, database: str) -> None:
        """Bring the schema up to date."""

    def eraser(self, store: Any, days: Mapping[str, int]) -> Eraser:
        """Who forgets buyers in this store."""

    def add_key(self, database: str, key_file: Path | None) -> str:
        """Put a fresh key first in the key file; its id."""
