"""The merchant's suppliers: read from a file, each made by its adapter (docs/merchants.md, "Goods made on demand")."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from gateway.core.suppliers import Supplier
from gateway.relay import http_supplier

Adapter = Callable[[aiohttp.ClientSession, Mapping[str, Any]], Supplier]
GROUP = "vgcp.suppliers"  # entry points of adapters that others have written
RESERVED = "sandbox."


def read_suppliers(path: Path) -> dict[str, dict[str, Any]]:
    """Options by supplier's name. `secret_env` names the variable of the environment that has the `secret`.

    Raises ValueError with what is wrong, or OSError; never says a secret.
    """
    try:
        found = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML") from error
    rows = found.get("suppliers") if isinstance(found, dict) else None
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise ValueError(f"{path} has no mapping `suppliers` of names to options")
    return {_name(path, name): _options(path, name, row) for name, row in rows.items()}


def make_suppliers(
    session: aiohttp.ClientSession, options: Mapping[str, Mapping[str, Any]]
) -> dict[str, Supplier]:
    """The suppliers by name. Raises ValueError naming the one that cannot be made."""
    made: dict[str, Supplier] = {}
    for name, row in options.items():
        rest = {key: value for key, value in row.items() if key != "adapter"}
        try:
            made[name] = _adapter(str(row.get("adapter", "http")))(session, rest)
        except ValueError as error:
            raise ValueError(f"supplier {name}: {error}") from error
    return made


def _adapter(name: str) -> Adapter:
    if name == "http":
        return http_supplier.make
    if name == "erc721":
        from gateway.chain import erc721  # which only this one needs

        return erc721.make
    for point in entry_points(group=GROUP, name=name):
        loaded: Adapter = point.load()
        return loaded
    raise ValueError(f"there is no adapter {name!r}; installed ones are of the entry point group {GROUP}")


def _name(path: Path, name: Any) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= 64 or name.startswith(RESERVED):
        raise ValueError(
            f"{path}: a supplier's name has 1 to 64 characters and does not begin with {RESERVED}"
        )
    return name


def _options(path: Path, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in row.items() if key != "secret_env"}
    if "secret_env" in row:
        secret = os.environ.get(str(row["secret_env"]))
        if not secret:
            raise ValueError(f"{path}: supplier {name}: the environment has no {row['secret_env']}")
        given["secret"] = secret
    return given
