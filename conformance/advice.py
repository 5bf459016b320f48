"""What to fix first: an order of a report's findings, and the commands to go on with. Pure, over report.json.

Prerequisites come first (without discovery, test control and tokens nothing else counts), then what explains most of
what could not be shown, then what costs money, then the rest. What was not shown is told only as far as no failure
explains it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
MOST = 5
WRONG = ("harness_error", "fail")
NOT_SHOWN = ("inconclusive", "unverified")
PREREQUISITES = ("DSC", "TST", "AUT")
# By group of requirements: discovery and signatures, then what costs money, then the rest.
ORDER = (
    "DSC",
    "TST",
    "AUT",
    "SIG",
    "INV",
    "ORD",
    "DLV",
    "SEL",
    "IDM",
    "EVT",
    "CAT",
    "ERR",
    "LIM",
    "TRC",
    "CNV",
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do: the check it is about, what was seen, the remedy, and how many more checks wait for it."""

    check: str
    requirement: str
    verdict: str
    message: str
    remedy: str = ""  # the hint, or what the standard says where there is none
    evidence: tuple[int, ...] = ()
    explains: int = 0

    def commands(self, report: Json) -> tuple[str, str]:
        """What to type to try only this again, and to have it explained."""
        return again(report, self.check), f"vgcp requirements explain {self.requirement}"


def again(report: Json, check: str = "") -> str:
    """The command that runs this again; with a check, only that."""
    command = f"vgcp certify {report['role']} {report['target']['url']}"
    return f"{command} --only {check}" if check else command


def first(report: Json, most: int = MOST) -> list[Advice]:
    """At most so many things to do, in this order. Empty when nothing is wrong."""
    findings = report["findings"]
    wrong = [f for f in findings if f["verdict"] in WRONG]
    missing = [f for f in findings if f["verdict"] in NOT_SHOWN]
    told = [_advice(f, _explained(f, missing)) for f in wrong]
    told.sort(key=lambda a: _urgency(a))
    explained = {m["check"] for f in wrong for m in _explained(f, missing)}
    rest = list(_unexplained(f for f in missing if f["check"] not in explained))
    warnings = sorted((_advice(f, []) for f in findings if f["verdict"] == "warn"), key=_urgency)
    return [*told, *rest, *warnings][:most]


def _explained(finding: Json, missing: Iterable[Json]) -> list[Json]:
    """What could not be shown in a story in which this failed."""
    stories = set(finding.get("scenarios", ()))
    return [other for other in missing if stories & set(other.get("scenarios", ()))]


def _unexplained(missing: Iterable[Json]) -> Iterable[Advice]:
    """One advice for all that misses the same: those with the most checks first."""
    groups: dict[tuple[str, ...], list[Json]] = {}
    for finding in missing:
        groups.setdefault((finding["verdict"], *finding.get("scenarios", (finding["check"],))), []).append(
            finding
        )
    for group in sorted(groups.values(), key=lambda g: (-len(g), _place(g[0]["requirement"]))):
        yield _advice(group[0], group[1:])


def _advice(finding: Json, explained: list[Json]) -> Advice:
    return Advice(
        finding["check"],
        finding["requirement"],
        finding["verdict"],
        finding["message"],
        finding.get("hint") or finding["text"],
        tuple(finding["evidence"]),
        len(explained),
    )


def _urgency(advice: Advice) -> tuple[bool, bool, int, int, str]:
    group = advice.requirement.partition("-")[0]
    return (
        advice.verdict != "harness_error",
        group not in PREREQUISITES,
        -advice.explains,
        _place(advice.requirement),
        advice.check,
    )


def _place(requirement: str) -> int:
    group = requirement.partition("-")[0]
    return ORDER.index(group) if group in ORDER else len(ORDER)
