"""What a certificate is bound to, as SHA-256 in hexadecimal: suite, requirements, files, a discovery document."""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import conformance
import spec

Json = dict[str, Any]
SOURCES = (".py", ".yaml", ".json", ".j2", ".md", ".css", ".js")  # the files that a wheel has, too
SCORE = "mutation.json"  # says how good the suite is, and is no part of it
# What an implementation says of where it runs, and not of what it is.
OF_THE_PLACE = ("keys", "sandbox")


def of_bytes(data: bytes) -> str:
    """The digest of these bytes."""
    return hashlib.sha256(data).hexdigest()


def of_json(value: Any) -> str:
    """The digest of a JSON value, however it was written: of its canonical form (RFC 8785)."""
    return of_bytes(canonical(value))


@cache
def suite_digest() -> str:
    """The digest of the installed suite: the path and content of each file of `conformance` and `spec`."""
    lines = []
    for package in (conformance, spec):
        root = Path(str(package.__file__)).parent
        files = (p for p in root.rglob("*") if p.suffix in SOURCES and p.name != SCORE)
        lines += [f"{root.name}/{p.relative_to(root).as_posix()} {of_bytes(p.read_bytes())}" for p in files]
    return of_bytes("\n".join(sorted(lines)).encode())


def discovery_digest(document: Json, origin: str) -> str:
    """The digest of what an implementation says of itself, the same wherever it runs.

    Left out are its keys, which rotate, and what tells a sandbox from the live system: `sandbox` and the capability
    of test control. Endpoints count relative to `origin` when they are under it.
    """
    said = {name: value for name, value in document.items() if name not in OF_THE_PLACE}
    listed = said.get("capabilities")
    if isinstance(listed, list):
        said["capabilities"] = [one for one in listed if not _test_control(one)]
    if isinstance(said.get("endpoints"), dict):
        here = urlsplit(origin)
        places = said["endpoints"].items()
        said["endpoints"] = {name: _relative(url, here.scheme, here.netloc) for name, url in places}
    return of_json(said)


def _test_control(capability: Any) -> bool:
    return isinstance(capability, dict) and capability.get("name") == "test_control"


def _relative(url: Any, scheme: str, netloc: str) -> Any:
    if not isinstance(url, str):
        return url
    parts = urlsplit(url)
    return (
        parts._replace(scheme="", netloc="").geturl()
        if (parts.scheme, parts.netloc) == (scheme, netloc)
        else url
    )


def canonical(value: Any) -> bytes:
    """RFC 8785: members in the order of their UTF-16 code units, no spaces, numbers as ECMAScript writes them.

    Raises ValueError for what JSON does not have (NaN, infinities).
    """
    return _written(value).encode()


def _written(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_written(name)}:{_written(each)}" for name, each in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """A number as ECMAScript's Number::toString writes it (ECMA-262, 6.1.6.1.20)."""
    try:
        double = float(value)
    except OverflowError:
        double = math.inf
    if not math.isfinite(double):
        raise ValueError("a number that ECMAScript does not have")
    if double == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(double)).normalize().as_tuple()
    text, place = "".join(map(str, digits)), len(digits) + int(exponent)
    minus = "-" if sign else ""
    if 0 < place <= 21:
        whole = text.ljust(place, "0")
        return minus + whole[:place] + (f".{whole[place:]}" if whole[place:] else "")
    if -6 < place <= 0:
        return f"{minus}0.{'0' * -place}{text}"
    fraction = f".{text[1:]}" if text[1:] else ""
    return f"{minus}{text[0]}{fraction}e{'+' if place > 0 else '-'}{abs(place - 1)}"
