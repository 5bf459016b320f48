"""What changed between two reports: newly failing, fixed, and the rest. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
WRONG = ("fail", "harness_error")
HOLDS = ("pass", "not_applicable", "warn")
ABSENT = "absent"  # the check is in one of the reports only
KINDS = ("newly_failing", "fixed", "changed")


class UnlikeError(ValueError):
    """The two reports are not about the same role."""


@dataclass(frozen=True, slots=True)
class Change:
    """A check whose verdict is another one now."""

    check: str
    title: str
    before: str
    after: str
    message: str
    hint: str = ""

    @property
    def kind(self) -> str:
        """newly_failing, fixed or changed."""
        if self.after in WRONG and self.before not in WRONG:
            return "newly_failing"
        return "fixed" if self.before in WRONG and self.after in HOLDS else "changed"


def compare(old: Json, new: Json) -> list[Change]:
    """The changes, by check id. Raises UnlikeError."""
    if old["role"] != new["role"]:
        raise UnlikeError(f"one report is about a {old['role']}, the other about a {new['role']}")
    before = {finding["check"]: finding for finding in old["findings"]}
    after = {finding["check"]: finding for finding in new["findings"]}
    changes = (_change(name, before.get(name), after.get(name)) for name in sorted({*before, *after}))
    return [change for change in changes if change.before != change.after]


def _change(name: str, old: Json | None, new: Json | None) -> Change:
    shown = new or old or {}
    before, after = (finding["verdict"] if finding else ABSENT for finding in (old, new))
    message = new["message"] if new else "the suite has no such check any more"
    return Change(name, shown["title"], before, after, message, shown.get("hint", ""))


def as_data(old: Json, new: Json) -> Json:
    """The difference as JSON data."""
    changes = compare(old, new)
    data: Json = {
        "vgcp_report_diff": 1,
        "role": new["role"],
        "verdict": {"before": old["verdict"], "after": new["verdict"]},
    }
    for kind in KINDS:
        data[kind] = [_row(change) for change in changes if change.kind == kind]
    return data


def _row(change: Change) -> Json:
    row = {
        "check": change.check,
        "title": change.title,
        "before": change.before,
        "after": change.after,
        "message": change.message,
    }
    return row | ({"hint": change.hint} if change.hint and change.kind != "fixed" else {})


TITLES = {"newly_failing": "Newly failing", "fixed": "Fixed", "changed": "Other changes"}


def text(old: Json, new: Json) -> str:
    """The difference in plain lines, for a terminal."""
    data = as_data(old, new)
    lines = [f"{data['verdict']['before']} -> {data['verdict']['after']}"]
    for kind in KINDS:
        lines += [f"{TITLES[kind]} ({len(data[kind])})"] if data[kind] else []
        for row in data[kind]:
            lines.append(f"  {row['check']} {row['before']} -> {row['after']}: {row['title']}")
            lines += [f"      {row['message']}"] if kind != "fixed" else []
    return "\n".join(lines if len(lines) > 1 else [*lines, "nothing has changed"]) + "\n"
