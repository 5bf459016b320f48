"""The proof of a good on its page: what it shows, and what it is bound to."""

from __future__ import annotations

import json
import re

import pytest

from conformance.driver.faults import Fault
from conformance.driver.played_gateway import PlayedGateway
from reference_channels.trade import ownership
from tests.reference_channels.ada import Ada


async def test_the_proof_shows_what_she_chooses(played: PlayedGateway, ada: Ada) -> None:
    """BUY-018: the same signed text; only the disclosures that she ticked go with it."""
    mine = next(iter(played.world.owned))
    await ada.go(f"/goods/{mine}")
    file = await ada.press("certificate", **{"show.product": "on"})
    assert ada.headers["Content-Disposition"] == 'attachment; filename="ownership-harbour-nights.sd-jwt"'
    assert ada.headers["Content-Type"].startswith("application/dc+sd-jwt")
    signed, *shown, end = file.split("~")
    assert {ownership.claim(each) for each in shown} == {"product_name", "product_id"}
    (issued,) = [e.answer["certificate"] for e in played.transcript.all(operation="issue_certificate")]
    assert issued.startswith(signed + "~")
    assert end == ""
    assert set(shown) < set(issued.split("~"))
    await ada.go(f"/goods/{mine}")
    bare = await ada.press("certificate")
    assert bare.endswith("~")
    assert bare.count("~") == 1


async def test_the_proof_is_bound_to_her_key(played: PlayedGateway, ada: Ada) -> None:
    """OWN-018: the public members that she pasted go to the gateway, and no others; her choice is kept to as ever."""
    public = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
    mine = next(iter(played.world.owned))
    for pasted in (public | {"kid": "hers", "use": "sig"}, {"kty": "OKP", "crv": "Ed25519", "x": "C" * 43}):
        assert "Bind it to a key of mine" in await ada.go(f"/goods/{mine}")
        file = await ada.press(
            "certificate", holder_key=f"\n {json.dumps(pasted)} ", **{"show.product": "on"}
        )
        assert {ownership.claim(each) for each in file.split("~")[1:-1]} == {"product_name", "product_id"}
    await ada.go(f"/goods/{mine}")
    await ada.press("certificate", holder_key=" \n")
    sent = [each.asked for each in played.transcript.all(operation="issue_certificate")]
    assert sent == [{"holder_key": public}, {"holder_key": pasted}, {}]


WHOLE = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
WRONG = {
    "words": ("my key", "This is no public key", "这不是公钥"),
    "a list": (json.dumps([WHOLE]), "This is no public key", "这不是公钥"),
    "deep": ("[" * 4000, "This is no public key", "这不是公钥"),
    "long": (json.dumps(WHOLE) + " " * 5000, "This is no public key", "这不是公钥"),
    "private": (json.dumps(WHOLE | {"d": "S3CRET"}), "keep it secret", "务必保密"),
    "private set": (json.dumps({"keys": [WHOLE | {"d": "S3CRET"}]}), "keep it secret", "务必保密"),
    "private, cut off": (json.dumps({"d": "S3CRET"} | WHOLE)[:-9], "keep it secret", "务必保密"),
    "private PEM": ("-----BEGIN PRIVATE KEY-----\nS3CRET", "keep it secret", "务必保密"),
    "curve": (json.dumps(WHOLE | {"crv": "P-384"}), "curve P-256 or Ed25519", "P-256 或 Ed25519"),
    "kind": ('{"kty": "RSA", "n": "AQAB", "e": "AQAB"}', "curve P-256 or Ed25519", "P-256 或 Ed25519"),
    "half": (json.dumps(WHOLE | {"y": "B"}), "This key is damaged", "有损坏"),
    "number": (json.dumps(WHOLE | {"x": 1}), "This key is damaged", "有损坏"),
}


@pytest.mark.parametrize(("pasted", "english", "chinese"), WRONG.values(), ids=WRONG)
async def test_a_key_that_is_none_is_told_at_its_field(
    played: PlayedGateway, ada: Ada, pasted: str, english: str, chinese: str
) -> None:
    """In plain words, in both languages; nothing is asked of the gateway, and what she pasted is repeated nowhere."""
    mine = next(iter(played.world.owned))
    for language, words in (("en", english), ("zh", chinese)):
        await ada.go(f"/goods/{mine}?lang={language}")
        page = await ada.press("certificate", holder_key=pasted, **{"show.price": "on"})
        told = re.findall(r'<p class="hint" id="key-wrong" role="alert">([^<]+)</p>', page)
        assert (ada.status, len(told), words in told[0]) == (422, 1, True), page
        assert "<details open>" in page
        assert "S3CRET" not in page
        assert re.findall(r'name="show.(\w+)" checked', page) == ["price"], "what she had chosen stays"
    assert played.transcript.all(operation="issue_certificate") == []
    assert not [line for line in ada.shop.parts.ring.lines if "S3CRET" in line]


async def test_a_key_that_the_gateway_refuses(played: PlayedGateway, ada: Ada) -> None:
    """Told at its field too; with a good that cannot be proven any more there is no field, and it is told above."""
    mine = next(iter(played.world.owned))
    await ada.go(f"/goods/{mine}")
    played.faults.append(Fault(("issue_certificate",), "", code="holder_key_invalid"))
    page = await ada.press("certificate", holder_key=json.dumps(WHOLE))
    assert (ada.status, page.count('role="alert"'), 'id="key-wrong"' in page) == (422, 1, True)
    played.world.change(mine, "consumed")
    page = await ada.press("certificate", holder_key="none")
    assert (ada.status, page.count('role="alert"'), 'id="key-wrong"' in page) == (422, 1, False)
