"""A merchant at the command line, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import gateway
from gateway.storage.keys import new_entry


@dataclass
class Merchant:
    """Runs `vgcp gateway …` on one database, in a folder of its own."""

    database: str
    ring: str
    folder: Path

    def run(self, *words: str, code: int = 0) -> Result:
        """Run a command; it must end with this exit code."""
        environment = {"VGCP_DATABASE": self.database, "VGCP_VAULT_KEYS": self.ring}
        done = CliRunner().invoke(gateway, list(words), env=environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        """The same, answered in JSON on standard output."""
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def file(self, name: str, text: str) -> str:
        """A file with this text; its path."""
        path = self.folder / name
        path.write_bytes(text.encode())
        return str(path)


@pytest.fixture
def merchant(database_url: str, tmp_path: Path) -> Merchant:
    """On a migrated database, once on SQLite and once on PostgreSQL."""
    return Merchant(database_url, new_entry(), tmp_path)


@pytest.fixture
def newcomer(empty_database_url: str, tmp_path: Path) -> Merchant:
    """On a database without a schema."""
    return Merchant(empty_database_url, new_entry(), tmp_path)
