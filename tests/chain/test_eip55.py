"""Addresses and their checksum are those of EIP-55, and the hash is Ethereum's."""

from __future__ import annotations

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.eip55 import checksummed, is_address, keccak256

# The test cases of EIP-55: all caps, all lower, and mixed
CASES = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


def test_the_cases_of_eip_55_are_addresses() -> None:
    """Each is taken, and its checksum is found again."""
    for address in CASES:
        assert is_address(address)
        assert checksummed(address) == address


def test_one_wrong_letter_is_seen() -> None:
    """A letter of the other case, one digit less, no 0x and nobody are refused; one case alone is taken."""
    good = CASES[4]
    assert not is_address(good.replace("Aeb6", "aeb6"))
    assert not is_address(good[:-1])
    assert not is_address(good[2:])
    assert not is_address(good + "\n")
    assert not is_address("0x" + 40 * "0")
    assert is_address(good.lower())
    assert is_address("0x" + good[2:].upper())


@given(st.binary(max_size=400))
def test_the_hash_is_that_of_other_libraries(data: bytes) -> None:
    """Keccak-256 of anything is what eth-utils finds."""
    assert keccak256(data) == keccak(data)


@given(st.binary(min_size=20, max_size=20))
def test_the_checksum_is_that_of_other_libraries(raw: bytes) -> None:
    """Every address has the case that eth-utils gives it."""
    assert checksummed("0x" + raw.hex()) == to_checksum_address(raw)
