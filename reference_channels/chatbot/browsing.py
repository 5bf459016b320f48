"""Looking around: categories, pages of offers, one offer."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3

from reference_channels.chatbot.messenger import Button, Part
from reference_channels.chatbot.talk import Rows, Talk, bold
from reference_channels.kit.errors import Json
from reference_channels.trade import shelf
from reference_channels.trade.cards import CATEGORIES, card
from reference_channels.trade.fields import regions

PER_PAGE = 6
MOST = 10
LONGEST_LABEL = 60
LONGEST_TEXT = 1500


def short(name: str) -> str:
    """A name of an offer that fits a button and a deep link, whatever the length of its id."""
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:12]).decode()


def named(db: sqlite3.Connection, name: str) -> Json | None:
    """The offer with that short name, if it is on sale."""
    return next((offer for offer in shelf.all_on_sale(db) if short(offer["id"]) == name), None)


def title(talk: Talk, offer: Json) -> str:
    """An offer's name in the person's language."""
    return str(card(offer, talk.chat.language)["name"]) or talk.say("product.unknown")


async def categories(talk: Talk, *_: str) -> None:
    """What kinds of goods there are."""
    offers = await talk.trade.db.run(shelf.all_on_sale)
    if not offers:
        talk.replace(bold(talk.say("offers.empty.title")), "\n", talk.say("offers.empty.text"))
        return
    found = [card(each, talk.chat.language)["category"] for each in offers]
    rows = [[talk.button("offers.all", "offers:all:0", count=len(offers))]]
    buttons = [
        talk.button(f"category.{name}", f"offers:{name}:0")
        for name in (*CATEGORIES, "other")
        if name in found
    ]
    rows += [buttons[at : at + 2] for at in range(0, len(buttons), 2)]
    talk.replace(bold(talk.say("offers.title")), "\n", talk.say("offers.text"), buttons=rows)


def leaf(talk: Talk, press: str, page: str, count: int, per_page: int) -> tuple[int, list[Button]]:
    """The number of the page that a button asks for, as there are now that many, and the buttons to turn it."""
    last = max(0, -(-count // per_page) - 1)
    number = min(last, int(page)) if page.isdecimal() else 0
    ways = [("previous", number - 1)] * (number > 0) + [("next", number + 1)] * (number < last)
    return number, [talk.button(f"offers.{way}", f"{press}:{to}") for way, to in ways]


async def offers(talk: Talk, category: str = "all", page: str = "0", *_: str) -> None:
    """A page of a category, what can be bought first."""
    cards = [card(each, talk.chat.language) for each in await talk.trade.db.run(shelf.all_on_sale)]
    cards = [each for each in cards if category in ("all", each["category"])]
    cards.sort(key=lambda each: (not each["buyable"], not each["promotion"], each["name"], each["id"]))
    number, turns = leaf(talk, f"offers:{category}", page, len(cards), PER_PAGE)
    rows = [[_line(talk, each)] for each in cards[number * PER_PAGE : (number + 1) * PER_PAGE]]
    rows.append(turns)
    rows.append([talk.button("offers.back", "categories")])
    where = talk.say("offers.page", number=number + 1, pages=-(-len(cards) // PER_PAGE) or 1)
    talk.replace(bold(talk.say(f"category.{category}")), "\n", where, buttons=rows)


async def search(talk: Talk, words: str) -> None:
    """Everything on sale that has all the words in its name, brand or description."""
    cards = [card(each, talk.chat.language) for each in await talk.trade.db.run(shelf.all_on_sale)]
    wanted = words.casefold().split()[:10]
    found = [
        each
        for each in cards
        if all(word in f"{each['name']} {each['brand']} {each['description']}".casefold() for word in wanted)
    ]
    rows = [[_line(talk, each)] for each in found[:PER_PAGE]]
    rows.append([talk.button("offers.back", "categories")])
    talk.reply(talk.say("offers.found" if found else "offers.none", count=len(found)), buttons=rows)


def _line(talk: Talk, each: Json) -> Button:
    price = talk.money(each["price"]["amount"], each["price"]["currency"])
    about = price if each["buyable"] else talk.say("stock.out_of_stock")
    room = LONGEST_LABEL - len(about)
    name = each["name"] or talk.say("product.unknown")
    return Button(
        f"{name if len(name) < room else name[: room - 1] + '…'} · {about}", f"offer:{short(each['id'])}:1"
    )


async def offer(talk: Talk, name: str = "", quantity: str = "1", *_: str) -> None:
    """One offer, and the button that buys it. The button has the purchase's name, so pressed twice it buys once."""
    found = await talk.trade.db.run(lambda db: named(db, name))
    if found is None:
        talk.replace(talk.say("offer.gone"), buttons=[[talk.button("offers.back", "categories")]])
        return
    shown = card(found, talk.chat.language)
    most = min(MOST, found.get("restrictions", {}).get("max_per_order", MOST))
    wanted = min(most, max(1, int(quantity))) if quantity.isdecimal() else 1
    talk.replace(*_about(talk, found, shown), buttons=_actions(talk, shown, name, wanted, most))


def _about(talk: Talk, found: Json, shown: Json) -> list[Part | str]:
    price, promotion = shown["price"], shown["promotion"]
    parts: list[Part | str] = [bold(title(talk, found)), "\n"]
    if shown["brand"]:
        parts.append(f"{shown['brand']}\n")
    parts += ["\n", bold(talk.money(price["amount"], price["currency"]))]
    if promotion and shown["saving"]:
        before = talk.money(promotion["list_price"]["amount"], promotion["list_price"]["currency"])
        parts.append(talk.say("offer.promotion", before=before, percent=shown["saving"]))
    parts.append(f"\n{_stock(talk, shown['availability'])}\n{talk.say('product.kind.' + shown['kind'])}\n")
    if regions(found):
        parts.append(talk.say("offer.regions", regions=", ".join(regions(found)[:60])) + "\n")
    if shown["description"]:
        parts.append(f"\n{shown['description'][:LONGEST_TEXT]}")
    return parts


def _stock(talk: Talk, availability: Json) -> str:
    if availability.get("status") == "low_stock" and availability.get("quantity"):
        return talk.say("stock.low_left", quantity=availability["quantity"])
    return talk.say(f"stock.{availability.get('status', 'other')}")


def _actions(talk: Talk, shown: Json, name: str, wanted: int, most: int) -> Rows:
    rows = []
    if shown["buyable"]:
        ways = [("−", wanted - 1)] * (wanted > 1) + [("+", wanted + 1)] * (wanted < most)
        rows.append([Button(f"{sign} 1", f"offer:{name}:{number}") for sign, number in ways])
        total = talk.money(shown["price"]["amount"] * wanted, shown["price"]["currency"])
        press = f"buy:{name}:{wanted}:{secrets.token_urlsafe(12)}"
        rows.append([talk.button("offer.buy", press, quantity=wanted, total=total)])
    address = talk.messenger.share(f"o-{name}")
    if address:
        rows.append([Button(talk.say("offer.share"), url=address)])
    rows.append([talk.button(f"category.{shown['category']}", f"offers:{shown['category']}:0")])
    return rows
