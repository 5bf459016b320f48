"""The report as Markdown, for a pull request: the verdict, what is wrong first, the rest folded. Bounded in length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance import diff
from conformance.advice import NOT_SHOWN, WRONG, again, first
from conformance.report_text import exchange_text

Json = dict[str, Any]
LONGEST = 60_000  # characters; a comment on a pull request may have 65,536
BODY = 1_200  # characters of a message's body
SHOWN = 2  # exchanges beside a finding
MARKS = {"certified": "✅", "failed": "❌", "partial": "🟡", "void": "⚪"}
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~@&])")


def markdown(report: Json, exchanges: Mapping[int, Json], longest: int = LONGEST) -> str:
    """The summary. `exchanges` are redacted exchanges by number; what does not fit is counted, and left out."""
    blocks, tail = [_head(report)], _tail(report)
    room = longest - len(blocks[0]) - len(tail) - 200
    todo = list(_blocks(report, exchanges))
    for place, block in enumerate(todo):
        if len(block) > room:
            blocks.append(f"\n… and {len(todo) - place} more; they are in report.html.\n")
            break
        blocks.append(block)
        room -= len(block)
    return "".join(blocks) + tail


def plain(text: str) -> str:
    """The text so that Markdown shows it as it is, on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _head(report: Json) -> str:
    verdict, target = report["verdict"], report["target"]
    told = f"{plain(target['implementation'])} at {_code(target['url'])}, run {_code(report['nonce'])}"
    lines = [
        f"## {MARKS[verdict]} VGCP {report['protocol']} {report['role']}: {verdict}",
        "",
        f"{told}: {report['exchanges']} exchanges in {report['seconds']:.1f} s",
        "",
    ]
    lines += [f"Nothing can be concluded: {plain(report['void'])}", ""] if report.get("void") else []
    counts = {name: count for name, count in report["counts"].items() if count}
    lines += [f"| {' | '.join(name.replace('_', ' ') for name in counts)} |", "|" + "---:|" * len(counts)]
    lines += [f"| {' | '.join(map(str, counts.values()))} |", ""]
    return "\n".join(lines if counts else lines[:-3]) + "\n" + _baseline(report) + _advice(report)


def _baseline(report: Json) -> str:
    standing = report.get("baseline")
    if standing is None:
        return ""
    told = [
        f"{len(standing[n])} {n} ({', '.join(standing[n][:20])})" for n in ("new", "fixed") if standing[n]
    ]
    told.append(f"{len(standing['known'])} known")
    return f"Against the baseline, which is no certificate: {', '.join(told)}.\n\n"


def _advice(report: Json) -> str:
    todo = first(report)
    if not todo:
        return ""
    lines = ["### Fix first", ""]
    for place, advice in enumerate(todo, 1):
        more = f" {advice.explains} more may wait for this." if advice.explains else ""
        lines.append(f"{place}. **{advice.check}** {plain(advice.message[:300])}{more}")
        lines += [f"   <br>{plain(advice.remedy)}"] if advice.remedy else []
        lines.append(f"   <br>{_code(again(report, advice.check))}")
    return "\n".join(lines) + "\n\n"


def _blocks(report: Json, exchanges: Mapping[int, Json]) -> Iterator[str]:
    """The findings that are not green, worst first, each folded."""
    for verdicts in (WRONG, ("warn",), NOT_SHOWN):
        for finding in report["findings"]:
            if finding["verdict"] in verdicts:
                yield _finding(finding, exchanges)


def _finding(finding: Json, exchanges: Mapping[int, Json]) -> str:
    title = f"<b>{finding['verdict']}</b> {finding['check']} {_html(finding['title'])}"
    lines = [f"<details><summary>{title}</summary>", "", f"> {plain(finding['text'])}", ""]
    lines += [plain(finding["message"]), ""]
    lines += [f"**How to fix:** {plain(finding['hint'])}", ""] if finding.get("hint") else []
    for number in finding["evidence"][:SHOWN]:
        if number in exchanges:
            lines += [fence(exchange_text(exchanges[number], BODY)), ""]
    return "\n".join([*lines, "</details>", ""]) + "\n"


def _tail(report: Json) -> str:
    suite = report["suite"]
    tried = _robustness(report)
    return f"{tried}\n<sub>{plain(suite['name'])} {plain(suite['version'])}, {plain(report['started_at'])}</sub>\n"


def _robustness(report: Json) -> str:
    """How the implementation took what was made from its document: one line, for it is not scored."""
    found = report.get("robustness")
    if found is None:
        return ""
    worst = [row["operation"] for row in found["operations"] if row["failures"]]
    named = f" ({', '.join(worst[:10])})" if worst else ""
    return (
        f"\nSchema robustness, not scored: {found['cases']} requests, {found['failures']} failures{named}.\n"
    )


def fence(text: str) -> str:
    """The text as a block of code, whatever is in it."""
    ticks = max((len(run) for run in re.findall("`+", text)), default=0)
    bar = "`" * max(3, ticks + 1)
    return f"{bar}text\n{text}\n{bar}"


def _code(text: str) -> str:
    return f"`{' '.join(text.replace('`', '').split())}`"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def difference(old: Json, new: Json) -> str:
    """What changed between two reports."""
    data = diff.as_data(old, new)
    verdict = data["verdict"]
    lines = [f"## VGCP {data['role']}: {verdict['before']} → {verdict['after']}", ""]
    for kind in diff.KINDS:
        if data[kind]:
            lines += [f"### {diff.TITLES[kind]} ({len(data[kind])})", ""]
            lines += ["| check | before | now | |", "|---|---|---|---|"]
            lines += [_row(row) for row in data[kind][:100]] + [""]
    return "\n".join(lines if len(lines) > 2 else [*lines, "Nothing has changed."]) + "\n"


def _row(row: Json) -> str:
    told = f"{plain(row['title'])}: {plain(row['message'][:200])}"
    return f"| {row['check']} | {row['before']} | {row['after']} | {told} |"
