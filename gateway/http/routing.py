"""Which operation a path and a method name. A tree of dictionaries, several times faster than trying patterns."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.core.errors import FieldError, ProtocolError
from gateway.http.problems import MethodNotAllowed


class Node:
    """One segment of the path. `methods` maps a method to what is served there."""

    __slots__ = ("child", "literal", "methods", "name")

    def __init__(self) -> None:
        self.literal: dict[str, Node] = {}
        self.child: Node | None = None
        self.name = ""
        self.methods: dict[str, Any] = {}

    @property
    def allow(self) -> str:
        """The Allow header's value (RFC 9110 section 10.2.1)."""
        return ", ".join(sorted({*self.methods, "OPTIONS"}))


class Routes:
    """The routing table. Paths are templates of OpenAPI: `/vgcp/v1/orders/{order_id}`."""

    def __init__(self) -> None:
        self._root = Node()

    def add(self, method: str, template: str, target: Any) -> None:
        """Serve `target` there; GET serves HEAD as well."""
        node = self._root
        for segment in template.split("/")[1:]:
            if segment.startswith("{"):
                node.child = node.child or Node()
                node.child.name = segment[1:-1]
                node = node.child
            else:
                node = node.literal.setdefault(segment, Node())
        node.methods[method] = target
        if method == "GET":
            node.methods["HEAD"] = target

    def find(self, raw_path: bytes) -> tuple[Node, dict[str, str]] | None:
        """The node of this path as sent (still percent-encoded) and its parameters, or None.

        Each segment is decoded by itself, so that an encoded slash stays inside its segment (RFC 3986 section 2.2).
        """
        node, params = self._root, {}
        for segment in _segments(raw_path):
            known = node.literal.get(segment)
            if known is None:
                if node.child is None or not segment:
                    return None
                known = node.child
                params[known.name] = segment
            node = known
        return (node, params) if node.methods else None


def target_of(node: Node, method: str) -> Any:
    """What is served by this method. Raises MethodNotAllowed."""
    target = node.methods.get(method)
    if target is None:
        raise MethodNotAllowed(node.allow)
    return target


def _segments(raw_path: bytes) -> list[str]:
    try:
        if b"%" not in raw_path:
            return raw_path.decode("ascii").split("/")[1:]
        return [unquote_to_bytes(part).decode("utf-8") for part in raw_path.split(b"/")[1:]]
    except UnicodeDecodeError as error:
        fault = FieldError("path", "Is not UTF-8.", name="path")
        raise ProtocolError("invalid", "The path does not decode as UTF-8.", fault) from error
