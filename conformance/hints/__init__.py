"""How to fix what a check finds, in the vendor's terms: one file for each role, one sentence or two for each check."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from spec.loader import parse


@cache
def hints(role: str) -> dict[str, str]:
    """The role's hints by check id. Shared: do not change them."""
    found: dict[str, str] = parse((Path(__file__).parent / f"{role}.yaml").read_text("utf-8"))
    return found
