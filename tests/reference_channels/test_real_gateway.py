"""The shop and the gateway of this repository, over the wire: nobody's fake between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reference_channels.trade.settings import SCHEMES
from tests.fixtures.gateway import RunningGateway
from tests.reference_channels.conftest import RunningShop, running_shop


@pytest.fixture
async def connected(
    request: pytest.FixtureRequest, real: RunningGateway, tmp_path: Path
) -> AsyncIterator[RunningShop]:
    """A shop that was registered at the gateway and told so by test control, as certification does."""
    scheme = getattr(request, "param", SCHEMES[0])
    async with running_shop(tmp_path / "shop", None, signature_scheme=scheme, sync_every=3600) as shop:
        client = await real.channel("Lumen", channel_url=shop.url)
        connection = {
            "url": real.url,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "webhook_secret": client.webhook_secret,
        }
        await shop.control("POST", "/reset", {"gateway": connection})
        yield shop


async def eventually(shop: RunningShop, offer_id: str, wanted: dict[str, object] | None) -> None:
    """Wait until the shelf has the offer like this, or not at all."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        item = (await shop.shelf()).get(offer_id)
        if (item is None) is (wanted is None) and (wanted or {}).items() <= (item or {}).items():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(item)


async def test_a_purchase(real: RunningGateway, connected: RunningShop) -> None:
    """Bought through the whole of both: the code arrives, the books say sold."""
    offer = await real.offer(codes=["REAL-1", "REAL-2"], price=500)
    await connected.sync()
    bought = await connected.buy(offer)
    assert bought["outcome"] == "fulfilled", bought
    assert bought["goods_shown"][0] in {"REAL-1", "REAL-2"}
    stock = await real.stock(offer)
    assert (stock["sold"], stock["reserved"], stock["available"]) == (1, 0, 1)
    lines = (await connected.control("GET", "/log"))["lines"]
    assert not [line for line in lines if "REAL-" in line]


@pytest.mark.parametrize("connected", SCHEMES, indirect=True)
async def test_events_arrive_signed(real: RunningGateway, connected: RunningShop) -> None:
    """A new price, then withdrawn: the shelf follows without reading the feed."""
    offer = await real.offer(codes=["A", "B"], price=500)
    await connected.sync()
    price = {"amount": 700, "currency": "EUR"}
    assert (await real.control(f"/offers/{offer['id']}", {"price": price})).status == 200
    await eventually(connected, offer["id"], {"price": price})
    assert (await real.control(f"/offers/{offer['id']}", {"withdrawn": True})).status == 200
    await eventually(connected, offer["id"], None)


async def test_the_last_one_is_sold_once(real: RunningGateway, connected: RunningShop) -> None:
    """Ten buyers at once for three codes: three get one each, seven are told, nobody pays for nothing."""
    offer = await real.offer(codes=["X1", "X2", "X3"], price=500)
    await connected.sync()
    buyers = (connected.buy(offer, f"i{n}", buyer_reference=f"b{n}") for n in range(10))
    seen = await asyncio.gather(*buyers)
    sold = [each for each in seen if each["outcome"] == "fulfilled"]
    assert sorted(code for each in sold for code in each["goods_shown"]) == ["X1", "X2", "X3"]
    assert {each["reason"] for each in seen if each not in sold} == {"out_of_stock"}
    assert not [each for each in seen if each not in sold and "total" in each]


async def test_a_buyer_who_has_had_enough_pays_nothing(real: RunningGateway, connected: RunningShop) -> None:
    """INV-022: the second purchase of the same buyer is refused before any money is taken; another buyer's is not."""
    offer = await real.offer(
        codes=["P1", "P2", "P3"], price=500, restrictions={"purchase_limit": {"quantity": 1}}
    )
    await connected.sync()
    assert (await connected.buy(offer, "first", buyer_reference="ada"))["outcome"] == "fulfilled"
    second = await connected.buy(offer, "second", buyer_reference="ada")
    assert (second["outcome"], second["reason"]) == ("refused", "purchase_limit_reached")
    assert "total" not in second
    assert (await connected.buy(offer, "third", buyer_reference="eve"))["outcome"] == "fulfilled"


@pytest.mark.parametrize(
    "fault", [{"drop_answer": True}, {"status": 503, "retry_after_seconds": 1}, {"status": 429}]
)
async def test_faults_lose_and_double_nothing(
    real: RunningGateway, connected: RunningShop, fault: dict[str, object]
) -> None:
    """Each call of the purchase fails once: one order, one unit sold, the code shown."""
    offer = await real.offer(codes=["F1", "F2"], price=500)
    await connected.sync()
    for operation in ("create_reservation", "create_order", "reveal_delivery"):
        raised = await real.control("/faults", {"operation_id": operation, "count": 1, **fault})
        assert raised.status == 204, raised.body
    bought = await connected.buy(offer)
    assert bought["outcome"] == "fulfilled", bought
    assert len(bought["goods_shown"]) == 1
    assert (await real.stock(offer))["sold"] == 1


async def test_a_hold_that_is_not_paid_goes_back(real: RunningGateway, connected: RunningShop) -> None:
    """The shop lets go by its own clock; the gateway's books have the unit again."""
    offer = await real.offer(codes=["H1"], price=500)
    await connected.sync()
    await connected.buy(offer, pay=False)
    assert (await real.stock(offer))["reserved"] == 1
    await connected.control("POST", "/clock", {"advance_seconds": 700})
    assert (await real.stock(offer))["available"] == 1
