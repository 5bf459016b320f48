"""Opens what a gateway has sealed to a buyer's key: compact JWE, ECDH-ES on P-256, AES-GCM.

Written straight from RFC 7516 and RFC 7518 section 4.6, so that a gateway is not judged by the library that it may use
itself. Opens and makes keys; never seals.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

Json = dict[str, Any]
DIRECT, WRAPPED, CONTENT = "ECDH-ES", "ECDH-ES+A256KW", "A256GCM"
CIPHERS = {
    "A128GCM": 16,
    "A192GCM": 24,
    CONTENT: 32,
}  # bytes of a key; all can be opened, and a judge says which is right


class JweError(ValueError):
    """It is not such a JWE, or this key does not open it. Says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in it: the protected header, and the content."""

    header: Json
    content: bytes


def new_key(curve: ec.EllipticCurve | None = None) -> Json:
    """A fresh private key as JWK, on P-256 where nothing else is asked for."""
    chosen = curve or ec.SECP256R1()
    size = (chosen.key_size + 7) // 8
    secret = ec.generate_private_key(chosen).private_numbers()
    point = secret.public_numbers
    numbers = {"x": point.x, "y": point.y, "d": secret.private_value}
    members = {name: encode(number.to_bytes(size, "big")) for name, number in numbers.items()}
    return {"kty": "EC", "crv": f"P-{chosen.key_size}", **members}


def public(key: Json) -> Json:
    """The half that others may see."""
    return {name: value for name, value in key.items() if name != "d"}


def thumbprint(key: Json) -> str:
    """RFC 7638, by SHA-256: over the required members, in their order, without spaces."""
    members = {name: key[name] for name in ("crv", "kty", "x", "y")}
    return encode(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def header_of(compact: str) -> Json:
    """The protected header, unverified. Raises JweError."""
    try:
        found = json.loads(decode(compact.partition(".")[0]))
    except ValueError as error:
        raise JweError("its header is no JSON in base64url") from error
    if not isinstance(found, dict):
        raise JweError("its header is no object")
    return found


def open_sealed(compact: str, key: Json) -> Opened:
    """Open it with a private JWK. Raises JweError."""
    parts = compact.split(".")
    if len(parts) != 5:
        raise JweError("a compact JWE has five parts")
    header = header_of(compact)
    content_key = _content_key(header, decode(parts[1]), key)
    vector, text, tag = (decode(part) for part in parts[2:])
    if (len(vector), len(tag)) != (12, 16):
        raise JweError("nonce or tag is of another length than AES-GCM's")
    try:
        content = AESGCM(content_key).decrypt(vector, text + tag, parts[0].encode())
    except (InvalidTag, ValueError) as error:
        raise JweError("this key does not open it") from error
    return Opened(header, content)


def derive(key: Json, epk: Json, algorithm: str, size: int, header: Json) -> bytes:
    """The key agreed on, of so many bytes (RFC 7518 section 4.6.2). Raises JweError."""
    try:
        numbers = [int.from_bytes(decode(str(half[name])), "big") for half in (key, epk) for name in "xy"]
        mine = ec.EllipticCurvePublicNumbers(numbers[0], numbers[1], ec.SECP256R1())
        theirs = ec.EllipticCurvePublicNumbers(numbers[2], numbers[3], ec.SECP256R1()).public_key()
        secret = ec.EllipticCurvePrivateNumbers(int.from_bytes(decode(str(key["d"])), "big"), mine)
        agreed = secret.private_key().exchange(ec.ECDH(), theirs)
    except (KeyError, ValueError) as error:
        raise JweError("its epk is no point of P-256") from error
    words = [algorithm.encode(), *(decode(str(header.get(name, ""))) for name in ("apu", "apv"))]
    told = b"".join(len(word).to_bytes(4, "big") + word for word in words) + (size * 8).to_bytes(4, "big")
    return ConcatKDFHash(SHA256(), size, told).derive(agreed)


def _content_key(header: Json, wrapped: bytes, key: Json) -> bytes:
    algorithm, cipher, epk = header.get("alg"), str(header.get("enc")), header.get("epk")
    if algorithm not in (DIRECT, WRAPPED) or cipher not in CIPHERS or not isinstance(epk, dict):
        raise JweError(f"alg {algorithm} and enc {cipher} are not among what is sealed by")
    if "d" in epk or epk.get("crv") != "P-256":
        raise JweError("its epk is no public key of P-256")
    if algorithm == DIRECT:
        if wrapped:
            raise JweError("ECDH-ES wraps no key")
        return derive(key, epk, cipher, CIPHERS[cipher], header)
    try:
        return aes_key_unwrap(derive(key, epk, WRAPPED, 32, header), wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise JweError("this key does not unwrap its content key") from error


def encode(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of it. Raises JweError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise JweError("a part of it is no base64url") from error
