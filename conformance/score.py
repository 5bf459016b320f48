"""The suite's own mutation score, as `make mutation` measured it last; it stands in every report."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from conformance.digests import SCORE, of_json
from conformance.model import REGISTRY, Role
from conformance.mutants import mutants
from conformance.runner import load

Json = dict[str, Any]
COMMITTED = Path(__file__).parent / SCORE
KEPT = ("mutants", "killed", "score", "survivors", "vacuous_passes")


@cache
def committed(role: Role) -> Json:
    """The score for a role: how many mutants, how many were killed, survivors by name, and of which suite."""
    data: Json = json.loads(COMMITTED.read_text("utf-8"))
    return {name: data[role][name] for name in KEPT} | {"suite_digest": data["suite_digest"]}


def names_digest(role: Role) -> str:
    """Names the set of mutants and checks that a score is about."""
    load(role)
    mine = sorted([one.label, one.verdict, *sorted(one.fails)] for one in mutants(role))
    return of_json({"mutants": mine, "checks": [entry.id for entry in REGISTRY.of(role)]})
