"""Texts and money in both languages: what the pages are made of."""

from __future__ import annotations

import re

import pytest

from reference_channels.trade import money
from reference_channels.webshop.pages import texts


def test_both_languages_say_the_same() -> None:
    """Every key in both, with the same values to fill in."""
    english, chinese = texts.WORDS.texts("en"), texts.WORDS.texts("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        assert set(re.findall(r"{\w+}", english[key])) == set(re.findall(r"{\w+}", chinese[key])), key


def test_what_is_not_known_has_general_words() -> None:
    """CNV-002: reasons, categories, kinds and states of the future; a missing key of ours is a mistake."""
    assert texts.say("en", "reason.from_the_future") == "The order could not be completed."
    assert texts.say("en", "category.hologram") == "More"
    assert texts.say("en", "product.kind.hologram") == "Delivered right after payment"
    with pytest.raises(KeyError):
        texts.say("en", "no.such")


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [
        (1499, "USD", "$14.99", "US$14.99"),
        (5, "EUR", "€0.05", "€0.05"),
        (123456789, "JPY", "¥123,456,789", "JP¥123,456,789"),
        (1500, "KWD", "KWD\u00a01.500", "KWD\u00a01.500"),
        (9007199254740991, "CNY", "CN¥90,071,992,547,409.91", "¥90,071,992,547,409.91"),
    ],
)
def test_money_is_exact(amount: int, currency: str, english: str, chinese: str) -> None:
    """No float touches it; each currency with its own decimals."""
    assert money.money(amount, currency, "en") == english
    assert money.money(amount, currency, "zh") == chinese


def test_a_saving_is_never_overstated() -> None:
    """Rounded down; nothing for a list price that is lower."""
    assert money.saving(1499, 1999) == 25
    assert money.saving(1000, 999) == 0
    assert money.saving(1, 0) == 0
