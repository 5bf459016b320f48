"""Known failures, for CI: what of a report is new and what is fixed. Never changes a verdict.

The file is JSON, made by `--write-baseline` and meant to be committed and to become shorter:

    {"vgcp_baseline": 1, "role": "channel", "known": [{"check": "SIG-008", "verdict": "fail", "title": "…"}]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# What stands between a report and a certificate, worst first. `harness_error` is ours, and nobody's baseline.
OPEN = ("fail", "inconclusive", "unverified")


class BaselineError(ValueError):
    """The file is no baseline for this report; the text says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A report held against a baseline: ids of checks."""

    known: tuple[str, ...]
    new: tuple[str, ...]
    fixed: tuple[str, ...]
    exit_code: int  # 0 nothing new, 1 something new fails, 2 something new could not be shown, 3 void

    def data(self) -> Json:
        """As it stands in report.json."""
        return {
            "known": list(self.known),
            "new": list(self.new),
            "fixed": list(self.fixed),
            "exit_code": self.exit_code,
        }


def read(path: Path, role: str) -> dict[str, str]:
    """The known verdicts by check id. Raises BaselineError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        known = {str(row["check"]): str(row["verdict"]) for row in data["known"]}
    except FileNotFoundError:
        raise BaselineError(f"{path} is not there; --write-baseline makes it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineError(f"{path} is not a baseline: {type(error).__name__}: {error}") from error
    if data.get("role") != role:
        raise BaselineError(f"{path} is about a {data.get('role')}, and this is a {role}")
    return known


def write(report: Json, path: Path) -> int:
    """Write what is open in the report as known; how many checks that is."""
    rows = [
        {"check": finding["check"], "verdict": finding["verdict"], "title": finding["title"]}
        for finding in report["findings"]
        if finding["verdict"] in OPEN
    ]
    data = {"vgcp_baseline": 1, "role": report["role"], "known": rows}
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(rows)


def stand(report: Json, known: dict[str, str]) -> Standing:
    """Hold a report against the known. What was not tried is neither new nor fixed."""
    verdicts = {finding["check"]: finding["verdict"] for finding in report["findings"]}
    opened = {check: verdict for check, verdict in verdicts.items() if verdict in OPEN}
    new = [check for check, verdict in opened.items() if _worse(verdict, known.get(check))]
    fixed = [check for check in known if verdicts.get(check) in ("pass", "warn", "not_applicable")]
    if report["verdict"] == "void":
        code = 3
    else:
        code = 0 if not new else 1 if "fail" in {opened[check] for check in new} else 2
    return Standing(tuple(c for c in opened if c not in new), tuple(new), tuple(fixed), code)


def _worse(verdict: str, known: str | None) -> bool:
    return known not in OPEN or OPEN.index(verdict) < OPEN.index(known)
