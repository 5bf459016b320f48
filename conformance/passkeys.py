"""A software authenticator (Web Authentication Level 3), and how its credentials are read again.

It makes passkeys of ES256, has no other attestation than "none", and keeps no counter, as passkeys that are synced. It
answers whatever options it is given: what a gateway leaves out or gets wrong has a harmless value in its place, and the
gateway refuses it. Sections are those of Web Authentication.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conformance.sd_jwt import encoded

Json = dict[str, Any]
ES256 = -7  # COSE algorithm
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40  # flags of authenticator data, 6.1
AAGUID = bytes(16)
HEAD = 37  # bytes of authenticator data before what is attested


def decoded(text: Any) -> bytes:
    """The bytes of base64url without padding; none where it is none."""
    if not isinstance(text, str):
        return b""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


@dataclass
class Passkey:
    """A passkey in the buyer's authenticator: its id, its key, and the user handle that it was made for."""

    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    handle: bytes = b""

    @property
    def cose(self) -> bytes:
        """Its public key as a COSE_Key (RFC 9053, 7.1)."""
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a credential, each in place of the right thing."""

    challenge: str = ""  # another one
    origin: str = ""  # of the page on which it was made
    party: str = ""  # the id of a relying party
    verified: bool = True  # whether the authenticator knows who uses it
    key: Passkey | None = None  # whose key signs


RIGHT = Wrong()


def create(
    options: Any, origin: str, wrong: Wrong = RIGHT, made: Passkey | None = None
) -> tuple[Passkey, Json]:
    """A passkey made for `creation` options, `made` in place of a new one, and its RegistrationResponseJSON (5.1)."""
    passkey = made or Passkey()
    passkey.handle = decoded(_at(options, "user", "id"))
    party = wrong.party or str(_at(options, "rp", "id") or _host(origin))
    attested = AAGUID + len(passkey.id).to_bytes(2, "big") + passkey.id + passkey.cose
    data = _data(party, ATTESTED, wrong.verified) + attested
    public = passkey.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    response = {
        "clientDataJSON": encoded(_client("webauthn.create", options, origin, wrong)),
        "attestationObject": encoded(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        "authenticatorData": encoded(data),
        "publicKey": encoded(public),
        "publicKeyAlgorithm": ES256,
        "transports": ["internal"],
    }
    return passkey, _credential(passkey, response)


def get(passkey: Passkey, options: Any, origin: str, wrong: Wrong = RIGHT) -> Json:
    """The AuthenticationResponseJSON (5.1) of a passkey that is used for `request` options."""
    party = wrong.party or str(_at(options, "rpId") or _host(origin))
    data = _data(party, 0, wrong.verified)
    client = _client("webauthn.get", options, origin, wrong)
    signer = (wrong.key or passkey).key
    signed = signer.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
    response = {
        "clientDataJSON": encoded(client),
        "authenticatorData": encoded(data),
        "signature": encoded(signed),
        "userHandle": encoded(passkey.handle),
    }
    return _credential(passkey, response)


def _credential(passkey: Passkey, response: Json) -> Json:
    name = encoded(passkey.id)
    return {
        "id": name,
        "rawId": name,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }


def _data(party: str, more: int, verified: bool) -> bytes:
    """Authenticator data (6.1) with a counter of 0."""
    flags = PRESENT | more | (VERIFIED if verified else 0)
    return hashlib.sha256(party.encode()).digest() + bytes([flags]) + bytes(4)


def _client(kind: str, options: Any, origin: str, wrong: Wrong) -> bytes:
    """Client data (5.8.1)."""
    said = {
        "type": kind,
        "challenge": wrong.challenge or str(_at(options, "challenge") or "none"),
        "origin": wrong.origin or origin,
        "crossOrigin": False,
    }
    return json.dumps(said, separators=(",", ":")).encode()


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _host(origin: str) -> str:
    return origin.partition("://")[2].partition(":")[0]


def words(credential: Any) -> set[bytes]:
    """What names a passkey in a credential of it: its id, and, where it was just made, its key's parts."""
    found = {decoded(_at(credential, "id"))}
    try:
        attested = cbor2.loads(decoded(_at(credential, "response", "attestationObject")))["authData"][
            HEAD + 16 :
        ]
        size = int.from_bytes(attested[:2], "big")
        key = attested[2 + size :]
        cose = cbor2.loads(key)
        found |= {key, cose[-2], cose[-3], decoded(_at(credential, "response", "publicKey"))}
    except (ValueError, TypeError, KeyError, cbor2.CBORError):  # it was not made here, only used
        return found
    return found
