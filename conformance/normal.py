"""A transcript in its normal form: what stays the same when the same seed is driven against the same implementation.

Times, ports, ids, signatures and secrets have stable names. Of what depends on who is first (many at once, looking
until something has settled) only the question is left, not how often it was asked or what came of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from conformance.transcript import Exchange, Message, Transcript

# Labels of exchanges whose answers, or whose number, depend on who is first.
RACES = re.compile(
    r"look$|settling|meanwhile|rush|mail to|at once|events?\b|until|in the end|press \d|buyer \d|advance|what time"
)
NAMES = (
    (re.compile(r"redacted-[0-9a-f]{16}"), "redacted"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)"), "(time)"),
    (re.compile(r"(?<=://)[\w.-]+:\d+"), "(host)"),
    (re.compile(r"(?<=leaf_hash=)[\w-]+"), "(key)"),
    (re.compile(r"[\w-]{10,}(\.[\w-]*){2,4}(~[\w-]*)*"), "(token)"),
    (re.compile(r"\berased:\w+"), "(pseudonym)"),
    (re.compile(r"\b([0-9a-f]{4}-kV[0-9a-f]{6}|[0-9A-Za-z]{6}-[0-9A-Za-z]{6})\b"), "(code)"),
    (re.compile(r"\b([A-Za-z]{2,8})[_-](?=\w*\d)[\w-]{8,}"), r"\1_(id)"),
    (re.compile(r"(?=[\w+-]*\d)[\w+-]{16,}={0,2}"), "(id)"),
    (re.compile(r"\b1\d{9}(\.\d+)?\b"), "(time)"),
)
# What a channel shows of everything at once: it depends on what the other scenarios have just done.
EVERYBODYS = ("channel:test_list_shelf", "channel:test_get_log")
KEPT = ("content-type", "idempotency-replayed", "retry-after", "www-authenticate", "allow")
# Facts that are times, in the order of ids, or bytes of any look.
UNLIKE = ("lag", "now", "reset at", "changed", "archives")
KEYS = (
    *("x", "y", "kid", "sealed_to", "next_cursor", "jwe", "lease", "access_token", "certificate", "receipt"),
    *("leaf", "leaf_hash", "root_hash", "salt", "owner", "hashes", "path", "idx", "tree_size", "leaf_index"),
    *("token", "challenge", "user", "credential", "archive"),
)


def normalised(t: Transcript) -> list[str]:
    """The lines of its normal form: facts, then the exchanges of each scenario, in the order of their labels."""
    facts = [
        f"{of} · fact {key}: {_named(value)}" for (of, key), value in t.facts.items() if key not in UNLIKE
    ]
    first: dict[tuple[str, str], int] = {}
    for e in t.all(direction="sent"):
        first.setdefault((e.scenario, e.label), e.number)
    last = len(t.exchanges) + 1
    lines = {(e.scenario, first.get((e.scenario, e.label), last), _line(e)): None for e in t.all()}
    ended = [f"{of} · stopped: {_named(why)}" for of, why in t.stopped.items()]
    return [*sorted(facts), *sorted(ended), *(line for _, _, line in sorted(lines))]


def _line(e: Exchange) -> str:
    asked = f"{e.scenario} · {e.direction} {e.label} · {e.operation or '-'} · {e.flaw or '-'}"
    if e.direction == "received" or e.operation in EVERYBODYS or RACES.search(e.label):
        return asked
    answer = _message(e.response) if e.response else "no answer"
    return f"{asked} · {_message(e.request)} · {answer}"


def _message(message: Message) -> str:
    place = f"{message.method} {_named(message.url)}" if message.method else str(message.status)
    headers = sorted(f"{n.lower()}: {_named(v)}" for n, v in message.headers if n.lower() in KEPT)
    value = message.json
    body = value if value is not None else message.body.decode("utf-8", "backslashreplace")
    if message.media_type == "application/zip":
        body = "(archive)"  # what is in it, is among the facts
    return f"{place} {headers} {_named(body)}"


def _named(value: Any) -> str:
    text = (
        value if isinstance(value, str) else json.dumps(_keyless(value), sort_keys=True, ensure_ascii=False)
    )
    for pattern, name in NAMES:
        text = pattern.sub(name, text)
    return text


def _words(message: str) -> str:
    """A message without numbers, its parts once each."""
    return "; ".join(dict.fromkeys(re.sub("[0-9]+", "#", _named(part)) for part in message.split("; ")))


def _keyless(value: Any) -> Any:
    """The value without what is base64url of any look."""
    if isinstance(value, list):
        return [_keyless(part) for part in value]
    if not isinstance(value, dict):
        return value
    rises = ("revision",) if "purpose" in value else ()  # over all that a buyer decides, at whatever pace
    return {name: "(key)" if name in KEYS + rises else _keyless(part) for name, part in value.items()}


def told(report: dict[str, Any]) -> list[str]:
    """A report in its normal form: the verdict, and what was found of each check, without numbers."""
    found = [f"{f['check']} {f['verdict']} {_words(f['message'])}" for f in report["findings"]]
    return [f"{report['role']} {report['verdict']} {report['exit_code']}", *found]
