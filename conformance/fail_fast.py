"""Stops a run at the first failure: checks are judged as soon as their scenarios are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conformance.model import Check, Finding, Verdict

WRONG = (Verdict.FAIL, Verdict.HARNESS_ERROR)


class EnoughError(Exception):
    """Raised to stop driving; cancels the scenarios that are still under way."""


class FirstFailure:
    """Hears which scenarios are complete and raises EnoughError when a check of theirs fails.

    What is judged here only decides whether to go on. The findings of the run are made at its end, as ever.
    """

    def __init__(self, checks: Iterable[Check], judge: Callable[[Check], Finding]) -> None:
        self._open, self._judge = list(checks), judge
        self._complete: set[str] = set()
        self.failed = ""  # the id of the check that stopped the run

    def driven(self, scenario: str) -> None:
        """A scenario is complete; raises EnoughError when that shows a failure."""
        self._complete.add(scenario)
        ready = [entry for entry in self._open if self.complete(entry)]
        self._open = [entry for entry in self._open if entry not in ready]
        for entry in ready:
            if not self.failed and self._judge(entry).verdict in WRONG:
                self.failed = entry.id
        if self.failed:
            raise EnoughError

    def complete(self, entry: Check) -> bool:
        """Whether every scenario of the check has been driven to its end."""
        return self._complete.issuperset(entry.scenarios)

    def reasons(self, checks: Iterable[Check]) -> dict[str, str]:
        """By check id, why it was not tried, when the run was stopped."""
        why = f"not tried, as {self.failed} failed first (--fail-fast)"
        return {entry.id: why for entry in checks if self.failed and not self.complete(entry)}
