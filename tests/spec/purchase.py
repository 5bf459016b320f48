"""A purchase through the generated client, typed; run by test_client.py with the gateway's URL and test secret."""

import json
import secrets
import sys
from typing import TypeVar

from vgcp_gateway import AuthenticatedClient, Client, models
from vgcp_gateway.api.auth import issue_token
from vgcp_gateway.api.catalog import list_offers
from vgcp_gateway.api.delivery import list_deliveries, reveal_delivery
from vgcp_gateway.api.inventory import create_reservation, get_reservation
from vgcp_gateway.api.orders import create_order, list_orders
from vgcp_gateway.api.test_control import test_create_client, test_create_offer

T = TypeVar("T")


def done(answer: T | models.Problem | None) -> T:
    """The answer, when it is not a problem."""
    if answer is None or isinstance(answer, models.Problem):
        raise SystemExit(f"refused: {answer}")
    return answer


def connect(url: str, test_secret: str, code: str) -> tuple[AuthenticatedClient, str]:
    """A client with a token, and the id of an offer with this one code."""
    sandbox = AuthenticatedClient(url, token=test_secret, prefix="", auth_header_name="VGCP-Test-Secret")
    me = done(test_create_client.sync(client=sandbox, body=models.TestClientRequest(name="Generated")))
    wanted = models.TestOfferRequest(
        product_name="Game key",
        price=models.Money(amount=2500, currency="EUR"),
        delivery_kind=models.TestOfferRequestDeliveryKind.CODE,
        codes=[code],
        client_id=me.client_id,
    )
    offer = done(test_create_offer.sync(client=sandbox, body=wanted))
    form = models.TokenRequest("client_credentials", client_id=me.client_id, client_secret=me.client_secret)
    token = done(issue_token.sync(client=Client(url), body=form))
    return AuthenticatedClient(url, token=token.access_token), offer.id


def key() -> str:
    """A key for one intent."""
    return secrets.token_urlsafe(24)


def buy(gateway: AuthenticatedClient, offer_id: str) -> dict[str, object]:
    """Hold, order, list, open; and two refusals on the way."""
    feed = done(list_offers.sync(client=gateway))
    offer = next(entry.offer for entry in feed.items if entry.offer and entry.offer_id == offer_id)
    buyer = models.Buyer(reference="buyer-1", region="DE")
    want = models.ReservationRequest(offer_id=offer.id, quantity=1, buyer=buyer)
    hold = done(create_reservation.sync(client=gateway, body=want, idempotency_key=key()))
    sold_out = create_reservation.sync(client=gateway, body=want, idempotency_key=key())
    line = models.OrderLineRequest(
        offer_id=offer.id, quantity=1, unit_price=offer.price, reservation_id=hold.id
    )
    intent = models.OrderRequest(
        reference=key(),
        buyer=buyer,
        lines=[line],
        payment=models.PaymentRequest(status=models.PaymentRequestStatus.COLLECTED),
    )
    order = done(create_order.sync(client=gateway, body=intent, idempotency_key=key()))
    again = create_order.sync(client=gateway, body=intent, idempotency_key=key())
    found = done(list_orders.sync(client=gateway, reference=intent.reference))
    delivery = done(list_deliveries.sync(order_id=order.id, client=gateway)).items[0]
    opened = done(
        reveal_delivery.sync(
            delivery_id=delivery.id, client=gateway, body=models.RevealRequest(), idempotency_key=key()
        )
    )
    assert opened.goods.code
    return {
        "order": order.status,
        "found": [one.id == order.id for one in found.items],
        "hold": done(get_reservation.sync(reservation_id=hold.id, client=gateway)).status,
        "code": opened.goods.code.value,
        "refused": [answer.code for answer in (sold_out, again) if isinstance(answer, models.Problem)],
    }


if __name__ == "__main__":
    client, offered = connect(*sys.argv[1:4])
    print(json.dumps(buy(client, offered)))
