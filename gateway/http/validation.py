"""Validates requests and answers with validators that are compiled once, at start, from the 3.1 document (2020-12)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import orjson

import spec
from gateway.core.errors import FieldError, ProtocolError
from gateway.http import body as bodies
from gateway.http.response import Response

Json = dict[str, Any]
Check = Callable[[Any], list[tuple[str, str]]]
INTEGER = re.compile(r"-?[0-9]{1,18}\Z")


def resolve(document: Json, node: Json) -> Json:
    """Follow a `$ref` into the bundled document's components, if it is one."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def compile_schema(schema: Json) -> Check:
    """A check that gives (pointer, message) pairs; a reference is to a type of the standard."""
    if "$ref" in schema:
        return spec.validator(schema["$ref"].rsplit("/", 1)[1]).errors
    # `mask` keeps what was sent out of the message
    validator = jsonschema_rs.Draft202012Validator(schema, mask="The value", validate_formats=True)
    return lambda instance: [("", error.message) for error in validator.iter_errors(instance)]


class Parameter:
    """One query, path or header parameter of an operation."""

    __slots__ = ("_check", "default", "integer", "location", "name", "required")

    def __init__(self, document: Json, node: Json) -> None:
        schema = resolve(document, node["schema"])
        self.name: str = node["name"]
        self.location: str = node["in"]
        self.required: bool = node.get("required", False)
        self.integer = schema.get("type") == "integer"
        self.default = schema.get("default")
        self._check = compile_schema(node["schema"])

    def read(self, raw: str | None, errors: list[FieldError]) -> Any:
        """The value, coerced; what is wrong with it is added to `errors`."""
        if raw is None:
            if self.required:
                errors.append(FieldError(self.location, "Is required.", name=self.name))
            return self.default
        value: Any = int(raw) if self.integer and INTEGER.match(raw) else raw
        faults = [message for _, message in self._check(value)]
        if "\x00" in raw:
            faults.append("The NUL character is not taken.")
        errors.extend(FieldError(self.location, message, name=self.name) for message in faults[:1])
        return value


class RequestCheck:
    """All that one operation's request must satisfy."""

    def __init__(self, document: Json, operation: Json) -> None:
        nodes = [resolve(document, node) for node in operation.get("parameters", [])]
        # the key has problems of its own and a bad traceparent is not an error (IDM-001, TRC-002)
        special = {"Idempotency-Key", "traceparent"}
        self._parameters = [Parameter(document, node) for node in nodes if node["name"] not in special]
        self._query = [one for one in self._parameters if one.location == "query"]
        self._others = [one for one in self._parameters if one.location != "query"]
        keys = [Parameter(document, node) for node in nodes if node["name"] == "Idempotency-Key"]
        self.key = keys[0] if keys else None
        request_body = operation.get("requestBody")
        self.has_body = request_body is not None
        self.body_required: bool = bool(request_body and request_body.get("required"))
        content = request_body["content"] if request_body else {"": {"schema": {}}}
        self.media_type, media = next((name.encode(), value) for name, value in content.items())
        self._body = compile_schema(media["schema"])

    def idempotency_key(self, headers: dict[bytes, bytes]) -> str | None:
        """The key, where the operation has one. Raises ProtocolError `idempotency_key_missing` (IDM-001)."""
        if self.key is None:
            return None
        faults: list[FieldError] = []
        raw = headers.get(b"idempotency-key")
        key: str | None = self.key.read(None if raw is None else raw.decode("latin-1"), faults)
        if faults:
            raise ProtocolError("idempotency_key_missing", "", *faults)
        return key

    def parameters(self, path: dict[str, str], query: bytes, headers: dict[bytes, bytes]) -> Json:
        """Path, query and header parameters by name. Raises ProtocolError `invalid`, naming each bad one (ERR-002)."""
        errors: list[FieldError] = []
        given = _query(query, errors) if query else {}
        values: Json = {}
        for one in self._query:
            values[one.name] = one.read(given.get(one.name), errors)
        for one in self._others:
            raw = path.get(one.name) if one.location == "path" else _header(headers, one.name)
            values[one.name] = one.read(raw, errors)
        if errors:
            raise ProtocolError("invalid", "", *errors)
        return values

    def body(self, raw: bytes, headers: dict[bytes, bytes]) -> Any:
        """The parsed and validated body; `{}` where it may be left out. Raises ProtocolError."""
        if not raw and not self.body_required:
            return {}
        form = self.media_type == bodies.FORM
        bodies.check_media_type(headers, self.media_type)
        value = bodies.parse_form(raw) if form else bodies.parse_json(raw)
        faults = self._body(value)
        if faults:
            errors = [FieldError("body", message, pointer=pointer) for pointer, message in faults]
            raise ProtocolError("invalid_request" if form else "invalid", "", *errors)
        return value


class ResponseCheck:
    """What the document says of an operation's answers; for tests and for operators who ask for it."""

    def __init__(self, document: Json, operation: Json) -> None:
        self._by_status: dict[int, Check | None] = {}
        for status, node in operation["responses"].items():
            if status.isdigit():
                media = resolve(document, node).get("content", {}).get("application/json")
                self._by_status[int(status)] = compile_schema(media["schema"]) if media else None
        self._codes = {*operation["x-problems"], "method_not_allowed"}

    def faults(self, response: Response) -> list[tuple[str, str]]:
        """(pointer, message) for all that is not as the document says."""
        if response.status not in self._by_status:
            return [("", f"status {response.status} is not declared")]
        check = self._by_status[response.status]
        if check is None:
            return [("", "has a body")] if response.body else []
        return check(orjson.loads(response.body))

    def declares(self, code: str) -> bool:
        """Whether the document lists this problem for the operation."""
        return code in self._codes


def _query(query: bytes, errors: list[FieldError]) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=64, errors="strict")
    except ValueError:
        errors.append(FieldError("query", "Does not decode as UTF-8.", name="query"))
        return {}
    found = dict(pairs)
    if len(found) != len(pairs):
        errors.append(FieldError("query", "A parameter is given twice.", name="query"))
    return found


def _header(headers: dict[bytes, bytes], name: str) -> str | None:
    raw = headers.get(name.lower().encode())
    return None if raw is None else raw.decode("latin-1")
