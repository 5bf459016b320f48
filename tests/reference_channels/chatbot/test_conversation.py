"""Whole conversations: a person in Telegram, the bot, and the gateway of this repository, over real sockets."""

from __future__ import annotations

from tests.reference_channels.chatbot.conftest import Scene
from tests.reference_channels.chatbot.people import Person


async def bought(scene: Scene, person: Person, name: str = "A game") -> None:
    """From hello to the paid order."""
    await person.says("/start", "What are you looking for?")
    await person.asks("Everything", "Page 1 of 1")
    await person.asks(name, "shown right after payment")
    await person.asks("Buy 1", "Kept for you")
    await person.asks("Pay", "it is yours")


async def test_a_purchase(scene: Scene) -> None:
    """Looked around, bought, paid, shown: the code arrives guarded, and the books agree."""
    offer = await scene.stock()
    await bought(scene, scene.ada)
    shown = await scene.ada.asks("Show my code", "For your eyes only")
    (code,) = [text for tag, text in shown["spans"] if tag == "code"]
    assert code in {"CODE-ONE", "CODE-TWO"}
    assert shown["protected"]
    assert (await scene.gateway.stock(offer))["sold"] == 1
    hidden = await scene.ada.asks("Hide", "Hidden.")
    assert hidden["id"] == shown["id"]
    assert code not in str(scene.ada.sees)
    assert await scene.ada.says("/orders", "Your orders")
    await scene.ada.asks("Delivered", "it is yours")
    again = await scene.ada.asks("Show my code", "For your eyes only")
    assert code in again["text"]
