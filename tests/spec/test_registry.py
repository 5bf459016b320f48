"""Prose and registry say the same; and the audit that holds them together notices each way in which they can part."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import spec
from spec.audit import audit
from spec.loader import FOLDER
from spec.prose import sentences
from spec.registry import requirements, rows
from spec.sync import dump, sync

Json = dict[str, Any]
Row = Callable[[Json], object]
TEXT = "- **ORD-001** A gateway MUST sell.\n- **ORD-002** A channel SHOULD\n  buy.\n"
ROWS: list[Json] = [
    {
        "id": "ORD-001",
        "level": "MUST",
        "roles": ["gateway"],
        "profile": "core",
        "capability": "orders",
        "operation": "create_order",
        "testability": "wire",
        "text": "A gateway MUST sell.",
        "checks": ["ORD-001"],
        "mutants": ["gateway:sells_nothing"],
    },
    {
        "id": "ORD-002",
        "level": "SHOULD",
        "roles": ["channel"],
        "profile": "core",
        "capability": None,
        "operation": None,
        "testability": "manual",
        "text": "A channel SHOULD buy.",
        "excluded": "nobody sees it",
    },
]


def lay(folder: Path, text: str = TEXT, change: Row | None = None) -> tuple[Path, Path]:
    """A standard of two sentences in a folder, its first row changed: the folders of the prose and of the registry."""
    prose, registry = folder / "text", folder / "requirements"
    prose.mkdir()
    registry.mkdir()
    found: list[Json] = [dict(row) for row in ROWS]
    if change is not None:
        change(found[0])
    (prose / "orders.md").write_text(text, "utf-8")
    (registry / "orders.yaml").write_text(dump("orders", found), "utf-8")
    return prose, registry


def test_prose_and_registry_agree() -> None:
    """Every normative sentence has an id and a row with checks or a reason; every row has its sentence."""
    assert audit() == []


def test_the_registry_is_as_sync_writes_it(tmp_path: Path) -> None:
    """`python -m spec.requirements sync` has nothing to change."""
    folder = tmp_path / "requirements"
    shutil.copytree(FOLDER / "requirements", folder)
    before = {path.name: list(rows_of(path)) for path in folder.glob("*.yaml")}
    assert sync(FOLDER / "text", folder) == []
    assert {path.name: list(rows_of(path)) for path in folder.glob("*.yaml")} == before


def rows_of(path: Path) -> list[Json]:
    """The rows of one file."""
    found: list[Json] = yaml.safe_load(path.read_text("utf-8"))
    return found


def test_requirements_are_the_rows() -> None:
    """`spec.requirements()` gives every row as a value; both sides have at least thirty that are checked."""
    found = spec.requirements()
    assert [one.id for one in found] == [row["id"] for _, row in rows()]
    assert {one.role for one in found} == {"gateway", "channel", "both"}
    for role in ("gateway", "channel"):
        assert len([one for one in found if role in one.roles and one.checks]) >= 30


def test_a_small_standard_passes(tmp_path: Path) -> None:
    """The audit finds nothing in a well-formed standard, so that what it finds below is the tampering."""
    assert audit(*lay(tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (TEXT + "A gateway MUST NOT steal.\n", "without an id"),
        (TEXT + "- A gateway MAY lend.\n", "without an id"),
        (TEXT + "- **ORD-003** A gateway MAY lend.\n", "ORD-003 has no row"),
        (TEXT + "- **ORD-001** A gateway MUST sell.\n", "ORD-001 stands twice in the prose"),
        (TEXT.replace("ORD-001", "ORD-009"), "no such sentence"),
        (TEXT.replace("sell", "give"), "text is not the sentence's"),
        (TEXT.replace("MUST", "SHOULD"), "level is not the sentence's"),
        (TEXT.replace("A gateway", "A channel"), "roles are not the sentence's"),
        (TEXT.replace("sell", "sell and MAY buy"), "exactly one of"),
        (TEXT.replace("A gateway", "Somebody"), "who it binds"),
    ],
)  # fmt: skip
def test_a_tampered_sentence_is_found(tmp_path: Path, text: str, fault: str) -> None:
    """Whatever is done to a sentence without its row is named."""
    assert [found for found in audit(*lay(tmp_path, text)) if fault in found]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda row: row.update(id="ORD-002"), "ORD-002 stands twice in the registry"),
        (lambda row: row.update(operation="steal_order"), "unknown operation"),
        (lambda row: row.update(capability="theft"), "unknown capability"),
        (lambda row: row.update(profile="theft"), "unknown profile"),
        (lambda row: row.update(roles=["thief"]), "unknown role"),
        (lambda row: row.update(roles=[]), "unknown role"),
        (lambda row: row.update(roles=["channel"]), "roles are not"),
        (lambda row: row.update(level="MAY"), "level is not"),
        (lambda row: row.update(text="A gateway MUST give."), "text is not"),
        (lambda row: row.pop("checks"), "neither checks nor"),
        (lambda row: row.update(checks=[]), "neither checks nor"),
        (lambda row: row.update(excluded="both"), "or both"),
        (lambda row: row.pop("capability"), "lacks ['capability']"),
        (lambda row: row.pop("testability"), "lacks ['testability']"),
        (lambda row: row.update(testability="guessed"), "unknown testability"),
        (lambda row: row.update(testability="manual"), "is manual with checks"),
        (lambda row: (row.pop("checks"), row.update(excluded="dark")), "is wire without checks"),
        (lambda row: row.pop("mutants"), "neither a mutant nor a survivor"),
        (lambda row: row.update(survivors={"gateway:sly": " "}), "survivor without a reason"),
    ],
)  # fmt: skip
def test_a_tampered_row_is_found(tmp_path: Path, change: Row, fault: str) -> None:
    """Whatever is done to a row is named."""
    assert [found for found in audit(*lay(tmp_path, change=change)) if fault in found]


def test_a_row_on_the_wrong_page_is_found(tmp_path: Path) -> None:
    """A row stands in the file of its sentence's page."""
    prose, registry = lay(tmp_path)
    (registry / "orders.yaml").rename(registry / "events.yaml")
    assert [found for found in audit(prose, registry) if "stands on the page orders" in found]


