"""What was said, as a page of Markdown that is the same in every run: ids, codes and times get names of their own."""

from __future__ import annotations

import json
import re
from typing import Any

Json = dict[str, Any]
# A fenced block of the page that is recorded, and its name.
PLACE = re.compile(r"(^```text run=([\w-]+)\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
# What differs from run to run, by the way it looks. The order counts: the longest first.
SHAPES = (
    ("certificate", re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+(~[\w~.-]*)?")),
    ("id", re.compile(r"\b([a-z]{2,8})_[0-9a-z]{20,}\b")),
    ("time", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")),
    ("hash", re.compile(r"(?<![\w-])[A-Za-z0-9_-]{43}(?![\w-])")),
    ("url", re.compile(r"http://127\.0\.0\.1:\d+")),
)


class Recorder:
    """Keeps what was shown, by the name of its place on the page; `names` has what stands for what."""

    def __init__(self, names: dict[str, str]) -> None:
        self.blocks: dict[str, str] = {}
        self._names = dict(names)
        self._counts: dict[str, int] = {}

    def keep_secret(self, value: str, name: str) -> None:
        """From now on `name` stands for the value."""
        self._names[value] = name

    def show(self, place: str, head: str, answer: Any = None) -> None:
        """What was done, and what came back; more of one place is put below."""
        body = "" if answer is None else "\n" + json.dumps(answer, indent=1, ensure_ascii=False)
        before = f"{self.blocks[place]}\n\n" if place in self.blocks else ""
        self.blocks[place] = before + self.plain(f"{head}{body}")

    def fill(self, page: str) -> str:
        """The page with what was shown in its places; raises KeyError for a place of which nothing was shown."""
        return PLACE.sub(lambda match: f"{match[1]}{self.blocks[match[2]]}\n{match[4]}", page)

    def plain(self, text: str) -> str:
        """The text with names in place of what differs from run to run."""
        for value, name in sorted(self._names.items(), key=lambda item: -len(item[0])):
            text = text.replace(value, name)
        for shape, pattern in SHAPES:
            text = pattern.sub(lambda match, shape=shape: self._name(shape, match), text)
        return text

    def _name(self, shape: str, match: re.Match[str]) -> str:
        if shape == "time":
            return "…Z"
        found = match.group()
        if found not in self._names:
            stem = match.group(1) if shape == "id" else shape
            self._counts[stem] = self._counts.get(stem, 0) + 1
            self._names[found] = (
                f"{stem}_{self._counts[stem]}" if shape == "id" else f"({stem} {self._counts[stem]})"
            )
        return self._names[found]
