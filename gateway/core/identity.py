"""One buyer over all channels (spec/text/identity.md)."""

from __future__ import annotations

import base64

from gateway.core.ports import Vault


def account_id(vault: Vault, channel_id: str, subject: str) -> str:
    """The pairwise id of a buyer on a channel: a keyed hash, so it is known before there is any row, stays through
    merges and their undoing, and two channels cannot tell by it that they have the same buyer."""
    digest = vault.fingerprint(f"account\0{channel_id}\0{subject}".encode())
    return "buy_" + base64.b32encode(digest[:20]).decode().lower()
