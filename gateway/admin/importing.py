"""`import` and `codes add`: everything is looked through before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.admin.catalogue import Code, Entry, Faults, product_id, read_catalogue, read_codes, repeated
from gateway.admin.context import Desk, call, desk
from gateway.admin.ports import Store
from gateway.core import catalog, stock
from gateway.core.model import Offer, Stock
from gateway.core.ports import Books

BATCH = 2000  # codes in one transaction; the gateway sells in between
SHOWN = 50  # faults


@click.command(
    "import",
    epilog="Examples:\n\n  vgcp gateway import catalogue.yaml\n\n  vgcp gateway import prices.csv --json\n\n"
    "A product is known by its id: importing it again changes what is different, and adds codes that are new.",
)
@click.argument("catalogue", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@desk
def import_(at: Desk, catalogue: Path) -> None:
    """Put the products of a catalogue on sale: YAML or CSV, with codes inline or in files.

    Prices are in minor units. Wrong lines are named, and then nothing is imported.
    """

    async def bring_in(store: Store) -> Counter[str]:
        return await Import(store, at.progress).run(read_catalogue(catalogue))

    _answer(at, _faults_shown(lambda: at.work(bring_in)))


@click.group()
def codes() -> None:
    """The codes of an offer."""


@codes.command(epilog="Example:\n\n  vgcp gateway codes add off_0123456789abcdefghjkmnpqrs new-codes.txt")
@click.argument("offer")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@desk
def add(at: Desk, offer: str, file: Path) -> None:
    """Add the codes of a file, one a line, to an offer (its id, or its product's).

    Codes that this offer has already are left out; one that belongs to another offer is refused, with its line.
    """

    async def bring_in(store: Store) -> Counter[str]:
        return await Import(store, at.progress).add_codes(offer, read_codes(file))

    _answer(at, _faults_shown(lambda: at.work(bring_in)))


class Import:
    """Brings products and codes in; each product with its first codes in one transaction."""

    def __init__(self, store: Store, progress: Callable[[str, int, int], None]) -> None:
        self._store = store
        self._progress = progress
        self._counts: Counter[str] = Counter()
        self._done = self._total = 0

    async def run(self, entries: Sequence[Entry]) -> Counter[str]:
        """Import all. Raises Faults, before anything is written."""
        known = {offer.product["id"]: offer for offer in await self._offers()}
        kinds = {one.id: one.kind for one in await self._store.queries.stocks()}
        faults = [
            fault for entry in entries for fault in _misfits(entry, known.get(entry.product["id"]), kinds)
        ]
        fresh: list[Entry] = []
        for entry in entries:
            offer = known.get(entry.product["id"])
            new, taken = await self._sift(entry.codes or (), offer.stock_id if offer else "")
            fresh.append(entry if entry.codes is None else replace(entry, codes=new))
            faults += taken
        if faults:
            raise Faults(faults)
        self._total = len(entries) + sum(len(entry.codes or ()) for entry in fresh)
        for entry in fresh:
            await self._bring(entry, known.get(entry.product["id"]))
        return self._counts

    async def add_codes(self, name: str, given: Sequence[Code]) -> Counter[str]:
        """Add codes to the offer with this id, or with this product. Raises Faults, before anything is written."""
        names = {name, product_id(name)}
        offers = [one for one in await self._offers() if names & {one.id, one.product["id"]}]
        if len(offers) != 1:
            raise Faults([f"{len(offers)} offers are called {name!r}: `vgcp gateway stock` lists their ids"])
        kinds = {one.id: one.kind for one in await self._store.queries.stocks()}
        faults = repeated(list(given))
        if kinds[offers[0].stock_id] != "codes":
            faults.append(f"offer {name!r} does not sell codes")
        new, taken = await self._sift(given, offers[0].stock_id)
        if faults or taken:
            raise Faults(faults + taken)
        self._total = len(new)
        await self._receive(offers[0].stock_id, new)
        return self._counts

    async def _offers(self) -> list[Offer]:
        found = await self._store.queries.offers()
        return [offer for offer in found if offer.status != "deleted" and offer.channel_id is None]

    async def _sift(self, given: Sequence[Code], stock_id: str) -> tuple[list[Code], list[str]]:
        """Codes that nobody has, and faults for those that another stock has; its own are left out."""
        new: list[Code] = []
        faults: list[str] = []
        for batch in batches(given):
            hashes = [self._store.vault.fingerprint(code.text.encode()) for code in batch]
            owners = await self._store.run(_owners(hashes))
            for code, code_hash in zip(batch, hashes, strict=True):
                owner = owners.get(code_hash)
                if owner is None:
                    new.append(code)
                elif owner == stock_id:
                    self._counts["codes_known"] += 1
                else:
                    faults.append(f"{code.place}: another product has this code")
        return new, faults

    async def _bring(self, entry: Entry, offer: Offer | None) -> None:
        first, rest = (entry.codes or [])[:BATCH], (entry.codes or [])[BATCH:]
        if offer is None:
            made = await self._store.run(lambda books: self._create(books, entry, first))
            self._counts["products_created"] += 1
            self._count_codes(len(first))
            await self._receive(made.stock_id, rest)
        else:
            same = await self._store.run(lambda books: _change(books, entry, offer))
            self._counts["products_unchanged" if same else "products_changed"] += 1
            await self._receive(offer.stock_id, entry.codes or [])
        self._step(1)

    def _create(self, books: Books, entry: Entry, first: Sequence[Code]) -> Offer:
        """A rule: the stock, what is in it, and the offer that sells it."""
        vault, now, safety = self._store.vault, call(), entry.safety_stock or 0
        low = stock.LOW_THRESHOLD if entry.low_threshold is None else entry.low_threshold
        if entry.codes is not None:
            kept = stock.create_pool(books, vault, now, [code.text for code in first], low, safety)
        elif entry.quantity is not None:
            kept = stock.create_counted(books, now, entry.quantity, low, safety)
        else:
            kept = stock.create(books, "unlimited", low, safety)
        wish = catalog.NewOffer(delivery_kind=entry.delivery_kind, stock_id=kept.id, **_values(entry))
        return catalog.create_offer(books, now, wish)

    async def _receive(self, stock_id: str, given: Sequence[Code]) -> None:
        for batch in batches(given):
            await self._store.run(self._receiving(stock_id, [code.text for code in batch]))
            self._count_codes(len(batch))

    def _receiving(self, stock_id: str, texts: Sequence[str]) -> Callable[[Books], Stock]:
        """A rule: more of a pool."""
        return lambda books: stock.receive_codes(books, self._store.vault, call(), stock_id, texts)

    def _count_codes(self, count: int) -> None:
        self._counts["codes_added"] += count
        self._step(count)

    def _step(self, count: int) -> None:
        self._done += count
        self._progress("imported", self._done, self._total)


def _change(books: Books, entry: Entry, offer: Offer) -> bool:
    """A rule: the offer and its stock's levels as the file says; whether they were so already."""
    now = call()
    changed = catalog.change_offer(books, now, offer.id, _values(entry))
    before = stock.get(books, offer.stock_id)
    after = stock.set_levels(books, now, offer.stock_id, entry.low_threshold, entry.safety_stock)
    return changed.revision == offer.revision and after == before


def batches(given: Sequence[Code]) -> Iterator[Sequence[Code]]:
    """As many as go into one transaction."""
    return (given[begin : begin + BATCH] for begin in range(0, len(given), BATCH))


def _owners(hashes: Sequence[bytes]) -> Callable[[Books], dict[bytes, str]]:
    """A rule that says which stock has each of these codes."""
    return lambda books: {code_hash: unit.stock_id for code_hash, unit in books.find_codes(hashes).items()}


def _misfits(entry: Entry, offer: Offer | None, kinds: dict[str, str]) -> Iterable[str]:
    """What an import cannot change of an offer that is there."""
    if offer is None:
        return
    if offer.delivery_kind != entry.delivery_kind:
        yield f"{entry.place}: the offer delivers a {offer.delivery_kind}; give another kind a product id of its own"
    wanted = "codes" if entry.codes is not None else "counted" if entry.quantity is not None else "unlimited"
    if kinds[offer.stock_id] != wanted:
        yield f"{entry.place}: the offer's stock is {kinds[offer.stock_id]}, not {wanted}"
    if (offer.supplier is None) != (entry.supplier is None):
        yield f"{entry.place}: goods from stock stay so, and goods made on demand too; give it a product id of its own"


def _values(entry: Entry) -> dict[str, Any]:
    """What an import may change; stock that is counted is only received at the first one."""
    values: dict[str, Any] = {} if entry.consistency is None else {"consistency": entry.consistency}
    return values | {
        "product": entry.product,
        "price_amount": entry.price,
        "currency": entry.currency,
        "promotion": entry.promotion,
        "restrictions": entry.restrictions,
        "buyer_input": entry.buyer_input,
        "download_url": entry.download_url,
        "supplier": entry.supplier,
    }


def _faults_shown(work: Callable[[], Counter[str]]) -> Counter[str]:
    try:
        return work()
    except Faults as wrong:
        more = [f"… and {len(wrong.lines) - SHOWN} more"] if len(wrong.lines) > SHOWN else []
        lines = "\n".join(wrong.lines[:SHOWN] + more)
        raise click.ClickException(
            f"{lines}\nNothing was imported. Correct the file and import it again."
        ) from wrong


def _answer(at: Desk, counts: Counter[str]) -> None:
    names = ("products_created", "products_changed", "products_unchanged", "codes_added", "codes_known")
    value = {name: counts[name] for name in names}
    text = ", ".join(f"{counts[name]:,} {name.replace('_', ' ')}" for name in names if counts[name])
    at.answer(value, f"{text or 'nothing to do'}.")
