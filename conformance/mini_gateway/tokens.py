"""Tokens of a chain that there is not, and the checksum of its addresses (EIP-55)."""

from __future__ import annotations

import json
import re
import secrets

from conformance.mini_gateway.world import Json, Order, World

CHAIN, CONTRACT = "eip155:31337", "0x" + "0" * 39 + "1"
LANE = (1 << 64) - 1


def fits(world: World, given: Json) -> bool:
    """Whether there is an address in what a buyer gave."""
    address = str(given.get("address"))
    if not re.fullmatch("0x[0-9a-fA-F]{40}", address):
        return False
    digits = address[2:]
    hashed = keccak256(digits.lower().encode()).hex()
    wanted = "".join(x.upper() if y > "7" else x for x, y in zip(digits.lower(), hashed, strict=False))
    return digits in (digits.lower(), digits.upper(), wanted) or world.fault == "token_any_address"


def minted(world: World, order: Order, line: Json) -> Json:
    """The goods of a token that the buyer of the line has."""
    number = world.tick()
    address = line.get("buyer_input", {}).get("address")
    owner = "0x" + secrets.token_hex(20) if world.fault == "token_to_another" else address
    token = {
        "transaction": "0x" + secrets.token_hex(32),
        "owner": f"{CHAIN}:{owner}",
        "token_id": str(number),
        "asset": f"{CHAIN}/erc721:{CONTRACT}/{number + (world.fault == 'token_misnamed')}",
        "chain": CHAIN,
    }
    if world.fault == "token_as_code":
        return {"kind": "code", "code": {"value": json.dumps(token)}}
    return {"kind": "token", "token": token}


def named(world: World, goods: Json) -> Json:
    """What an entitlement says of goods that are a token."""
    token = goods.get("token")
    if world.fault == "token_named_for_all":
        token = token or {"chain": CHAIN, "asset": f"{CHAIN}/erc721:{CONTRACT}/0", "token_id": "0"}
    if token is None or world.fault == "token_unnamed":
        return {}
    return {"token": {name: token[name] for name in ("chain", "asset", "token_id")}}


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it; for less than 136 bytes, one block."""
    block = bytearray(data.ljust(136, b"\0"))
    block[len(data)] ^= 1
    block[135] ^= 0x80
    lanes = {(x, y): 0 for x in range(5) for y in range(5)}
    for place in range(17):
        lanes[place % 5, place // 5] = int.from_bytes(block[8 * place : 8 * place + 8], "little")
    register = 1
    for _ in range(24):
        sums = [lanes[x, 0] ^ lanes[x, 1] ^ lanes[x, 2] ^ lanes[x, 3] ^ lanes[x, 4] for x in range(5)]
        lanes = {(x, y): v ^ sums[x - 1] ^ _left(sums[(x + 1) % 5], 1) for (x, y), v in lanes.items()}
        (x, y), moved = (1, 0), lanes[1, 0]
        for turn in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            moved, lanes[x, y] = lanes[x, y], _left(moved, (turn + 1) * (turn + 2) // 2)
        lanes = {
            (x, y): v ^ (~lanes[(x + 1) % 5, y] & lanes[(x + 2) % 5, y]) & LANE for (x, y), v in lanes.items()
        }
        for bit in range(7):
            lanes[0, 0] ^= (register & 1) << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
    return b"".join(lanes[x, 0].to_bytes(8, "little") for x in range(4))


def _left(word: int, by: int) -> int:
    by %= 64
    return ((word << by) | (word >> (64 - by))) & LANE
