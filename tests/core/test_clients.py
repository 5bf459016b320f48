"""Clients: secrets are kept as salted hashes, and rotate with an overlap."""

from __future__ import annotations

from datetime import timedelta

from standardwebhooks import Webhook

from gateway.core import clients
from gateway.core.model import Channel
from tests.core.world import World, refused


async def test_secrets_are_shown_once(world: World) -> None:
    """Neither the client secret nor the webhook secret is in the row."""
    made = await world.run(
        lambda books: clients.register_client(books, world.vault, world.call(), clients.NewClient("Shop"))
    )
    [row] = await world.rows(Channel)
    assert made.client_secret not in str(row)
    assert made.webhook_secret not in str(row)
    assert clients.verify_secret(row, made.client_secret, world.now)
    assert clients.webhook_secrets(world.vault, row, world.now) == [made.webhook_secret]
    assert Webhook(made.webhook_secret)
    again = await world.channel()
    assert again.secret_hash != row.secret_hash


async def test_wrong_secrets(world: World) -> None:
    """Another's, none, a closed client's, nobody's: all are refused (AUT-005)."""
    made = await world.run(
        lambda books: clients.register_client(books, world.vault, world.call(), clients.NewClient("Shop"))
    )
    closed = type(made.channel)(**{**_fields(made.channel), "active": False})
    for channel, secret in (
        (made.channel, made.client_secret + "x"),
        (made.channel, ""),
        (made.channel, "\ud800"),
        (closed, made.client_secret),
        (None, made.client_secret),
    ):
        assert not clients.verify_secret(channel, secret, world.now)


async def test_rotation_overlaps(world: World) -> None:
    """SIG-010: both secrets hold until the overlap ends; then only the new one."""
    cmd = clients.NewClient("Shop")
    old = await world.run(lambda books: clients.register_client(books, world.vault, world.call(), cmd))
    overlap = timedelta(hours=1)
    new = await world.run(
        lambda books: clients.rotate_secrets(books, world.vault, world.call(), old.channel.id, overlap)
    )
    assert clients.verify_secret(new.channel, old.client_secret, world.now)
    assert clients.verify_secret(new.channel, new.client_secret, world.now)
    both = [new.webhook_secret, old.webhook_secret]
    assert clients.webhook_secrets(world.vault, new.channel, world.now) == both
    world.advance(3600)
    assert not clients.verify_secret(new.channel, old.client_secret, world.now)
    assert clients.webhook_secrets(world.vault, new.channel, world.now) == both[:1]
    rotate = world.run(lambda books: clients.rotate_secrets(books, world.vault, world.call(), "chn_none"))
    await refused("not_found", rotate)


async def test_scopes_that_there_are_not(world: World) -> None:
    """They are named."""
    await refused("invalid", world.channel(scopes=("orders", "everything")), pointer="/scopes/1")


def _fields(channel: Channel) -> dict[str, object]:
    return {name: getattr(channel, name) for name in channel.__slots__}
