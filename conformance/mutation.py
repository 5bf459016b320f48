"""The suite's own score: does it catch every wrong implementation that we know how to make, and nothing else?

`python -m conformance.mutation` (`make mutation`) certifies each mutant in full, which includes the scenarios of its
own requirement, and every vacuity host. The score is written to build/mutation.json and, with --commit, to
conformance/mutation.json, from where it goes into every report.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import spec
from conformance import vacuity
from conformance.digests import suite_digest
from conformance.model import REGISTRY, Role
from conformance.mutants import Mutant, mutants
from conformance.runner import Run, load
from conformance.score import names_digest
from conformance.trials import Trial, flock

Json = dict[str, Any]
ROLES: tuple[Role, ...] = ("gateway", "channel")
FLOCK = 5  # mutants side by side in a process: more would crowd out the pauses that some checks judge
ALONE = 1  # and again those that were not killed, for the crowd may have been the reason
Progress = Callable[[Trial], None]


@dataclass
class Score:
    """What came of one role's mutants and hosts. `again` are the mutants that took a second trial."""

    role: Role
    trials: list[Trial] = field(default_factory=list)
    vacuous_passes: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def survivors(self) -> list[Trial]:
        """The mutants that were not killed."""
        return [one for one in self.trials if not one.killed]

    @property
    def unfailed(self) -> list[str]:
        """The checks that no mutant fails, so that nobody has shown that they can; of a whole score only."""
        if len(self.trials) < len(mutants(self.role)):
            return []
        failed = {name for one in self.trials for name in one.checks}
        return [entry.id for entry in REGISTRY.of(self.role) if entry.id not in failed]

    @property
    def unexplained(self) -> list[Trial]:
        """The survivors for which the registry has no reason."""
        return [one for one in self.survivors if not reason(one)]

    def as_data(self) -> Json:
        """The score as it stands in mutation.json."""
        killed = len(self.trials) - len(self.survivors)
        return {
            "mutants": len(self.trials),
            "killed": killed,
            "score": round(killed / len(self.trials), 4) if self.trials else 0.0,
            "survivors": [_survivor(one) for one in self.survivors],
            "vacuous_passes": self.vacuous_passes,
            "unfailed_checks": self.unfailed,
            "again": self.again,
            "seconds": round(self.seconds, 1),
            "names_digest": names_digest(self.role),
        }


def _survivor(trial: Trial) -> Json:
    return {
        "mutant": trial.mutant.label,
        "requirement": ", ".join(sorted(trial.mutant.fails)),
        "reason": reason(trial),
        "said": trial.why,
    }


def reason(trial: Trial) -> str:
    """Why the registry says that this mutant may survive; "" when it says nothing (`survivors` of a row)."""
    name = f"{trial.role}:{trial.mutant.label}"
    given = [row.survivors.get(name, "") for row in spec.requirements() if row.id in trial.mutant.fails]
    return "; ".join(dict.fromkeys(filter(None, given)))


def chosen(role: Role, only: Iterable[str] = ()) -> list[Mutant]:
    """The mutants of a role, or those of these names or requirements; raises KeyError when it has none of them."""
    wanted = set(only)
    found = [one for one in mutants(role) if not wanted or wanted & {one.name, one.label, *one.fails}]
    if wanted and not found:
        raise KeyError(", ".join(sorted(wanted)))
    return found


def tried(role: Role, herd: Sequence[Mutant], jobs: int, heard: Progress, size: int = FLOCK) -> list[Trial]:
    """Try the mutants in `jobs` processes, `size` side by side in each; answers the trials in their order."""
    labels = [one.label for one in herd]
    flocks = [tuple(labels[start : start + size]) for start in range(0, len(labels), size)]
    found: list[Trial] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(flock, role, names) for names in flocks]):
            for one in done.result():
                found.append(one)
                heard(one)
    return sorted(found, key=lambda one: labels.index(one.mutant.label))


def scored(role: Role, only: Iterable[str], jobs: int, heard: Progress) -> Score:
    """Try the role's mutants, those that were not killed once more and alone; without `only` the hosts, too."""
    load(role)
    score = Score(role)
    herd = chosen(role, only)
    first = {one.mutant.label: one for one in tried(role, herd, jobs, heard)}
    missed = [one for one in herd if not first[one.label].killed]
    score.again = [one.label for one in missed]
    second = {one.mutant.label: one for one in tried(role, missed, 1, heard, ALONE)} if missed else {}
    score.trials = [second.get(one.label, first[one.label]) for one in herd]
    if not only:
        score.vacuous_passes = asyncio.run(vacuous_passes(role))
    return score


async def vacuous_passes(role: Role) -> list[str]:
    """What hosts passed that are no implementation, as `host: check`."""

    async def passes(name: str, handler: vacuity.Handler) -> list[str]:
        async with vacuity.serving(handler) as url:
            return _vacuous(name, await vacuity.certify(role, url))

    with vacuity.dead() as url:
        found = _vacuous("dead", await vacuity.certify(role, url))
    hosts = vacuity.hosts(role, await vacuity.recorded(role))
    passed = await asyncio.gather(*(passes(*host) for host in hosts.items()))
    return [*found, *itertools.chain.from_iterable(passed)]


def _vacuous(name: str, run: Run) -> list[str]:
    return [f"{name}: {check}" for check in sorted(vacuity.passes(run))]


def document(scores: Iterable[Score]) -> Json:
    """mutation.json."""
    data: Json = {score.role: score.as_data() for score in scores}
    return data | {"suite_digest": suite_digest(), "requirements_digest": spec.requirements_digest()}


def write(data: Json, path: Path) -> None:
    """Write a score."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    importlib.import_module("conformance.commands.mutation").mutation()
