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
MASK = "The value"
INTEGER = re.compile(r"-?[0-9]{1,18}\Z")


def compile_schema(schema: Json) -> Check:
    """A check of a parameter's schema, as Operation.parameters has it, with nothing left to resolve."""
    # `mask` keeps what was sent out of the message
    validator = jsonschema_rs.Draft202012Validator(schema, mask=MASK, validate_formats=True)
    return lambda instance: [("", error.message) for error in validator.iter_errors(instance)]


class Parameter:
    """One query, path or header parameter of an operation."""

    __slots__ = ("_check", "default", "integer", "location", "name", "required")

    def __init__(self, node: Json) -> None:
        schema = node["schema"]
        self.name: str = node["name"]
        self.location: str = node["in"]
        self.required: bool = node.get("required", False)
        self.integer = schema.get("type") == "integer"
        self.default = schema.get("default")
        self._check = compile_schema(schema)

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

    def __init__(self, operation: spec.Operation) -> None:
        # the key has problems of its own and a bad traceparent is not an error (IDM-001, TRC-002)
        parameters = [Parameter(node) for node in operation.parameters if node["name"] != "traceparent"]
        self.key = next((one for one in parameters if one.name == "Idempotency-Key"), None)
        self._query = [one for one in parameters if one.location == "query"]
        self._path = [one for one in parameters if one.location == "path"]
        self.has_body = operation.request_type is not None
        self._required = operation.request_required
        self._media_type = (operation.request_media or "").encode()
        self._body = spec.validator(operation.request_type).errors if operation.request_type else _anything

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

    def parameters(self, path: dict[str, str], query: bytes) -> Json:
        """Path and query parameters by name. Raises ProtocolError `invalid`, naming each bad one (ERR-002)."""
        errors: list[FieldError] = []
        given = _query(query, errors) if query else {}
        values: Json = {one.name: one.read(given.get(one.name), errors) for one in self._query}
        for one in self._path:
            values[one.name] = one.read(path[one.name], errors)
        if errors:
            raise ProtocolError("invalid", "", *errors)
        return values

    def body(self, raw: bytes, headers: dict[bytes, bytes]) -> Any:
        """The parsed and validated body; `{}` where it may be left out. Raises ProtocolError."""
        if not raw and not self._required:
            return {}
        form = self._media_type == bodies.FORM
        bodies.check_media_type(headers, self._media_type)
        value = bodies.parse_form(raw) if form else bodies.parse_json(raw)
        faults = self._body(value)
        if faults:
            errors = [FieldError("body", message, pointer=pointer) for pointer, message in faults]
            raise ProtocolError("invalid_request" if form else "invalid", "", *errors)
        return value


class ResponseCheck:
    """What the document says of an operation's answers; for tests and for operators who ask for it."""

    def __init__(self, operation: spec.Operation) -> None:
        self._status = operation.response_status
        self._check = spec.validator(operation.response_type).errors if operation.response_type else None
        self._json = operation.response_media == "application/json"
        self._codes = {*operation.problems, "method_not_allowed"}

    def faults(self, response: Response) -> list[tuple[str, str]]:
        """(pointer, message) for all that is not as the document says."""
        if response.status == 304:  # for who has the declared answer already (RFC 9110 section 15.4.5)
            return [("", "has a body")] if response.body else []
        if response.status != self._status:
            return [("", f"status {response.status} is not declared")]
        if self._check is None:
            return [("", "has a body")] if response.body else []
        return self._check(orjson.loads(response.body) if self._json else response.body.decode())

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


def _anything(_: Any) -> list[tuple[str, str]]:
    return []
