"""Reads the normative sentences out of `spec/text/<noun>.md`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spec.loader import FOLDER

ITEM = re.compile(r"^- \*\*(?P<id>[A-Z]{3}-\d{3})\*\* (?P<text>.+)$")
KEYWORD = re.compile(r"\b(MUST|SHOULD|MAY)\b")
# Who a sentence binds, by how it begins.
SUBJECTS = {
    "A gateway": ("gateway",),
    "A channel": ("channel",),
    "Both sides": ("gateway", "channel"),
    "A receiver": ("gateway", "channel"),
    "A sender": ("gateway", "channel"),
}


@dataclass(frozen=True)
class Sentence:
    """One normative sentence: its page's noun, its line there (from 1), its id (None where it has none), its text."""

    noun: str
    line: int
    id: str | None
    text: str

    @property
    def level(self) -> str | None:
        """MUST, SHOULD or MAY by its keyword (MUST NOT counts as MUST); None when it has not exactly one."""
        found = KEYWORD.findall(self.text)
        return found[0] if len(found) == 1 else None

    @property
    def roles(self) -> tuple[str, ...]:
        """The sides that it binds; empty when its beginning does not say."""
        return next((roles for start, roles in SUBJECTS.items() if self.text.startswith(f"{start} ")), ())


def sentences(folder: Path = FOLDER / "text") -> Iterator[Sentence]:
    """Every sentence with an id and every other line with a keyword, page by page; README.md only defines them."""
    for path in sorted(folder.glob("*.md")):
        if path.stem != "README":
            yield from _page(path.stem, path.read_text("utf-8"))


def _page(noun: str, text: str) -> Iterator[Sentence]:
    blocks = _blocks(text)
    for line, block in blocks:
        item = ITEM.match(block)
        if item is not None:
            yield Sentence(noun, line, item["id"], item["text"])
        elif KEYWORD.search(block):
            yield Sentence(noun, line, None, block)


def _blocks(text: str) -> list[tuple[int, str]]:
    """The lines of a page with their numbers, an item's indented lines joined to its first."""
    blocks: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("  ") and blocks and ITEM.match(blocks[-1][1]):
            blocks[-1] = (blocks[-1][0], f"{blocks[-1][1]} {line.strip()}")
        else:
            blocks.append((number, line.strip()))
    return blocks
