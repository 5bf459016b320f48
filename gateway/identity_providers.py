"""The merchant's issuers of id tokens, read from a file (docs/merchants.md, "One buyer over all channels")."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from gateway.http.identity_providers import Provider

MEMBERS = {"issuer", "audience", "jwks_uri"}
HERE = {"127.0.0.1", "localhost", "::1"}


def read_providers(path: Path) -> dict[str, Provider]:
    """Providers by issuer. Raises ValueError with what is wrong, or OSError."""
    try:
        found = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML") from error
    rows = found.get("identity_providers") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path} has no list `identity_providers`")
    made = [_provider(path, number, row) for number, row in enumerate(rows, 1)]
    if len({one.issuer for one in made}) < len(made):
        raise ValueError(f"{path} names an issuer twice")
    return {one.issuer: one for one in made}


def _provider(path: Path, number: int, row: dict[str, Any]) -> Provider:
    place = f"{path}: provider {number}"
    unknown = row.keys() - MEMBERS
    if unknown:
        raise ValueError(f"{place}: unknown: {', '.join(sorted(map(str, unknown)))}")
    for name in ("issuer", "audience"):
        if not isinstance(row.get(name), str) or not row[name]:
            raise ValueError(f"{place} has no {name}")
    for name in ("issuer", "jwks_uri"):
        if name in row and not _is_safe(str(row[name])):
            raise ValueError(f"{place}: {name} is an https URL")
    jwks_uri = row.get("jwks_uri")
    return Provider(row["issuer"], row["audience"], None if jwks_uri is None else str(jwks_uri))


def _is_safe(url: str) -> bool:
    """https, or this machine: whoever answers for an issuer says who everybody is."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)
    )
