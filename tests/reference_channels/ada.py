"""A buyer of a shop whose gateway knows buyers."""

from __future__ import annotations

import re

from conformance.driver.played_gateway import PlayedGateway
from reference_channels.trade import intents
from tests.reference_channels.plain import Browser


class Ada(Browser):
    """A buyer who has bought one thing. `name` is what her orders call her."""

    name = ""

    async def shops(self, played: PlayedGateway, product: str = "Harbour Nights") -> None:
        """Buy it."""
        price = {"amount": 1999, "currency": "EUR"}
        codes = [f"PLAYED-{product}-{number}" for number in range(3)]
        wish = {"product_name": product, "price": price, "delivery_kind": "code", "codes": codes}
        offer = await played.control("POST", "/offers", wish)
        await self.shop.sync()
        await self.buy(offer)
        await self.pay()
        assert self.path.startswith("/orders/"), self.html
        found = await self.shop.parts.purchases.find(self.path.removeprefix("/orders/"))
        assert isinstance(found, intents.Intent)
        self.name = found.buyer

    async def press(self, action: str, **entered: str) -> str:
        """Fill in the form with this action's end on the page that is open, and send it."""
        place = re.search(rf'action="([^"]*{action})"', self.html)
        assert place, self.html
        return await self.go(place[1], self.form(action) | entered)
