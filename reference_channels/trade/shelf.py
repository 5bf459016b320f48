"""What the channel has on sale: the offers as the gateway gave them, newest revision only (SEL-001, CAT-010)."""

from __future__ import annotations

import json
import sqlite3

from reference_channels.kit.errors import Json

SCHEMA = """
create table if not exists offers (
  id text primary key,
  revision integer not null,
  on_sale integer not null,
  document text not null
) strict;
create index if not exists offers_on_sale on offers (on_sale);
"""


def put(db: sqlite3.Connection, offer: Json) -> None:
    """Replace what is known of an offer, unless something newer is."""
    _write(db, offer["id"], offer["revision"], offer.get("status") == "active", offer)


def withdraw(db: sqlite3.Connection, offer_id: str, revision: int) -> None:
    """Take an offer off sale; what it was stays known, so that nothing older brings it back."""
    known = find(db, offer_id) or {}
    _write(db, offer_id, revision, False, known)


def _write(db: sqlite3.Connection, offer_id: str, revision: int, on_sale: bool, offer: Json) -> None:
    db.execute(
        "insert into offers values (?1, ?2, ?3, ?4) on conflict (id) do update"
        " set revision = ?2, on_sale = ?3, document = ?4 where revision <= ?2",
        (offer_id, revision, int(on_sale), json.dumps(offer)),
    )


def apply_feed(db: sqlite3.Connection, entries: list[Json]) -> None:
    """Take a page of the offer feed (OfferEntry documents); tombstones are taken off sale."""
    for entry in entries:
        offer = entry.get("offer")
        if entry["deleted"] or offer is None:
            withdraw(db, entry["offer_id"], entry["revision"])
        else:
            put(db, offer)


def find(db: sqlite3.Connection, offer_id: str) -> Json | None:
    """The offer as last known, on sale or not."""
    row = db.execute("select document from offers where id = ?", (offer_id,)).fetchone()
    return json.loads(row[0]) or None if row else None


def on_sale(db: sqlite3.Connection, offer_id: str) -> Json | None:
    """The offer, if it is on sale."""
    row = db.execute("select document from offers where id = ? and on_sale = 1", (offer_id,)).fetchone()
    return json.loads(row[0]) if row else None


def all_on_sale(db: sqlite3.Connection) -> list[Json]:
    """Every offer on sale, sold out or not, by category and name."""
    rows = db.execute("select document from offers where on_sale = 1").fetchall()
    offers = [json.loads(row[0]) for row in rows]
    return sorted(offers, key=lambda o: (o["product"]["category"], o["product"]["name"], o["id"]))


def products(db: sqlite3.Connection) -> dict[str, Json]:
    """Every product that is known here, by its id."""
    rows = db.execute("select json_extract(document, '$.product') from offers").fetchall()
    found = [json.loads(row[0]) for row in rows if row[0]]
    return {product["id"]: product for product in found}


def buyable(offer: Json) -> bool:
    """Whether a buyer may press the button (SEL-012). A status that is not known here is not sold out."""
    return bool(offer.get("availability", {}).get("status") != "out_of_stock")
