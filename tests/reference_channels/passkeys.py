"""A browser for the channels' tests, on the page on which a real gateway takes passkeys."""

from __future__ import annotations

from tests.fixtures.authenticator import Authenticator
from tests.fixtures.gateway import RunningGateway, call


async def shown(gateway: RunningGateway, url: str, key: Authenticator, new: bool = False) -> str:
    """The code that the page at `url` shows to whoever uses this passkey there, or makes it."""
    page, _, ticket = url.partition("#")
    assert page == f"{gateway.url}/passkey"
    begun = await call("POST", f"{gateway.api}/passkeys/begin", json={"ticket": ticket})
    assert begun.status == 200, begun.body
    credential = key.create(begun.json["creation"]) if new else key.get(begun.json["request"])
    proof = {"ticket": ticket, "credential": credential}
    done = await call("POST", f"{gateway.api}/passkeys/finish", json=proof)
    assert done.status == 200, done.body
    return str(done.json["code"])
