"""Opaque cursors: a position or an id, bound to the operation that issued it (CNV-005, CNV-006)."""

from __future__ import annotations

import base64
import binascii
import hashlib

from gateway.core.errors import ProtocolError

CHECK = 6  # bytes of the digest: keeps one list's cursor from being taken for another's, it is no secret


def _check(operation: str, value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=CHECK, person=operation.encode()[:16]).digest()


def encode(operation: str, value: str) -> str:
    """The cursor for this value, in URL-safe base64 without padding."""
    raw = value.encode()
    return base64.urlsafe_b64encode(_check(operation, raw) + raw).rstrip(b"=").decode()


def decode(operation: str, cursor: str) -> str:
    """The value again. Raises ProtocolError `cursor_invalid` for what `encode` did not make for this operation."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        value = raw[CHECK:].decode()
    except (ValueError, binascii.Error) as error:
        raise ProtocolError("cursor_invalid") from error
    made = raw[:CHECK] == _check(operation, raw[CHECK:]) and encode(operation, value) == cursor
    if not made or "\0" in value:  # which no id has, and PostgreSQL takes in no text
        raise ProtocolError("cursor_invalid")
    return value
