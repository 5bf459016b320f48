"""The only wiring: settings to storage, rules, relay and HTTP, with explicit arguments. Importing it has no effect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from gateway.chain.erc721 import Erc721Supplier
from gateway.chain.watcher import TransferWatcher
from gateway.core import ownership, retention
from gateway.core.suppliers import Supplier
from gateway.http.app import make_edge, make_services
from gateway.http.channels import read_discovery
from gateway.http.edge import Edge
from gateway.http.identity_providers import Providers
from gateway.http.keys import KeyRing
from gateway.http.services import Clock
from gateway.identity_providers import read_providers
from gateway.relay.courier import Address, Courier
from gateway.relay.eraser import Eraser
from gateway.relay.lookout import Lookout
from gateway.relay.mailer import Mailer, SmtpCarrier
from gateway.relay.maker import Maker
from gateway.relay.relay import Loop, Relay
from gateway.relay.sandbox_supplier import sandbox_suppliers
from gateway.relay.sender import Sender
from gateway.relay.sequencer import Sequencer
from gateway.relay.signing import Signer
from gateway.relay.sweeper import Sweeper, own_call
from gateway.relay.watcher import Watcher
from gateway.settings import Settings
from gateway.storage.engine import Engine
from gateway.storage.keys import open_vault
from gateway.storage.migrate import upgrade
from gateway.storage.queries import DatabaseQueries
from gateway.storage.reset import forget_trade
from gateway.storage.store import Store, open_store
from gateway.suppliers import make_suppliers, read_suppliers

log = logging.getLogger("gateway.main")
PATIENCE = 5.0  # seconds that a caller waits for the database before it is told to come again
ADOPTED_AT_ONCE = 500
WATCH_EVERY = 5.0  # seconds between two looks at a chain
MAKE_EVERY = 0.25  # seconds between looks for what is to be made: somebody waits for it
MAIL_EVERY = 0.5  # likewise for mails
ERASE_EVERY = 10.0  # seconds between looks for erasures that another process left in the middle
RELOAD_SECONDS = 30  # after which a key that another process made is known here


def prepare(settings: Settings) -> None:
    """Bring the database up to date, and make a key file where one is wanted. Blocks; once, before any worker."""
    if settings.suppliers is not None:
        asyncio.run(_check(settings.suppliers))
    if settings.identity_providers is not None:
        read_providers(settings.identity_providers)
    upgrade(settings.database)
    open_vault(settings.database, settings.vault_keys, settings.key_file)


async def adopt(store: Store) -> None:
    """Give what was sold before there were entitlements an owner, whom only the vault can name."""
    while found := await store.ownership.unowned(ADOPTED_AT_ONCE):
        rules = [partial(ownership.adopt, vault=store.vault, delivery_id=one) for one in found]
        await asyncio.gather(*(store.run(rule) for rule in rules))
        log.info("units that were sold before have owners now", extra={"units": len(found)})


async def _check(suppliers: Path) -> None:
    """Make them once, so that what is wrong with them is said at the start."""
    async with _session() as session:
        make_suppliers(session, read_suppliers(suppliers))


@asynccontextmanager
async def running(
    settings: Settings, public_url: str, write_line: Callable[[bytes], Any]
) -> AsyncIterator[Edge]:
    """A gateway with all its loops, from the first request to the last; `write_line` takes the access log.

    At the end the loops stop, what is under way is committed, and the connections are given back, in this order.
    """
    async with AsyncExitStack() as stack:
        store = open_store(settings.database, settings.vault_keys, settings.key_file)
        stack.push_async_callback(store.close)
        vault, queries, clock = store.vault, store.queries, Clock()
        keys = KeyRing(queries, store, vault)
        await keys.load(clock.now())
        await adopt(store)
        session = await stack.enter_async_context(_session())
        sender = Sender(store.outbox, Signer(vault, keys), session, clock.now)
        relay = Relay(sender, Sweeper(store.outbox, store), clock.now)
        store.combiner.committed = relay.wake
        store.combiner.patience = PATIENCE
        relay.start()
        stack.push_async_callback(relay.stop)
        await stack.enter_async_context(_looking_out(settings, store, session, clock))
        maker = await stack.enter_async_context(_making(settings, store, session, clock))
        sequencer = await stack.enter_async_context(_sequencing(store, clock))
        await stack.enter_async_context(_mailing(settings, store, clock))
        eraser = await stack.enter_async_context(_erasing(settings, store, clock))
        await stack.enter_async_context(_reloading(keys, clock))
        sandbox = None
        if settings.sandbox:
            sandbox = LocalSandbox(store.engine, relay, maker, sequencer, keys, session, clock)
        services = make_services(
            *(settings, public_url, clock, store, queries, store.ownership_log, store.ownership, vault, keys),
            sandbox,
            providers=_providers(settings, session, clock),
            erasing=store.erasing,
            eraser=eraser,
        )
        yield await make_edge(services, lambda: _answers(queries), write_line)


class LocalSandbox:
    """What test control does outside of the rules."""

    def __init__(
        self,
        engine: Engine,
        relay: Relay,
        maker: Maker,
        sequencer: Sequencer,
        keys: KeyRing,
        session: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._relay = relay
        self._maker = maker
        self._sequencer = sequencer
        self._keys = keys
        self._session = session
        self._clock = clock

    async def reset(self) -> None:
        """Forget all trade, and be at the real time again."""
        await forget_trade(self._engine)
        self._clock.reset()

    async def settle(self) -> None:
        """Do all that is due now."""
        await self._maker.settle()
        await self._relay.settle()
        await self._sequencer.settle(self._clock.now())
        await self._keys.load(self._clock.now())

    async def read_discovery(self, channel_url: str) -> dict[str, Any]:
        """A channel's discovery document. Raises ProtocolError `channel_unreachable`."""
        return await read_discovery(self._session, channel_url)


