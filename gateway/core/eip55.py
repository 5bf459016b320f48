"""Addresses of EVM chains and their checksum (EIP-55), and the hash that it takes: Keccak-256, older than SHA3-256."""

from __future__ import annotations

import re

ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
RATE = 136  # bytes
MASK = (1 << 64) - 1
TURNS = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)


def is_address(text: str) -> bool:
    """Whether it is one, with the right checksum where its letters are of both cases. Zero is nobody's: no token is
    minted to it."""
    if not ADDRESS.fullmatch(text) or not int(text, 16):
        return False
    digits = text[2:]
    return digits in (digits.lower(), digits.upper()) or text == checksummed(text)


def checksummed(address: str) -> str:
    """The address in EIP-55's case."""
    digits = address[2:].lower()
    weights = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(weight, 16) >= 8 else letter
        for letter, weight in zip(digits, weights[:40], strict=True)
    )


def keccak256(data: bytes) -> bytes:
    """Keccak[c=512] with the padding it had before it became SHA-3."""
    padded = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % RATE)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), RATE):
        for place in range(RATE // 8):
            word = padded[start + 8 * place : start + 8 * place + 8]
            lanes[place % 5][place // 5] ^= int.from_bytes(word, "little")
        lanes = _permuted(lanes)
    return b"".join(lanes[place][0].to_bytes(8, "little") for place in range(4))


def _permuted(a: list[list[int]]) -> list[list[int]]:
    """Keccak-f[1600]: 24 rounds of theta, rho and pi, chi, iota."""
    register = 1
    for _ in range(24):
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[x - 1] ^ _turned(c[(x + 1) % 5], 1) for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = _turned(a[x][y] ^ d[x], TURNS[x][y])
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & MASK & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        for bit in range(7):
            if register & 1:
                a[0][0] ^= 1 << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
    return a


def _turned(word: int, by: int) -> int:
    return ((word << by) | (word >> (64 - by))) & MASK
