"""The subset of OpenAPI 3.1 that the documents keep to, so that client generators of every language understand them."""

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

FORBIDDEN = {
    "oneOf": "generated clients throw on an unknown kind",
    "anyOf": "a scalar union has no type in most languages",
    "allOf": "generators disagree about what it merges",
    "not": "no generator knows it",
    "discriminator": "generated clients throw on an unknown kind",
    "nullable": "leave the member out",
    "readOnly": "events use the same types",
    "writeOnly": "events use the same types",
    "unevaluatedProperties": "closes an object that has to stay open",
    "if": "Draft 4 validators ignore it",
    "prefixItems": "Draft 4 validators ignore it",
    "contains": "Draft 4 validators ignore it",
    "dependentRequired": "Draft 4 validators ignore it",
    "exclusiveMinimum": "has another meaning in 3.0",
    "exclusiveMaximum": "has another meaning in 3.0",
}
KEYWORDS = {
    *(
        "type",
        "description",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "maxProperties",
    ),
    *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "enum", "const", "default"),
    "x-extensible-enum",
    # what the decision point is asked for before such a value is shown
    "x-personal-data",
}
FORMATS = {"date-time", "uri"}
METHODS = ("get", "put", "post", "delete", "patch")
UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d+,\}")


def schema_faults(schema: Json, where: str) -> Iterator[str]:
    """What a schema has that the subset does not, at each of its places."""
    if "$ref" in schema:
        if len(schema) > 1:
            yield f"{where}: $ref with siblings"
        return
    yield from (f"{where}: {word}, but {why}" for word, why in FORBIDDEN.items() if word in schema)
    # a comma in an unquoted description makes two members of one, the second without a value
    for word in schema.keys() - KEYWORDS - FORBIDDEN.keys():
        yield f"{where}: unknown keyword {word!r}"
    kind = schema.get("type")
    if not isinstance(kind, str) or kind == "null":
        yield f"{where}: its type is {kind}, not one name"
        return
    if "format" in schema and schema["format"] not in FORMATS:
        yield f"{where}: format {schema['format']}"
    yield from (f"{where}: {fault}" for fault in _bounds(kind, schema))
    for name, node in schema.get("properties", {}).items():
        yield from schema_faults(node, f"{where}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield from schema_faults(schema[word], f"{where}.{word}")


def _bounds(kind: str, schema: Json) -> Iterator[str]:
    if kind == "object":
        extra = schema.get("additionalProperties")
        if extra is not True and not isinstance(extra, dict):
            yield "an object that does not take members it does not know"
        if not set(schema.get("required", [])) <= schema.get("properties", {}).keys():
            yield "requires a member that it does not have"
    if kind == "string" and not _bounded(schema):
        yield "a string without an end"
    if kind == "array" and not {"maxItems", "items"} <= schema.keys():
        yield "an array without an end"
    if kind == "integer" and "enum" not in schema and not {"minimum", "maximum"} <= schema.keys():
        yield "an integer without ends"
    if kind == "number":
        yield "a float"
    if "enum" in schema and "x-extensible-enum" in schema:
        yield "an enum that is closed and open"


def _bounded(schema: Json) -> bool:
    pattern = schema.get("pattern", "*")
    return "maxLength" in schema or "enum" in schema or "const" in schema or not UNBOUNDED.search(pattern)


def operation_faults(document: Json) -> Iterator[str]:
    """What the operations of a bundled document have that the subset does not."""
    seen: set[str] = set()
    for path, methods in document["paths"].items():
        if extra := methods.keys() - set(METHODS):
            yield f"{path}: {sorted(extra)} beside the operations"
        for method, node in methods.items():
            name = node.get("operationId", "")
            where = f"{method} {path}"
            if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
                yield f"{where}: operationId {name!r} is not snake_case"
            if name in seen:
                yield f"{where}: operationId {name} stands twice"
            seen.add(name)
            yield from (f"{where}: {fault}" for fault in _operation(document, path, node))


def _operation(document: Json, path: str, node: Json) -> Iterator[str]:
    parameters = [_resolved(document, parameter) for parameter in node.get("parameters", [])]
    places = [parameter["in"] for parameter in parameters]
    if places != sorted(places, key=lambda place: place != "path"):
        yield "path parameters do not come first"
    if [p["name"] for p in parameters if p["in"] == "path"] != re.findall(r"\{(\w+)\}", path):
        yield "path parameters are not those of the path"
    for parameter in parameters:
        schema = parameter["schema"]
        if parameter["in"] == "header" and schema.get("format") == "date-time":
            yield f"{parameter['name']} is a date-time header"
    if len(node.get("tags", [])) != 1 or "security" not in node or "x-problems" not in node:
        yield "needs one tag, security and x-problems"
    codes = list(node["responses"])
    if len(codes) != 3 or not codes[0].startswith("2") or codes[1:] != ["4XX", "5XX"]:
        yield f"answers {codes}, not one 2xx, 4XX and 5XX"
    success = node["responses"][codes[0]]
    if not {"Traceparent", "VGCP-Request-Id"} <= success.get("headers", {}).keys():
        yield "answers without Traceparent and VGCP-Request-Id"


def _resolved(document: Json, node: Json) -> Json:
    while "$ref" in node:
        _, _, group, name = node["$ref"].split("/")
        node = document["components"][group][name]
    return node


def closed_in_answers(document: Json) -> Iterator[str]:
    """Types in answers with an `enum`: an older client would refuse a value that came later."""
    types = document["components"]["schemas"]
    todo = [
        media["schema"]["$ref"]
        for methods in document["paths"].values()
        for node in methods.values()
        for answer in node["responses"].values()
        for media in _resolved(document, answer).get("content", {}).values()
        if "$ref" in media["schema"]  # bytes that are no JSON have no type
    ]
    seen: set[str] = set()
    while todo:
        name = todo.pop().rsplit("/", 1)[1]
        if name not in seen:
            seen.add(name)
            nodes = list(_nodes(types[name]))
            todo += [node["$ref"] for node in nodes if isinstance(node.get("$ref"), str)]
            yield from (
                f"{name}: closed enum {node['enum']}" for node in nodes if isinstance(node.get("enum"), list)
            )


def _nodes(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)


def document_faults(document: Json) -> list[str]:
    """Every fault of a bundled document."""
    faults = list(operation_faults(document))
    for name, schema in document["components"]["schemas"].items():
        faults += schema_faults(schema, name)
    for name, parameter in document["components"]["parameters"].items():
        faults += schema_faults(parameter["schema"], f"parameter {name}")
    for name, header in document["components"]["headers"].items():
        faults += schema_faults(header["schema"], f"header {name}")
    for scheme in document["components"]["securitySchemes"].values():
        for flow in scheme.get("flows", {}).values():
            if not flow["tokenUrl"].startswith("https://"):
                faults.append("tokenUrl is not absolute")
    return [*faults, *closed_in_answers(document)]
