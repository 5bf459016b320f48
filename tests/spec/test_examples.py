"""Every type and every operation has examples; they are valid, and near-miss twins of them are not."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import pytest
from openapi_schema_validator import OAS30Validator

import spec
from spec.loader import FOLDER
from tests.spec.twins import fingerprint, twins

Json = dict[str, Any]
EXAMPLES = FOLDER / "examples"
TYPES = sorted(path for path in EXAMPLES.glob("*/*.json") if path.parent.name != "operations")
EXCHANGES = sorted(EXAMPLES.glob("operations/*/*.json"))

# Sent on purpose: the problem that answers is about them.
BAD_BODY = {"malformed", "media_type_unsupported", "invalid"}
BAD_METHOD = {"method_not_allowed"}


def load(path: Path) -> Any:
    """The value of one example."""
    return json.loads(path.read_text("utf-8"))


def named(path: Path) -> str:
    """What a test of this example is called."""
    return str(path.relative_to(EXAMPLES).with_suffix(""))


def parts(path: Path) -> tuple[spec.Operation, str | None]:
    """The operation of an exchange and what its file name says after it: a problem's code, a variant, or nothing."""
    operation_id, _, rest = path.stem.partition(".")
    return spec.operation(path.parent.name, operation_id), rest or None


def test_every_type_has_an_example() -> None:
    """Each type of the standard has an example, and each folder is a type."""
    assert sorted({path.parent.name for path in TYPES}) == sorted(spec.type_names())


def test_every_operation_has_an_example() -> None:
    """Each operation of each document has an exchange that succeeds."""
    found = {(path.parent.name, path.stem) for path in EXCHANGES if "." not in path.stem}
    assert found == {(role, one.id) for role in ("gateway", "channel") for one in spec.operations(role)}


def test_every_problem_has_an_example() -> None:
    """Each problem of the catalogue is shown as an answer of some operation that lists it, or as a result in one."""
    shown = set()
    for path in EXCHANGES:
        operation, code = parts(path)
        body = load(path)["response"].get("body")
        results = body.get("results", []) if isinstance(body, dict) else []
        within = {one["problem"]["code"] for one in results if "problem" in one}
        assert within <= set(operation.problems), path.name
        shown |= within
        if code in spec.problems():
            shown.add(code)
            assert code in {*operation.problems, *BAD_METHOD}, path.name
    assert shown == spec.problems().keys()


@pytest.mark.parametrize("path", TYPES, ids=named)
def test_type_examples_are_valid(path: Path) -> None:
    """The example is of its type."""
    assert spec.validator(path.parent.name).errors(load(path)) == []


@pytest.mark.parametrize("path", TYPES, ids=named)
def test_near_misses_are_refused(path: Path) -> None:
    """What differs from the example in one thing that the type forbids is refused, with a place and a message."""
    value, name = load(path), path.parent.name
    types = spec.standalone(name)["components"]["schemas"]
    made = list(twins(value, types[name], types))
    assert made
    for done, twin in made:
        assert fingerprint(twin) != fingerprint(value), done
        assert spec.validator(name).errors(twin), f"{done} passes"


@pytest.mark.parametrize("role", ["gateway", "channel"])
def test_the_3_0_3_document_takes_the_same(role: str) -> None:
    """The derived types take every example too, and refuse one without its first required member."""
    types = spec.document_30(role)["components"]["schemas"]
    for path in TYPES:
        name = path.parent.name
        if name in types:
            validator = OAS30Validator(
                {"$ref": f"#/components/schemas/{name}", "components": {"schemas": types}}
            )
            value, required = load(path), types[name].get("required", [])
            assert [error.message for error in validator.iter_errors(value)] == [], named(path)
            if required:
                rest = {key: item for key, item in value.items() if key != required[0]}
                assert not validator.is_valid(rest), named(path)


@pytest.mark.parametrize("path", EXCHANGES, ids=named)
def test_exchanges_ask_as_the_document_says(path: Path) -> None:
    """The request is as declared, but for the part that the problem which answers it is about."""
    operation, code = parts(path)
    request = load(path)["request"]
    headers = {key.lower(): value for key, value in request["headers"].items()}
    if code not in BAD_METHOD:
        assert request["method"] == operation.method
    if code not in {"cursor_invalid"}:
        assert list(parameter_faults(operation, request, headers, code)) == []
    assert ("authorization" in headers) == (operation.security == "oauth")
    if code != "test_secret_invalid":
        assert ("vgcp-test-secret" in headers) == (operation.security == "test")
    if code not in BAD_BODY and "body" in request:
        assert headers["content-type"] == operation.request_media
        assert operation.request_type is not None
        assert spec.validator(operation.request_type).errors(request["body"]) == []
    if code == "invalid":
        assert spec.validator(operation.request_type or "").errors(request["body"]) != []
    assert "body" in request or not operation.request_required


