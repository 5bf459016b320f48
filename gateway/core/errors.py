"""Protocol errors as values.

Codes are those of spec/problems.yaml; statuses live in gateway/http/problems.py alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with the request.

    `where` is body, query, header or path; `pointer` (RFC 6901) or `name` says which.
    """

    where: str
    detail: str
    pointer: str | None = None
    name: str | None = None


class ProtocolError(Exception):
    """Something the caller is told. Raised by rules; it drops every write of the operation.

    `code` is an id of the closed catalogue; `detail` must never hold a secret; `retry_after` is in seconds.
    """

    def __init__(
        self, code: str, detail: str = "", *errors: FieldError, retry_after: int | None = None
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after


def at(pointer: str, detail: str) -> FieldError:
    """A fault of the body's field at this JSON Pointer."""
    return FieldError("body", detail, pointer=pointer)


def refuse(code: str, pointer: str, detail: str, retry_after: int | None = None) -> ProtocolError:
    """An error about one field of the body; the sentence serves the whole and the field."""
    return ProtocolError(code, detail, at(pointer, detail), retry_after=retry_after)


def missing(name: str) -> ProtocolError:
    """`not_found` for an id in the path; the same for what is another channel's (AUT-011)."""
    return ProtocolError("not_found", "", FieldError("path", "There is no such thing.", name=name))