@asynccontextmanager
async def _looking_out(
    settings: Settings, store: Store, session: aiohttp.ClientSession, clock: Clock
) -> AsyncIterator[None]:
    """Who watches over the stock, and tells the merchant."""
    address = None
    if settings.alert_url is not None and settings.alert_secret is not None:
        address = Address(settings.alert_url, settings.alert_secret)
    courier = Courier(store.watching, session, address) if address else None
    lookout = Lookout(Watcher(store.watching, store, deliver=address is not None), courier, clock.now)
    lookout.start()
    try:
        yield
    finally:
        await lookout.stop()


def _providers(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> Providers:
    """Whose id tokens are believed."""
    known = read_providers(settings.identity_providers) if settings.identity_providers else {}
    return Providers(session, known, clock.now)


@asynccontextmanager
async def _making(
    settings: Settings, store: Store, session: aiohttp.ClientSession, clock: Clock
) -> AsyncIterator[Maker]:
    """Who has goods made by the merchant's suppliers, or by the sandbox's own."""
    found = make_suppliers(session, read_suppliers(settings.suppliers) if settings.suppliers else {})
    suppliers = {**found, **(sandbox_suppliers() if settings.sandbox else {})}
    maker = Maker(store.supplies, store, store.vault, suppliers, clock.now)
    try:
        async with Loop("maker", lambda: maker.run_once(clock.now()), MAKE_EVERY) as loop:
            maker.when_free(loop.wake)
            async with _watching_chains(suppliers, store, clock):
                yield maker
    finally:
        await maker.close()


@asynccontextmanager
async def _watching_chains(
    suppliers: Mapping[str, Supplier], store: Store, clock: Clock
) -> AsyncIterator[None]:
    """Who sees that tokens are handed on, where the merchant sells any."""
    minting = [one for one in suppliers.values() if isinstance(one, Erc721Supplier)]
    if not minting:
        yield
        return
    watcher = TransferWatcher(minting, store, own_call)
    async with Loop("chains", lambda: watcher.run_once(clock.now()), WATCH_EVERY):
        yield


@asynccontextmanager
async def _sequencing(store: Store, clock: Clock) -> AsyncIterator[Sequencer]:
    """Who merges the log of ownership."""
    sequencer = Sequencer(store.ownership_log)
    async with Loop("sequencer", lambda: sequencer.run_once(clock.now())):
        yield sequencer


@asynccontextmanager
async def _mailing(settings: Settings, store: Store, clock: Clock) -> AsyncIterator[None]:
    """Who mails codes; a sandbox without a mail server keeps them for its tests."""
    if not settings.mails:
        yield
        return
    carrier = None
    if settings.mail_url is not None and settings.mail_from is not None:
        carrier = SmtpCarrier(
            settings.mail_url, settings.mail_from, settings.mail_user, settings.mail_password
        )
    mailer = Mailer(store.mails, store.vault, carrier, clock.now, settings.name, keep=settings.sandbox)
    async with Loop("mailer", lambda: mailer.run_once(clock.now()), MAIL_EVERY):
        yield


@asynccontextmanager
async def _erasing(settings: Settings, store: Store, clock: Clock) -> AsyncIterator[Eraser]:
    """Who forgets buyers, and what has been kept for long enough."""
    eraser = Eraser(store.erasing, store, retention.parse(settings.retention))
    async with Loop("eraser", lambda: eraser.run_once(clock.now()), ERASE_EVERY):
        yield eraser


def _session() -> aiohttp.ClientSession:
    """For calls to channels: connections are kept, cookies are not, and no proxy or netrc of the machine is used."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=256), trust_env=False
    )


async def _answers(queries: DatabaseQueries) -> bool:
    """Whether the database can be read, which is what readiness means here."""
    try:
        async with asyncio.timeout(2):
            await queries.signing_keys()
    except Exception:  # for a probe all reasons are alike
        log.warning("the database does not answer", exc_info=True)
        return False
    return True


@asynccontextmanager
async def _reloading(keys: KeyRing, clock: Clock) -> AsyncIterator[None]:
    """Learn now and then of keys that another process has made or retired."""

    async def reload() -> None:
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await keys.load(clock.now())
            except Exception:  # the old keys are good until it works again
                log.warning("the keys cannot be read", exc_info=True)

    task = asyncio.create_task(reload(), name="keys")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
