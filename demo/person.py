"""A person at a channel, and the merchant's sandbox behind it: all over the wire, with the standard library."""

from __future__ import annotations

import json
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from processes import DemoError

Json = dict[str, Any]


def call(method: str, url: str, body: Json | None = None, form: Json | None = None, **headers: str) -> Any:
    """One request and its answer: JSON, or bytes. A refusal raises DemoError with the problem in it."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    elif body is not None:
        data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data, sent, method=method), timeout=30
        ) as answer:
            read = answer.read()
            return (
                json.loads(read or "null") if "json" in answer.headers.get("Content-Type", "json") else read
            )
    except urllib.error.HTTPError as error:
        raise DemoError(f"{method} {url}: {error.code} {error.read().decode()}") from error


@dataclass(frozen=True)
class Door:
    """A channel, and what a person does there."""

    name: str
    url: str
    secret: str
    client: Json

    def do(self, method: str, path: str, body: Json | None = None) -> Any:
        """One thing that a person does or sees."""
        return call(method, f"{self.url}/vgcp/v1/test{path}", body, VGCP_Test_Secret=self.secret)

    def buy(self, who: str, offer_id: str) -> Json:
        """She buys one and opens it."""
        wish = {
            "intent_id": f"{who}-{secrets.token_hex(4)}",
            "offer_id": offer_id,
            "quantity": 1,
            "buyer_reference": who,
        }
        return dict(self.do("POST", "/purchases", wish))

    def goods(self, who: str) -> list[Json]:
        """What she is shown as hers."""
        return list(self.do("GET", f"/buyers/{who}/goods")["items"])


@dataclass(frozen=True)
class Merchant:
    """The sandbox of the merchant's gateway."""

    url: str
    secret: str

    def do(self, method: str, path: str, body: Json | None = None) -> Any:
        """One of the gateway's test controls."""
        return call(method, f"{self.url}/vgcp/v1/test{path}", body, VGCP_Test_Secret=self.secret)

    def open_door(self, name: str, url: str) -> Door:
        """Register a channel and have it trade here."""
        client = self.do("POST", "/clients", {"name": name, "channel_url": url})
        call(
            "POST",
            f"{url}/vgcp/v1/test/reset",
            {"gateway": {"url": self.url, **client}},
            VGCP_Test_Secret=self.secret,
        )
        return Door(name, url, self.secret, client)

    def offer(self, name: str, kind: str, amount: int) -> Json:
        """Something to sell on every channel: two of it."""
        wish = {"product_name": name, "price": {"amount": amount, "currency": "EUR"}, "delivery_kind": kind}
        codes = (
            {"codes": [f"{kind.upper()}-{secrets.token_hex(8)}" for _ in range(2)]}
            if kind == "code"
            else {"quantity": 2}
        )
        return dict(self.do("POST", "/offers", {**wish, **codes}))

    def code_for(self, address: str) -> str:
        """The code in the newest mail to an address."""
        text = self.do("POST", "/mails/read", {"email": address})["mails"][-1]["text"]
        found = re.search(r"^\s*([0-9A-Z][0-9A-Z -]{4,20}[0-9A-Z])\s*$", text, re.MULTILINE)
        if found is None:
            raise DemoError("there is no code in the mail")
        return found.group(1)

    def keys(self) -> Json:
        """The gateway's public keys."""
        return dict(call("GET", f"{self.url}/vgcp/v1/oauth/jwks"))

    def buyer(self, door: Door, who: str) -> Json:
        """Her profile, as the channel may see it."""
        return dict(self.as_channel(door, "POST", "/buyers/resolve", {"subject": who}))

    def as_channel(self, door: Door, method: str, path: str, body: Json | None = None) -> Any:
        """What a channel asks of the gateway with its own token."""
        who = {"client_id": door.client["client_id"], "client_secret": door.client["client_secret"]}
        token = call(
            "POST", f"{self.url}/vgcp/v1/oauth/token", form={"grant_type": "client_credentials", **who}
        )
        key = {"Idempotency_Key": secrets.token_urlsafe(24)} if method == "POST" else {}
        return call(
            method, f"{self.url}/vgcp/v1{path}", body, Authorization=f"Bearer {token['access_token']}", **key
        )


def seen(goods: list[Json]) -> list[str]:
    """What is shown, in a line each."""
    return sorted(f"{one['product_name']}: {one['status']}" for one in goods)
