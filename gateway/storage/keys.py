"""Where the vault's keys come from: a setting, or a file that is made beside the database."""

from __future__ import annotations

from pathlib import Path

from gateway.storage.engine import database_folder
from gateway.storage.vault import AesVault, read_or_make

FILE_NAME = "vgcp.keys"


def key_path(database_url: str, key_file: Path | None) -> Path:
    """The key file: the one that is named, else `vgcp.keys` beside the SQLite file or in the working folder."""
    return key_file or (database_folder(database_url) or Path.cwd()) / FILE_NAME


def open_vault(database_url: str, ring: str | None, key_file: Path | None) -> AesVault:
    """The vault of this ring, or of the key file, which is made when it is not there. Raises VaultError or OSError."""
    return AesVault(ring or read_or_make(key_path(database_url, key_file)))
