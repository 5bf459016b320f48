"""How the hashes of a Merkle tree are kept: in tiles of 256, so that a proof reads few rows and growth writes few.

A tile of `level` has the hashes of 256 neighbouring complete subtrees of height 8 * `level`. A full one never changes,
and its own root is a hash in a tile of the next level. What is between is folded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.core.merkle import Node, fold, nodes_of, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT
SIZE = 32  # bytes of a hash
Tile = tuple[int, int]  # level and number
Tiles = Mapping[Tile, bytes]


def tile_of(node: Node) -> Tile:
    """The tile that has the node's hash, or those that it is folded from."""
    height, number = node
    level, shift = divmod(height, HEIGHT)
    return level, (number << shift) >> HEIGHT


def node_in(tiles: Tiles) -> Callable[[Node], bytes]:
    """A function that takes the hash of a node from these tiles. It raises KeyError when the tile is not there."""

    def node(wanted: Node) -> bytes:
        height, number = wanted
        shift = height % HEIGHT
        first = ((number << shift) % WIDTH) * SIZE
        hashes = tiles[tile_of(wanted)]
        return fold([hashes[at : at + SIZE] for at in range(first, first + (SIZE << shift), SIZE)])

    return node


def edge(size: int) -> list[Tile]:
    """The tiles of a tree of this size that are not full: all that is needed to add to it."""
    found = []
    level = 0
    while count := size >> (HEIGHT * level):
        if count % WIDTH:
            found.append((level, count >> HEIGHT))
        level += 1
    return found


def extend(tiles: Tiles, size: int, hashes: Sequence[bytes]) -> dict[Tile, bytes]:
    """The tiles that change when leaves with these hashes are added; `tiles` has the `edge` of the tree before."""
    changed: dict[Tile, bytes] = {}
    level, added = 0, list(hashes)
    while added:
        filled = []
        at = size >> (HEIGHT * level)
        for one in added:
            tile = (level, at >> HEIGHT)
            before = changed[tile] if tile in changed else tiles[tile] if at % WIDTH else b""
            changed[tile] = before + one
            at += 1
            if at % WIDTH == 0:
                filled.append(fold(_split(changed[tile])))
        level, added = level + 1, filled
    return changed


def root(tiles: Tiles, size: int) -> bytes:
    """The root of a tree of this size, whose `edge` is among the tiles."""
    return root_of([node_in(tiles)(one) for one in nodes_of((0, size))])


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + SIZE] for at in range(0, len(hashes), SIZE)]
