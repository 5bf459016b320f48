"""The migrations build what gateway/storage/tables.py says, on both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, inspect

from gateway.storage.engine import with_connection
from gateway.storage.migrate import is_current, upgrade
from gateway.storage.tables import metadata


def plain(index: Any) -> str:
    """An index as text; its condition is an object that only equals itself."""
    options = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": options})


def described(database_url: str) -> dict[str, Any]:
    """All that the database itself says about its tables."""
    found: dict[str, Any] = {}

    def look(connection: Connection) -> None:
        inspector = inspect(connection)
        for name in inspector.get_table_names():
            found[name] = {
                "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
                "key": inspector.get_pk_constraint(name),
                "unique": sorted(inspector.get_unique_constraints(name), key=str),
                "checks": sorted(inspector.get_check_constraints(name), key=str),
                "indexes": sorted(plain(index) for index in inspector.get_indexes(name)),
            }

    with_connection(database_url, look)
    return found


def test_migrations_build_what_the_tables_say(empty_database_url: str) -> None:
    """Columns, keys, checks and indexes of the migrated schema are those of the metadata."""
    with_connection(empty_database_url, metadata.create_all)
    wanted = described(empty_database_url)
    with_connection(empty_database_url, metadata.drop_all)
    upgrade(empty_database_url)
    found = described(empty_database_url)
    assert found.pop("alembic_version")
    for name in wanted:
        assert found[name] == wanted[name], name
    assert found.keys() == wanted.keys()


def test_upgrading_twice_is_harmless(empty_database_url: str) -> None:
    """A database knows whether it is up to date, and a second upgrade changes nothing."""
    assert not is_current(empty_database_url)
    upgrade(empty_database_url)
    before = described(empty_database_url)
    upgrade(empty_database_url)
    assert is_current(empty_database_url)
    assert described(empty_database_url) == before
