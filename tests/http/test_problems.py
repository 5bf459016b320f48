"""The table from errors to problem documents."""

from __future__ import annotations

import orjson
import pytest

import spec
from gateway.core.errors import FieldError, ProtocolError, at
from gateway.http.problems import answer
from gateway.http.trace import begin


@pytest.mark.parametrize("code", sorted(spec.problems()))
def test_every_code_of_the_catalogue_has_a_valid_document(code: str) -> None:
    """Status, title and type are the catalogue's; the document fits its schema (ERR-001)."""
    exchange = begin(None, "GET")
    response = answer(ProtocolError(code, "What happened.", at("/a", "Is bad.")), exchange)
    document = orjson.loads(response.body)
    entry = spec.problems()[code]
    assert spec.validator("Problem").errors(document) == []
    assert (response.status, document["status"], document["title"]) == (
        entry.status,
        entry.status,
        entry.title,
    )
    assert document["type"] == f"urn:vgcp:problem:{code}"
    assert document["trace_id"] == exchange.trace_id
    assert response.media_type == b"application/problem+json"


def test_what_is_not_in_the_catalogue_is_internal_and_says_nothing() -> None:
    """The catalogue is closed."""
    response = answer(ProtocolError("made_up", "the database's password is 123"), begin(None, "GET"))
    assert response.status == 500
    assert orjson.loads(response.body)["code"] == "internal"
    assert b"password" not in response.body


@pytest.mark.parametrize(
    "code", ["rate_limited", "hold_limit_reached", "unavailable", "idempotency_in_flight"]
)
def test_what_may_be_tried_again_later_says_when(code: str) -> None:
    """LIM-001, LIM-005: also when the rule named no time."""
    headers = dict(answer(ProtocolError(code), begin(None, "GET")).headers)
    assert int(headers[b"retry-after"]) >= 1


def test_errors_name_the_field_by_pointer_or_by_name() -> None:
    """ERR-002."""
    error = ProtocolError(
        "invalid", "", at("/lines/0", "Is bad."), FieldError("query", "Too large.", name="limit")
    )
    document = orjson.loads(answer(error, begin(None, "GET")).body)
    assert document["errors"] == [
        {"in": "body", "pointer": "/lines/0", "detail": "Is bad."},
        {"in": "query", "name": "limit", "detail": "Too large."},
    ]


def test_long_texts_and_many_errors_stay_within_the_schema() -> None:
    """A request can be wrong in thousands of places."""
    many = [at("/" + "x" * 5000, "y" * 5000) for _ in range(500)]
    document = orjson.loads(answer(ProtocolError("invalid", "z" * 5000, *many), begin(None, "GET")).body)
    assert spec.validator("Problem").errors(document) == []


@pytest.mark.parametrize("code", sorted(spec.problems()))
def test_the_token_endpoint_speaks_to_both_kinds_of_client(code: str) -> None:
    """RFC 6749 section 5.2 beside the problem: printable ASCII without quotes."""
    exchange = begin(None, "POST")
    exchange.operation = "issue_token"
    document = orjson.loads(answer(ProtocolError(code, 'Ümläut "quoted"'), exchange).body)
    assert spec.validator("TokenError").errors(document) == []
    assert '"' not in document["error_description"]
    assert document["error_description"].isascii()
