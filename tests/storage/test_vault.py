"""The vault: sealed and opened, bound to a context, keys in rotation, key files for their owner only."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.storage.keys import add_key, default_file, new_entry, open_vault, read_or_make
from gateway.storage.vault import AesVault, VaultError, parse_ring


def test_what_is_sealed_opens_only_where_it_belongs() -> None:
    """The same clear text seals differently each time, and opens only whole, with its context and its key."""
    vault = AesVault(new_entry())
    first, second = vault.seal(b"CODE", "unt_1"), vault.seal(b"CODE", "unt_1")
    assert first != second
    assert b"CODE" not in first
    assert vault.open(first, vault.current_key_id, "unt_1") == b"CODE"
    for sealed, key_id, context in (
        (first, vault.current_key_id, "unt_2"),
        (first[:-1] + bytes([first[-1] ^ 1]), vault.current_key_id, "unt_1"),
        (first[:5], vault.current_key_id, "unt_1"),
        (first, "gone", "unt_1"),
    ):
        with pytest.raises(VaultError):
            vault.open(sealed, key_id, context)


def test_the_ring_rotates_and_the_fingerprint_stays() -> None:
    """A new key in front seals; the old one opens; equal codes are still found to be equal."""
    old = new_entry()
    before, after = AesVault(old), AesVault(f"{new_entry()},{old}")
    assert after.current_key_id != before.current_key_id
    sealed = before.seal(b"x", "c")
    assert after.open(sealed, before.current_key_id, "c") == b"x"
    assert after.fingerprint(b"x") == before.fingerprint(b"x") != before.fingerprint(b"y")
    assert len(after.fingerprint(b"x")) == 32


@pytest.mark.parametrize("ring", ["", "k1", "k1:AAAA", "k1:!", "k 1:" + "A" * 43 + "=", ":"])
def test_a_bad_ring_is_refused_without_naming_the_key(ring: str) -> None:
    """The message says which entry is wrong, and never what is in it."""
    with pytest.raises(VaultError) as caught:
        parse_ring(ring)
    assert "AAAA" not in str(caught.value)


def test_a_key_file_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """Beside the SQLite file, mode 0600, the same keys at the next start; a new key goes in front."""
    url = f"sqlite:///{tmp_path}/vgcp.db"
    vault = open_vault(url)
    path = default_file(url)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_vault(url).current_key_id == vault.current_key_id
    added = add_key(path)
    assert open_vault(url).current_key_id == added
    assert open_vault(url).open(vault.seal(b"x", "c"), vault.current_key_id, "c") == b"x"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert list(parse_ring(read_or_make(path))) == [added, vault.current_key_id]


def test_a_server_needs_its_keys_given(tmp_path: Path) -> None:
    """Beside PostgreSQL no key file is invented; the message says what to do."""
    with pytest.raises(VaultError, match="VGCP_VAULT_KEYS"):
        open_vault("postgresql://localhost/x")
    assert open_vault("postgresql://localhost/x", key_file=tmp_path / "keys").current_key_id
    assert open_vault("postgresql://localhost/x", new_entry()).current_key_id
