"""More of the values the books are kept in (see model.py): tokens on a chain, and how far it has been read."""

from __future__ import annotations

from gateway.core.rows import Row, row


@row
class Token(Row):
    """A token by its asset (CAIP-19). If it is seen to move before it is noted as made, it has no delivery yet."""

    id: str
    delivery_id: str | None
    moved: bool


@row
class ChainMark(Row):
    """The last block of a contract (`chain/erc721:address`) whose transfers have been taken into the books."""

    id: str
    block: int
