"""SQLAlchemy Core statements, compiled once for a database and then run by its driver directly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler


class Prepared:
    """Keeps the text of every statement it has seen, so statements must be made once, not at each call."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[Executable, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def bind(
        self, statement: Executable, parameters: Mapping[str, Any] | None, encode: Callable[[Any], Any]
    ) -> tuple[str, list[Any]]:
        """The text and its positional values. Raises KeyError for a parameter that is missing."""
        known = self._known.get(statement)
        if known is None:
            known = self._known[statement] = self._compile(statement)
        sql, names, constants = known
        given = parameters or {}
        values = [given[name] if name in given else constants[name] for name in names]
        return sql, [encode(value) for value in values]

    def _compile(self, statement: Executable) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        compiled = statement.compile(  # type: ignore[attr-defined]
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("only statements that read or write rows can be prepared")
        names = tuple(compiled.positiontup or ())
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        return str(compiled), names, constants


def same(value: Any) -> Any:
    """For a driver that takes values as they are."""
    return value
