"""Carries the prose over into the registry: rows for new sentences, and the text of those that changed."""

from pathlib import Path

import yaml

from spec.frozen import FIELDS, REQUIREMENTS, frozen, place
from spec.loader import FOLDER, VERSION, Json
from spec.prose import Sentence, sentences
from spec.registry import OBSERVED, PROFILE, rows

HEADER = """\
# A row for each sentence of ../text/{noun}.md. id, level, roles and text follow the prose: `python -m spec.requirements
# sync` carries them over, and keeps the other fields and no comments. A row whose testability is wire or test_control
# has checks, and a mutant or a reason in survivors why not; another has in excluded why nothing can be checked.
"""
SET = """\
# The requirements of {version}, as they were when it was released: `python -m spec.requirements freeze {version}`.
# They do not change any more, and what came later is provisional.
"""
ORDER = (
    "id",
    "level",
    "roles",
    "profile",
    "capability",
    "operation",
    "testability",
    "text",
    "checks",
    "mutants",
    "survivors",
    "excluded",
)


def fresh(sentence: Sentence) -> Json:
    """A row for a new sentence; who wrote the sentence fills in capability, operation, and checks or excluded."""
    row: Json = {"profile": PROFILE, "capability": None, "operation": None, "testability": OBSERVED[0]}
    return row | taken(sentence)


def taken(sentence: Sentence) -> Json:
    """The fields that follow the prose."""
    return {
        "id": sentence.id,
        "level": sentence.level,
        "roles": list(sentence.roles),
        "text": sentence.text,
    }


def dump(noun: str, found: list[Json]) -> str:
    """The text of a registry file."""
    return HEADER.format(noun=noun) + "".join(entry(row, ORDER) for row in found)


def entry(row: Json, order: tuple[str, ...]) -> str:
    """A row as YAML: the fields in this order, one a line, lists in one line."""
    return "- " + "\n  ".join(f"{key}: {_flow(row[key])}" for key in order if key in row) + "\n"


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=100_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def sync(text: Path = FOLDER / "text", requirements: Path = REQUIREMENTS) -> list[str]:
    """Rewrites the registry's files after the prose and returns the ids of rows that were added, changed or dropped."""
    old = {row["id"]: row for _, row in rows(requirements)}
    pages: dict[str, list[Json]] = {}
    for sentence in sentences(text):
        if sentence.id is not None:
            row = old.get(sentence.id, fresh(sentence)) | taken(sentence)
            pages.setdefault(sentence.noun, []).append(row)
    new = {row["id"]: row for page in pages.values() for row in page}
    for noun, page in pages.items():
        _write(requirements / f"{noun}.yaml", dump(noun, page))
    return sorted(i for i in old.keys() | new.keys() if old.get(i) != new.get(i))


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def freeze(folder: Path = REQUIREMENTS, version: str = VERSION, force: bool = False) -> int:
    """Writes the rows of today as the set of a version, and returns how many.

    Raises FileExistsError when there is one already, unless it is to be written over by `force`.
    """
    path, found = place(folder, version), sorted((row for _, row in rows(folder)), key=lambda row: row["id"])
    if path.exists() and not force:
        raise FileExistsError(path)
    path.write_text(SET.format(version=version) + "".join(entry(row, FIELDS) for row in found), "utf-8")
    frozen.cache_clear()
    return len(found)
