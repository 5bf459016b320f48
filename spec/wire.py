"""The operations of both documents as values."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from spec.bundle import bundled
from spec.loader import Json

METHODS = ("get", "put", "post", "delete", "patch")
SIGNATURE_HEADERS = {"webhook-signature", "Signature"}


@dataclass(frozen=True)
class Operation:
    """One operation of a document.

    `method` is in capitals; `path` is the whole template below the origin, as `/vgcp/v1/orders/{order_id}`.
    `security` is `public`, `oauth` (with `scope`), `test` (the test-control secret) or `signed` (an event).
    `parameters` are OpenAPI parameter objects with nothing left to resolve, path ones first.
    `request_type` and `response_type` are names for `spec.validator`; None where there is no body, or none in JSON.
    `problems` are the codes of `spec/problems.yaml` that it may answer with.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    security: str
    scope: str | None
    parameters: tuple[Json, ...]
    request_type: str | None
    request_media: str | None
    request_required: bool
    response_status: int
    response_type: str | None
    response_media: str | None
    problems: tuple[str, ...]
    idempotent: bool

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of all parameters, as they stand on the wire."""
        return tuple(parameter["name"] for parameter in self.parameters)


def resolved(node: Any, document: Json) -> Any:
    """A copy of a node with every reference replaced by what it points to. The node must not be recursive."""
    if isinstance(node, dict):
        if "$ref" in node:
            _, _, group, name = node["$ref"].split("/")
            return resolved(document["components"][group][name], document)
        return {key: resolved(value, document) for key, value in node.items()}
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    return node


def _content(node: Json) -> tuple[str | None, str | None]:
    for media, content in node.get("content", {}).items():
        reference = content["schema"].get("$ref")
        return reference and reference.rsplit("/", 1)[1], media
    return None, None


def _security(node: Json, parameters: tuple[Json, ...]) -> tuple[str, str | None]:
    schemes = [next(iter(scheme.items())) for scheme in node["security"]]
    if not schemes:
        signed = any(parameter["name"] in SIGNATURE_HEADERS for parameter in parameters)
        return ("signed" if signed else "public"), None
    name, scopes = schemes[0]
    return {"oauth": "oauth", "testSecret": "test"}[name], next(iter(scopes), None)


def _operation(document: Json, path: str, method: str, node: Json) -> Operation:
    parameters = tuple(resolved(node.get("parameters", []), document))
    security, scope = _security(node, parameters)
    body = node.get("requestBody", {})
    request_type, request_media = _content(body)
    status = next(status for status in node["responses"] if status.isdigit())
    response_type, response_media = _content(node["responses"][status])
    return Operation(
        id=node["operationId"],
        method=method.upper(),
        path=path,
        tag=node["tags"][0],
        summary=node["summary"],
        security=security,
        scope=scope,
        parameters=parameters,
        request_type=request_type,
        request_media=request_media,
        request_required=body.get("required", False),
        response_status=int(status),
        response_type=response_type,
        response_media=response_media,
        problems=tuple(node["x-problems"]),
        idempotent=any(parameter["name"] == "Idempotency-Key" for parameter in parameters),
    )


@cache
def operations(role: str) -> tuple[Operation, ...]:
    """All operations of a role's document, in its order. Raises KeyError for an unknown role."""
    document = bundled(role)
    return tuple(
        _operation(document, path, method, node)
        for path, methods in document["paths"].items()
        for method, node in methods.items()
        if method in METHODS
    )


@cache
def _by_id(role: str) -> dict[str, Operation]:
    return {operation.id: operation for operation in operations(role)}


def operation(role: str, operation_id: str) -> Operation:
    """One operation by its id. Raises KeyError."""
    return _by_id(role)[operation_id]