def test_a_survivor_takes_the_place_of_a_mutant(tmp_path: Path) -> None:
    """What no mutant can be made for says why, and that is a value of the requirement."""

    def survives(row: Json) -> None:
        row.pop("mutants")
        row["survivors"] = {"none": "a wrong one cannot be told from a right one in a short time"}

    prose, registry = lay(tmp_path, change=survives)
    assert audit(prose, registry) == []
    assert list(requirements(registry)[0].survivors) == ["none"]


def test_an_unknown_field_is_found(tmp_path: Path) -> None:
    """A misspelled field is not passed over."""
    prose, registry = lay(tmp_path)
    path = registry / "orders.yaml"
    path.write_text(path.read_text("utf-8").replace("checks:", "check:"), "utf-8")
    assert [found for found in audit(prose, registry) if "has unknown ['check']" in found]


def test_sync_carries_the_prose_over(tmp_path: Path) -> None:
    """A new sentence gets a row, a changed one its new words, a vanished one loses it; other fields stay."""
    text = "- **ORD-001** A gateway MUST give.\n- **ORD-003** A channel MAY ask.\n"
    prose, registry = lay(tmp_path, text)
    assert sync(prose, registry) == ["ORD-001", "ORD-002", "ORD-003"]
    first, third = rows_of(registry / "orders.yaml")
    assert first == ROWS[0] | {"text": "A gateway MUST give."}
    assert third == {
        "id": "ORD-003",
        "level": "MAY",
        "roles": ["channel"],
        "profile": "core",
        "capability": None,
        "operation": None,
        "testability": "wire",
        "text": "A channel MAY ask.",
    }
    assert sync(prose, registry) == []


def test_an_item_goes_on_in_indented_lines(tmp_path: Path) -> None:
    """Indented lines belong to the item before them; the line of the first is the sentence's."""
    prose, _ = lay(tmp_path)
    assert [(one.line, one.text) for one in sentences(prose)] == [
        (1, "A gateway MUST sell."),
        (2, "A channel SHOULD buy."),
    ]


def test_the_command_audits() -> None:
    """`python -m spec.requirements audit` says nothing and succeeds; another word is refused."""
    for word, status in (("audit", 0), ("forget", 1)):
        result = subprocess.run(
            [sys.executable, "-m", "spec.requirements", word],
            cwd=FOLDER.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (result.returncode, result.stdout) == (status, "")
