"""The badge: one picture, well-formed, readable, and of the verdict only."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from conformance.badge import COLOURS, LEFT, badge

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #rrggbb."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("verdict", list(COLOURS))
@pytest.mark.parametrize("profile", ["", "core", "offline", 'a<b"&'])
def test_the_picture_says_role_and_verdict(verdict: str, profile: str) -> None:
    """Title and label say the same as the picture; a profile is named unless it is the core; nothing is fetched."""
    report = {"protocol": "1.0", "role": "channel", "profile": profile, "verdict": verdict}
    text = badge(report)
    root = ElementTree.fromstring(text)
    shown = [node.text for node in root.iter(f"{SVG}text")]
    left = "VGCP 1.0 channel" + (f" {profile}" if profile not in ("", "core") else "")
    assert shown == [left, verdict]
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == root.attrib["aria-label"] == f"{left}: {verdict}"
    assert root.attrib["role"] == "img"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_white_on_every_colour_can_be_read() -> None:
    """A contrast of 4.5 or more; no two verdicts look alike."""
    for colour in (LEFT, *COLOURS.values()):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, colour
    assert len(set(COLOURS.values())) == 4
