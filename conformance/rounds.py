"""One round of certification as a vendor asks for it: start, run, report, hold against the baseline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance import baseline, diff, watch
from conformance.launch import SECONDS, launched
from conformance.progress import listening
from conformance.report import exchanges, report, write
from conformance.report_screen import screen
from conformance.runner import Listener, Run, Target, run

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done in a round. `known` are the verdicts of the baseline, when there is one."""

    target: Target
    only: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    fail_fast: bool = False
    seed: int | None = None  # for the suite's own choices; none is drawn anew
    robustness: bool = False
    start: tuple[str, ...] = ()
    start_seconds: float = SECONDS
    out: Path | None = None
    known: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Round:
    """What came of it. `exit_code` is the report's, or the baseline's."""

    report: Json
    exit_code: int
    run: Run

    @cached_property
    def exchanges(self) -> dict[int, Json]:
        """Redacted, by number."""
        return exchanges(self.run)


def certify(plan: Plan, console: Console | None = None) -> Round:
    """Do it. Without a console nothing is shown."""
    with listening(console) as hears:
        result = asyncio.run(_drive(plan, hears))
    data = report(result)
    code: int = data["exit_code"]
    if plan.known is not None:
        standing = baseline.stand(data, dict(plan.known))
        data["baseline"], code = standing.data(), standing.exit_code
    if plan.out:
        write(result, plan.out, data)
    if console:
        screen(data, console)
    return Round(data, code, result)


async def _drive(plan: Plan, hears: Listener) -> Run:
    return await run(
        plan.target,
        plan.only,
        hears,
        disable=plan.disable,
        seed=plan.seed,
        robustness=plan.robustness,
        fail_fast=plan.fail_fast,
        within=_launched(plan) if plan.start else None,
    )


def _launched(plan: Plan) -> AbstractAsyncContextManager[None]:
    return launched(plan.start, plan.target.url, plan.start_seconds, plan.target.test_secret)


def keep_certifying(plan: Plan, console: Console, paths: tuple[Path, ...]) -> int:
    """Round after round, each after a change of these paths; ends with Ctrl-C and the last exit code."""
    last, code = None, 0
    but = [plan.out] if plan.out else []
    try:
        while True:
            before = watch.look(paths, but)
            done = certify(plan, console)
            code = done.exit_code
            if last:
                told = diff.text(last, done.report)
                console.print(f"\nSince the last run: {told}", markup=False, highlight=False, soft_wrap=True)
            last = done.report
            shown = ", ".join(str(path) for path in paths)
            console.print(f"Watching {shown}; Ctrl-C ends.", markup=False, highlight=False, soft_wrap=True)
            names = [path.name for path in watch.wait(before, paths, but)]
            console.print(f"Changed: {', '.join(names[:5])}", markup=False, highlight=False)
    except KeyboardInterrupt:
        return code
