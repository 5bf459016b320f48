"""Digests are of what is said, not of how or where it is written."""

from __future__ import annotations

import json
import struct

import pytest

from conformance.digests import canonical, discovery_digest, of_json, suite_digest
from conformance.vacuity import discovery


def test_canonical_json_is_that_of_the_rfc() -> None:
    """The example of RFC 8785, section 3.2.2, and the order of members of section 3.2.3."""
    given = """{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}"""
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(json.loads(given)).decode() == expected
    members = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert [*json.loads(canonical(members))] == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
        (0x4340000000000001, "9007199254740994"),
        (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, "1e+23"),
        (0x444B1AE4D6E2EF4F, "999999999999999900000"),
        (0x444B1AE4D6E2EF50, "1e+21"),
        (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"),
        (0x3EB0C6F7A0B5ED8D, "0.000001"),
        (0xC1B3DE4355555554, "-333333333.33333325"),
    ],
)
def test_numbers_are_written_as_the_rfc_writes_them(bits: int, text: str) -> None:
    """Samples of RFC 8785, appendix B."""
    assert canonical(struct.unpack(">d", struct.pack(">Q", bits))[0]).decode() == text


def test_there_is_no_digest_of_what_json_does_not_have() -> None:
    """Neither NaN nor what is too large for a number."""
    for value in (float("nan"), float("inf"), 10**400):
        with pytest.raises(ValueError, match="number"):
            canonical([value])


def test_a_discovery_document_has_one_digest_wherever_it_is_served() -> None:
    """Another host, keys of today, the live system without test control: the same. Another capability: not."""
    here, there = discovery("channel", "http://127.0.0.1:8080"), discovery("channel", "https://shop.example")
    digest = discovery_digest(here, "http://127.0.0.1:8080")
    there["capabilities"] = [one for one in there["capabilities"] if one["name"] != "test_control"]
    there |= {"sandbox": False, "keys": {"keys": []}}
    assert discovery_digest(there, "https://shop.example/") == digest
    assert discovery_digest(here, "http://elsewhere") != digest
    for change in (
        {"versions": ["1.1"]},
        {"implementation": {"name": "paper-tiger", "version": "2"}},
        {"new": 1},
    ):
        assert discovery_digest(here | change, "http://127.0.0.1:8080") != digest
    less = {**there, "capabilities": there["capabilities"][1:]}
    assert discovery_digest(less, "https://shop.example") != digest


def test_digests_are_sha256() -> None:
    """Sixty-four hexadecimal digits, and the empty object's is what every other library makes of it."""
    assert of_json({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert len(bytes.fromhex(suite_digest())) == 32
