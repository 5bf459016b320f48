"""From the bytes of a body to the value that is validated (ERR-003, ERR-004, ERR-005).

Stricter than JSON where databases or other parsers would differ: no NUL characters, no endless nesting. The last of
two members with one name wins, as in most parsers.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson

from gateway.core.errors import FieldError, ProtocolError
from gateway.http.response import Receive

MAX_DEPTH = 64
FRACTION = re.compile(rb"[:,\[\s]-?\d+(\.\d|[eE])")
FORM, JSON = b"application/x-www-form-urlencoded", b"application/json"


class Disconnected(Exception):
    """The caller went away before the request had arrived; there is nobody to answer."""


async def read_body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """All of the body. Raises ProtocolError `body_too_large` above `limit` bytes, without taking much more."""
    declared = headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
    if message["type"] == "http.disconnect":
        raise Disconnected
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> ProtocolError:
    return ProtocolError("body_too_large", f"At most {limit} bytes are taken.")


def check_media_type(headers: dict[bytes, bytes], wanted: bytes) -> None:
    """Refuse any other media type, charset or content coding. Raises ProtocolError `media_type_unsupported`."""
    media, *parameters = headers.get(b"content-type", b"").lower().split(b";")
    if media.strip() != wanted:
        raise ProtocolError("media_type_unsupported", f"Send {wanted.decode()}.")
    for parameter in parameters:
        name, _, value = parameter.strip().partition(b"=")
        if name == b"charset" and value.strip(b'"') != b"utf-8":
            raise ProtocolError("media_type_unsupported", "Send UTF-8.")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise ProtocolError("media_type_unsupported", "Send no content coding.")


def parse_json(raw: bytes) -> Any:
    """The value. Raises ProtocolError `malformed`, or `invalid` for a NUL character, which no text column can hold."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProtocolError("malformed", f"Not JSON at byte {error.pos}.") from error
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ProtocolError("malformed", f"Nested deeper than {MAX_DEPTH} levels.")
    if b"\\u0000" in raw and "\x00" in _texts(value):
        raise ProtocolError("invalid", "", FieldError("body", "The NUL character is not taken.", pointer=""))
    return _whole(value) if FRACTION.search(raw) else value


def parse_form(raw: bytes) -> dict[str, str]:
    """The fields of a form. Raises ProtocolError `invalid_request` when one comes twice (RFC 6749 section 3.2)."""
    try:
        fields = parse_qsl(
            raw.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=32,
            errors="strict",
        )
    except ValueError as error:
        raise ProtocolError("invalid_request", "The form does not parse.") from error
    form = dict(fields)
    if len(form) != len(fields):
        raise ProtocolError("invalid_request", "A parameter is repeated.")
    # an empty parameter counts as left out (RFC 6749 section 3.2)
    return {name: value for name, value in form.items() if value}


def _whole(value: Any) -> Any:
    """1.0 is an integer in JSON Schema, but amounts must not be floats in here."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _texts(value: Any) -> str:
    """All text of the value, names of members too, in one string."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_texts, value))
    if isinstance(value, dict):
        return "".join(name + _texts(item) for name, item in value.items())
    return ""
