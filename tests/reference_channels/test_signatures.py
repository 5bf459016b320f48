"""Verification of both signature schemes, with signatures made by other code than the kit's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from reference_channels.kit.signatures import (
    SignatureRefused,
    SignedCall,
    key_ids,
    verify_rfc9421,
    verify_standard_webhook,
)
from tests.reference_channels.scripted import SECRET, ScriptedGateway

URL = "https://shop.example/vgcp/v1/events"
BODY = json.dumps({"id": "evt_1"}).encode()
EVENT = {"id": "evt_1"}
NOW = 1_800_000_000.0
Sign = Callable[..., dict[str, str]]


@pytest.fixture(params=["standard_webhooks", "rfc9421"])
def scheme(request: pytest.FixtureRequest) -> tuple[Sign, Callable[..., None]]:
    """How to sign and how to verify, by each scheme in turn."""
    signer = ScriptedGateway()
    if request.param == "rfc9421":

        def sign(at: float = NOW, body: bytes = BODY, url: str = URL) -> dict[str, str]:
            return signer.rfc9421_headers(url, body, at)

        def verify(headers: dict[str, str], body: bytes = BODY, now: float = NOW, url: str = URL) -> None:
            verify_rfc9421(SignedCall("POST", url, headers, body), [signer.jwk], now)
    else:

        def sign(at: float = NOW, body: bytes = BODY, url: str = URL) -> dict[str, str]:
            return signer.webhook_headers(EVENT, body, at)

        def verify(headers: dict[str, str], body: bytes = BODY, now: float = NOW, url: str = URL) -> None:
            verify_standard_webhook(SignedCall("POST", url, headers, body), SECRET, now)

    return sign, verify


def refused(verify: Callable[..., None], *args: Any, **options: Any) -> str:
    """The code of the refusal."""
    with pytest.raises(SignatureRefused) as caught:
        verify(*args, **options)
    return caught.value.code


def test_a_good_signature_holds(scheme: Any) -> None:
    """Also near both ends of the window."""
    sign, verify = scheme
    for age in (0, 299, -299):
        verify(sign(NOW - age))


def test_no_signature_is_missing(scheme: Any) -> None:
    """SIG-005."""
    assert refused(scheme[1], {"Content-Type": "application/json"}) == "signature_missing"


def test_another_body_is_refused(scheme: Any) -> None:
    """SIG-007."""
    sign, verify = scheme
    assert refused(verify, sign(), BODY + b" ") == "signature_invalid"


@pytest.mark.parametrize("age", [302, -302, 86400])
def test_outside_of_the_window_it_has_expired(scheme: Any, age: float) -> None:
    """SIG-008, in both directions."""
    sign, verify = scheme
    assert refused(verify, sign(NOW - age)) == "signature_expired"


def test_every_byte_of_the_signature_counts(scheme: Any) -> None:
    """SIG-006: a changed, cut or garbled signature is refused, never an exception."""
    sign, verify = scheme
    headers = sign()
    name = "webhook-signature" if "webhook-signature" in headers else "Signature"
    good = headers[name]
    start = good.index("=:") + 2 if "=:" in good else 3
    flipped = "A" if good[start] != "A" else "B"
    for bad in (
        good[:start] + flipped + good[start + 1 :],
        good[:-8],
        "v1,%%%",
        "vgcp=:!:",
        "v2," + good[3:],
        "é",
    ):
        assert refused(verify, {**headers, name: bad}) == "signature_invalid"


def test_one_of_several_signatures_is_enough() -> None:
    """SIG-010: while a key rotates, the old and the new one sign."""
    signer, other = ScriptedGateway(), ScriptedGateway()
    headers = signer.webhook_headers(EVENT, BODY, NOW)
    wrong = other.webhook_headers(EVENT, BODY, NOW, "whsec_b3RoZXI=")["webhook-signature"]
    headers["webhook-signature"] = f"{wrong} {headers['webhook-signature']}"
    verify_standard_webhook(SignedCall("POST", URL, headers, BODY), SECRET, NOW)

    other.kid = "key-2"
    both = signer.rfc9421_headers(URL, BODY, NOW)
    more = other.rfc9421_headers(URL, BODY, NOW, label="other")
    for name in ("Signature", "Signature-Input"):
        both[name] = f"{more[name]}, {both[name]}"
    call = SignedCall("POST", URL, both, BODY)
    verify_rfc9421(call, [signer.jwk], NOW)
    assert key_ids(call) == {"key-1", "key-2"}
    verify_rfc9421(call, [other.jwk], NOW)


def test_a_signature_for_another_url_does_not_hold() -> None:
    """What was signed for one channel cannot be posted to another."""
    signer = ScriptedGateway()
    headers = signer.rfc9421_headers("https://other.example/vgcp/v1/events", BODY, NOW)
    call = SignedCall("POST", URL, headers, BODY)
    assert refused(verify_rfc9421, call, [signer.jwk], NOW) == "signature_invalid"


def test_an_unknown_key_does_not_hold() -> None:
    """The keys are the gateway's, and nobody else's."""
    signer = ScriptedGateway()
    call = SignedCall("POST", URL, signer.rfc9421_headers(URL, BODY, NOW), BODY)
    assert refused(verify_rfc9421, call, [ScriptedGateway().jwk], NOW) == "signature_invalid"
    assert refused(verify_rfc9421, call, [], NOW) == "signature_invalid"


def test_what_is_not_covered_does_not_count() -> None:
    """A signature over less than the standard asks for is refused, however good it is."""
    signer = ScriptedGateway()
    headers = signer.rfc9421_headers(URL, BODY, NOW)
    headers["Signature-Input"] = headers["Signature-Input"].replace(' "content-type"', "")
    call = SignedCall("POST", URL, headers, BODY)
    assert refused(verify_rfc9421, call, [signer.jwk], NOW) == "signature_invalid"


def test_an_empty_secret_signs_nothing() -> None:
    """A shop without a secret refuses all, instead of accepting what anyone can make."""
    signer = ScriptedGateway()
    headers = signer.webhook_headers(EVENT, BODY, NOW, "whsec_")
    call = SignedCall("POST", URL, headers, BODY)
    assert refused(verify_standard_webhook, call, "", NOW) == "signature_invalid"


def test_the_standard_library_signs_the_same() -> None:
    """Held against the reference implementation of Standard Webhooks."""
    from datetime import UTC, datetime

    now = time.time()
    at = datetime.fromtimestamp(int(now), UTC)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now)),
        "webhook-signature": Webhook(SECRET).sign("evt_1", at, BODY.decode()),
    }
    verify_standard_webhook(SignedCall("POST", URL, headers, BODY), SECRET, now)
