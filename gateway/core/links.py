"""Links: begun, proved, undone (spec/text/identity.md). What they bring together: merging.py."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.core import contacts, identity, link_kinds, merging, proofs
from gateway.core.errors import ProtocolError, at, missing, refuse
from gateway.core.model import Call
from gateway.core.model_identity import Account, Buyer, Identifier, Link, LinkCode
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace


@dataclass(frozen=True, slots=True)
class Proof:
    """What was given: a code, or an id token, of which `claims` is None when it does not hold."""

    code: str | None = field(default=None, repr=False)
    token: bool = False
    claims: proofs.Claims | None = field(default=None, repr=False)


def create_link(
    books: Books, vault: Vault, call: Call, buyer_id: str, cmd: link_kinds.CreateLink
) -> link_kinds.Begun:
    """Begin to prove something. Nothing is looked up by what is to be proved, so no answer tells of it (IDN-022).

    Raises ProtocolError `not_found`, `link_kind_not_supported` or `link_limit_reached` (IDN-019, IDN-020).
    """
    account = identity.own(books, call, buyer_id)
    cmd.check()
    begun = proofs.tried(books, call, f"begin:{account.id}", proofs.LINKS_PER_ACCOUNT)
    link = link_kinds.new(books, call, account, cmd.kind)
    made = link_kinds.MAKERS[cmd.kind](books, vault, call, cmd, link)
    proofs.count(books, call, begun)
    books.put(made.link)
    return made


def confirm_link(
    books: Books, vault: Vault, call: Call, buyer_id: str, link_id: str, proof: Proof
) -> Link | ProtocolError:
    """Take the proof of a link, and join what it joins.

    A wrong one is counted, so it is returned and not raised: `link_proof_invalid` (IDN-017). Raises ProtocolError
    `not_found`, `invalid` or `link_expired`.
    """
    account = identity.own(books, call, buyer_id)
    link = _own(books, account, link_id)
    if link.kind == "link_code":
        raise ProtocolError("invalid", "Such a link is confirmed by redeem_link_code, on the other account.")
    wanted = "id_token" if link.kind == "id_token" else "code"
    if not (proof.token if wanted == "id_token" else proof.code):
        raise ProtocolError("invalid", "", at(f"/{wanted}", "Is required for this kind of link."))
    check_open(call, link)
    identifier = _proved(books, vault, call, link, proof)
    if identifier is None:
        return count_wrong(books, call, link, wanted)
    return _confirm(books, vault, call, account, link, identifier)


def redeem_link_code(
    books: Books, vault: Vault, call: Call, buyer_id: str, code: str
) -> Link | ProtocolError:
    """Join this account with the one on which the code was shown (IDN-012).

    A wrong code is counted, and returned as a ProtocolError. Raises `not_found`, `link_expired` or
    `link_limit_reached` (IDN-021).
    """
    account, code_hash = identity.own(books, call, buyer_id), proofs.shown_hash(vault, code)
    books.need(LinkCode, (code_hash,))
    books.need(Buyer, (account.buyer_id,))
    wrong = proofs.tried(books, call, f"redeem:{account.id}", proofs.WRONG_CODES)
    found = books.get(LinkCode, code_hash)
    shown = books.get(Link, found.link_id) if found else None
    if shown is None or shown.account_id == account.id:
        proofs.count(books, call, wrong)
        return refuse("link_proof_invalid", "/code", "No account but this one has shown this code.")
    check_open(call, shown)
    other = books.get(Account, shown.account_id)
    if other is None:
        raise LookupError("a link has no account")
    books.need(Buyer, (other.buyer_id,))
    mine = _confirmed(call, link_kinds.new(books, call, account, "link_code"))
    mine = replace(mine, expires_at=shown.expires_at, peer_account_id=other.id, peer_link_id=shown.id)
    theirs = replace(_confirmed(call, shown), peer_account_id=account.id, peer_link_id=mine.id)
    _replace_older(books, call, mine)
    books.put(mine)
    books.put(theirs)
    merging.join(books, vault, call, mine, account, other)
    return mine


def delete_link(books: Books, vault: Vault, call: Call, buyer_id: str, link_id: str) -> Link:
    """Undo a link (IDN-042); one that has ended stays as it is. Raises ProtocolError `not_found`."""
    return _undo(books, vault, call, identity.own(books, call, buyer_id), link_id)


def undo_link(books: Books, vault: Vault, call: Call, link_id: str) -> Link:
    """The merchant undoes a link of any account. Raises ProtocolError `not_found`."""
    link = books.get(Link, link_id)
    account = books.get(Account, link.account_id) if link else None
    if account is None:
        raise missing("link_id")
    return _undo(books, vault, call, account, link_id)


def end_all(books: Books, vault: Vault, call: Call, account: Account) -> Account:
    """Undo all links of an account, before it is erased; the account as it is then, a buyer of its own."""
    for link in books.links_of([account.id]):
        _undo(books, vault, call, account, link.id)
        account = books.get(Account, account.id) or account
    return account


def _undo(books: Books, vault: Vault, call: Call, account: Account, link_id: str) -> Link:
    link = _own(books, account, link_id)
    if link.status == "ended":
        return link
    ended = _end(books, call, link)
    if link.peer_link_id is not None:
        peer = books.get(Link, link.peer_link_id)
        if peer is not None:
            _end(books, call, peer)
    if link.identifier_id is not None and link.status == "confirmed":
        _forget(books, account, link.identifier_id)
    if link.status == "confirmed":
        merging.part(books, vault, call, ended, account)
    return ended


def _own(books: Books, account: Account, link_id: str) -> Link:
    link = books.get(Link, link_id)
    if link is None or link.account_id != account.id:
        raise missing("link_id")
    return link


def check_open(call: Call, link: Link) -> None:
    """Raises ProtocolError `link_expired` for a link that cannot be proved any more."""
    if link.status != "pending" or link.expires_at <= call.now:
        raise identity.not_open()


def _proved(books: Books, vault: Vault, call: Call, link: Link, proof: Proof) -> Identifier | None:
    """What the proof proves, known or new; None when it does not hold."""
    if link.sealed is not None and link.key_id is not None:
        given = proofs.secret_hash(vault, link.id, proofs.plain(proof.code or ""))
        kind = "passkey" if link.kind == "passkey" else "email"
        value = vault.open(link.sealed, link.key_id, link.id)
    elif proof.claims is not None and proof.claims.issuer == link.issuer:
        given = proofs.secret_hash(vault, link.id, proof.claims.nonce or "")
        kind, value = "id_token", json.dumps([proof.claims.issuer, proof.claims.subject]).encode()
    else:
        return None
    if not proofs.matches(link.secret_hash, given):
        return None
    key = link.identifier_id or proofs.identifier_id(vault, kind, value.decode())
    known = books.get(Identifier, key)
    if known is not None and known.sealed is not None:
        return known if kind != "passkey" else _used(vault, known, proofs.Passkey.unpacked(value))
    sealed = vault.seal(value, key)
    return Identifier(key, kind, sealed, vault.current_key_id, [], known.created_at if known else call.now)


def _used(vault: Vault, known: Identifier, passkey: proofs.Passkey) -> Identifier | None:
    """The passkey as it is after its use; None when another one has come to be known under its id meanwhile."""
    kept = proofs.Passkey.unpacked(vault.open(known.sealed or b"", known.key_id or "", known.id))
    if kept.public_key != passkey.public_key:
        return None
    newest = proofs.Passkey(kept.id, kept.public_key, max(kept.sign_count, passkey.sign_count))
    return replace(known, sealed=vault.seal(newest.packed(), known.id), key_id=vault.current_key_id)


def count_wrong(books: Books, call: Call, link: Link, wanted: str) -> ProtocolError:
    """A proof did not hold: the error to be answered, and the end of the link with the last that it may have."""
    counted = replace(link, attempts=link.attempts + 1)
    books.put(counted)
    if counted.attempts >= proofs.WRONG_PROOFS:
        _end(books, call, counted)
    return refuse("link_proof_invalid", f"/{wanted}", "The proof does not hold.")


def _confirm(
    books: Books, vault: Vault, call: Call, account: Account, link: Link, identifier: Identifier
) -> Link:
    confirmed = replace(_confirmed(call, link), identifier_id=identifier.id)
    _replace_older(books, call, confirmed)
    books.put(confirmed)
    books.put(replace(identifier, accounts=sorted({*identifier.accounts, account.id})))
    if identifier.kind == "email" and link.sealed is not None and link.key_id is not None:
        email = vault.open(link.sealed, link.key_id, link.id).decode()
        contacts.keep(books, vault, call, account.id, "email", email)
    others = [one for one in identifier.accounts if one != account.id]
    other = books.get(Account, others[0]) if others else None
    if other is not None:
        merging.join(books, vault, call, confirmed, account, other)
    return confirmed


def _confirmed(call: Call, link: Link) -> Link:
    return replace(
        link,
        status="confirmed",
        revision=link.revision + (link.created_at != call.now),
        confirmed_at=call.now,
        secret_hash=None,
        sealed=None,
        key_id=None,
    )


def _replace_older(books: Books, call: Call, link: Link) -> None:
    """End the link that has joined the same until now: this one holds it from now on (IDN-045)."""
    far = (link.identifier_id, link.peer_account_id)
    for older in books.links_of([link.account_id]):
        if (
            older.id != link.id
            and older.status == "confirmed"
            and (older.identifier_id, older.peer_account_id) == far
        ):
            _end(books, call, older)
            peer = books.get(Link, older.peer_link_id) if older.peer_link_id else None
            if peer is not None:
                _end(books, call, peer)


def _end(books: Books, call: Call, link: Link) -> Link:
    ended = replace(
        link,
        status="ended",
        revision=link.revision + 1,
        ended_at=call.now,
        secret_hash=None,
        sealed=None,
        key_id=None,
    )
    books.put(ended)
    return ended


def _forget(books: Books, account: Account, identifier_id: str) -> None:
    """The account has not proved this any more; what nobody has proved is not kept."""
    known = books.get(Identifier, identifier_id)
    if known is None:
        return
    left = [one for one in known.accounts if one != account.id]
    kept = (known.sealed, known.key_id) if left else (None, None)
    books.put(replace(known, accounts=left, sealed=kept[0], key_id=kept[1]))
