"""Brings a database to the newest schema, or says whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway.storage.engine import with_connection


def upgrade(database_url: str) -> None:
    """Run the migrations that are missing, in one transaction; harmless when there are none.

    May be called from several processes at once: they take turns. Blocks; not for an event loop.
    """

    def run(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    with_connection(database_url, run)


def is_current(database_url: str) -> bool:
    """Whether the schema is the one that this version needs."""
    found: list[str | None] = []
    with_connection(
        database_url, lambda link: found.append(MigrationContext.configure(link).get_current_revision())
    )
    return found == [ScriptDirectory.from_config(_config()).get_current_head()]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config
