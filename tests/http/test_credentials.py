"""Who the relying party is, and that the credentials of the standard's examples hold."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.core.errors import ProtocolError
from gateway.core.link_kinds import CreateLink
from gateway.http.credentials import Party, party_of, verified
from gateway.http.services import Services
from gateway.settings import Settings
from spec.loader import FOLDER
from tests.fixtures.gateway import call, in_process


def party(public_url: str, sandbox: bool = False) -> Party:
    """That of a gateway under this origin."""
    settings = Settings(sandbox=sandbox)
    return party_of(cast(Services, SimpleNamespace(settings=settings, public_url=public_url)))


@pytest.mark.parametrize(
    ("public_url", "rp_id", "origin", "usable"),
    [
        ("https://gateway.example", "gateway.example", "https://gateway.example", True),
        ("https://Gateway.Example:443", "gateway.example", "https://gateway.example", True),
        ("https://gateway.example:8443", "gateway.example", "https://gateway.example:8443", True),
        ("http://localhost:8080", "localhost", "http://localhost:8080", True),
        ("http://gateway.localhost", "gateway.localhost", "http://gateway.localhost", True),
        ("http://gateway.example", "gateway.example", "http://gateway.example", False),
        ("https://192.0.2.7", "192.0.2.7", "https://192.0.2.7", False),
        ("http://127.0.0.1:8080", "127.0.0.1", "http://127.0.0.1:8080", False),
        ("https://[2001:db8::1]:8443", "2001:db8::1", "https://[2001:db8::1]:8443", False),
    ],
)
def test_a_party_is_where_browsers_have_passkeys(
    public_url: str, rp_id: str, origin: str, usable: bool
) -> None:
    """Under a name, over TLS or on this machine, spelled as browsers do; a sandbox is tried without any."""
    found = party(public_url)
    assert (found.id, found.origin, found.usable) == (rp_id, origin, usable)
    assert party(public_url, sandbox=True).usable
    assert found.page("abc") == f"{origin}/passkey#abc"


def example(name: str) -> Any:
    """The exchange of the standard's examples."""
    return json.loads((FOLDER / "examples" / "operations" / "gateway" / f"{name}.json").read_text("utf-8"))


def test_the_shown_credentials_are_real() -> None:
    """The one is made, and the other signed by its key; the refused one is signed by another passkey's."""
    ours = party("https://gateway.northlight.example")
    challenge = base64.urlsafe_b64decode(
        example("begin_passkey")["response"]["body"]["request"]["challenge"] + "="
    )
    credentials = [
        example(name)["request"]["body"]["credential"]
        for name in ("finish_passkey.made", "finish_passkey", "finish_passkey.link_proof_invalid")
    ]
    made = verified(ours, challenge, credentials[0], None)
    assert made is not None
    assert made.new
    used = verified(ours, challenge, credentials[1], made)
    assert used is not None
    assert (used.id, used.public_key, used.new) == (made.id, made.public_key, False)
    assert verified(ours, challenge, credentials[1], None) is None
    assert verified(ours, challenge, credentials[2], made) is None


async def test_passkeys_are_offered_where_browsers_have_them(tmp_path: Path) -> None:
    """DSC-003: at an address that is no name, nothing is said of passkeys, and no link of theirs is begun."""
    for public_url, offered in (("https://gateway.example", True), ("http://192.0.2.7:8080", False)):
        database = f"sqlite:///{tmp_path}/{offered}.db"
        with in_process(database, sandbox=False, test_secret=None, public_url=public_url) as gateway:
            found = await call("GET", f"{gateway.url}/.well-known/vgcp")
        assert ("passkeys" in {one["name"] for one in found.json["capabilities"]}) is offered
    with pytest.raises(ProtocolError) as refused:
        CreateLink("passkey").check()
    assert (refused.value.code, refused.value.errors[0].pointer) == ("link_kind_not_supported", "/kind")
