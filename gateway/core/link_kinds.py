"""The kinds of links, and how each is begun: by a code that is mailed or shown, a nonce for an id token, a ticket."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.core import mails, proofs
from gateway.core.errors import ProtocolError, at, refuse
from gateway.core.model import Call, Json
from gateway.core.model_identity import Account, Link, LinkCode
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

LIFE = {"email_code": 900, "id_token": 900, "link_code": 600, "passkey": 900}  # seconds to prove it (IDN-014)


@dataclass(frozen=True, slots=True)
class CreateLink:
    """What is to be proved. `mails`: whether the gateway can send any; `trusted`: whether it trusts the issuer;
    `passkeys`: whether a browser lets its page have any."""

    kind: str
    email: str | None = field(default=None, repr=False)
    locale: str | None = None
    issuer: str | None = None
    mails: bool = False
    trusted: bool = False
    passkeys: bool = False

    @classmethod
    def from_wire(
        cls, body: Json, mails: bool, providers: proofs.IdentityProviders, passkeys: bool
    ) -> CreateLink:
        """From a valid LinkRequest. Raises ProtocolError `invalid` where the kind's own member is missing."""
        kind = body["kind"]
        if kind in ("email_code", "id_token") and kind not in body:
            raise ProtocolError("invalid", "", at(f"/{kind}", "Is required for this kind."))
        issuer = body[kind]["issuer"] if kind == "id_token" else None
        mail = body[kind] if kind == "email_code" else {}
        trusted = issuer is not None and providers.trusts(issuer)
        return cls(kind, mail.get("email"), mail.get("locale"), issuer, mails, trusted, passkeys)

    def check(self) -> None:
        """Raises ProtocolError `link_kind_not_supported` (IDN-024)."""
        code = "link_kind_not_supported"
        if self.kind not in LIFE:
            raise refuse(code, "/kind", "There is no link of this kind.")
        if self.kind == "email_code" and not self.mails:
            raise refuse(code, "/kind", "This gateway sends no mails.")
        if self.kind == "id_token" and not self.trusted:
            raise refuse(code, "/id_token/issuer", "Id tokens of this issuer are not trusted here.")
        if self.kind == "passkey" and not self.passkeys:
            raise refuse(code, "/kind", "This gateway has no page on which a browser would use a passkey.")


@dataclass(frozen=True, slots=True)
class Begun:
    """A new link, and what is shown once."""

    link: Link
    nonce: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    ticket: str | None = field(default=None, repr=False)


def new(books: Books, call: Call, account: Account, kind: str) -> Link:
    """A pending link."""
    until = call.now + timedelta(seconds=LIFE[kind])
    key = books.new_id("lnk")
    return Link(key, account.id, kind, "pending", 1, call.now, until, call.trace_id, None)


def mail_code(books: Books, vault: Vault, call: Call, cmd: CreateLink, link: Link) -> Begun:
    """A code to the address. Raises ProtocolError `link_limit_reached` (IDN-020)."""
    email = cmd.email or ""
    to = proofs.identifier_id(vault, "email", email)
    box = proofs.identifier_id(vault, "email", proofs.mailbox(email))
    sent = proofs.tried(books, call, f"mail:{box}", proofs.MAILS_PER_ADDRESS, "/email_code/email")
    code = proofs.new_code(proofs.EMAIL_LETTERS)
    mails.send(books, vault, call, link, to, email, code, cmd.locale)
    proofs.count(books, call, sent)
    kept = replace(
        link,
        identifier_id=to,
        secret_hash=proofs.secret_hash(vault, link.id, proofs.plain(code)),
        sealed=vault.seal(email.encode(), link.id),
        key_id=vault.current_key_id,
    )
    return Begun(kept)


def ask_token(books: Books, vault: Vault, call: Call, cmd: CreateLink, link: Link) -> Begun:
    """A nonce, that the id token has to have (IDN-033)."""
    nonce = secrets.token_urlsafe(32)
    return Begun(
        replace(link, issuer=cmd.issuer, secret_hash=proofs.secret_hash(vault, link.id, nonce)), nonce=nonce
    )


def show_code(books: Books, vault: Vault, call: Call, cmd: CreateLink, link: Link) -> Begun:
    """A code to be entered on another account (IDN-012)."""
    code = proofs.new_code(proofs.SHOWN_LETTERS)
    books.put(LinkCode(proofs.shown_hash(vault, code), link.id, link.expires_at))
    return Begun(link, code=code)


def open_page(books: Books, vault: Vault, call: Call, cmd: CreateLink, link: Link) -> Begun:
    """A ticket, for whoever opens the page of the gateway with it."""
    ticket = secrets.token_urlsafe(32)
    books.put(LinkCode(proofs.ticket_hash(vault, ticket), link.id, link.expires_at))
    return Begun(link, ticket=ticket)


MAKERS = {"email_code": mail_code, "id_token": ask_token, "link_code": show_code, "passkey": open_page}
