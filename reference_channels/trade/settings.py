"""What a channel is started with, and what it is made of while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from reference_channels.kit.retry import Policy
from reference_channels.trade.clock import Clock
from reference_channels.trade.database import Database
from reference_channels.trade.link import Connection, Link
from reference_channels.trade.logs import Ring
from reference_channels.trade.purchase import Purchases
from reference_channels.trade.worker import Worker

SCHEMES = ("standard_webhooks", "rfc9421")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a channel is to run. `data` is a folder for the database, or a file whose name ends in .db.
    `public_url` is its own origin as gateways and buyers reach it, without a slash at the end; `kind` is the
    program (`webshop`); `test_secret` makes it a sandbox; times in seconds.
    """

    data: Path
    public_url: str
    name: str = "Lumen"
    kind: str = "webshop"
    test_secret: str | None = field(default=None, repr=False)
    connection: Connection | None = None
    signature_scheme: str = "standard_webhooks"
    sync_every: float = 30.0
    worker_pause: float = 1.0
    policy: Policy = field(default_factory=Policy)

    @property
    def secure(self) -> bool:
        """Whether buyers come over HTTPS, so that cookies can be kept to it."""
        return self.public_url.startswith("https:")

    @property
    def file(self) -> Path:
        """The database."""
        return self.data if self.data.suffix == ".db" else self.data / f"{self.kind}.db"


@dataclass(frozen=True, slots=True)
class Trade:
    """The running parts, as handlers reach them."""

    settings: Settings
    clock: Clock
    db: Database
    link: Link
    purchases: Purchases
    worker: Worker
    ring: Ring


TRADE: web.AppKey[Trade] = web.AppKey("trade", Trade)
