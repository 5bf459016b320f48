"""Passkeys for the channels' tests: a played gateway, which has no page, and a browser on the page of a real one."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, Self

from conformance.driver.played_buyers import Buyers
from conformance.driver.played_gateway import PlayedGateway
from conformance.driver.played_goods import Asked
from conformance.driver.played_world import Json
from tests.fixtures.authenticator import Authenticator
from tests.fixtures.gateway import RunningGateway, call


class PasskeyBuyers(Buyers):
    """The code of a `passkey` link is in the world, as that of a mailed one; `url` is kept beside it."""

    def _create_link(self, asked: Asked) -> Json:
        if asked.body.get("kind") != "passkey":
            return super()._create_link(asked)
        made = super()._create_link(replace(asked, body={"kind": "email_code"}))
        link = self.world.links[made["id"]]
        link["document"]["kind"] = "passkey"
        link["url"] = f"https://pay.merchant.example/vgcp/passkey#{secrets.token_urlsafe(24)}"
        return {**link["document"], "passkey": {"url": link["url"]}}


class PasskeyGateway(PlayedGateway):
    """Declares `passkeys`, unless it is to be `without`."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._buyers = PasskeyBuyers(self.world, self.url, self.signer)
        return self

    def _declared(self, upstream: set[str]) -> list[dict[str, Any]]:
        return super()._declared(upstream | {"passkeys"})


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
