"""Stops a run at the first failure: checks are judged as soon as their scenarios are complete.

What stopped it stands at the transcript's end (`failed_first`, `driven`), so that judging it again comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import spec
from conformance import verdicts
from conformance.model import Check, Verdict
from conformance.transcript import Transcript

WRONG = (Verdict.FAIL, Verdict.HARNESS_ERROR)


class EnoughError(Exception):
    """Raised to stop driving; cancels the scenarios that are still under way."""


class FirstFailure:
    """Hears which scenarios are complete and raises EnoughError when a check of theirs fails.

    What is judged here only decides whether to go on. The findings of the run are made at its end, as ever.
    """

    def __init__(self, checks: Iterable[Check], transcript: Transcript) -> None:
        self._open, self._transcript = list(checks), transcript
        self._levels = {row.id: row.level for row in spec.requirements()}
        self._driven: set[str] = set()
        self._failed = ""  # the id of the check that stopped the run

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """What is driven inside may end early."""
        try:
            yield
        except* EnoughError:
            pass

    def driven(self, scenario: str) -> None:
        """A scenario is complete; raises EnoughError when that shows a failure."""
        self._driven.add(scenario)
        ready = [check for check in self._open if self._driven.issuperset(check.scenarios)]
        self._open = [check for check in self._open if check not in ready]
        for check in ready:
            if not self._failed and self._fails(check):
                self._failed = check.id
        if self._failed:
            raise EnoughError

    def _fails(self, check: Check) -> bool:
        level = self._levels.get(check.requirement, "MUST")
        return verdicts.finding(check, self._transcript, level).verdict in WRONG

    def data(self) -> dict[str, Any]:
        """What the transcript's end says of it: nothing when nothing has failed."""
        return {"failed_first": self._failed, "driven": sorted(self._driven)} if self._failed else {}
