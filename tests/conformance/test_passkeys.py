"""The suite's authenticator makes what the reference library takes, and what it gets wrong on purpose is refused."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
import webauthn
from webauthn.helpers.exceptions import WebAuthnException

from conformance import passkeys, record
from conformance.mini_gateway import MiniGateway
from conformance.model import Verdict
from conformance.passkeys import Passkey, Wrong, create, decoded, encoded, get
from conformance.runner import Run, Target, run

ORIGIN, PARTY = "https://shop.vgcp.example:8443", "vgcp.example"
CHALLENGE, HANDLE = b"c" * 32, b"h" * 32
CREATION = {
    "challenge": encoded(CHALLENGE),
    "rp": {"id": PARTY, "name": "Shop"},
    "user": {"id": encoded(HANDLE), "name": "Mia", "displayName": "Mia"},
    "pubKeyCredParams": [{"type": "public-key", "alg": passkeys.ES256}],
}
REQUEST = {"challenge": encoded(CHALLENGE), "rpId": PARTY}
WRONG = {
    "challenge": Wrong(challenge=encoded(b"d" * 32)),
    "origin": Wrong(origin="https://shop.vgcp.example"),
    "party": Wrong(party="shop.vgcp.example"),
    "verification": Wrong(verified=False),
}
PSK = [f"PSK-{number:03}" for number in range(1, 13)]


def registered(credential: dict[str, Any]) -> Any:
    """What the reference library makes of a passkey that was just made."""
    return webauthn.verify_registration_response(
        credential=credential,
        expected_challenge=CHALLENGE,
        expected_rp_id=PARTY,
        expected_origin=ORIGIN,
        require_user_verification=True,
    )


def authenticated(credential: dict[str, Any], key: bytes) -> Any:
    """What the reference library makes of a passkey that was used."""
    return webauthn.verify_authentication_response(
        credential=credential,
        expected_challenge=CHALLENGE,
        expected_rp_id=PARTY,
        expected_origin=ORIGIN,
        credential_public_key=key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )


def test_the_reference_library_takes_what_is_made_and_used() -> None:
    """The id, the key and the user handle arrive; nothing is attested."""
    passkey, made = create(CREATION, ORIGIN)
    seen = registered(made)
    assert (seen.credential_id, seen.credential_public_key) == (passkey.id, passkey.cose)
    assert (seen.fmt, seen.sign_count, seen.user_verified) == ("none", 0, True)
    used = get(passkey, REQUEST, ORIGIN)
    assert authenticated(used, passkey.cose).credential_id == passkey.id
    assert decoded(used["response"]["userHandle"]) == passkey.handle == HANDLE


@pytest.mark.parametrize("name", WRONG)
def test_the_reference_library_refuses_what_is_wrong(name: str) -> None:
    """Each fault in both ceremonies; nothing else is wrong with it."""
    _, made = create(CREATION, ORIGIN, WRONG[name])
    with pytest.raises(WebAuthnException):
        registered(made)
    passkey = Passkey()
    with pytest.raises(WebAuthnException):
        authenticated(get(passkey, REQUEST, ORIGIN, WRONG[name]), passkey.cose)


def test_the_reference_library_refuses_another_key() -> None:
    """A credential that another passkey's key has signed."""
    passkey = Passkey()
    with pytest.raises(WebAuthnException):
        authenticated(get(passkey, REQUEST, ORIGIN, Wrong(key=Passkey())), passkey.cose)


def test_a_passkey_of_a_taken_id_has_its_own_key() -> None:
    """It is well made; whoever takes it has not looked whether there is one."""
    first, other = Passkey(), Passkey()
    other.id = first.id
    _, made = create(CREATION, ORIGIN, made=other)
    assert registered(made).credential_id == first.id
    assert other.cose != first.cose


@pytest.mark.parametrize("options", [None, [], {"user": {"id": 7}, "rp": "no", "challenge": None}])
def test_bad_options_are_answered_all_the_same(options: Any) -> None:
    """A gateway that gives no options meets a credential that does not hold, and the suite no error of its own."""
    passkey, made = create(options, ORIGIN)
    used = get(passkey, options, ORIGIN)
    party = hashlib.sha256(b"shop.vgcp.example").digest()
    assert decoded(made["response"]["authenticatorData"])[:32] == party
    assert decoded(used["response"]["authenticatorData"])[:32] == party


def test_words_are_what_names_a_passkey() -> None:
    """Id and key of one that was made, the id of one that was used, and nothing of what is no credential."""
    passkey, made = create(CREATION, ORIGIN)
    point = passkey.key.public_key().public_numbers()
    found = passkeys.words(made)
    assert found >= {passkey.id, passkey.cose, point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")}
    assert passkeys.words(get(passkey, REQUEST, ORIGIN)) == {passkey.id}
    broken = {"id": made["id"], "response": {"attestationObject": encoded(b"\xff\x00")}}
    assert passkeys.words(broken) == {passkey.id}
    assert passkeys.words(None) == {b""}


async def certified(fault: str = "") -> Run:
    """The mini gateway with this fault, as far as passkeys go."""
    async with MiniGateway(fault) as gateway:
        return await run(Target("gateway", gateway.url, gateway.test_secret), PSK)


def verdicts(result: Run) -> dict[str, Verdict]:
    """Of the checks that were selected."""
    return {f.check.id: f.verdict for f in result.findings if f.verdict is not Verdict.DISABLED}


async def test_a_gateway_without_passkeys_is_not_asked_for_them() -> None:
    """No page is opened, and every check is not applicable."""
    result = await certified("core_only")
    assert verdicts(result) == dict.fromkeys(PSK, Verdict.NOT_APPLICABLE)
    assert not result.transcript.all(operation="begin_passkey")


async def test_tickets_and_codes_are_secrets_of_the_run() -> None:
    """The right gateway passes every check, and neither stands in what is written."""
    result = await certified()
    assert verdicts(result) == dict.fromkeys(PSK, Verdict.PASS)
    assert result.live
    urls = [e.answer["passkey"]["url"] for e in result.live.all(operation="create_link")]
    codes = {e.answer["code"] for e in result.live.all(operation="finish_passkey") if e.status == 200}
    text = record.text(result.live)
    assert len(urls) > len(codes) > 5
    assert not [one for one in (*codes, *(url.partition("#")[2] for url in urls)) if one in text]


def test_base64url_is_without_padding() -> None:
    """As the standard writes it; what is none has no bytes."""
    raw = bytes(range(250, 256))
    assert encoded(raw) == base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert (decoded(encoded(raw)), decoded("ä"), decoded(None)) == (raw, b"", b"")
