"""What an implementation says of itself, as both roles' drivers and the verdicts read it."""

from __future__ import annotations

from typing import Any

import spec
from conformance.transcript import Transcript

BUYERS = ("identity", "consent", "ownership")  # what a channel serves when it declares it


def declared(document: Any) -> frozenset[str]:
    """The capabilities that a discovery document names."""
    listed = document.get("capabilities")
    found = listed if isinstance(listed, list) else []
    return frozenset(str(one.get("name")) for one in found if isinstance(one, dict))


def named(document: Any) -> str:
    """Name and version of the implementation; "" when the document does not say."""
    made = document.get("implementation")
    return f"{made.get('name', '?')} {made.get('version', '?')}" if isinstance(made, dict) else ""


def document(t: Transcript) -> dict[str, Any]:
    """The discovery document that the run began with; {} when there was none."""
    found = next((e for e in t.exchanges if (e.scenario, e.label) == ("discovery", "discovery")), None)
    return dict(found.answer) if found and found.status == 200 else {}


def capabilities(t: Transcript) -> frozenset[str]:
    """The capabilities declared at the beginning of the run."""
    return declared(document(t))


def served(operation: str, capabilities: frozenset[str]) -> bool:
    """Whether a channel that declares these is to serve an operation of its document."""
    tag = spec.operation("channel", operation).tag
    return tag in capabilities or tag not in BUYERS
