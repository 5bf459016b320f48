"""The checks in Chinese, for the page: one file for each role, title and remedy by check id.

What is not there is shown in English. Requirements are normative in English, and what was seen is told in English.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from spec.loader import parse


@cache
def chinese(role: str) -> dict[str, list[str]]:
    """[title, remedy] by check id. Shared: do not change them."""
    found: dict[str, list[str]] = parse((Path(__file__).parent / f"{role}.yaml").read_text("utf-8"))
    return found
