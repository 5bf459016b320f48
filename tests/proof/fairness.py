"""What the model knows of holds that lie idle; the sums are those of gateway/core/pressure.py, tested by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.core import pressure
from tests.core.world import BEGIN

CHANNEL = "the channel"


def at(seconds: float) -> datetime:
    """The model's time as the gateway's."""
    return datetime.fromtimestamp(BEGIN.timestamp() + seconds, BEGIN.tzinfo)


@dataclass
class Fairness:
    """Records of buyers and of the one channel, each by offer."""

    buyers: dict[str, Any] = field(default_factory=dict)
    channels: dict[str, Any] = field(default_factory=dict)

    def wasteful(self, offer: str, now: float) -> bool:
        """Whether most of what was held came to nothing."""
        return pressure.wasteful(pressure.channel_of(self.channels.get(offer), CHANNEL, at(now)))

    def allows(self, offer: str, buyer: str, quantity: int, held: int, free: int, now: float) -> bool:
        """Whether the buyer may hold so much more; noted if so."""
        moment = at(now)
        channel = pressure.channel_of(self.channels.get(offer), CHANNEL, moment)
        mine = pressure.buyer_of(self.buyers.get(buyer), offer, moment)
        part = pressure.channels_part(held, free)
        if pressure.wasteful(channel) and channel["held"] + quantity > part:
            return False
        much = mine["held"] + quantity > pressure.buyers_part(held, free) and quantity <= free
        if much or pressure.pause_left(mine, moment):
            return False
        self._note(offer, buyer, pressure.held(channel, quantity), pressure.held(mine, quantity), moment)
        return True

    def end(self, offer: str, buyer: str, quantity: int, used: bool, made: float, now: float) -> None:
        """A hold was used, or came to nothing."""
        moment = at(now)
        fate = pressure.fate(used, at(made), moment)
        channel = pressure.channel_of(self.channels.get(offer), CHANNEL, moment)
        mine = pressure.buyer_of(self.buyers.get(buyer), offer, moment)
        self._note(
            offer,
            buyer,
            pressure.ended(channel, quantity, fate, moment),
            pressure.ended_for_buyer(mine, quantity, fate, moment),
            moment,
        )

    def _note(self, offer: str, buyer: str, channel: Any, mine: Any, moment: datetime) -> None:
        self.channels[offer] = pressure.noted(self.channels.get(offer), CHANNEL, channel, moment)
        self.buyers[buyer] = pressure.noted(self.buyers.get(buyer), offer, mine, moment)
