"""What proofs are made of: codes, keyed hashes, and how often one may try (IDN-017 to IDN-021)."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from unicodedata import normalize

from gateway.core.errors import ProtocolError, at
from gateway.core.model import Call
from gateway.core.model_identity import ProofCount
from gateway.core.ports import Books, Vault

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: 5 bits each, none taken for another
MISREAD = str.maketrans("ILO", "110", "- ")
EMAIL_LETTERS, SHOWN_LETTERS = (
    8,
    12,
)  # 40 bits for one link and five tries; 60 bits where any open link counts
GROUP = 4
HOUR = timedelta(hours=1)
LINKS_PER_ACCOUNT, MAILS_PER_ADDRESS, WRONG_CODES = 12, 6, 10  # in an hour
WRONG_PROOFS = 5  # of one link


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified id token says: its signature holds, its issuer and audience are right, it is not expired."""

    issuer: str
    subject: str = field(repr=False)
    nonce: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passkey:
    """What a verified credential says. `id` is its id in base64url, `public_key` in COSE (RFC 9052 section 7); `new`:
    it was made just now."""

    id: str = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    new: bool = False

    def packed(self) -> bytes:
        """As it is kept, sealed."""
        key = base64.b64encode(self.public_key).decode()
        return json.dumps([self.id, key, self.sign_count]).encode()

    @classmethod
    def unpacked(cls, kept: bytes) -> Passkey:
        """What `packed` has made."""
        key, public_key, sign_count = json.loads(kept)
        return cls(key, base64.b64decode(public_key), sign_count)


class IdentityProviders(Protocol):
    """Issuers of id tokens that the merchant trusts."""

    def trusts(self, issuer: str) -> bool:
        """Whether there is such an issuer."""

    async def verify(self, issuer: str, token: str) -> Claims | None:
        """What the token says; None when it does not hold. Raises ProtocolError `unavailable` without its keys."""


def new_code(letters: int) -> str:
    """A fresh code, in groups of four."""
    drawn = "".join(secrets.choice(LETTERS) for _ in range(letters))
    return "-".join(drawn[n : n + GROUP] for n in range(0, letters, GROUP))


def plain(code: str) -> str:
    """A code as it is compared: capitals, no hyphens or spaces, and letters for the digits they look like."""
    return code.upper().translate(MISREAD)


def spelled(email: str) -> str:
    """An address in one spelling: composed, in small letters, its domain as in the DNS. Not folded: ß is not ss, and
    whoever has the one mailbox or domain need not have the other."""
    name, _, domain = normalize("NFC", email.strip()).lower().rpartition("@")
    return f"{name}@{'.'.join(_label(one) for one in domain.split('.'))}"


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def mailbox(email: str) -> str:
    """Where mails to an address most likely end: what follows a + in its name only sorts them. For limits alone."""
    name, _, domain = email.rpartition("@")
    return f"{name.partition('+')[0] or name}@{domain}"


def identifier_id(vault: Vault, kind: str, value: str) -> str:
    """The keyed hash of an address, a number or a subject, as an id. Addresses differ in more than capitals only."""
    same = spelled(value) if kind == "email" else value
    return (
        "idn_"
        + base64.b32encode(vault.fingerprint(f"identifier\0{kind}\0{same}".encode())[:20]).decode().lower()
    )


def secret_hash(vault: Vault, link_id: str, secret: str) -> bytes:
    """The keyed hash of a code or a nonce; of no use for any other link."""
    return vault.fingerprint(f"proof\0{link_id}\0{secret}".encode())


def shown_hash(vault: Vault, code: str) -> str:
    """The keyed hash that finds a link by the code that was shown for it."""
    return vault.fingerprint(f"link code\0{plain(code)}".encode()).hex()


def ticket_hash(vault: Vault, ticket: str) -> str:
    """The keyed hash that finds a link by the ticket of its page; no code that is shown has the same."""
    return vault.fingerprint(f"ticket\0{ticket}".encode()).hex()


def matches(known: bytes | None, given: bytes) -> bool:
    """Whether they are the same, in the same time for all."""
    return known is not None and hmac.compare_digest(known, given)


def tried(books: Books, call: Call, subject: str, most: int, pointer: str | None = None) -> ProofCount:
    """What was done in the last hour. Raises ProtocolError `link_limit_reached` when that is all that is allowed."""
    row = books.get(ProofCount, subject) or ProofCount(subject, [], call.now)
    second = int(call.now.timestamp())
    hour = int(HOUR.total_seconds())
    recent = [one for one in row.times if one > second - hour]
    if len(recent) >= most:
        detail = "Too many for an hour; wait a while."
        faults = [at(pointer, detail)] if pointer else []
        wait = max(1, recent[-most] + hour - second)
        raise ProtocolError("link_limit_reached", detail, *faults, retry_after=wait)
    return ProofCount(subject, recent, row.last_at)


def count(books: Books, call: Call, so_far: ProofCount) -> None:
    """One more."""
    books.put(ProofCount(so_far.subject, [*so_far.times, int(call.now.timestamp())], call.now))
