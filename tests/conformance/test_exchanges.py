"""The recorded examples are there, are what really happens, say no secret, and stay alike from run to run."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

import spec
from conformance.exchanges import FOLDER, examples
from conformance.exchanges.record import found_out, record
from conformance.exchanges.tidy import LETTERS, Tidy
from conformance.model import REGISTRY, Role
from conformance.runner import load

Json = dict[str, Any]
ROLES: tuple[Role, ...] = ("channel", "gateway")
# Their wrong implementations send nothing where an event should have come, so there may be nothing to show.
SILENT = {"EVT-003", "EVT-004", "EVT-005", "EVT-017"}
SECRETS = r"eyJ|whsec_|only-for-examples|redacted-|127\.0\.0\.1|localhost|\"d\": \"(?!secret-|coded-)"
SAMPLE: dict[Role, list[str]] = {
    "gateway": ["AUT-005", "CAT-002", "DLV-003", "IDM-002", "ORD-003"],
    "channel": ["SEL-002", "SIG-005"],
}


@pytest.mark.parametrize("role", ROLES)
def test_every_checked_requirement_has_both(role: Role) -> None:
    """A passing and a failing exchange for each requirement that is checked in the role, and for no other."""
    load(role)
    found = examples(role)
    assert found.keys() == {entry.requirement for entry in REGISTRY.of(role)}
    assert {name for name, pair in found.items() if not pair["right"]["exchanges"]} == set()
    bare = {name for name, pair in found.items() if not pair["wrong"]["exchanges"]}
    assert bare <= (SILENT if role == "gateway" else set())
    assert [name for name, pair in found.items() for side in pair.values() if not side["message"]] == []


@pytest.mark.parametrize("role", ROLES)
def test_the_failing_one_is_of_a_mutant_of_the_requirement(role: Role) -> None:
    """The mutant that an example names is one that the requirement's checks must catch."""
    mutants = importlib.import_module(f"conformance.mutants.{role}").MUTANTS
    fails: dict[str, set[str]] = {}
    for mutant in mutants:
        fails.setdefault(mutant.name, set()).update(mutant.fails)
    assert [name for name, pair in examples(role).items() if name not in fails[pair["wrong"]["mutant"]]] == []


@pytest.mark.parametrize("role", ROLES)
def test_examples_are_small_and_say_no_secret(role: Role) -> None:
    """No token, webhook secret, private key or place of the machine that recorded them; a megabyte at most."""
    text = (FOLDER / f"{role}.json").read_text("utf-8")
    assert len(text.encode()) < 1_000_000
    assert re.findall(SECRETS, text) == []
    assert re.findall(r"\\u00[01][0-9a-f]", text) == []  # no archive or other bytes


def shape(value: Any) -> Any:
    """What an example is made of, whatever its ids, numbers and times are; headers and members in any order."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return type(value).__name__


def told(side: Json) -> Json:
    """The words of an example, the shape of its bodies, and method, path and status as they are."""
    exchanges = [
        shape(one) | {name: one.get(name) for name in ("asks", "label", "request", "status")}
        for one in side["exchanges"]
    ]
    return side | {"message": shape(side["message"]), "exchanges": exchanges}


@pytest.mark.parametrize("role", ROLES)
async def test_a_sample_comes_out_alike(role: Role) -> None:
    """Recording again gives the same exchanges in the same shape; and each is found out as the registry says."""
    found, right = await record(role, SAMPLE[role])
    kept = examples(role)
    assert set(found) == set(SAMPLE[role])
    for name, pair in found.items():
        assert {side: told(pair[side]) for side in pair} == {side: told(kept[name][side]) for side in pair}
    rows = {row.id: row.testability for row in spec.requirements()}
    seen = {name: way for name, way in found_out([right]).items() if name in SAMPLE[role]}
    assert seen == {name: rows[name] for name in SAMPLE[role]}


def exchange(**request: Any) -> Json:
    """A recorded exchange with this request, answered by 204."""
    asked = {
        "method": "POST",
        "url": "http://127.0.0.1:4711/orders?id=sale_0000000abcdef12345",
        "headers": [],
    }
    return {
        "label": "order", "direction": "sent", "request": asked | {"body": ""} | request,
        "response": {"status": 204, "headers": [], "body": ""}, "error": "",
    }  # fmt: skip


def tidy(requirement: str) -> Tidy:
    """For an example of this requirement, of a run that began at 2031-05-06T07:08:09Z."""
    return Tidy(requirement, "gateway", "http://127.0.0.1:4711", 1935817689.0)


def test_the_same_thing_keeps_its_name() -> None:
    """An id has one name in path and body, another id another one; times keep their distance."""
    body = (
        '{"id": "sale_0000000abcdef12345", "other": "sale_0000000fedcba54321",'
        ' "at": "2031-05-06T07:08:09.123Z", "until": "2031-05-06T07:18:09Z",'
        ' "fixed": "2030-11-01T12:00:00Z", "stamp": 1935817689}'
    )
    shown = tidy("ORD-001").exchange(exchange(body=body))
    assert shown["request"] == "POST /orders?id=sale_1"
    assert shown["body"] == {
        "id": "sale_1",
        "other": "sale_2",
        "at": "2026-01-01T12:00:00.000Z",
        "until": "2026-01-01T12:10:00Z",
        "fixed": "2030-11-01T12:00:00Z",
        "stamp": 1767268800,
    }
    assert (shown["status"], "answer" in shown, "headers" in shown) == (204, False, False)


def test_what_is_long_is_cut() -> None:
    """Two items of a list, the beginning of a text; and headers only where they matter."""
    shown = tidy("TRC-001")
    assert shown.value([1, 2, 3, 4]) == [1, 2, "… and 2 more"]
    assert shown.value("x" * 500) == "x" * LETTERS + "…"
    headers = [["traceparent", f"00-{'ab1' * 10}cd-{'1f' * 8}-01"], ["Server", "any"]]
    assert shown.heads(headers) == {"traceparent": "00-trace-1-hex-1-01"}
    assert tidy("ORD-001").heads(headers) == {}


def test_what_is_no_text_is_left_out() -> None:
    """An archive would make a page that is read as text no text."""
    assert tidy("CNS-014").body({"body": "PK\x03\x04\x14"}) == "… bytes"
    assert tidy("CNS-014").body({"body": "two\nlines\t"}) == "two\nlines\t"
