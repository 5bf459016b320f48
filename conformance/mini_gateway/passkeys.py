"""Proof by passkey (Web Authentication Level 3): the page's two operations, and what makes a credential hold."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from conformance.mini_gateway.buyers import Link
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, World
from conformance.sd_jwt import encoded

PARTY = "mini-gateway.example"
HOST = f"buyers.{PARTY}"  # of the page, on which nobody looks here
ORIGIN = f"https://{HOST}"
ES256, RS256 = -7, -257
VERIFIED = 0x04
MOST_WRONG = 5


@dataclass
class Visit:
    """A link's page: what stands for the link there, what is asked, and whether it was answered."""

    ticket: str
    challenge: str
    handle: str
    answered: bool = False


def decoded(text: str) -> bytes:
    """The bytes of base64url; raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def begun(world: World, link: Link) -> Json:
    """What `create_link` says of a link that is proved by passkey."""
    handle = link.account.encode() if world.fault == "passkey_handle_known" else secrets.token_bytes(32)
    link.visit = Visit(secrets.token_urlsafe(32), encoded(secrets.token_bytes(32)), encoded(handle))
    return {"passkey": {"url": f"{ORIGIN}/passkey#{link.visit.ticket}"}}


def _visited(world: World, ticket: str) -> tuple[Link, Visit]:
    """The link of a ticket that is good; raises Refusal link_expired."""
    for link in world.links:
        visit: Visit | None = link.visit
        if visit is not None and visit.ticket == ticket and _open(world, link, visit):
            return link, visit
    raise Refusal("link_expired")


def _open(world: World, link: Link, visit: Visit) -> bool:
    late = datetime.fromisoformat(link.body["expires_at"]) <= world.now() and world.fault != "passkey_late"
    used = (visit.answered or link.body["status"] == "confirmed") and world.fault != "passkey_again"
    undone = world.fault == "passkey_after_end" and link.wrong < MOST_WRONG
    return not (late or used or (link.body["status"] == "ended" and not undone))


def begin_passkey(world: World, call: Call) -> Json:
    """What the browser is asked."""
    link, visit = _visited(world, call.body["ticket"])
    early = {"code": link.secret} if world.fault == "passkey_code_early" else {}
    algorithm = RS256 if world.fault == "passkey_rsa_only" else ES256
    return {
        "channel": _channel(world, link),
        "expires_at": link.body["expires_at"],
        "request": {"challenge": visit.challenge, "rpId": PARTY, "userVerification": "required"},
        "creation": {
            "challenge": visit.challenge,
            "rp": {"id": PARTY, "name": "Mini gateway"},
            "user": {"id": visit.handle, "name": "Mini gateway", "displayName": "Mini gateway"},
            "pubKeyCredParams": [{"type": "public-key", "alg": algorithm}],
            "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
            "attestation": "none",
        },
        **early,
    }


def _channel(world: World, link: Link) -> str:
    return world.clients[world.accounts[link.account].owner].name


def finish_passkey(world: World, call: Call) -> Json:
    """Take a credential and show the code."""
    link, visit = _visited(world, call.body["ticket"])
    try:
        name = _held(world, visit, call.body["credential"])
    except (ValueError, KeyError, TypeError, IndexError, cbor2.CBORError, InvalidSignature) as error:
        link.wrong += 1
        if link.wrong >= MOST_WRONG and world.fault != "passkey_guessing":
            link.body |= {"status": "ended", "revision": link.body["revision"] + 1}
        told = f"The code was {link.secret}." if world.fault == "passkey_code_told" else ""
        raise Refusal("link_proof_invalid", told, pointer="/credential") from error
    visit.answered = True
    alone = link.body["id"] if world.fault == "passkey_alone" else ""
    link.passkey, link.node = name, f"passkey:{name}{alone}"
    return {"channel": _channel(world, link), "code": link.secret}


def _held(world: World, visit: Visit, credential: Json) -> str:
    """The id of the passkey; raises ValueError and others for a credential that does not hold."""
    response, name = credential["response"], credential["id"]
    client = decoded(response["clientDataJSON"])
    making = "attestationObject" in response
    data = _attested(response) if making else decoded(response["authenticatorData"])
    _meant(world, visit, json.loads(client), "webauthn.create" if making else "webauthn.get")
    if data[:32] != hashlib.sha256(PARTY.encode()).digest() and world.fault != "passkey_any_party":
        raise ValueError("another relying party")
    if not data[32] & VERIFIED and world.fault != "passkey_unverified":
        raise ValueError("the user was not verified")
    if making:
        _made(world, name, data)
    else:
        _used(world, name, data + hashlib.sha256(client).digest(), decoded(response["signature"]))
    return str(name)


def _attested(response: Json) -> bytes:
    data: Any = cbor2.loads(decoded(response["attestationObject"]))["authData"]
    return bytes(data)


def _meant(world: World, visit: Visit, said: Json, kind: str) -> None:
    """Whether client data are of this ceremony, of this ticket and of this page."""
    wrong = {
        "": said["type"] != kind,
        "passkey_any_challenge": said["challenge"] != visit.challenge,
        "passkey_any_origin": said["origin"] != ORIGIN,
    }
    if world.fault == "passkey_any_port":
        wrong["passkey_any_origin"] = urlsplit(said["origin"]).hostname != HOST
    if any(bad for fault, bad in wrong.items() if not fault or fault != world.fault):
        raise ValueError("made for something else")


def _made(world: World, name: str, data: bytes) -> None:
    """Keep a new passkey's key."""
    size = int.from_bytes(data[53:55], "big")
    if encoded(data[55 : 55 + size]) != name:
        raise ValueError("another id")
    if name in world.passkeys and world.fault != "passkey_overwritten":
        raise ValueError("that was made before")
    key = cbor2.loads(data[55 + size :])
    if (key[1], key[3], key[-1]) != (2, ES256, 1):
        raise ValueError("another algorithm")
    x, y = (int.from_bytes(key[part], "big") for part in (-2, -3))
    world.passkeys[name] = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _used(world: World, name: str, signed: bytes, signature: bytes) -> None:
    """Whether the passkey is one that accounts have proved, and has signed."""
    proved = any(one.passkey == name and one.body["status"] == "confirmed" for one in world.links)
    known = name in world.passkeys
    if not (known and proved) and world.fault not in ("passkey_of_anyone", "passkey_kept"):
        raise ValueError("nobody has it")
    if known or world.fault != "passkey_of_anyone":
        try:
            world.passkeys[name].verify(signature, signed, ec.ECDSA(SHA256()))
        except InvalidSignature:
            if world.fault != "passkey_unsigned":
                raise


def confirmed(world: World, link: Link) -> Json:
    """What of a passkey stands in its link, which is nothing."""
    return {"credential_id": link.passkey} if world.fault == "passkey_shown" and link.passkey else {}
