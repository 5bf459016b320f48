"""Carries the prose over into the registry: rows for new sentences, and the text of those that changed."""

from pathlib import Path

import yaml

from spec.loader import FOLDER, Json
from spec.prose import Sentence, sentences
from spec.registry import PROFILE, rows

HEADER = """\
# A row for each sentence of ../text/{noun}.md. id, level, roles and text follow the prose: `python -m spec.requirements
# sync` carries them over, and keeps the other fields and no comments. A row has either checks, or excluded with the
# reason why nothing can be checked.
"""
ORDER = (
    "id",
    "level",
    "roles",
    "profile",
    "capability",
    "operation",
    "text",
    "checks",
    "mutants",
    "excluded",
)


def fresh(sentence: Sentence) -> Json:
    """A row for a new sentence; who wrote the sentence fills in capability, operation, and checks or excluded."""
    return {"profile": PROFILE, "capability": None, "operation": None} | taken(sentence)


def taken(sentence: Sentence) -> Json:
    """The fields that follow the prose."""
    return {
        "id": sentence.id,
        "level": sentence.level,
        "roles": list(sentence.roles),
        "text": sentence.text,
    }


def dump(noun: str, found: list[Json]) -> str:
    """The text of a registry file: one field a line, lists in one line."""
    lines = [HEADER.format(noun=noun)]
    for row in found:
        fields = [f"{key}: {_flow(row[key])}" for key in ORDER if key in row]
        lines.append("- " + "\n  ".join(fields) + "\n")
    return "".join(lines)


def _flow(value: object) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=100_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def sync(text: Path = FOLDER / "text", requirements: Path = FOLDER / "requirements") -> list[str]:
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
