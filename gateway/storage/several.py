"""The values of a list as parameters of a statement that is prepared once, and so always has as many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam


def places(name: str, most: int) -> list[Any]:
    """What `column.in_` takes."""
    return [bindparam(f"{name}_{n}") for n in range(most)]


def filled(name: str, most: int, values: Sequence[str]) -> dict[str, str]:
    """The parameters for at least one and at most `most` values; the last of them again for what is over."""
    return {f"{name}_{n}": values[min(n, len(values) - 1)] for n in range(most)}
