"""The explanations of all requirements as Markdown: an index, and a page for each page of the prose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spec
from conformance.explain import counts, explained
from conformance.explain_text import FOUND_OUT, conversation, facts, title

Json = dict[str, Any]
INDEX = "README.md"
MADE = "<!-- Made by `vgcp requirements page`; change the registry, the hints or the checks, and make it anew. -->\n"


def pages() -> dict[str, str]:
    """Every file's text by its name."""
    nouns: dict[str, list[Json]] = defaultdict(list)
    for requirement in spec.requirements():
        one = explained(requirement)
        nouns[Path(one["page"]).stem].append(one)
    made = {f"{noun}.md": _page(noun, found) for noun, found in nouns.items()}
    return {INDEX: _index(nouns)} | made


def stale(folder: Path) -> list[str]:
    """Names of files in the folder that are not as they would be made now."""
    made = pages()
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def write(folder: Path) -> int:
    """Write all files, take away those that are no more, and return how many were made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8")
    return len(made)


def _index(nouns: dict[str, list[Json]]) -> str:
    lines = [
        MADE,
        "# Requirements",
        "",
        f"What VGCP {spec.VERSION} requires: how each requirement is checked, what passes, what fails, and how to fix",
        "it. On a terminal: `vgcp requirements`, and `vgcp requirements explain ORD-003`.",
        "",
        *_counts(),
    ]
    for noun, found in nouns.items():
        lines += [
            "",
            f"## {noun.capitalize()}",
            "",
            "| id | level | binds | found out | sentence |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| [{one['id']}]({noun}.md#{one['id'].lower()}) | {one['level']} | {' and '.join(one['roles'])}"
            f" | {FOUND_OUT[one['testability']]} | {_cell(one['text'])} |"
            for one in found
        ]
    return "\n".join(lines) + "\n"


def _counts() -> Iterator[str]:
    head, *rows = counts()
    yield f"| {' | '.join(map(str, head))} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _page(noun: str, found: list[Json]) -> str:
    lines = [
        MADE,
        f"# Requirements: {noun}",
        "",
        f"The sentences of [{noun}.md](../../spec/text/{noun}.md). All of them: [requirements]({INDEX}).",
    ]
    for one in found:
        lines += ["", f"## {one['id']}", "", one["text"], "", " · ".join(facts(one))]
        lines += _checks(one)
        for role, example in one["examples"].items():
            for side in ("right", "wrong"):
                lines += _example(title(side, role, example[side]), conversation(example[side]))
    return "\n".join(lines) + "\n"


def _checks(one: Json) -> Iterator[str]:
    if one.get("excluded"):
        yield from ("", f"**Not checked.** {one['excluded']}")
    for check in one["checks"]:
        yield from ("", f"**Check {check['id']}** ({check['role']}): {check['title']}. {check['looks_at']}")
        yield from ("", f"**To fix it:** {check['hint']}")
    if one["mutants"]:
        wrong = "; ".join(f"`{each['name']}` {each['about']}" for each in one["mutants"])
        yield from ("", f"**Wrong implementations that it catches:** {wrong}.")
    for name, reason in one.get("survivors", {}).items():
        yield from ("", f"**Not caught:** `{name}`. {reason}")


def _example(head: str, text: str) -> list[str]:
    escaped = head.replace("&", "&amp;").replace("<", "&lt;")
    body = ["", "```http", text, "```"] if text else ["", "Nothing came."]
    return ["", "<details>", f"<summary>{escaped}</summary>", *body, "", "</details>"]
