"""Secrets are replaced wherever they stand, in whatever form, and other forms are told apart."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from conformance.redaction import Secrets

CODE = ' 00-ÄÖ "漢" \\ +'


@pytest.fixture
def secrets() -> Secrets:
    """A few that begin alike, and an odd one."""
    made = Secrets()
    for value in ("abcdef", "abcdefgh", "abcdxy", CODE):
        made.add(value)
    return made


def test_the_longest_is_replaced(secrets: Secrets) -> None:
    """A secret within a secret, side by side, and what is none."""
    shown = secrets.shown
    text = "abcdefgh,abcdefg abcdxyabcdef abcde"
    wanted = f"{shown['abcdefgh']},{shown['abcdef']}g {shown['abcdxy']}{shown['abcdef']} abcde"
    assert secrets.redact(text) == wanted


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([CODE]),
        json.dumps([CODE], ensure_ascii=False),
        json.dumps([CODE]).replace("+", "\\u002b"),
    ],
)
def test_json_is_read_however_it_is_escaped(secrets: Secrets, body: str) -> None:
    """The same secret, the same digest."""
    assert json.loads(secrets.body(body)) == [secrets.shown[CODE]]


def test_other_forms_are_told_apart(secrets: Secrets) -> None:
    """Trimmed, base64 and percent-encoded are found, and are not the same."""
    forms = (CODE.strip(), base64.b64encode(CODE.encode()).decode(), quote(CODE, safe=""))
    found = [secrets.redact(form) for form in forms]
    assert found == [f"{secrets.shown[CODE]}.{name}" for name in ("trimmed", "base64", "quoted")]


def test_short_words_are_no_secrets(secrets: Secrets) -> None:
    """An implementation that gives `id` out as goods does not spoil the whole transcript."""
    secrets.add("id")
    secrets.add("")
    assert secrets.redact('{"id": 1}') == '{"id": 1}'
