"""What a catalogue says of regions and limits: an object in YAML, or columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import spec
from gateway.core.catalog import tier_faults
from gateway.core.model import Json


def restrictions(row: Json) -> Json | None:
    """The Restrictions of a row; columns go before what the object says."""
    given: Json = {name: row[name] for name in ("regions", "max_per_order") if name in row}
    for name in ("purchase_limit", "channel_limit"):
        columns = {"quantity": name, "days": f"{name}_days", "tiers": f"{name}_tiers"}
        parts = {part: row[column] for part, column in columns.items() if row.get(column) is not None}
        if parts:
            given[name] = parts
    if isinstance(row.get("restrictions"), dict):
        given = {**row["restrictions"], **given}
    return given or None


def tiers(cell: str) -> dict[str, Any]:
    """`gold=5 silver=3` as an object; what is no number stays text, and is refused as such."""
    pairs = [one.partition("=") for one in cell.split()]
    return {tier: int(units) if units.isdecimal() else units for tier, _, units in pairs}


def faults(row: Json) -> Iterator[str]:
    """What the schema does not say of tiers."""
    given = restrictions(row) or {}
    if spec.validator("Restrictions").is_valid(given):
        yield from (f"restrictions, {pointer}: {words}" for pointer, words in tier_faults(given))
