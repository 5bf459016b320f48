"""Holds every exchange against the documents: whose part of it does not fit, and why. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs

import spec
from conformance.transcript import Exchange, Message, Transcript

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing in an exchange that does not fit the documents."""

    exchange: Exchange
    part: Literal["request", "response"]
    message: str


@cache
def operations(document: Literal["gateway", "channel"]) -> dict[str, spec.Operation]:
    """The document's operations by operationId."""
    return {operation.id: operation for operation in spec.operations(document)}


def document_of(exchange: Exchange) -> Literal["gateway", "channel"]:
    """Whose document an exchange belongs to: the server's; the driver prefixes a channel's operation."""
    return "channel" if exchange.operation.startswith("channel:") else "gateway"


def operation_of(exchange: Exchange) -> spec.Operation | None:
    """The operation an exchange belongs to, or None. What a gateway posts is what a channel receives."""
    if exchange.operation == "send_event":
        return operations("channel")["receive_event"]
    return operations(document_of(exchange)).get(exchange.operation.rpartition(":")[2])


def _fit(message: Message, type_name: str) -> Iterator[str]:
    value = (
        dict(parse_qsl(message.body.decode("utf-8", "replace")))
        if message.media_type == FORM
        else message.json
    )
    if value is None:
        yield f"the body is not JSON, expected {type_name}"
        return
    for pointer, text in spec.validator(type_name).errors(value):
        yield f"{type_name}{pointer}: {text}"


def request_errors(exchange: Exchange, operation: spec.Operation) -> Iterator[str]:
    """What does not fit in the request."""
    if exchange.request.omitted:  # too long to be kept, and meant so
        return
    if operation.request_type and exchange.request.body:
        yield from _fit(exchange.request, operation.request_type)
    elif operation.request_required:
        yield f"no body, expected {operation.request_type}"
    yield from _parameters(exchange.request, operation)


def _parameters(request: Message, operation: spec.Operation) -> Iterator[str]:
    """What does not fit in the query and the headers."""
    query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
    for one in operation.parameters:
        if one["in"] not in ("query", "header"):
            continue
        name, schema = one["name"], one["schema"]
        value = query.get(name) if one["in"] == "query" else request.header(name)
        if not value and one.get("required"):
            yield f"no {name}"
        elif value is not None and not _parameter(json.dumps(schema)).is_valid(_typed(value, schema)):
            yield f"{one['in']} parameter {name} does not fit its schema"


@cache
def _parameter(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(schema))


def _typed(value: str, schema: dict[str, Any]) -> object:
    """A parameter's text as its schema wants it."""
    whole = schema.get("type") == "integer" and value.removeprefix("-").isdigit()
    return int(value) if whole else value


def response_errors(exchange: Exchange, operation: spec.Operation) -> Iterator[str]:
    """What does not fit in the answer."""
    answer = exchange.response
    if answer is None:
        return
    if answer.status >= 400:
        yield from problem_errors(exchange)
    elif answer.status != operation.response_status:
        yield f"status {answer.status}, expected {operation.response_status}"
    elif operation.response_type:
        if answer.media_type != operation.response_media:
            yield f"media type {answer.media_type or 'missing'}, expected {operation.response_media}"
        if operation.response_media == "application/json":  # another body is looked into by its own judges
            yield from _fit(answer, operation.response_type)
    elif operation.response_media:
        if answer.media_type != operation.response_media:
            yield f"media type {answer.media_type or 'missing'}, expected {operation.response_media}"
    elif answer.body:
        yield "a body where none is expected"


def problem_errors(exchange: Exchange) -> Iterator[str]:
    """What is wrong with an error answer as a problem document of the closed catalogue."""
    answer = exchange.response
    if answer is None:
        return
    if answer.media_type != "application/problem+json":
        yield f"status {answer.status} as {answer.media_type or 'nothing'}, expected application/problem+json"
        return
    yield from _fit(answer, "Problem")
    code = str(exchange.answer.get("code"))
    known = spec.problems().get(code)
    if known is None:
        yield f"code {code!r} is not in the catalogue"
    elif known.status != answer.status or exchange.answer.get("status") != answer.status:
        yield f"status {answer.status} with code {code}, whose status is {known.status}"
    elif exchange.answer.get("type") != f"urn:vgcp:problem:{code}":
        yield f"type {exchange.answer.get('type')!r} does not name the code {code}"


def violations(transcript: Transcript) -> Iterator[tuple[Violation, bool]]:
    """Everything that does not fit, and whether it is ours (True) or theirs."""
    for exchange in transcript.all():
        operation = operation_of(exchange)
        if operation is None:
            continue
        ours = exchange.direction == "sent"
        if not (ours and exchange.flaw):
            for message in request_errors(exchange, operation):
                yield Violation(exchange, "request", message), ours
        if ours or not exchange.flaw:
            for message in response_errors(exchange, operation):
                yield Violation(exchange, "response", message), not ours


def our_violations(transcript: Transcript) -> list[Violation]:
    """What the suite itself got wrong, other than on purpose. Voids the run."""
    return [violation for violation, ours in violations(transcript) if ours]


def their_violations(transcript: Transcript) -> list[Violation]:
    """What the implementation under test sent that does not fit."""
    return [violation for violation, ours in violations(transcript) if not ours]
