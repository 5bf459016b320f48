"""Reads the authored files of the standard. Nothing is read before it is asked for, and nothing twice."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

FOLDER = Path(__file__).parent
ROLES = ("gateway", "channel")
VERSION = "1.0"  # of the protocol

# libyaml reads the documents ten times faster; the result is the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> Any:
    """The value of one YAML document. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  # both loaders are the safe ones


@cache
def read(name: str) -> Any:
    """The value of one authored YAML file, by its path below `spec/`. Shared: do not change it.

    Raises FileNotFoundError and yaml.YAMLError.
    """
    return parse((FOLDER / name).read_text("utf-8"))


@cache
def schema_files() -> tuple[str, ...]:
    """The paths below `spec/` of all files of types, sorted."""
    return tuple(sorted(f"schemas/{path.name}" for path in (FOLDER / "schemas").glob("*.yaml")))


@cache
def type_homes() -> dict[str, str]:
    """Each type's name and the file that defines it. Raises ValueError when two files define one name."""
    homes: dict[str, str] = {}
    for name in schema_files():
        for type_name in read(name):
            if type_name in homes:
                raise ValueError(f"{type_name} is defined in {homes[type_name]} and in {name}")
            homes[type_name] = name
    return homes
