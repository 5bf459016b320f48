"""Validators of the types, compiled once from the 2020-12 schemas, formats checked."""

from functools import cache
from typing import Any

import jsonschema_rs

from spec.bundle import reached, shared_components
from spec.loader import Json

# Stands in messages in place of what was sent, so that a secret in a bad request cannot get into an answer or a log.
MASK = "The value"


class Validator:
    """Says what is wrong with a value of one type."""

    __slots__ = ("_compiled", "type_name")

    def __init__(self, type_name: str, schema: Json) -> None:
        self.type_name = type_name
        self._compiled = jsonschema_rs.Draft202012Validator(schema, mask=MASK, validate_formats=True)

    def is_valid(self, instance: Any) -> bool:
        """Whether the value, as `json.loads` gives it, is of the type."""
        return self._compiled.is_valid(instance)

    def errors(self, instance: Any) -> list[tuple[str, str]]:
        """What is wrong: pairs of an RFC 6901 JSON Pointer and a message without the value; empty when nothing is.

        A missing member is reported at the place where it would stand.
        """
        if self._compiled.is_valid(instance):
            return []
        return sorted(_error(error) for error in self._compiled.iter_errors(instance))

    def __repr__(self) -> str:
        return f"Validator({self.type_name!r})"


def _error(error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    path = list(error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return pointer([*path, kind.property]), "Is required."
    return pointer(path), error.message


def pointer(path: list[str | int]) -> str:
    """The RFC 6901 JSON Pointer of a path; empty for the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


@cache
def validator(type_name: str) -> Validator:
    """The validator of a type of `spec/schemas`, for example `Order`. Raises KeyError for an unknown name."""
    return Validator(type_name, standalone(type_name))


def standalone(type_name: str) -> Json:
    """The type as one JSON Schema (2020-12) that carries all types it refers to. Raises KeyError."""
    types = shared_components()["schemas"]
    if type_name not in types:
        raise KeyError(type_name)
    start = {"$ref": f"#/components/schemas/{type_name}"}
    names = sorted(name for _, name in reached(start, shared_components()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **start,
        "components": {"schemas": {name: types[name] for name in names}},
    }


def type_names() -> tuple[str, ...]:
    """The names of all types, sorted."""
    return tuple(shared_components()["schemas"])
