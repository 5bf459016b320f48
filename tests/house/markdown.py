"""Just enough Markdown to test the documents: links, headings, fenced code."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^ *```\s*$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)|(?:href|src)=\"(?P<html>[^\"]+)\"")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced piece of code: where it stands, its language (may be empty) and its text."""

    where: str
    language: str
    code: str


def documents() -> list[Path]:
    """The prose of the project: what lies at the root, the guides, the standard, the examples, and the fragments."""
    nested = [
        path
        for folder in ("docs", "spec", "changelog.d", "examples")
        for path in (ROOT / folder).rglob("*.md")
    ]
    return sorted([*ROOT.glob("*.md"), *nested])


def prose(text: str) -> str:
    """The text with its fenced code left out, line breaks kept."""
    return FENCE.sub(lambda match: "\n" * match.group().count("\n"), text)


def snippets(path: Path) -> list[Snippet]:
    """Every fenced piece of code of a document."""
    text = path.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        lines = [row.removeprefix(match["indent"]) for row in match["code"].splitlines()]
        found.append(Snippet(f"{path.relative_to(ROOT)}:{line}", match["language"], "\n".join(lines) + "\n"))
    return found


def links(path: Path) -> list[str]:
    """The targets of all links and pictures of a document."""
    return [match["target"] or match["html"] for match in LINK.finditer(prose(path.read_text("utf-8")))]


def headings(path: Path) -> list[str]:
    """The texts of a document's headings, in order."""
    return [match["text"] for match in HEADING.finditer(prose(path.read_text("utf-8")))]


def anchor(heading: str) -> str:
    """The fragment that a heading can be linked by, as forges make it."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
