"""Whole conversations: a person in Telegram, the bot, and the gateway of this repository, over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.gateway import TestChannel
from tests.reference_channels.chatbot.conftest import Scene
from tests.reference_channels.chatbot.people import Person

INPUT = {
    "type": "object",
    "required": ["account", "server"],
    "properties": {
        "account": {"type": "string", "title": "Account", "pattern": "^[0-9]{6}$", "description": "Six digits"},
        "server": {"type": "string", "title": "Server", "enum": ["Europe", "Asia"]},
        "gift": {"type": "boolean", "title": "A gift?"},
        "note": {"type": "string", "title": "Note"},
    },
}  # fmt: skip


async def looked(scene: Scene, person: Person, name: str = "A game") -> None:
    """From hello to the offer."""
    await person.says("/start", "What are you looking for?")
    await person.asks("Everything", "Page 1 of 1")
    await person.asks(name, "shown right after payment")


async def bought(scene: Scene, person: Person) -> None:
    """From hello to the paid order."""
    await looked(scene, person)
    await person.asks("Buy 1", "Kept for you")
    await person.asks("Pay", "it is yours")


def code_in(message: dict[str, Any]) -> str:
    """What is to be copied."""
    (found,) = [text for tag, text in message["spans"] if tag == "code"]
    return str(found)


async def test_a_purchase(scene: Scene) -> None:
    """Looked around, bought, paid, shown: the code arrives guarded, and the books agree."""
    offer = await scene.stock()
    await bought(scene, scene.ada)
    shown = await scene.ada.asks("Show my code", "For your eyes only")
    assert code_in(shown) in {"CODE-ONE", "CODE-TWO"}
    assert shown["protected"]
    assert (await scene.gateway.stock(offer))["sold"] == 1


async def test_goods_can_be_hidden_and_shown_again(scene: Scene) -> None:
    """The message with the code becomes one without; the list of orders leads to it again."""
    await scene.stock()
    await bought(scene, scene.ada)
    shown = await scene.ada.asks("Show my code", "For your eyes only")
    hidden = await scene.ada.asks("Hide", "Hidden.")
    assert hidden["id"] == shown["id"]
    assert code_in(shown) not in str(scene.ada.sees)
    await scene.ada.says("/orders", "Your orders")
    await scene.ada.asks("Delivered", "it is yours")
    assert code_in(await scene.ada.asks("Show my code", "For your eyes only")) == code_in(shown)


async def test_the_price_is_what_the_button_says(scene: Scene) -> None:
    """Three are three times the price, on the button, on the invoice and in the order."""
    await scene.stock(codes=["A", "B", "C"], price=1999, currency="USD")
    await looked(scene, scene.ada)
    await scene.ada.asks("+ 1", "A game")
    await scene.ada.until(lambda message: any("Buy 2" in each["text"] for each in message["buttons"]))
    await scene.ada.presses("+ 1")
    await scene.ada.until(
        lambda message: any("Buy 3 · $59.97" in each["text"] for each in message["buttons"])
    )
    invoice = await scene.ada.asks("Buy 3", "Kept for you")
    assert "3 × · $59.97" in invoice["text"]
    assert any("Pay $59.97" in each["text"] for each in invoice["buttons"])
    await scene.ada.asks("Pay", "it is yours")
    await scene.ada.presses("Show my code")
    await scene.ada.reads("Your goods (3)")


async def test_the_country_is_asked_for_once(scene: Scene) -> None:
    """A restricted offer asks where the buyer is; the second does not; somewhere else is refused with its reason."""
    await scene.stock(codes=["A", "B", "C"], restrictions={"regions": ["DE", "JP"]})
    await looked(scene, scene.ada)
    asked = await scene.ada.asks("Buy 1", "In which country are you?")
    assert {"DE", "JP", "Somewhere else"} <= {each["text"] for each in asked["buttons"]}
    await scene.ada.asks("DE", "Kept for you")
    await scene.ada.asks("Pay", "it is yours")
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Kept for you")
    eve = Person(scene.api, 666)
    await looked(scene, eve)
    await eve.asks("Buy 1", "In which country")
    await eve.says("Germany", "two letters")
    await eve.says("fr", "It cannot be sold in your country. You have not been charged.")


async def test_what_the_offer_asks_is_asked_field_by_field(scene: Scene) -> None:
    """Text is checked as it is written, a choice is a button, the optional can be skipped; then it is bought."""
    await scene.stock(codes=["A"], buyer_input=INPUT)
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Six digits")
    await scene.ada.says("12", "That does not fit: Account")
    await scene.ada.says("123456", "Server")
    await scene.ada.asks("Asia", "A gift?")
    await scene.ada.asks("No", "Note")
    await scene.ada.asks("Skip", "Kept for you")
    await scene.ada.asks("Pay", "it is yours")
    (intent,) = await scene.intents()
    assert intent.buyer_input == '{"account": "123456", "server": "Asia", "gift": false}'


async def test_a_question_can_be_left(scene: Scene) -> None:
    """Cancelled, nothing is asked or bought any more, and the buttons of the old question say so."""
    await scene.stock(codes=["A"], buyer_input=INPUT)
    await looked(scene, scene.ada)
    question = await scene.ada.asks("Buy 1", "Six digits")
    old = scene.ada.pressed("Cancel", question)
    await scene.ada.says("123456", "Server")
    choice = scene.ada.pressed("Asia")
    await scene.api.happen(old)
    await scene.ada.reads("Nothing was done")
    await scene.api.happen(choice)
    await scene.ada.reads("This button is too old")
    assert await scene.intents() == []


async def test_sold_out_is_said_and_nothing_is_charged(scene: Scene) -> None:
    """Who is too late is told so; an offer that is sold out has no button to buy it."""
    await scene.stock(codes=["A"])
    eve = Person(scene.api, 666)
    await looked(scene, scene.ada)
    await looked(scene, eve)
    await scene.ada.asks("Buy 1", "Kept for you")
    await eve.asks("Buy 1", "Somebody was faster, it is sold out. You have not been charged.")
    await scene.bot.sync()
    await eve.says("/shop", "What are you looking for?")
    await eve.asks("Everything", "Page 1 of 1")
    card = await eve.asks("Sold out", "A game")
    assert not [each for each in card["buttons"] if "Buy" in each["text"]]


async def test_a_buyer_who_cancels_gives_it_back(scene: Scene) -> None:
    """The hold is released, and the person told that nothing was charged."""
    offer = await scene.stock(codes=["A"])
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Kept for you")
    await scene.ada.asks("Cancel", "You cancelled. You have not been charged.")
    assert (await scene.gateway.stock(offer))["available"] == 1


async def test_a_hold_that_runs_out_is_told(scene: Scene) -> None:
    """Nobody pressed anything: the bot writes by itself that it went back on the shelf."""
    await scene.stock(codes=["A"])
    await looked(scene, scene.ada)
    await scene.ada.asks("Buy 1", "Kept for you")
    await scene.bot.control("POST", "/clock", {"advance_seconds": 700})
    await scene.ada.reads("The time to pay ran out")


async def test_a_withdrawn_offer_is_gone(scene: Scene) -> None:
    """Its card stays in the chat, but its button says that it is no longer on sale."""
    offer = await scene.stock(codes=["A"])
    await looked(scene, scene.ada)
    gone = await scene.gateway.control(f"/offers/{offer['id']}", {"withdrawn": True})
    assert gone.status < 300, gone.body
    await scene.bot.sync()
    await scene.ada.asks("Buy 1", "This is no longer on sale.")


async def test_a_refund_is_told(scene: Scene) -> None:
    """The gateway's event moves the order; the bot tells its buyer."""
    await scene.stock(codes=["A"], price=500)
    await bought(scene, scene.ada)
    (intent,) = await scene.intents()
    channel = TestChannel(scene.gateway, *scene.line)
    refunded = await channel.post(
        f"/orders/{intent.order_id}/refunds",
        {"reference": "r1", "amount": {"amount": 500, "currency": "EUR"}, "reason": "buyer_request"},
    )
    assert refunded.status < 300, refunded.body
    await scene.bot.sync()
    await scene.ada.reads("This order was refunded")


