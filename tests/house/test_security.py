"""The threat model covers every capability by all six letters, and names requirements that exist."""

import re

import pytest

import spec
from tests.house.markdown import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
CAPABILITIES = sorted({name for profile in spec.profiles() for name in (*profile.gateway, *profile.channel)})


def tables() -> dict[str, list[list[str]]]:
    """The rows of each section that has a threat table, by the words of its heading."""
    found: dict[str, list[list[str]]] = {}
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| ([STRIDE]) \|(.*)\|$", section, re.MULTILINE)
        for word in section.splitlines()[0].split():
            found[word] = [[letter, *(cell.strip() for cell in rest.split("|"))] for letter, rest in rows]
    return found


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_capability_has_its_threats(capability: str) -> None:
    """Each of the six letters has a threat, and an answer or an open end."""
    rows = tables()[capability]
    assert [row[0] for row in rows] == list("STRIDE")
    for _, threat, answer, left in rows:
        assert threat
        assert answer or left.startswith("Open: ")
        assert not left or left.startswith("Open: ")


def test_named_requirements_exist() -> None:
    """Every id in the threat model is one of the standard's."""
    known = {one.id for one in spec.requirements()}
    named = set(re.findall(r"\b[A-Z]{3}-\d{3}\b", TEXT))
    assert named
    assert named <= known
