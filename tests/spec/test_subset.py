"""The documents keep to the subset that generators understand; and the checker sees each way of leaving it."""

from typing import Any

import pytest

import spec
from tests.spec.subset import document_faults, schema_faults

ROLES = ("gateway", "channel")

# What each of these adds to a well-formed string, object or operation has to be found.
BAD_SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({"oneOf": [{"type": "string"}]}, "oneOf"),
    ({"type": "object", "additionalProperties": True, "discriminator": {}}, "discriminator"),
    ({"type": "object", "additionalProperties": False}, "does not take members"),
    ({"type": "object"}, "does not take members"),
    ({"type": "object", "additionalProperties": True, "required": ["x"]}, "requires a member"),
    ({"type": ["string", "null"], "maxLength": 3}, "not one name"),
    ({"type": "null"}, "not one name"),
    ({"type": "boolean", "description": "a hint", "only given when low.": None}, "unknown keyword"),
    ({"type": "integer", "format": "int64", "minimum": 0, "maximum": 9}, "int64"),
    ({"type": "integer"}, "without ends"),
    ({"type": "number"}, "float"),
    ({"type": "string"}, "without an end"),
    ({"type": "string", "pattern": "^a+$"}, "without an end"),
    ({"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 1}}, "array without"),
    ({"type": "string", "maxLength": 3, "readOnly": True}, "readOnly"),
    ({"$ref": "#/components/schemas/Id", "description": "mine"}, "siblings"),
    ({"type": "object", "additionalProperties": True, "properties": {"a": {"type": "string"}}}, ".a"),
]


@pytest.mark.parametrize("role", ROLES)
def test_documents_keep_to_the_subset(role: str) -> None:
    """Both documents, with all that they reach, have nothing that is left out of the subset."""
    assert document_faults(spec.document(role)) == []


def test_types_that_no_document_reaches_keep_to_the_subset() -> None:
    """Every type of the standard keeps to the subset, and all but OAuth errors and what is signed are used."""
    types = {name: spec.standalone(name)["components"]["schemas"][name] for name in spec.type_names()}
    assert [fault for name, schema in types.items() for fault in schema_faults(schema, name)] == []
    used = {name for role in ROLES for name in spec.document(role)["components"]["schemas"]}
    signed = {"LeaseClaims", "TreeHeadClaims", "LogLeaf", "StatusBits", "StatusListClaims"}
    assert types.keys() - used == {"TokenError", *signed}
