"""What browsers are asked about passkeys, and whether what they answer holds (Web Authentication Level 3).

The library that verifies is imported with the first credential: it takes longer than the start of all the rest.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gateway.core.model import Json
from gateway.core.proofs import Passkey
from gateway.core.wire import base64url

if TYPE_CHECKING:
    from gateway.http.services import Services

PAGE = "/passkey"
ALGORITHMS = (-7, -8, -257)  # ES256, EdDSA, RS256 (IANA COSE Algorithms): what authenticators have
PATIENCE = 300_000  # milliseconds that a browser may take
PORTS = {"http": 80, "https": 443}
ANSWERED = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")


@dataclass(frozen=True, slots=True)
class Party:
    """The relying party: `id` is the page's host, `origin` as browsers spell it. `usable`: whether one lets it ask."""

    id: str
    origin: str
    usable: bool

    def page(self, ticket: str) -> str:
        """Where the buyer goes. What follows the # is sent to no server, and so stands in no log."""
        return f"{self.origin}{PAGE}#{ticket}"

    def request(self, challenge: bytes) -> Json:
        """PublicKeyCredentialRequestOptionsJSON: for whatever passkey she has here."""
        return {
            "challenge": base64url(challenge),
            "rpId": self.id,
            "timeout": PATIENCE,
            "userVerification": "required",
        }

    def creation(self, challenge: bytes, user_handle: bytes, name: str, user: str) -> Json:
        """PublicKeyCredentialCreationOptionsJSON. `user` is what her authenticator will list it as."""
        return {
            "challenge": base64url(challenge),
            "rp": {"id": self.id, "name": name},
            "user": {"id": base64url(user_handle), "name": user, "displayName": user},
            "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in ALGORITHMS],
            "timeout": PATIENCE,
            "excludeCredentials": [],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "none",
        }


def party_of(services: Services) -> Party:
    """This gateway's. A sandbox is always usable: its tests need no browser."""
    parts = urlsplit(services.public_url)
    host = parts.hostname or ""
    port = "" if parts.port in (None, PORTS.get(parts.scheme)) else f":{parts.port}"
    origin = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
    usable = services.settings.sandbox or (_is_name(host) and (parts.scheme == "https" or _is_here(host)))
    return Party(host, origin, usable)


def verified(party: Party, challenge: bytes, credential: Json, known: Passkey | None) -> Passkey | None:
    """The passkey that a valid PasskeyCredential proves, with its new count; None when it does not hold.

    One that was just made says its key itself; of any other `known` is what is known under its id. Blocks for a
    moment, with the first one for longer.
    """
    from webauthn import verify_authentication_response, verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    response = {name: credential["response"][name] for name in ANSWERED if name in credential["response"]}
    given = {"id": credential["id"], "rawId": credential["id"], "type": credential["type"]}
    expected: dict[str, Any] = {
        "credential": {**given, "response": response},
        "expected_challenge": challenge,
        "expected_rp_id": party.id,
        "expected_origin": party.origin,
        "require_user_verification": True,
    }
    try:
        if _is_embedded(response["clientDataJSON"]):
            return None
        if "attestationObject" in response:
            algorithms = [COSEAlgorithmIdentifier(one) for one in ALGORITHMS]
            made = verify_registration_response(**expected, supported_pub_key_algs=algorithms)
            return Passkey(
                base64url(made.credential_id), made.credential_public_key, made.sign_count, new=True
            )
        if known is None:
            return None
        used = verify_authentication_response(
            **expected,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
        )
    except Exception:  # a stranger's bytes: the library and what it stands on raise what they happen to
        return None
    return Passkey(known.id, known.public_key, used.new_sign_count)


def _is_embedded(client_data: str) -> bool:
    """Whether the page was shown inside of another origin's. Raises ValueError or AttributeError for no client data."""
    said = json.loads(base64.urlsafe_b64decode(client_data + "=" * (-len(client_data) % 4)))
    return bool(said.get("crossOrigin"))


def _is_name(host: str) -> bool:
    """Whether it is a name and no address: passkeys are good for names alone."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host)
    return False


def _is_here(host: str) -> bool:
    """Whether browsers take it for this machine, and so for safe without TLS."""
    return host == "localhost" or host.endswith(".localhost")
