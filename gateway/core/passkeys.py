"""Passkeys (spec/text/passkeys.md): what a ticket asks of a browser, and what the browser's answer leads to."""

from __future__ import annotations

from gateway.core import identity, links, proofs
from gateway.core.errors import ProtocolError
from gateway.core.model import Call
from gateway.core.model_identity import Identifier, Link, LinkCode
from gateway.core.ports import Books, Vault
from gateway.core.proofs import Passkey
from gateway.core.rows import replace


def challenge(vault: Vault, ticket: str) -> bytes:
    """What the authenticator signs: another one for each ticket, and nothing that has to be kept (PSK-004)."""
    return vault.fingerprint(f"passkey challenge\0{ticket}".encode())


def user_handle(vault: Vault, ticket: str) -> bytes:
    """Under what an authenticator files a passkey that is made. It says nothing of her; asked twice, it makes one."""
    return vault.fingerprint(f"passkey user\0{ticket}".encode())


def identifier_id(vault: Vault, rp_id: str, credential_id: str) -> str:
    """The Identifier of a passkey: a keyed hash of where it is good and of its id there."""
    return proofs.identifier_id(vault, "passkey", f"{rp_id}\0{credential_id}")


def known(vault: Vault, identifier: Identifier | None) -> Passkey | None:
    """The passkey that accounts have proved; None when none has it any more (PSK-009)."""
    if identifier is None or identifier.sealed is None or identifier.key_id is None:
        return None
    return Passkey.unpacked(vault.open(identifier.sealed, identifier.key_id, identifier.id))


def check_asked(call: Call, link: Link | None) -> Link:
    """The link of a ticket that is still good. Raises ProtocolError `link_expired` (PSK-010)."""
    if link is None or link.secret_hash is not None:
        raise identity.not_open()
    links.check_open(call, link)
    return link


def finish_passkey(
    books: Books, vault: Vault, call: Call, ticket: str, rp_id: str, passkey: Passkey | None
) -> str | ProtocolError:
    """The code that confirms the link (PSK-002), for a credential that was verified; None is one that does not hold.

    That is counted, so it is returned and not raised: `link_proof_invalid` (PSK-011). Raises ProtocolError
    `link_expired`, also for a ticket that was used (PSK-010).
    """
    code_hash = proofs.ticket_hash(vault, ticket)
    key = identifier_id(vault, rp_id, passkey.id) if passkey else None
    books.need(LinkCode, (code_hash,))
    if key is not None:
        books.need(Identifier, (key,))
    found = books.get(LinkCode, code_hash)
    link = check_asked(call, books.get(Link, found.link_id) if found else None)
    if passkey is None or key is None or not _holds(vault, books.get(Identifier, key), passkey):
        return links.count_wrong(books, call, link, "credential")
    code = proofs.new_code(proofs.EMAIL_LETTERS)
    proved = replace(
        link,
        identifier_id=key,
        secret_hash=proofs.secret_hash(vault, link.id, proofs.plain(code)),
        sealed=vault.seal(passkey.packed(), link.id),
        key_id=vault.current_key_id,
    )
    books.put(proved)
    return code


def _holds(vault: Vault, identifier: Identifier | None, passkey: Passkey) -> bool:
    """Whether it is as when it was verified: still known by the same key, or, when it is new, known to nobody.

    Whoever gives out a passkey for new under the id of one that is known would be taken for whom that leads to.
    """
    kept = known(vault, identifier)
    return kept is None if passkey.new else kept is not None and kept.public_key == passkey.public_key
