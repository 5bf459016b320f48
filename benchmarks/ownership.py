"""What the proof of ownership costs: certificates issued and verified, and status lists of a million entitlements.

    python -m benchmarks.ownership

Certificates are made and verified by the gateway's own code, in one process and without HTTP; lists as they are served.
"""

import random
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from conformance import sd_jwt as judge
from gateway.core import status_lists
from gateway.core.certificates import Draft
from gateway.http import certificates
from gateway.http.jose import OWN, own_registry
from gateway.http.services import Services

ROUNDS = 2000
ENTITLEMENTS = 1_000_000
ORIGIN = "https://gateway.example"


def services(key: OKPKey) -> Services:
    """As much of the gateway's services as signing and verifying look at."""
    keys = SimpleNamespace(kid="key_1", signing=key, verifying=KeySet([key]))
    made = SimpleNamespace(keys=keys, tokens=SimpleNamespace(issuer=ORIGIN), public_url=ORIGIN)
    return cast(Services, made)


def draft(now: datetime, place: int) -> Draft:
    """A certificate as a first owner gets it."""
    claims: dict[str, Any] = {
        "entitlement_id": "ent_01m84vg4k0f2x6q9d3c7m5w8rt",
        "product_id": "prd_01m7w2y7m0ftqr89qq11td9f2f",
        "product_name": "Harbour Lights",
        "product_kind": "game_key",
        "acquired_at": "2026-11-23T18:43:08Z",
        "channel": "Northlight Web",
        "price": {"amount": 1999, "currency": "EUR"},
        "order_id": "ord_01m84vg3krf19v5h2atzk4fk95",
    }
    return Draft("stl_1", place, now, now + timedelta(days=30), None, claims)


def per_second(rounds: int, began: float) -> str:
    """So many in a second, since then."""
    return f"{rounds / (time.perf_counter() - began):,.0f}/s"


def proofs() -> None:
    """Issue, and verify by the gateway and by the suite."""
    key = OKPKey.generate_key("Ed25519", {"kid": "key_1"})
    made, now = services(key), datetime.now(UTC)
    began = time.perf_counter()
    issued = [certificates.sign_certificate(made, draft(now, place)) for place in range(ROUNDS)]
    print(f"certificates issued: {per_second(ROUNDS, began)}, {len(issued[0]['certificate']):,} bytes each")
    began = time.perf_counter()
    for one in issued:
        assert not certificates.examine(made, one["certificate"], None, None, now).reasons
    print(f"certificates verified by the gateway, without the status: {per_second(ROUNDS, began)}")
    public = {"keys": [key.as_dict(private=False)]}
    claims: dict[str, Any] = {
        "sub": certificates.status_uri(made, "stl_1"),
        "exp": int(now.timestamp()) + 3600,
        "status_list": {"bits": 2, "lst": status_lists.pack([])},
    }
    header = {"alg": OWN, "typ": "statuslist+jwt", "kid": "key_1"}
    listed = jwt.encode(header, claims, key, registry=own_registry)
    began, rounds = time.perf_counter(), ROUNDS // 4
    for one in issued[:rounds]:
        assert not judge.verify(one["certificate"], public, now.timestamp(), listed).reasons
    print(f"verified offline with the status list, read each time: {per_second(rounds, began)}")


def lists() -> None:
    """Pack what a million entitlements need, with few and with many of them not valid."""
    number = -(-ENTITLEMENTS // status_lists.SIZE)
    for share in (0.001, 0.01, 0.1):
        chance, sizes, began = random.Random(1), [], time.perf_counter()
        for _ in range(number):
            count = int(status_lists.SIZE * share)
            entries = [(place, 1) for place in chance.sample(range(status_lists.SIZE), count)]
            sizes.append(len(status_lists.pack(entries)))
        spent = (time.perf_counter() - began) / number * 1000
        print(
            f"{ENTITLEMENTS:,} entitlements, {share:.1%} not valid: {number} lists, "
            f"{sum(sizes) / number / 1024:.1f} KiB and {spent:.0f} ms each"
        )


if __name__ == "__main__":
    proofs()
    lists()
