"""Posts alerts to the merchant, signed by Standard Webhooks; at least once, for days, as events are to channels."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import aiohttp
import orjson
from standardwebhooks import Webhook

from gateway.core import alerts
from gateway.core.model_limits import Alert
from gateway.relay import backoff
from gateway.relay.ports import Attempt

log = logging.getLogger(__name__)
BATCH, TIMEOUT = 20, 10.0  # at once; seconds
LEASE = timedelta(seconds=30)  # longer than a try: after a crash, what was under way is tried again then


class AlertBox(Protocol):
    """Alerts that wait to be sent."""

    async def claim_alerts(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Alert]:
        """Pending ones that are due, oldest first, leased: nobody else gets them before `lease_until`."""

    async def record_alerts(self, attempts: Sequence[Attempt]) -> None:
        """Write these outcomes, in one transaction."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the merchant takes alerts; `secret` is a Standard Webhooks secret, `whsec_…`."""

    url: str
    secret: str


class Courier:
    """Safe to run in every replica."""

    def __init__(self, box: AlertBox, session: aiohttp.ClientSession, address: Address) -> None:
        self._box = box
        self._session = session
        self._address = address
        self._webhook = Webhook(address.secret)

    async def run_once(self, now: datetime) -> int:
        """Send what is due, side by side, and write down what came of it; how many were tried."""
        claimed = await self._box.claim_alerts(now, now + LEASE, BATCH)
        if claimed:
            await self._box.record_alerts(await asyncio.gather(*(self._try(alert, now) for alert in claimed)))
        return len(claimed)

    async def _try(self, alert: Alert, now: datetime) -> Attempt:
        error, asked = await self._post(alert)
        attempts = alert.attempts + 1
        if error is None:
            return Attempt(alert.id, "delivered", attempts, now, None)
        if now - alert.occurred_at >= backoff.GIVE_UP_AFTER:
            log.warning("alert parked", extra={"alert_id": alert.id, "error": error})
            return Attempt(alert.id, "parked", attempts, now, error)
        return Attempt(alert.id, "pending", attempts, now + backoff.pause(attempts, asked), error)

    async def _post(self, alert: Alert) -> tuple[str | None, float | None]:
        """What went wrong, if anything, and the seconds that the merchant asks to wait."""
        body, at = orjson.dumps(alerts.render(alert)), datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "vgcp-gateway",
            "webhook-id": alert.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(alert.id, at, body.decode()),
        }
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        try:
            async with self._session.post(
                self._address.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                asked = answer.headers.get("Retry-After", "")
                taken = 200 <= answer.status < 300
                return None if taken else f"HTTP {answer.status}", float(asked) if asked.isdecimal() else None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return type(error).__name__, None
