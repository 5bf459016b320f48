"""From the bytes of a body to its value."""

from __future__ import annotations

import pytest

from gateway.core.errors import ProtocolError
from gateway.http.body import check_media_type, parse_form, parse_json


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1,}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a": 01}',
        b"{} {}",
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_malformed(raw: bytes) -> None:
    """ERR-003, by the letter of RFC 8259; so is nesting without end."""
    with pytest.raises(ProtocolError) as caught:
        parse_json(raw)
    assert caught.value.code == "malformed"


def test_a_nul_character_is_invalid() -> None:
    """No text column holds it; one written with a backslash before it is harmless."""
    with pytest.raises(ProtocolError) as caught:
        parse_json(b'{"a": ["x\\u0000"]}')
    assert caught.value.code == "invalid"
    assert parse_json(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


def test_an_integer_stays_one_however_it_is_written() -> None:
    """1.0 and 1e2 are integers in JSON Schema, and amounts must not become floats."""
    value = parse_json(b'{"a": 1.0, "b": [1e2, 1.5], "c": "1.0"}')
    assert value == {"a": 1, "b": [100, 1.5], "c": "1.0"}
    assert isinstance(value["a"], int)
    assert isinstance(value["b"][0], int)


def test_the_last_of_two_members_with_one_name_counts() -> None:
    """RFC 8259 leaves it open; this is what most parsers do."""
    assert parse_json(b'{"a": 1, "a": 2}') == {"a": 2}


def test_deep_but_not_endless_nesting_is_taken() -> None:
    """64 levels."""
    assert parse_json(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"content-type": b"text/plain"},
        {b"content-type": b"application/json-patch+json"},
        {b"content-type": b"application/json; charset=latin-1"},
        {b"content-type": b"application/json", b"content-encoding": b"gzip"},
    ],
)
def test_another_media_type_is_refused(headers: dict[bytes, bytes]) -> None:
    """ERR-004."""
    with pytest.raises(ProtocolError) as caught:
        check_media_type(headers, b"application/json")
    assert caught.value.code == "media_type_unsupported"


def test_parameters_and_case_of_the_media_type_do_not_matter() -> None:
    """RFC 9110 section 8.3.1."""
    check_media_type({b"content-type": b'Application/JSON ; charset="UTF-8"'}, b"application/json")


@pytest.mark.parametrize("raw", [b"a=1&a=2", b"nonsense", b"a=%ff"])
def test_a_bad_form_is_an_invalid_request(raw: bytes) -> None:
    """RFC 6749 section 5.2."""
    with pytest.raises(ProtocolError) as caught:
        parse_form(raw)
    assert caught.value.code == "invalid_request"


def test_an_empty_form_field_counts_as_left_out() -> None:
    """RFC 6749 section 3.2."""
    assert parse_form(b"grant_type=client_credentials&scope=") == {"grant_type": "client_credentials"}
