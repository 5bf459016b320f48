"""A played gateway that links by passkey, too. It has no page: the code that one would show is in its world."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, Self

from conformance.driver.played_buyers import Buyers
from conformance.driver.played_gateway import PlayedGateway
from conformance.driver.played_goods import Asked
from conformance.driver.played_world import Json


class PasskeyBuyers(Buyers):
    """A link of the kind `passkey` is one whose code another page shows. `url` is kept beside its document."""

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
