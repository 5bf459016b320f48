"""Merkle trees of RFC 9162 section 2.1: hashes, and which hashes make up a proof.

A tree is known by the hashes of its complete subtrees: node (`height`, `number`) is over the 2 to the power of `height`
leaves from `number << height` on. These never change as the tree grows, and any range of leaves that a proof needs is
made up of few of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import reduce

Node = tuple[int, int]
Span = tuple[int, int]  # leaves from the first up to, not including, the second
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Section 2.1.1."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Section 2.1.1."""
    return hashlib.sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring nodes."""
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def nodes_of(span: Span) -> list[Node]:
    """The complete subtrees, the largest first, that make up the leaves from a multiple of a power of two, no smaller
    than the span, on: all that occur in a proof are so."""
    start, end = span
    found = []
    while start < end:
        height = (end - start).bit_length() - 1
        found.append((height, start >> height))
        start += 1 << height
    return found


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees, the largest first, as `nodes_of` gives them."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def inclusion(index: int, size: int) -> list[Span]:
    """Whose hashes prove that a tree of `size` has the leaf `index` (section 2.1.3.1), nearest the leaf first."""
    return _path(index, 0, size)


def consistency(first: int, second: int) -> list[Span]:
    """Whose hashes prove that a tree of `first` leaves is the beginning of one of `second` (section 2.1.4.1).

    Nothing has to be proven of an empty tree, or of the same one.
    """
    return _subproof(first, 0, second, True) if 0 < first < second else []


def _path(index: int, start: int, end: int) -> list[Span]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle), (middle, end)]
    return [*_path(index, middle, end), (start, middle)]


def _subproof(first: int, start: int, end: int, whole: bool) -> list[Span]:
    """`whole`: what the first tree has of this is all of it, and its root is known."""
    if first == end:
        return [] if whole else [(start, end)]
    middle = start + _split(end - start)
    if first <= middle:
        return [*_subproof(first, start, middle, whole), (middle, end)]
    return [*_subproof(first, middle, end, False), (start, middle)]


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def prove(spans: Sequence[Span], node: Callable[[Node], bytes]) -> list[bytes]:
    """The hashes of a proof from those of complete subtrees."""
    return [root_of([node(one) for one in nodes_of(span)]) for span in spans]


def needed(spans: Sequence[Span]) -> Iterator[Node]:
    """The complete subtrees whose hashes `prove` asks for."""
    for span in spans:
        yield from nodes_of(span)
