"""What the prose names is there: problems, operations, members, states, headers; and problems fit their operations."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

import spec
from spec.loader import FOLDER
from spec.prose import sentences

ROLES = ("gateway", "channel")
CODES = re.compile(r"`([a-z][a-z0-9_]*)`")

# Words of other standards that the prose names.
FOREIGN = {
    "jti",
    "private_key_jwt",
    "rfc9421",
    "standard_webhooks",
    "keyid",
    "alg",
    "nonce",
    "vct",
    "typ",
    "enc",
    "vgcp_order_id",
    "vgcp_delivery_id",
}


def words(node: Any) -> Iterator[str]:
    """Every member name and every value of an enum in a schema."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties":
                yield from value
            if key in {"enum", "x-extensible-enum"} and isinstance(value, list):
                yield from (str(one) for one in value)
            yield from words(value)
    if isinstance(node, list):
        for item in node:
            yield from words(item)


def vocabulary() -> set[str]:
    """All names that the data of the standard defines."""
    found = {*spec.problems(), *spec.transitions().states, *spec.transitions().events, *FOREIGN}
    found |= {*spec.entitlement_transitions().states, *spec.entitlement_transitions().events}
    for role in ROLES:
        for operation in spec.operations(role):
            found |= {operation.id, *operation.parameter_names, operation.scope or operation.id}
    for name in spec.type_names():
        found |= set(words(spec.standalone(name)))
    return found


def test_the_prose_names_what_there_is() -> None:
    """Every `name` in the pages of the norm is defined by the documents, types, catalogue or life of an order."""
    known = vocabulary()
    for path in sorted((FOLDER / "text").glob("*.md")):
        named = set(CODES.findall(path.read_text("utf-8")))
        assert named - known == set(), path.name


@pytest.mark.parametrize("row", [row for row in spec.requirements() if row.operation], ids=lambda row: row.id)
def test_a_named_problem_is_one_of_the_operation(row: spec.Requirement) -> None:
    """A sentence about an operation names only problems that the operation lists in `x-problems`."""
    codes = set(re.findall(r"with `(\w+)`", row.text)) & spec.problems().keys()
    for role in ROLES:
        for operation in spec.operations(role):
            if operation.id == row.operation and operation.tag == row.capability and role in row.roles:
                assert codes <= set(operation.problems)


def test_every_sentence_is_one() -> None:
    """A normative sentence is one sentence: it ends with its only full stop."""
    for sentence in sentences():
        bare = re.sub(r"`[^`]*`", "x", sentence.text)
        assert bare.endswith("."), sentence.id
        assert not re.search(r"\. [A-Z]", bare), sentence.id
