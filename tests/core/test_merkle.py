"""The tree is that of RFC 9162: by published vectors, by the text of the RFC written down again, and for any size."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import merkle as verifier
from gateway.core import log_tiles, merkle

# The vectors of Certificate Transparency's reference implementation: leaves, and the roots over the first n of them;
# proofs from transparency-dev/merkle, proof/verify_test.go (there leaves count from 1).
LEAVES = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
NODE = {
    "0": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "6": "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "01": "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "23": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "45": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "67": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "0123": "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4567": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
}
INCLUSION = [
    (0, 8, ["1", "23", "4567"]),
    (5, 8, ["4", "67", "0123"]),
    (2, 3, ["01"]),
    (1, 5, ["0", "23", "4"]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["1", "23", "4567"]),
    (6, 8, ["45", "67", "0123"]),
    (2, 5, ["23", "4"]),
    (6, 7, ["45", "6", "0123"]),
]


class Grown:
    """A tree that is kept as the gateway keeps it, in tiles, and grows in steps."""

    def __init__(self, *steps: list[bytes]) -> None:
        self.tiles: dict[log_tiles.Tile, bytes] = {}
        self.size = 0
        for leaves in steps:
            kept = {tile: self.tiles[tile] for tile in log_tiles.edge(self.size)}
            self.tiles |= log_tiles.extend(kept, self.size, [merkle.leaf_hash(leaf) for leaf in leaves])
            self.size += len(leaves)

    def root(self) -> bytes:
        """Over all of it, from the tiles that are not full alone."""
        return log_tiles.root({tile: self.tiles[tile] for tile in log_tiles.edge(self.size)}, self.size)

    def prove(self, spans: list[merkle.Span]) -> list[bytes]:
        """The proof's hashes."""
        return merkle.prove(spans, log_tiles.node_in(self.tiles))


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = half(len(leaves))
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, word by word."""
    if len(leaves) == 1:
        return []
    k = half(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """RFC 9162 section 2.1.4.1, word by word."""
    n = len(leaves)
    if m == n:
        return [] if known else [mth(leaves)]
    k = half(n)
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def half(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def numbered(count: int) -> list[bytes]:
    """So many leaves, no two alike."""
    return [b"%d" % number for number in range(count)]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_those_of_the_published_vectors(size: int) -> None:
    """The gateway and the verifier find the roots that Certificate Transparency's reference implementation finds."""
    leaves = LEAVES[:size]
    assert Grown(leaves).root().hex() == ROOTS[size]
    assert verifier.root_of([verifier.leaf_hash(leaf) for leaf in leaves]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "hashes"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, hashes: list[str]) -> None:
    """Proofs of inclusion are those of the vectors, and the verifier takes them."""
    proof = Grown(LEAVES[:size]).prove(merkle.inclusion(index, size))
    assert [one.hex() for one in proof] == [NODE[name] for name in hashes]
    root = bytes.fromhex(ROOTS[size])
    assert verifier.has(verifier.leaf_hash(LEAVES[index]), index, size, proof, root)


@pytest.mark.parametrize(("first", "second", "hashes"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(first: int, second: int, hashes: list[str]) -> None:
    """Proofs of consistency are those of the vectors, and the verifier takes them."""
    proof = Grown(LEAVES).prove(merkle.consistency(first, second))
    assert [one.hex() for one in proof] == [NODE[name] for name in hashes]
    roots = [bytes.fromhex(ROOTS[size]) for size in (first, second)]
    assert verifier.begins(first, second, roots[0], roots[1], proof)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.data())
def test_any_tree_proves_what_the_rfc_says(steps: list[int], data: st.DataObject) -> None:
    """However a tree grew, its root and proofs are those of the RFC's recursive definitions, and are verified."""
    bounds = [0, *(sum(steps[: n + 1]) for n in range(len(steps)))]
    leaves = numbered(bounds[-1])
    tree = Grown(*(leaves[start:end] for start, end in pairwise(bounds)))
    size = data.draw(st.integers(1, tree.size))
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = mth(leaves[:size])
    assert tree.root() == mth(leaves)
    proof = tree.prove(merkle.inclusion(index, size))
    assert proof == path(index, leaves[:size])
    assert verifier.has(verifier.leaf_hash(leaves[index]), index, size, proof, root)
    growth = tree.prove(merkle.consistency(first, size))
    assert growth == subproof(first, leaves[:size])
    assert verifier.begins(first, size, mth(leaves[:first]), root, growth)
    assert verifier.root_of([verifier.leaf_hash(leaf) for leaf in leaves[:size]]) == root


@given(st.integers(1, 70), st.data())
def test_a_wrong_proof_is_refused(size: int, data: st.DataObject) -> None:
    """The verifier refuses what is about another leaf, place, size or root, and a proof with a hash more or less."""
    leaves = numbered(size + 1)
    index = data.draw(st.integers(0, size - 1))
    hashed, root = verifier.leaf_hash(leaves[index]), mth(leaves[:size])
    proof = path(index, leaves[:size])
    assert not verifier.has(verifier.leaf_hash(b"another"), index, size, proof, root)
    assert not verifier.has(hashed, index + 1, size, proof, root)
    assert not verifier.has(hashed, index, size, [*proof, root], root)
    assert not verifier.has(hashed, index, size, proof, mth(leaves))
    assert not proof or not verifier.has(hashed, index, size, proof[:-1], root)
    growth = subproof(size, leaves)
    assert not verifier.begins(size, size + 1, mth([b"another", *leaves[1:size]]), mth(leaves), growth)
    assert not verifier.begins(size, size + 1, root, mth([b"another", *leaves[1:]]), growth)
    assert not verifier.begins(size, size + 1, root, mth(leaves), [*growth, root])
    assert not verifier.begins(size, size + 1, root, mth(leaves), growth[:-1])
    assert not verifier.begins(size + 1, size, mth(leaves), root, growth)


def test_nothing_needs_proof_of_an_empty_tree() -> None:
    """Every tree begins with the empty one, and with itself."""
    assert merkle.consistency(0, 5) == merkle.consistency(5, 5) == []
    assert verifier.begins(0, 5, mth([]), mth(numbered(5)), [])
    assert not verifier.begins(5, 5, mth(numbered(5)), mth(numbered(4)), [])


def test_a_large_tree_is_kept_in_few_rows() -> None:
    """70,000 leaves are kept in 277 rows: 274 of leaves, 2 and 1 above them; a proof reads one or two of a level."""
    tree = Grown(numbered(70_000))
    assert len(tree.tiles) == 277
    wanted = {log_tiles.tile_of(node) for node in merkle.needed(merkle.inclusion(69_999, 70_000))}
    assert len(wanted) <= 4
