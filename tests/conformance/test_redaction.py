"""Secrets are replaced wherever they stand, in whatever form, and other forms are told apart."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from conformance.redaction import Secrets

LONG = "abcdefghijklmnop"
CODE = ' 00-ÄÖ "漢" \\ +'


@pytest.fixture
def secrets() -> Secrets:
    """A few that begin alike, and an odd one."""
    made = Secrets()
    for value in (LONG, f"{LONG}gh", f"{LONG[:-2]}xyz", CODE):
        made.add(value)
    return made


def test_the_longest_is_replaced(secrets: Secrets) -> None:
    """A secret within a secret, side by side, and what is none."""
    shown = secrets.shown
    text = f"{LONG}gh,{LONG}g {LONG[:-2]}xyz{LONG} {LONG[:-1]}"
    wanted = f"{shown[LONG + 'gh']},{shown[LONG]}g {shown[LONG[:-2] + 'xyz']}{shown[LONG]} {LONG[:-1]}"
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


def test_a_weak_secret_is_found_as_a_word_only(secrets: Secrets) -> None:
    """Who calls the test secret `secret` does not spoil `client_secret`, nor codes and names of members."""
    secrets.add("secret")
    body = '{"client_secret": "secret", "secret": "a secret", "code": "test_secret_invalid"}'
    shown = secrets.shown["secret"]
    wanted = {"client_secret": shown, "secret": f"a {shown}", "code": "test_secret_invalid"}
    assert json.loads(secrets.body(body)) == wanted


def test_short_words_are_no_secrets(secrets: Secrets) -> None:
    """An implementation that gives `id` out as goods does not spoil the whole transcript."""
    secrets.add("id")
    secrets.add("")
    assert secrets.redact('{"id": 1}') == '{"id": 1}'
