"""The report as a small picture (SVG, one file, no fonts to load): `VGCP 1.0 channel | certified`."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

# The right half by verdict; white on each has a contrast of 4.5 or more (WCAG 2.2, 1.4.3).
COLOURS = {
    "certified": "#0c6b3d",
    "failed": "#b3182d",
    "partial": "#8a5300",
    "void": "#565e6c",
    "claim": "#8a5300",  # of a certificate, in place of a verdict (registry_page.py)
    "expired": "#565e6c",
}
LEFT = "#343a46"
FONT = "Verdana,DejaVu Sans,Geneva,sans-serif"
HEIGHT = 20
PAD = 8  # pixels before and after each text
WIDE, NARROW = frozenset("mwMW@%VGCP"), frozenset("iljtfr.,:;|!1 ")


def badge(report: dict[str, Any]) -> str:
    """The picture for a report. A selection is `partial`, and a baseline changes nothing of it."""
    profile = report.get("profile")
    role = f"{report['role']} {profile}" if profile and profile != "core" else report["role"]
    return draw(f"VGCP {report['protocol']} {role}", report["verdict"])


def draw(left: str, verdict: str) -> str:
    """The picture with this text on the left and the verdict on the right."""
    first, second = _width(left), _width(verdict)
    whole = first + second
    label = escape(f"{left}: {verdict}", {'"': "&quot;"})
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" \
viewBox="0 0 {whole} {HEIGHT}" role="img" aria-label="{label}">
<title>{label}</title>
<clipPath id="round"><rect width="{whole}" height="{HEIGHT}" rx="4"/></clipPath>
<g clip-path="url(#round)">
<rect width="{first}" height="{HEIGHT}" fill="{LEFT}"/>
<rect x="{first}" width="{second}" height="{HEIGHT}" fill="{COLOURS[verdict]}"/>
</g>
<g fill="#fff" font-family="{FONT}" font-size="11" text-anchor="middle" aria-hidden="true">
{_text(left, first // 2, first)}
{_text(verdict, first + second // 2, second)}
</g>
</svg>
"""


def _text(text: str, middle: int, width: int) -> str:
    """Drawn as wide as was reckoned, whatever font there is."""
    return f'<text x="{middle}" y="14" textLength="{width - 2 * PAD}">{escape(text)}</text>'


def _width(text: str) -> int:
    """Pixels that the text takes in 11 px Verdana, roughly, with its padding."""
    return round(sum(9.0 if c in WIDE else 4.6 if c in NARROW else 6.9 for c in text)) + 2 * PAD
