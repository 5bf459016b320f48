"""Opaque cursors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ProtocolError
from gateway.http.cursors import decode, encode
from tests.fixtures.gateway import RunningGateway, TestChannel


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=80))
def test_a_cursor_gives_back_its_value(value: str) -> None:
    """Whatever the value was."""
    assert decode("list_orders", encode("list_orders", value)) == value


@given(st.text(max_size=60))
def test_what_was_not_issued_is_refused(text: str) -> None:
    """Any text is refused with cursor_invalid, and with nothing else."""
    with pytest.raises(ProtocolError) as caught:
        decode("list_orders", text)
    assert caught.value.code == "cursor_invalid"


def test_a_cursor_is_good_only_for_the_list_that_issued_it() -> None:
    """CNV-006."""
    with pytest.raises(ProtocolError):
        decode("list_events", encode("list_offers", "12"))


async def test_a_cursor_that_was_made_up_breaks_nothing(gateway: RunningGateway, shop: TestChannel) -> None:
    """CNV-006: its check is no secret, so a value can be one that a database does not take."""
    for value in ("\0", "é", "zzz"):
        answer = await shop.get("/orders", params={"cursor": encode("list_orders", value)})
        assert answer.status in (200, 400), answer.body


def test_one_value_has_one_cursor() -> None:
    """A cursor with other spare bits or padding is not one that was issued."""
    cursor = encode("list_offers", "1")
    for stranger in (cursor + "=", cursor[:-1] + chr(ord(cursor[-1]) + 1)):
        with pytest.raises(ProtocolError):
            decode("list_offers", stranger)
