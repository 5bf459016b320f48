"""Where the vault's keys come from: a setting, or a file that only its owner can read."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from gateway.storage.engine import database_folder
from gateway.storage.vault import AesVault, VaultError, parse_ring

KEY_FILE = "vgcp-vault.keys"


def open_vault(database_url: str, vault_keys: str | None = None, key_file: Path | None = None) -> AesVault:
    """The vault with the keys of a setting, of a file, or of the file beside a SQLite database.

    A missing file is made, with mode 0600. Raises VaultError for bad keys, or when a server's database comes without.
    """
    return AesVault(vault_keys or read_or_make(key_file or default_file(database_url)))


def default_file(database_url: str) -> Path:
    """The key file beside a SQLite database. Raises VaultError for a server's."""
    folder = database_folder(database_url)
    if folder is None:
        raise VaultError("PostgreSQL needs the vault keys: set VGCP_VAULT_KEYS, or give --key-file FILE")
    return folder / KEY_FILE


def new_entry() -> str:
    """A fresh key as an entry of a ring."""
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def read_or_make(path: Path) -> str:
    """The ring in a file; a file with a fresh key, readable by its owner only, when there is none."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii")
    ring = new_entry() + "\n"
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(ring)
        file.flush()
        os.fsync(file.fileno())
    return ring


def add_key(path: Path) -> str:
    """Put a fresh key first in the file's ring, without ever leaving half a file; its id."""
    entry = new_entry()
    ring = f"{entry}\n{read_or_make(path)}"
    parse_ring(ring)
    beside = path.with_name(path.name + ".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(ring)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return entry.partition(":")[0]
