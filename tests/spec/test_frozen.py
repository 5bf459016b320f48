"""The set that a version is released with stays as it is, and what comes later is provisional."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import spec
from spec.audit import audit
from spec.frozen import frozen, requirements_digest
from spec.loader import FOLDER, VERSION
from spec.registry import requirements, rows
from spec.sync import freeze, sync

NEW = "- **ORD-999** A gateway MUST sing.\n"


@pytest.fixture
def standard(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of prose and registry."""
    for name in ("text", "requirements"):
        shutil.copytree(FOLDER / name, tmp_path / name)
    return tmp_path / "text", tmp_path / "requirements"


def change(path: Path, old: str, new: str) -> None:
    """Put other words into a file, once."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_everything_that_the_version_has_is_frozen() -> None:
    """Each frozen requirement has its row as it was; no row is provisional before there is a later one."""
    assert {row["id"] for row in frozen()} <= {row.id for row in spec.requirements()}
    assert [row["id"] for row in frozen()] == sorted(row["id"] for row in frozen())
    assert [row.id for row in spec.requirements() if row.provisional] == []


def test_a_later_requirement_is_provisional(standard: tuple[Path, Path]) -> None:
    """A sentence that is added is no fault of the frozen set, and its row is provisional."""
    prose, registry = standard
    page = prose / "orders.md"
    page.write_text(page.read_text("utf-8") + NEW, "utf-8")
    assert sync(prose, registry) == ["ORD-999"]
    assert [row.id for row in requirements(registry) if row.provisional] == ["ORD-999"]
    assert not [fault for fault in audit(prose, registry) if VERSION in fault]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("A channel SHOULD use an access token", "A channel MUST use an access token", "level and text"),
        ("A channel SHOULD use an access token", "A channel SHOULD keep an access token", "text"),
        ("A channel SHOULD use an access token", "Both sides SHOULD use an access token", "roles and text"),
    ],
)
def test_a_changed_requirement_is_a_fault(
    standard: tuple[Path, Path], old: str, new: str, field: str
) -> None:
    """What is frozen keeps its words, its level and whom it binds."""
    prose, registry = standard
    change(prose / "auth.md", old, new)
    sync(prose, registry)
    assert audit(prose, registry) == [f"AUT-015 is in {VERSION} with another {field}"]


def test_a_dropped_requirement_is_a_fault(standard: tuple[Path, Path]) -> None:
    """What is frozen keeps its row."""
    prose, registry = standard
    change(prose / "auth.md", "**AUT-015**", "**AUT-915**")
    sync(prose, registry)
    assert f"AUT-015 is in {VERSION} and has no row any more" in audit(prose, registry)


def test_a_set_is_frozen_once(standard: tuple[Path, Path]) -> None:
    """A set that is there is written over on request only; the digest names what is in it."""
    prose, registry = standard
    before = requirements_digest(registry)
    assert before == requirements_digest()
    page = prose / "orders.md"
    page.write_text(page.read_text("utf-8") + NEW, "utf-8")
    sync(prose, registry)
    with pytest.raises(FileExistsError):
        freeze(registry)
    assert requirements_digest(registry) == before
    assert freeze(registry, force=True) == len(list(rows(registry)))
    assert requirements_digest(registry) != before
    assert [row["id"] for row in frozen(registry) if row["id"] == "ORD-999"] == ["ORD-999"]


def test_no_digest_of_nothing(tmp_path: Path) -> None:
    """Where nothing is frozen there is nothing to name."""
    with pytest.raises(FileNotFoundError):
        requirements_digest(tmp_path)


def test_the_command_does_not_freeze_twice() -> None:
    """`python -m spec.requirements freeze` refuses what is frozen, and knows one version."""
    for words, said in (([VERSION], f"{VERSION} is frozen"), (["0.9"], "usage")):
        result = subprocess.run(
            [sys.executable, "-m", "spec.requirements", "freeze", *words],
            cwd=FOLDER.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert result.returncode == 1
        assert said in result.stderr
