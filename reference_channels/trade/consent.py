"""What a buyer allows, and her data (BUY-010 to BUY-015). It is asked for when it is shown; what the channel goes by
meanwhile is kept up by the answers and by consent.changed (accounts.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reference_channels.kit.client import every
from reference_channels.kit.errors import Json
from reference_channels.trade import accounts, identity
from reference_channels.trade.buyers import known
from reference_channels.trade.settings import Trade


async def consents(trade: Trade, reference: str) -> list[Json]:
    """Every purpose, with what counts now."""
    buyer = await known(trade, reference, "consent")
    found = await every(lambda cursor: buyer.client.list_consents(buyer.id, cursor))
    await trade.db.run(lambda db: accounts.note_all(db, found))
    return found


async def decide(trade: Trade, reference: str, purpose: str, request: Json) -> Json:
    """Her decision, as she made it (ConsentRequest to Consent)."""
    buyer = await known(trade, reference, "consent")
    taken = await buyer.client.set_consent(buyer.id, purpose, request)
    await trade.db.run(lambda db: accounts.note(db, taken))
    return taken


async def receipts(trade: Trade, reference: str, purpose: str) -> list[Json]:
    """The receipts of what she decided here, newest first."""
    buyer = await known(trade, reference, "consent")
    return await every(lambda cursor: buyer.client.list_receipts(buyer.id, purpose, cursor))


async def uses(trade: Trade, reference: str) -> list[Json]:
    """What this channel may use her data for, and why."""
    buyer = await known(trade, reference, "consent")
    return await every(lambda cursor: buyer.client.list_data_uses(buyer.id, cursor))


@asynccontextmanager
async def export(
    trade: Trade, reference: str, proof: str | None = None
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The archive of what is held about her, in parts while they come; with `proof` over all channels."""
    buyer = await known(trade, reference, "consent")
    async with buyer.client.export_buyer(buyer.id, proof) as parts:
        yield parts


async def erase(trade: Trade, reference: str, everywhere: bool = False) -> Json:
    """Have her data erased at the gateway, and then here (Erasure). Everywhere takes a fresh proof that it is her;
    without one the gateway refuses, and nothing is erased."""
    buyer = await known(trade, reference, "consent")
    proof = await identity.proof(trade, reference) if everywhere else None
    erasure = await buyer.client.erase_buyer(buyer.id, proof, "all_channels" if everywhere else None)
    await trade.db.run(lambda db: accounts.forget(db, erasure))
    return erasure
