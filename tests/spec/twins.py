"""Makes near-miss twins of a valid value: each differs in one thing, and each has to be refused."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Json = dict[str, Any]

# A value of none of these types is a value of another; a number is never a whole one.
OTHER: dict[str, Any] = {"object": "x", "array": {}, "string": 7, "integer": 1.5, "boolean": "true"}


def resolved(schema: Json, types: Json) -> Json:
    """The schema that a `$ref` leads to."""
    while "$ref" in schema:
        schema = types[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def twins(value: Any, schema: Json, types: Json) -> Iterator[tuple[str, Any]]:
    """Pairs of what was done and the twin, for each rule of the schema that the value shows."""
    schema = resolved(schema, types)
    yield "null", None
    yield f"not of type {schema['type']}", OTHER[schema["type"]]
    if isinstance(value, str):
        yield from _strings(value, schema)
    if isinstance(value, int) and not isinstance(value, bool):
        yield from _integers(schema)
    if isinstance(value, list):
        yield from _arrays(value, schema, types)
    if isinstance(value, dict):
        yield from _objects(value, schema, types)


def _strings(value: str, schema: Json) -> Iterator[tuple[str, Any]]:
    if "maxLength" in schema:
        yield "too long", value.ljust(schema["maxLength"] + 1, "a")
    if schema.get("minLength"):
        yield "empty", ""
    if "pattern" in schema:
        yield "breaks the pattern", f"\n{value} "
    if "format" in schema:
        yield f"no {schema['format']}", "not one at all"
    if "enum" in schema or "const" in schema:
        yield "none of the values", f"{value}-x"


def _integers(schema: Json) -> Iterator[tuple[str, Any]]:
    if "minimum" in schema:
        yield "below the minimum", schema["minimum"] - 1
    if "maximum" in schema:
        yield "above the maximum", schema["maximum"] + 1
    if "enum" in schema:
        yield "none of the values", max(schema["enum"]) + 1


def _arrays(value: list[Any], schema: Json, types: Json) -> Iterator[tuple[str, Any]]:
    if schema.get("minItems"):
        yield "too few", value[: schema["minItems"] - 1]
    if value:
        yield "too many", value[:1] * (schema["maxItems"] + 1)
        for done, twin in twins(value[0], schema["items"], types):
            yield f"[0] {done}", [twin, *value[1:]]


def _objects(value: Json, schema: Json, types: Json) -> Iterator[tuple[str, Any]]:
    for name in schema.get("required", []):
        yield f"without {name}", {key: item for key, item in value.items() if key != name}
    extra = schema.get("additionalProperties")
    known = schema.get("properties", {})
    for name, item in value.items():
        node = known.get(name, extra if isinstance(extra, dict) else None)
        if node is not None:
            for done, twin in twins(item, node, types):
                yield f"{name}: {done}", deepcopy(value) | {name: twin}


def fingerprint(value: Any) -> str:
    """A text by which two values can be told apart."""
    return json.dumps(value, sort_keys=True)
