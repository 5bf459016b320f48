"""The report as one self-contained HTML page: filters, evidence beside each finding, English and Chinese."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from markupsafe import Markup, escape

from conformance.advice import first
from conformance.chinese import chinese
from conformance.hints import hints
from conformance.templating import template

SHOWN = 4  # exchanges shown beside a finding
LONGEST = 4000  # characters of a body
NAMES = {
    "pass": ("pass", "通过"),
    "fail": ("fail", "未通过"),
    "warn": ("warning", "警告"),
    "unverified": ("unverified", "未验证"),
    "inconclusive": ("inconclusive", "无定论"),
    "disabled": ("disabled", "未选"),
    "not_applicable": ("not applicable", "不适用"),
    "harness_error": ("fault of the suite", "套件故障"),
}
VERDICTS = {
    "certified": ("Certified", "已认证"),
    "failed": ("Failed", "未通过认证"),
    "partial": ("Partial: not a certificate", "部分：不构成认证"),
    "void": ("Void: nothing can be concluded", "无效：无法得出结论"),
}
STANDINGS = (("new", ("new", "新增")), ("fixed", ("fixed", "已修复")), ("known", ("known", "已知")))
ROLES = {"gateway": ("gateway", "网关"), "channel": ("channel", "渠道")}


def render(report: dict[str, Any], exchanges: dict[int, dict[str, Any]]) -> str:
    """The page. `exchanges` are redacted exchanges by number."""
    order = list(NAMES)
    findings = sorted(report["findings"], key=lambda f: (_rank(f["verdict"]), f["check"]))
    return template("report.html.j2", pretty=pretty, coded=coded).render(
        report=report,
        findings=findings,
        exchanges=exchanges,
        names=NAMES,
        verdicts=VERDICTS,
        roles=ROLES,
        order=[name for name in order if report["counts"][name]],
        capabilities=sorted({f["capability"] for f in findings} - {""}),
        standings=STANDINGS,
        chinese=chinese(report["role"]),
        hints=hints(report["role"]),
        todo=first(report),
        shown=SHOWN,
    )


def _rank(verdict: str) -> int:
    order = (
        "harness_error",
        "fail",
        "warn",
        "inconclusive",
        "unverified",
        "pass",
        "not_applicable",
        "disabled",
    )
    return order.index(verdict)


def coded(text: str) -> Markup:
    """The text with what stands in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def pretty(body: str) -> str:
    """A body for reading: JSON indented, long ones cut."""
    with contextlib.suppress(ValueError):
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return body if len(body) <= LONGEST else f"{body[:LONGEST]}\n… {len(body) - LONGEST} more characters"
