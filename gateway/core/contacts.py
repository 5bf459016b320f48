"""How a buyer can be reached: sealed where it is kept, masked where it is shown (IDN-006, IDN-007, IDN-049)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.core import proofs
from gateway.core.model import Call, Json
from gateway.core.model_identity import Account, Contact, Link
from gateway.core.ports import Books, Vault

KINDS = ("email", "phone")
SHOWN = 3  # first characters of a phone number, and one fewer of its last


def context(contact: Contact) -> str:
    """What it is sealed under."""
    return f"contact:{contact.account_id}:{contact.kind}"


def claim(books: Books, vault: Vault, call: Call, account: Account, given: Mapping[str, str | None]) -> bool:
    """Keep what the channel says; whether anything of it is new."""
    books.need(Contact, *((account.id, kind) for kind in given))
    new = [keep(books, vault, call, account.id, kind, value) for kind, value in given.items() if value]
    return any(new)


def keep(books: Books, vault: Vault, call: Call, account_id: str, kind: str, value: str) -> bool:
    """Keep one of them; whether it is another than before."""
    identifier = proofs.identifier_id(vault, kind, value)
    known = books.get(Contact, account_id, kind)
    if known is not None and known.identifier_id == identifier and known.sealed is not None:
        return False
    empty = Contact(account_id, kind, None, None, identifier, call.now)
    sealed = vault.seal(value.encode(), context(empty))
    books.put(Contact(account_id, kind, sealed, vault.current_key_id, identifier, call.now))
    return True


def of_account(books: Books, account: Account) -> list[Contact]:
    """Those that are known of an account."""
    books.need(Contact, *((account.id, kind) for kind in KINDS))
    found = [books.get(Contact, account.id, kind) for kind in KINDS]
    return [one for one in found if one is not None]


def shown(vault: Vault, known: Iterable[Contact], links: Iterable[Link]) -> list[Json]:
    """As the wire has them; `links` are the account's."""
    proved = {link.identifier_id for link in links if link.status == "confirmed"}
    return [
        {
            "kind": one.kind,
            "masked": masked(one.kind, vault.open(one.sealed, one.key_id, context(one)).decode()),
            "verified": one.identifier_id in proved,
        }
        for one in known
        if one.sealed is not None and one.key_id is not None
    ]


def in_full(vault: Vault, known: Iterable[Contact]) -> list[Json]:
    """For the merchant's own export of all that is held about her."""
    return [
        {"kind": one.kind, "value": vault.open(one.sealed, one.key_id, context(one)).decode()}
        for one in known
        if one.sealed is not None and one.key_id is not None
    ]


def masked(kind: str, value: str) -> str:
    """As much as she needs to recognise it."""
    if kind == "email":
        name, _, domain = value.rpartition("@")
        return f"{name[:1]}…@{domain}"
    return f"{value[:SHOWN]}…{value[1 - SHOWN :]}"
