"""Secrets of a run, and what stands in their place in everything that is written out."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

SHORTEST = 6  # characters; what is shorter hides nothing and would be found everywhere
WEAK = 16  # characters; what is shorter may be a word (`secret`), and counts only where it stands as one


class Secrets:
    """Registered secrets. `redact` puts `redacted-` and a salted digest in their place, the same for the same secret.

    A secret that stands there in another form (trimmed, base64, percent-encoded) has its form behind the digest, so
    that judges still see that it is there, and that it is not the same.
    """

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}
        self._salt = secrets.token_bytes(16)
        self._forms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Register a secret."""
        if len(value.strip()) < SHORTEST or value in self.shown:
            return
        digest = hashlib.sha256(self._salt + value.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        self.shown[value] = shown = f"redacted-{digest}"
        for form in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
            self._forms.setdefault(form, shown)
        raw = value.encode("utf-8", "backslashreplace")
        others = {
            value.strip(): "trimmed",
            base64.b64encode(raw).decode(): "base64",
            quote(raw, safe=""): "quoted",
        }
        for form, name in others.items():
            if form not in self.shown:
                self._forms.setdefault(form, f"{shown}.{name}")
        self._pattern = None

    def redact(self, text: str) -> str:
        """The text without secrets."""
        if not self.shown:
            return text
        if self._pattern is None:
            self._forms |= self.shown  # a secret as it is comes before another's other form
            self._pattern = _pattern(self._forms)
        return self._pattern.sub(lambda found: self._forms[found.group()], text)

    def body(self, text: str) -> str:
        """A body without secrets, also those that its JSON escapes in another way than ours. Names of members stay."""
        shown = self.redact(text)
        if shown == text and "\\" not in text:
            return text
        try:
            clean = self.inside(json.loads(text))
        except ValueError:
            return shown
        try:
            same = json.loads(shown) == clean
        except ValueError:
            same = False
        return shown if same else json.dumps(clean, ensure_ascii=False)

    def inside(self, value: Any) -> Any:
        """The JSON value without secrets in its strings; names of members stay."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list | tuple):
            return [self.inside(part) for part in value]
        if isinstance(value, dict):
            return {name: self.inside(part) for name, part in value.items()}
        return value


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    strong = sorted(form for form in forms if len(form) >= WEAK)
    weak = sorted(form for form in forms if len(form) < WEAK)
    parts = [_longest_of(strong)] if strong else []
    return re.compile("|".join(parts + ([rf"(?<!\w){_longest_of(weak)}(?!\w)"] if weak else [])))


def _longest_of(words: list[str], start: int = 0) -> str:
    """A pattern that matches the longest of the sorted words, as a tree, so that many cost little more than one."""
    end = len(words[0]) == start  # the shortest of them ends here
    rest = words[1:] if end else words
    branches = []
    for _, group in itertools.groupby(rest, key=lambda word: word[start]):
        alike = list(group)
        stop = start + len(_common([word[start:] for word in (alike[0], alike[-1])]))
        ends = len(alike) == 1
        inner = "" if ends else _longest_of(alike, stop)
        branches.append(re.escape(alike[0][start : len(alike[0]) if ends else stop]) + inner)
    tree = f"(?:{'|'.join(branches)})" if branches else ""
    return f"{tree}?" if end and tree else tree


def _common(pair: list[str]) -> str:
    return "".join(a for a, b in itertools.takewhile(lambda two: two[0] == two[1], zip(*pair, strict=False)))
