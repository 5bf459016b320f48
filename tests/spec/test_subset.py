"""The documents keep to the subset that generators understand; and the checker sees each way of leaving it."""

from copy import deepcopy
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
    """Every type keeps to the subset; all but OAuth errors, what is signed and what is packed are used."""
    types = {name: spec.standalone(name)["components"]["schemas"][name] for name in spec.type_names()}
    assert [fault for name, schema in types.items() for fault in schema_faults(schema, name)] == []
    used = {name for role in ROLES for name in spec.document(role)["components"]["schemas"]}
    unseen = {"TokenError", "LeaseClaims", "ConsentReceiptClaims", "ExportManifest"}
    unseen |= {"TreeHeadClaims", "LogLeaf", "StatusListClaims"}
    assert unseen <= types.keys() - used
    within = {part for name in unseen for part in spec.standalone(name)["components"]["schemas"]}
    assert types.keys() - used <= within


@pytest.mark.parametrize(("schema", "fault"), BAD_SCHEMAS, ids=[fault for _, fault in BAD_SCHEMAS])
def test_a_bad_schema_is_found(schema: dict[str, Any], fault: str) -> None:
    """Each way in which a schema can leave the subset is named."""
    assert [found for found in schema_faults(schema, "X") if fault in found]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda node: node.update(operationId="getOrder"), "snake_case"),
        (lambda node: node.update(operationId="list_orders"), "twice"),
        (lambda node: node["parameters"].reverse(), "first"),
        (lambda node: node["parameters"].pop(0), "those of the path"),
        (lambda node: node.pop("x-problems"), "x-problems"),
        (lambda node: node["responses"].pop("5XX"), "5XX"),
        (lambda node: node["responses"]["200"].pop("headers"), "Traceparent"),
    ],
    ids=["camel case", "twice", "order", "missing", "problems", "answers", "headers"],
)  # fmt: skip
def test_a_bad_operation_is_found(change: Any, fault: str) -> None:
    """Each way in which an operation can leave the subset is named."""
    document = deepcopy(spec.document("gateway"))
    change(document["paths"]["/vgcp/v1/orders/{order_id}"]["get"])
    assert [found for found in document_faults(document) if fault in found]


def test_a_closed_enum_in_an_answer_is_found() -> None:
    """An enum that answers carry has to be open; in requests it may be closed."""
    document = spec.document("gateway")
    document["components"]["schemas"]["Availability"]["properties"]["status"]["enum"] = ["in_stock"]
    assert "Availability: closed enum ['in_stock']" in document_faults(document)
