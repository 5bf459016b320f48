"""The report as JUnit XML, for CI servers: one test case for each check."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SKIPPED = ("unverified", "disabled", "not_applicable", "inconclusive")


def junit(report: dict[str, Any]) -> str:
    """JUnit XML; `fail` is a failure, `harness_error` an error, what was not shown is skipped with its reason."""
    counts, findings = report["counts"], report["findings"]
    skipped = sum(counts[name] for name in SKIPPED)
    head = (
        f'<testsuite name={quoteattr("vgcp " + report["role"])} tests="{len(findings)}" failures="{counts["fail"]}" '
        f'errors="{counts["harness_error"]}" skipped="{skipped}" time="{report["seconds"]}" '
        f"timestamp={quoteattr(report['started_at'].rstrip('Z'))}>"
    )
    cases = [_case(report["role"], finding) for finding in findings]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<testsuites>",
        head,
        *cases,
        "</testsuite>",
        "</testsuites>",
    ]
    return NOT_XML.sub("�", "\n".join(lines)) + "\n"


def _case(role: str, finding: dict[str, Any]) -> str:
    name = quoteattr(f"{finding['check']} {finding['title']}")
    verdict, message = finding["verdict"], quoteattr(finding["message"])
    detail = escape(f"{finding['text']}\nexchanges: {finding['evidence']}\n{finding.get('hint', '')}".strip())
    inner = ""
    if verdict == "fail":
        inner = f"<failure message={message}>{detail}</failure>"
    elif verdict == "harness_error":
        inner = f"<error message={message}>{detail}</error>"
    elif verdict in SKIPPED:
        inner = f"<skipped message={quoteattr(verdict + ': ' + finding['message'])}/>"
    elif verdict == "warn":
        inner = f"<system-out>{escape('warning: ' + finding['message'])}</system-out>"
    return f'<testcase classname="vgcp.{role}.{finding["requirement"]}" name={name}>{inner}</testcase>'
