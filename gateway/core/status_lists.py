"""Where certificates have their status: lists of two bits an entry (draft-ietf-oauth-status-list).

A place is given out when the first certificate of an owner is issued, so who never asks for one costs nothing. Places
follow one another in an order that only the gateway knows: neighbours in a list have nothing to do with each other.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

from gateway.core.model import Call
from gateway.core.model_ownership import Entitlement, StatusCounter, StatusEntry, StatusList
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

HALF = 9  # bits
SIZE = 1 << 2 * HALF  # places in a list: 64 KiB before it is packed
BITS = 2
ROUNDS = 4
NAME = "status"
VALID, INVALID, SUSPENDED = 0, 1, 2
STATUS_OF = {"active": VALID, "suspended": SUSPENDED}  # any other is invalid


def place_of(books: Books, vault: Vault, call: Call, entitlement: Entitlement) -> Entitlement:
    """The entitlement with its place; the same for all certificates of one owner, and nobody else's ever (OWN-022)."""
    if entitlement.status_list_id is not None:
        return entitlement
    counter = books.get(StatusCounter, NAME) or StatusCounter(NAME, 0)
    number, turn = divmod(counter.used, SIZE)
    list_id = list_name(vault, number)
    if turn == 0:
        books.put(StatusList(list_id, 1, call.now))
    books.put(replace(counter, used=counter.used + 1))
    placed = replace(entitlement, status_list_id=list_id, status_index=scatter(vault, number, turn))
    books.put(placed)
    return placed


def list_name(vault: Vault, number: int) -> str:
    """The id of a list, which does not say how many there are."""
    digest = vault.fingerprint(f"status list {number}".encode())
    return "stl_" + base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def scatter(vault: Vault, number: int, turn: int) -> int:
    """The place that comes at this turn: a permutation of all places, a Feistel network under the vault's key."""
    left, right = turn >> HALF, turn & (1 << HALF) - 1
    for stage in range(ROUNDS):
        digest = vault.fingerprint(f"status place {number} {stage} {right}".encode())
        left, right = right, left ^ int.from_bytes(digest[:2], "big") & (1 << HALF) - 1
    return left << HALF | right


def show(books: Books, entitlement: Entitlement) -> None:
    """Let the list say what has become of it (OWN-021)."""
    _set(books, entitlement, STATUS_OF.get(entitlement.status, INVALID))


def void(books: Books, entitlement: Entitlement) -> None:
    """The certificates of this owner are no longer good, whatever becomes of what she had (OWN-033)."""
    _set(books, entitlement, INVALID)


def entry_name(list_id: str, place: int) -> str:
    """The key of a place."""
    return f"{list_id}.{place}"


def pack(entries: Iterable[tuple[int, int]]) -> str:
    """`lst` of a list in which these (place, status) are not valid: two bits each, the lowest first, packed."""
    raw = bytearray(SIZE * BITS // 8)
    for place, status in entries:
        raw[place >> 2] |= status << 2 * (place & 3)
    return base64.urlsafe_b64encode(zlib.compress(bytes(raw), 9)).rstrip(b"=").decode()


def _set(books: Books, entitlement: Entitlement, status: int) -> None:
    if entitlement.status_list_id is None or entitlement.status_index is None:
        return
    place = (entitlement.status_list_id, entitlement.status_index)
    kept, name = books.get(StatusList, place[0]), entry_name(*place)
    known = books.get(StatusEntry, name)
    if kept is None or (known.status if known else VALID) == status:
        return
    books.put(StatusEntry(name, *place, status))
    books.put(replace(kept, revision=kept.revision + 1))
