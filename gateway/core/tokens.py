"""Tokens in the books: which delivery each is, and that its owner has changed on the chain (spec/text/tokens.md)."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway.core import ownership
from gateway.core.errors import missing
from gateway.core.model import Call, Delivery
from gateway.core.model_ownership import Entitlement
from gateway.core.model_tokens import ChainMark, Token
from gateway.core.ports import Books
from gateway.core.rows import replace


def note_made(books: Books, call: Call, delivery: Delivery, goods: str) -> None:
    """Remember which token was handed over, and name it in what is owned (TOK-008); it may have moved on already."""
    asset = str(orjson.loads(goods)["asset"])
    owned = _owned(books, delivery.id)
    if owned is not None:
        books.put(replace(owned, asset=asset))
    known = books.get(Token, asset)
    books.put(Token(asset, delivery.id, known is not None and known.moved))
    if known is not None and known.moved:
        _hand_on(books, call, delivery.id)


def note_moved(
    books: Books, call: Call, contract: str, first: int, last: int, token_ids: Sequence[int]
) -> bool:
    """Take in the transfers of these blocks, each of which is known for good (TOK-007).

    False when another process has read on from `first` already.
    """
    mark = books.get(ChainMark, contract)
    if mark is not None and mark.block != first - 1:
        return False
    books.put(ChainMark(contract, last))
    for token_id in token_ids:
        token = books.get(Token, f"{contract}/{token_id}") or Token(f"{contract}/{token_id}", None, False)
        if not token.moved:
            books.put(replace(token, moved=True))
            if token.delivery_id is not None:
                _hand_on(books, call, token.delivery_id)
    return True


def move(books: Books, call: Call, delivery_id: str) -> None:
    """Take in that this token has moved, as `note_moved` does. Raises ProtocolError `not_found`."""
    owned = _owned(books, delivery_id)
    token = books.get(Token, owned.asset) if owned is not None and owned.asset else None
    if token is None:
        raise missing("delivery_id")
    books.put(replace(token, moved=True))
    _hand_on(books, call, delivery_id)


def mark_of(books: Books, contract: str, at_first: int) -> int:
    """How far the contract has been read; from this block on, when it is read for the first time."""
    mark = books.get(ChainMark, contract)
    if mark is None:
        books.put(ChainMark(contract, at_first))
    return at_first if mark is None else mark.block


def _hand_on(books: Books, call: Call, delivery_id: str) -> None:
    """The buyer's entitlement ends: the chain has another owner, whom nobody here needs to know."""
    owned = _owned(books, delivery_id)
    if owned is not None and (owned.status, "transfer") in ownership.table():
        ownership.step(books, call, owned, "transfer")


def _owned(books: Books, delivery_id: str) -> Entitlement | None:
    delivery = books.get(Delivery, delivery_id)
    return books.get(Entitlement, delivery.entitlement_id) if delivery and delivery.entitlement_id else None
