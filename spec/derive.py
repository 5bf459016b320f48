"""Derives other documents from the bundled OpenAPI 3.1: 3.0.3 for servers, and a variant that generators understand."""

from copy import deepcopy
from functools import cache
from typing import Any

from spec.bundle import bundled, with_components
from spec.loader import Json

# Keywords that OpenAPI 3.0.3 does not have, and that this standard's subset does not use (held by a test).
ONLY_31 = (
    "if",
    "then",
    "else",
    "prefixItems",
    "contains",
    "dependentRequired",
    "$defs",
    "unevaluatedProperties",
)


def document_30(role: str) -> Json:
    """The role's document in OpenAPI 3.0.3: for connexion and other tools that know no 3.1. A fresh copy.

    Raises KeyError for an unknown role, ValueError when the document uses what 3.0.3 cannot say.
    """
    return deepcopy(_document_30(role))


@cache
def _document_30(role: str) -> Json:
    document = without_webhooks(bundled(role))
    document["openapi"] = "3.0.3"
    document["info"] = {key: value for key, value in document["info"].items() if key != "summary"}
    if "license" in document["info"]:
        document["info"]["license"] = {"name": document["info"]["license"]["name"]}
    components = document["components"]
    components["schemas"] = {name: schema_30(value) for name, value in components["schemas"].items()}
    for parameter in components.get("parameters", {}).values():
        parameter["schema"] = schema_30(parameter["schema"])
    return document


def without_webhooks(document: Json) -> Json:
    """The document without webhooks, their tag, and the types that only they use."""
    kept = {key: value for key, value in document.items() if key != "webhooks"}
    kept["tags"] = [tag for tag in kept.get("tags", []) if tag["name"] != "webhooks"]
    own = {"securitySchemes": kept["components"].get("securitySchemes", {})}
    return with_components({**kept, "components": own}, document["components"])


def schema_30(schema: Any) -> Any:
    """A schema in the words of 3.0.3: `const` as an `enum` of one, the first of `examples` as `example`.

    Raises ValueError for what cannot be said there: a list of types, or a keyword of `ONLY_31`.
    """
    if not isinstance(schema, dict):
        return schema
    found = {key: _keyword_30(key, value) for key, value in schema.items()}
    if isinstance(found.get("type"), list) or any(key in found for key in ONLY_31):
        raise ValueError(f"3.0.3 cannot say {sorted(found)}")
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "examples" in found:
        found["example"] = found.pop("examples")[0]
    return found


def _keyword_30(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: schema_30(node) for name, node in value.items()}
    if key in {"items", "additionalProperties"}:
        return schema_30(value)
    if key in {"allOf", "anyOf", "oneOf"}:
        return [schema_30(node) for node in value]
    return value


def document_codegen(role: str) -> Json:
    """The role's document for client generators: 3.1 without webhooks. A fresh copy. Raises KeyError."""
    return without_webhooks(bundled(role))
