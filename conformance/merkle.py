"""Verifies what a log of RFC 9162 proves. Written from the RFC's text, by the steps of its sections."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

DIGEST = re.compile("[A-Za-z0-9_-]{43}")


def leaf_hash(leaf: bytes) -> bytes:
    """Section 2.1.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves with these hashes (section 2.1.2: merge whenever two of one size stand side by side)."""
    stack: list[bytes] = []
    for count, hashed in enumerate(leaves):
        stack.append(hashed)
        while count & 1:
            right, left = stack.pop(), stack.pop()
            stack.append(node_hash(left, right))
            count >>= 1
    while len(stack) > 1:
        right, left = stack.pop(), stack.pop()
        stack.append(node_hash(left, right))
    return stack[0] if stack else hashlib.sha256(b"").digest()


def has(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the tree of this size and root has the leaf with this hash (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def begins(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of `second` leaves begins with that of `first` (section 2.1.4.2)."""
    if first > second or first < 0:
        return False
    if first in (0, second):
        return not proof and (first == 0 or first_root == second_root)
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def encoded(digest: bytes) -> str:
    """As the log writes it: base64url without padding."""
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def decoded(text: object) -> bytes:
    """The digest that is written so; b"" for anything else."""
    if not isinstance(text, str) or not DIGEST.fullmatch(text):
        return b""
    return urlsafe_b64decode(text + "=")


def hashes(listed: object) -> list[bytes]:
    """The digests of a proof; one that is none is b"", with which nothing is proven."""
    return [decoded(one) for one in listed] if isinstance(listed, list) else [b""]
