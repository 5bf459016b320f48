"""Which way of being wrong is switched on, if any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """`faults("name")` says whether this one is on."""

    name: str = ""

    def __call__(self, name: str) -> bool:
        return self.name == name
