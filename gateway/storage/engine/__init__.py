"""The databases. This package is the only place that names a dialect; all others speak to `Engine`."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url

from gateway.storage.engine.base import Engine
from gateway.storage.engine.schema import KINDS, with_connection


def open_engine(database_url: str) -> Engine:
    """The engine for `sqlite:///PATH` or `postgresql://…`. Raises ValueError for another URL. Connects when used."""
    if database_url.startswith("sqlite:///"):
        from gateway.storage.engine.sqlite import SqliteEngine

        return SqliteEngine(database_url)
    if database_url.startswith(("postgresql://", "postgres://")):
        from gateway.storage.engine.postgresql import PostgresqlEngine

        return PostgresqlEngine(database_url)
    raise ValueError(KINDS)


def database_folder(database_url: str) -> Path | None:
    """The folder of a database that is a file, None for one that is a server."""
    if not database_url.startswith("sqlite:///"):
        return None
    return Path(make_url(database_url).database or ".").absolute().parent


__all__ = ["Engine", "database_folder", "open_engine", "with_connection"]