def parameter_faults(
    operation: spec.Operation, request: Json, headers: Json, code: str | None
) -> Iterator[str]:
    """What is wrong with the path, query and header parameters of a request."""
    url = urlsplit(request["path"])
    pattern = re.sub(r"\\?\{(\w+)\\?\}", r"(?P<\1>[^/]+)", operation.path.replace(".", r"\."))
    match = re.fullmatch(pattern, url.path)
    if match is None:
        yield f"{url.path} is not {operation.path}"
        return
    query = dict(parse_qsl(url.query))
    values = {"path": match.groupdict(), "query": query, "header": headers}
    for parameter in operation.parameters:
        key = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
        raw = values[parameter["in"]].get(key)
        if raw is None:
            if parameter["required"] and code != "idempotency_key_missing":
                yield f"{key} is missing"
            continue
        value = int(raw) if parameter["schema"]["type"] == "integer" else raw
        if not jsonschema_rs.Draft202012Validator(parameter["schema"]).is_valid(value):
            yield f"{key} is not as declared"
    yield from (f"unknown query parameter {key}" for key in query.keys() - set(operation.parameter_names))


@pytest.mark.parametrize("path", EXCHANGES, ids=named)
def test_exchanges_answer_as_the_document_says(path: Path) -> None:
    """The answer has the declared status, headers and body, or is the problem that the file name says."""
    operation, code = parts(path)
    answer = load(path)["response"]
    headers = answer["headers"]
    assert {"traceparent", "VGCP-Request-Id"} <= headers.keys()
    if code in spec.problems():
        assert problem_faults(spec.problems()[code], answer) == []
        return
    assert answer["status"] == operation.response_status
    assert ("Idempotency-Replayed" in headers) == (code == "replayed")
    if operation.response_type is None:
        assert "body" not in answer
        assert headers.get("Content-Type") == operation.response_media
    else:
        assert headers["Content-Type"] == operation.response_media
        assert spec.validator(operation.response_type).errors(answer["body"]) == []


def problem_faults(problem: spec.ProblemType, answer: Json) -> list[str]:
    """What is wrong with an answer that is to be this problem."""
    body, headers = answer["body"], answer["headers"]
    faults = [f"{where} {message}" for where, message in spec.validator("Problem").errors(body)]
    wanted = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "retryable": problem.retryable,
        "trace_id": headers["traceparent"].split("-")[1],
        "request_id": headers["VGCP-Request-Id"],
    }
    faults += [f"{key} is {body.get(key)!r}" for key, value in wanted.items() if body.get(key) != value]
    if (answer["status"], headers["Content-Type"]) != (problem.status, "application/problem+json"):
        faults.append("wrong status or media type")
    if problem.status in {429, 503} and "Retry-After" not in headers:
        faults.append("no Retry-After (LIM-001, LIM-005)")
    if problem.oauth and not (
        body.get("error") == problem.oauth and spec.validator("TokenError").is_valid(body)
    ):
        faults.append("not an RFC 6749 error")
    return faults


def test_the_problem_check_would_notice() -> None:
    """A problem answer with another status, without its trace or without Retry-After is refused."""
    good = load(EXAMPLES / "operations" / "gateway" / "create_order.unavailable.json")["response"]
    problem = spec.problems()["unavailable"]
    assert problem_faults(problem, good) == []
    assert problem_faults(problem, good | {"status": 500})
    assert problem_faults(problem, good | {"body": {**good["body"], "trace_id": "0" * 32}})
    headers = {key: value for key, value in good["headers"].items() if key != "Retry-After"}
    assert problem_faults(problem, good | {"headers": headers})


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("receive_event", True),
        ("receive_event.signature_invalid", False),
        ("receive_event.signature_expired", True),
    ],
)
def test_the_shown_signatures_are_real(name: str, holds: bool) -> None:
    """The signature holds under the secret of the TestClient example, over the body in compact form."""
    request = load(EXAMPLES / "operations" / "channel" / f"{name}.json")["request"]
    secret = load(EXAMPLES / "TestClient" / "credentials.json")["webhook_secret"]
    body = json.dumps(request["body"], separators=(",", ":"), ensure_ascii=False)
    headers = request["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert (headers["webhook-signature"] == f"v1,{made}") is holds


def test_goods_stand_in_reveals_only() -> None:
    """The examples keep to the standard: the code is in the answer of reveal_delivery and in no other exchange."""
    code = load(EXAMPLES / "Goods" / "code.json")["code"]["value"]
    showing = {path.stem for path in EXCHANGES if code in path.read_text("utf-8")}
    assert showing == {"reveal_delivery"}
