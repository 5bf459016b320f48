"""SIG-001 to SIG-004: our signatures against the verifiers of the libraries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.core import clients
from gateway.relay.signing import Message
from tests.relay.conftest import House, Receiver

Listen = Callable[[], Awaitable[Receiver]]


async def test_standard_webhooks(house: House, listen: Listen) -> None:
    """SIG-003, SIG-004: the library takes it, dated now; and refuses it with another body."""
    receiver = await listen()
    channel = await house.world.channel(events_url=receiver.url)
    await house.world.offer()
    await house.send()
    [(headers, body)] = receiver.got
    [secret] = clients.webhook_secrets(house.world.vault, channel, house.world.now)
    event = Webhook(secret).verify(body, headers)
    assert headers["webhook-id"] == event["id"]
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


async def test_both_secrets_sign_while_they_rotate(house: House, listen: Listen) -> None:
    """SIG-010: a channel may still have the old secret; after the overlap only the new one signs."""
    receiver, world = await listen(), house.world
    world.now = datetime.now(UTC)
    channel = await world.channel(events_url=receiver.url)
    [old] = clients.webhook_secrets(world.vault, channel, world.now)
    made = await world.run(
        lambda books: clients.rotate_secrets(books, world.vault, world.call(), channel.id, timedelta(hours=1))
    )
    await world.offer()
    await house.send()
    headers, body = receiver.got[0]
    assert Webhook(old).verify(body, headers) == Webhook(made.webhook_secret).verify(body, headers)
    assert len(headers["webhook-signature"].split(" ")) == 2


def verify(house: House, url: str, headers: dict[str, str], body: bytes) -> dict[str, object]:
    """The library's verdict; what was covered, and the parameters."""
    resolver = MappingKeyResolver(public_keys={"key_1": house.keys.key.public_key()}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=resolver)
    message = Message(url, headers)
    [result] = verifier.verify(message, body=body, expect_tag="vgcp-event", max_age=timedelta(seconds=300))
    return {"covered": set(result.covered_components), "label": result.label, **result.parameters}


async def test_rfc9421(house: House, listen: Listen) -> None:
    """SIG-002: the library takes it, with all that the standard wants covered, and refuses any change."""
    receiver = await listen()
    await house.world.channel(events_url=receiver.url, signature_scheme="rfc9421")
    await house.world.offer()
    await house.send()
    [(headers, body)] = receiver.got
    found = verify(house, receiver.url, headers, body)
    covered = {'"@method"', '"@target-uri"', '"content-type"', '"content-digest"'}
    assert covered <= found["covered"]
    assert (found["label"], found["keyid"], found["alg"], found["tag"]) == (
        "vgcp",
        "key_1",
        "ed25519",
        "vgcp-event",
    )
    assert found["nonce"]
    assert "webhook-signature" not in headers
    with pytest.raises(InvalidSignature):
        verify(house, receiver.url, headers, body + b" ")
    with pytest.raises(InvalidSignature):
        verify(house, receiver.url + "/elsewhere", headers, body)
    with pytest.raises(InvalidSignature):
        verify(house, receiver.url, {**headers, "content-type": "text/plain"}, body)


async def test_signatures_carry_the_time_of_the_try(house: House, listen: Listen) -> None:
    """SIG-004: a new date at the second try, and the real one though the sandbox's clock is far ahead."""
    receiver, world = await listen(), house.world
    world.now = datetime.now(UTC) + timedelta(days=30)
    await world.channel(events_url=receiver.url, signature_scheme="rfc9421")
    await world.offer()
    await house.send()
    headers, body = receiver.got[0]
    assert abs(verify(house, receiver.url, headers, body)["created"] - datetime.now(UTC).timestamp()) < 60
