"""Amounts as people write them. The wire's integers become text here and nowhere else; no float in between
(CNV-003)."""

from __future__ import annotations

from decimal import Decimal

# ISO 4217 currencies that have other than two decimals, as far as channels meet them.
DECIMALS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}
SYMBOLS = {
    "en": {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "KRW": "₩"},
    "zh": {"USD": "US$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "CNY": "¥", "KRW": "₩"},
}


def money(amount: int, currency: str, language: str) -> str:
    """For example 1499 USD: "$14.99" in English, "US$14.99" in Chinese."""
    decimals = DECIMALS.get(currency, 2)
    number = f"{Decimal(amount).scaleb(-decimals):,.{decimals}f}"
    symbol = SYMBOLS[language].get(currency)
    return f"{symbol}{number}" if symbol else f"{currency}\u00a0{number}"


def saving(price: int, list_price: int) -> int:
    """How many percent lower the price is, rounded down so that nobody is promised too much."""
    return max(0, (list_price - price) * 100 // list_price) if list_price else 0
