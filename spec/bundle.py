"""Makes one OpenAPI 3.1 document of the authored files: every reference points inside the document."""

from copy import deepcopy
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from spec.loader import Json, read, type_homes

COMPONENTS = "openapi/components.yaml"


def place(home: str, reference: str) -> str:
    """Where a reference that stands in the file `home` points to in a bundled document.

    `../schemas/orders.yaml#/Order` becomes `#/components/schemas/Order`. Raises ValueError for a reference
    that leads to nothing or out of the standard.
    """
    name, _, fragment = reference.partition("#/")
    folder = PurePosixPath(home).parent
    target = str(_normal(folder / name)) if name else home
    if target.startswith("schemas/") and type_homes().get(fragment) == target:
        return f"#/components/schemas/{fragment}"
    group, _, item = fragment.partition("/")
    if target == COMPONENTS and item in read(COMPONENTS).get(group, {}):
        return f"#/components/{group}/{item}"
    raise ValueError(f"{home}: {reference} leads to nothing")


def _normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def rewritten(node: Any, home: str) -> Any:
    """A copy of a node of the file `home`, its references made to point inside the bundled document."""
    if isinstance(node, dict):
        return {
            key: place(home, value) if key == "$ref" and isinstance(value, str) else rewritten(value, home)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [rewritten(item, home) for item in node]
    return node


@cache
def shared_components() -> Json:
    """All parameters, headers, responses and types of the standard as one `components` object. Do not change it."""
    found: Json = {group: rewritten(items, COMPONENTS) for group, items in read(COMPONENTS).items()}
    homes = type_homes()
    found["schemas"] = {name: rewritten(read(homes[name])[name], homes[name]) for name in sorted(homes)}
    return found


def references(node: Any) -> set[str]:
    """All `$ref` values in a node."""
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(references(item) for item in node))
    return set()


def reached(node: Any, components: Json) -> set[tuple[str, str]]:
    """The (group, name) of every component that a node needs, directly or not."""
    found: set[tuple[str, str]] = set()
    todo = references(node)
    while todo:
        _, _, group, name = todo.pop().split("/")
        if (group, name) not in found:
            found.add((group, name))
            todo |= references(components[group][name])
    return found


def with_components(document: Json, components: Json) -> Json:
    """The document with those of the components that it needs, and its own security schemes."""
    own = document.get("components", {})
    needed = reached({key: value for key, value in document.items() if key != "components"}, components)
    kept: Json = {}
    for group, items in components.items():
        chosen = {name: value for name, value in items.items() if (group, name) in needed}
        if chosen:
            kept[group] = chosen
    return {**document, "components": {**own, **kept}}


def bundled(role: str) -> Json:
    """The document of one role, `gateway` or `channel`, as one file of OpenAPI 3.1. A fresh copy.

    Raises KeyError for another role.
    """
    return deepcopy(_bundled({"gateway": "openapi/gateway.yaml", "channel": "openapi/channel.yaml"}[role]))


@cache
def _bundled(home: str) -> Json:
    return with_components(rewritten(read(home), home), shared_components())
