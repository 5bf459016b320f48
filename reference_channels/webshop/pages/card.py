"""The simulated card payment. No real card works here, and no number is kept or logged."""

from __future__ import annotations

from collections.abc import Mapping

GOOD = "4242424242424242"
DECLINED = "4000000000000002"


def errors(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the payment form: the field's name and the key of the words that say so."""
    number = form.get("card", "").replace(" ", "").replace("-", "")
    if number == DECLINED:
        return {"card": "pay.declined"}
    if number != GOOD:
        return {"card": "pay.not_test"}
    return {} if form.get("holder", "").strip() else {"holder": "pay.holder_missing"}
