"""The requests of the benchmark as bytes: all that is constant is prepared once."""

import itertools
import json
import secrets
from collections.abc import Sequence

from benchmarks.load import Make

RUN = secrets.token_hex(6)  # so that no two runs share a key
COUNTER = itertools.count(1)
PRICE = {"amount": 1000, "currency": "EUR"}


def _post(path: str, token: str, template: dict[str, object]) -> tuple[bytes, bytes]:
    """Head and body, with %s for the key and %s for the reference, always of the same length."""
    body = json.dumps(template).replace("%", "%%").replace("@", "%s")
    length = len(body % tuple(["x" * 22] * body.count("%s")))
    head = (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\nidempotency-key: %s\r\n\r\n"
    )
    return head.encode(), body.encode()


def unique() -> bytes:
    """22 characters that no other request of any run has."""
    return f"{RUN}{next(COUNTER):010d}".encode()


def orders(token: str, offers: Sequence[str]) -> Make:
    """Paid orders of one unit each, over these offers in turn."""
    made = [
        _post(
            "/vgcp/v1/orders",
            token,
            {
                "reference": "@",
                "buyer": {"reference": "@", "region": "DE"},
                "lines": [{"offer_id": offer, "quantity": 1, "unit_price": PRICE}],
                "payment": {"status": "collected"},
            },
        )
        for offer in offers
    ]
    turn = itertools.cycle(head + body for head, body in made)

    def make() -> bytes:
        one = unique()
        return next(turn) % (one, one, one)

    return make


def reservations(token: str, offer: str) -> Make:
    """Holds of one unit for ever new buyers."""
    head, body = _post(
        "/vgcp/v1/reservations",
        token,
        {"offer_id": offer, "quantity": 1, "buyer": {"reference": "@", "region": "DE"}, "reference": "@"},
    )

    def make() -> bytes:
        one = unique()
        return (head + body) % (one, one, one)

    return make


def get(path: str, token: str) -> Make:
    """The same read again and again."""
    request = f"GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    return lambda: request


def single(line: str, token: str, body: str = "") -> bytes:
    """One request, `line` being its method and path, with a key of its own."""
    method, _, path = line.partition(" ")
    head = (
        f"{method} /vgcp/v1{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body.encode())}\r\n"
        f"idempotency-key: {unique().decode()}\r\n\r\n"
    )
    return (head + body).encode()