async def test_it_speaks_chinese(scene: Scene) -> None:
    """With who has Chinese set; and an offer's own translation is used."""
    await scene.stock(product_name="Starfall")
    li = Person(scene.api, 88, "zh-hans")
    await li.says("/start", "欢迎来到")
    await li.reads("您在找什么？")
    await li.asks("全部", "第 1 页")
    await li.asks("Starfall", "付款后立即显示")
    await li.asks("购买 1 件", "已为您保留")


async def test_words_are_looked_for(scene: Scene) -> None:
    """What is no command and no answer is a search."""
    await scene.stock(product_name="Hollow Lantern")
    await scene.stock(product_name="Iron Moon")
    found = await scene.ada.says("lantern", "Found: 1")
    assert "Hollow Lantern" in found["buttons"][0]["text"]
    await scene.ada.says("xyzzy", "Nothing found")


async def test_a_deep_link_leads_to_its_offer(scene: Scene) -> None:
    """The button to share an offer has a link that opens it."""
    await scene.stock(product_name="Hollow Lantern")
    await looked(scene, scene.ada, "Hollow Lantern")
    address = scene.ada.link("Share")
    assert address.startswith("https://t.me/share/url?url=https%3A%2F%2Ft.me%2Flumen_bot%3Fstart%3Do-")
    await Person(scene.api, 9).says(f"/start {address.rpartition('%3D')[2]}", "Hollow Lantern")


async def test_in_a_group_nothing_is_sold(scene: Scene) -> None:
    """Others read along there: the bot asks for a private chat, and shows no goods to whoever presses."""
    await scene.stock()
    crowd = Person(scene.api, 4711, group=-100200)
    said = await crowd.says("/start", "Let us talk in private")
    assert "https://t.me/lumen_bot?start=hello" in said["text"]
    await bought(scene, scene.ada)
    press = scene.ada.pressed("Show my code")
    press["callback_query"]["message"]["chat"] = {"id": -100200, "type": "group"}
    before = len(crowd.sees)
    await scene.api.happen(press)
    await crowd.until(lambda _: len(crowd.sees) > before)
    assert "CODE" not in str(crowd.sees)


@pytest.mark.parametrize("word", ["show", "pay", "order", "cancel", "seal", "open", "retry"])
async def test_another_persons_purchase_is_nobodys(scene: Scene, word: str) -> None:
    """Who makes up a button with the purchase's name is told that there is none (DLV-012)."""
    await scene.stock()
    await bought(scene, scene.ada)
    (intent,) = await scene.intents()
    eve = Person(scene.api, 666)
    await eve.says("/help", "I sell digital goods")
    await scene.api.happen(eve.made_up(f"{word}:{intent.id}"))
    await eve.reads("There is no such order of yours.")
    assert "CODE" not in str(eve.sees)


async def test_the_gateway_knows_no_telegram_id(scene: Scene) -> None:
    """The buyer's reference is a keyed hash, the same for every purchase of the person and no other's."""
    await scene.stock(codes=["A", "B", "C"])
    eve = Person(scene.api, 4712)
    for person in (scene.ada, scene.ada, eve):
        await bought(scene, person)
    buyers = [each.buyer for each in await scene.intents()]
    assert len(set(buyers)) == 2
    assert not [each for each in buyers if "4711" in each or not each.startswith("chat-")]
