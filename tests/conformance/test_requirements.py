"""`vgcp requirements`: the list and its filters, one explained, and the pages of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import spec
from conformance import explain_pages
from conformance.commands.requirements import requirements
from conformance.explain import near
from conformance.explain_text import WIDTH, compact
from conformance.hints import hints
from conformance.model import REGISTRY, Role
from conformance.runner import load
from tests.house.markdown import ROOT

PAGES = ROOT / "docs" / "requirements"


def vgcp(*words: str) -> Result:
    """The command with these words."""
    return CliRunner().invoke(requirements, words)


def listed(*words: str) -> list[dict[str, Any]]:
    """The rows that the command lists."""
    found: list[dict[str, Any]] = json.loads(vgcp(*words, "--json").stdout)
    return found


@pytest.mark.parametrize("role", ["channel", "gateway"])
def test_every_check_has_a_hint(role: Role) -> None:
    """Each says how to fix it, in words of its own; no hint is of a check that is no more."""
    load(role)
    entries = REGISTRY.of(role)
    assert [entry.id for entry in entries if len(entry.hint) < 20 or entry.hint == entry.title] == []
    assert hints(role).keys() - {entry.id for entry in entries} == set()
    assert [name for name, text in hints(role).items() if not text.endswith(".")] == []


def test_the_list_is_filtered() -> None:
    """By role, profile, capability and level, and by what no check covers; together they narrow."""
    everything = spec.requirements()
    assert [row["id"] for row in listed()] == [row.id for row in everything]
    assert {row["level"] for row in listed("--level", "SHOULD")} == {"SHOULD"}
    assert all("channel" in row["roles"] for row in listed("--role", "channel"))
    assert {row["profile"] for row in listed("--profile", "offline")} == {"offline"}
    made = listed("--capability", "on_demand", "--role", "gateway")
    assert {"ORD-050", "DLV-042"} <= {row["id"] for row in made}
    assert {row["capability"] for row in made} == {"on_demand"}
    bare = listed("--unchecked")
    assert [row["id"] for row in bare] == [row.id for row in everything if not row.checks]
    assert all(row["excluded"] and row["testability"] in ("manual", "not_observable") for row in bare)


def test_the_table_says_how_it_is_found_out() -> None:
    """The terminal's list has a line for each, with the reason where there is no check."""
    shown = vgcp("--unchecked", "--role", "channel").stdout
    assert "TST-008" in shown
    assert "by hand" in shown
    assert f"{len(listed('--unchecked', '--role', 'channel'))} requirements, 0 checked" in shown


def test_one_is_explained() -> None:
    """The sentence, what the check looks at, the wrong implementation, both exchanges, and how to fix it."""
    shown = vgcp("explain", "ord-003").stdout
    for words in (
        "A gateway MUST refuse an order line whose price",
        "Check ORD-003 (gateway)",
        "A cent less, and another currency.",
        hints("gateway")["ORD-003"],
        "gateway:cheaper  sells at any lower price",
        "Passes (gateway, ORD-003)",
        "→ 409",
        "Fails (gateway:cheaper, ORD-003)",
        "→ 201",
    ):
        assert words in shown
    assert vgcp("explain", "SEL-002-b").stdout.startswith("SEL-002 ")


def test_one_is_explained_as_data() -> None:
    """The same as JSON; a requirement of both roles has an example for each."""
    one = json.loads(vgcp("explain", "CNV-002", "--json").stdout)
    assert one["page"] == "spec/text/conventions.md"
    assert {entry["role"] for entry in one["checks"]} == {"gateway", "channel"} == one["examples"].keys()
    assert {each["name"] for each in one["mutants"]} == {"gateway:strict_enums", "channel:strict_enums"}
    bare = json.loads(vgcp("explain", "DLV-010", "--json").stdout)
    assert (bare["testability"], bare["checks"], bare["examples"]) == ("manual", [], {})
    assert "database" in bare["excluded"]


def test_an_unknown_one_is_refused_with_those_that_are_near() -> None:
    """A slip of the finger is told what there is."""
    result = vgcp("explain", "ORD-03")
    assert result.exit_code == 2
    assert "there is no requirement ORD-03; there are ORD-03" in result.stderr
    assert near("INV-00")[0].startswith("INV-00")
    assert "there are" not in vgcp("explain", "??").stderr


def test_the_committed_pages_are_current() -> None:
    """docs/requirements is as `vgcp requirements page` makes it."""
    assert explain_pages.stale(PAGES) == []


def test_pages_are_written_and_old_ones_go(tmp_path: Path) -> None:
    """An index with every requirement, a page for each page of the norm, nothing else."""
    (tmp_path / "gone.md").write_text("old", "utf-8")
    assert "gone.md" in explain_pages.stale(tmp_path)
    assert vgcp("page", "--out", str(tmp_path)).exit_code == 0
    assert explain_pages.stale(tmp_path) == []
    index = (tmp_path / "README.md").read_text("utf-8")
    assert [row.id for row in spec.requirements() if f"[{row.id}](" not in index] == []
    norm = {path.name for path in (ROOT / "spec" / "text").glob("*.md")}
    assert {path.name for path in tmp_path.iterdir()} == norm


def test_json_is_broken_where_it_must_be() -> None:
    """What fits stands in one line; what does not is one member a line, and is still the same JSON."""
    value = {"short": [1, {"a": "b"}], "long": ["x" * 60, "y" * 60]}
    text = compact(value)
    assert json.loads(text) == value
    assert '  "short": [1, {"a": "b"}],' in text.splitlines()
    assert max(map(len, text.splitlines())) <= WIDTH
