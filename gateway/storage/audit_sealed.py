"""Whether what is sealed to buyers is theirs alone, and nothing else has lost its code (DLV-032)."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select

from gateway.storage.engine.base import Engine
from gateway.storage.tables import deliveries, units

# What only the buyer opens: a JWE for a key, under none of the vault's. A link is made at each opening.
ONLY_BUYER = and_(
    deliveries.c.sealed_to.is_not(None), deliveries.c.sealed.is_not(None), deliveries.c.key_id.is_(None)
)
READABLE = (
    select(deliveries.c.id)
    .join(units, units.c.id == deliveries.c.unit_id, isouter=True)
    .where(
        deliveries.c.sealed_to.is_not(None),
        deliveries.c.kind != "download",
        or_(units.c.sealed.is_not(None), ~ONLY_BUYER),
    )
)
LOST = (
    select(units.c.id)
    .join(deliveries, and_(deliveries.c.unit_id == units.c.id, ONLY_BUYER), isouter=True)
    .where(units.c.sealed.is_(None))
    .group_by(units.c.id)
    .having(func.count(deliveries.c.id) == 0)
)


async def missealed(engine: Engine) -> list[tuple[str, str]]:
    """Ids of deliveries and units that are not as they should be, and what is wrong with each."""
    found = [(row[0], "sealed goods that the vault still opens") for row in await engine.scan(READABLE)]
    return found + [(row[0], "codes that nobody can open") for row in await engine.scan(LOST)]
