"""The machine-readable report (schemas/report.schema.json), and all files of a run in one folder."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import spec
from conformance import record
from conformance.badge import badge
from conformance.model import REGISTRY, Finding, Verdict
from conformance.report_html import render
from conformance.report_junit import junit
from conformance.report_markdown import markdown
from conformance.runner import Run
from conformance.score import committed

SCHEMA = Path(__file__).parent / "schemas" / "report.schema.json"
Json = dict[str, Any]


def report(run: Run) -> Json:
    """The run as data that fits the published schema. Secrets are redacted."""
    rows = {r.id: r for r in spec.requirements() if run.target.role in r.roles}
    checked = {c.requirement for c in REGISTRY.of(run.target.role)}
    data: Json = {
        "vgcp_report": 1,
        "suite": {"name": "vgcp", "version": metadata.version("vgcp")},
        "protocol": spec.VERSION,
        "role": run.target.role,
        "target": {"url": run.target.url, "implementation": run.implementation or "unknown"},
        "started_at": run.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "seconds": round(run.seconds, 3),
        "nonce": run.transcript.nonce,
        "seed": run.transcript.head.get("seed", 0),
        "verdict": run.verdict,
        "exit_code": run.exit_code,
        "counts": {verdict.value: run.count(verdict) for verdict in Verdict},
        "requirements": {"total": len(rows), "checked": len(checked)},
        "exchanges": len(run.transcript.exchanges),
        "score": committed(run.target.role),
        "findings": [_finding(run, f, rows) for f in run.findings],
        "not_checked": [_unchecked(row) for row in rows.values() if row.id not in checked],
        "stopped": [
            {"scenario": k, "reason": run.transcript.redact(v)} for k, v in run.transcript.stopped.items()
        ],
    }
    if robustness := run.transcript.facts.get(("", "robustness")):
        data["robustness"] = robustness
    if run.target.profile:
        data["profile"] = run.target.profile
    if run.void:
        data["void"] = run.transcript.redact(run.void)
    return data


def _finding(run: Run, finding: Finding, rows: dict[str, spec.Requirement]) -> Json:
    row = rows.get(finding.check.requirement)
    data: Json = {
        "check": finding.check.id,
        "requirement": finding.check.requirement,
        "level": row.level if row else "MUST",
        "capability": (row.capability if row else None) or "",
        "title": finding.check.title,
        "text": row.text if row else "",
        "verdict": finding.verdict.value,
        "message": run.transcript.redact(finding.message),
        "evidence": list(finding.evidence),
        "scenarios": list(finding.check.scenarios),
    }
    if finding.hint:
        data["hint"] = finding.hint
    if row and row.provisional:
        data["provisional"] = True
    return data


def _unchecked(row: spec.Requirement) -> Json:
    return {"requirement": row.id, "text": row.text, "reason": row.excluded or "no check yet"}


def exchanges(run: Run) -> dict[int, Json]:
    """The run's exchanges by number, redacted."""
    return {e.number: run.transcript.as_data(e) for e in run.transcript.exchanges}


def write(run: Run, folder: Path, data: Json | None = None) -> Json:
    """Write all files of a run into the folder, which is made; answers the report.

    `data` is the report when something has been added to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = data or report(run)
    shown = exchanges(run)
    files = {
        "report.json": json.dumps(data, indent=2, ensure_ascii=False) + "\n",
        "report.html": render(data, shown),
        "report.md": markdown(data, shown),
        "junit.xml": junit(data),
        "badge.svg": badge(data),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    record.write(run.transcript, folder / "transcript.jsonl")
    return data
