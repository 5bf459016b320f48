"""/mygoods: everything that is hers, from whichever channel; proving it, opening it, handing it on (BUY-016 to
BUY-023)."""

from __future__ import annotations

from reference_channels.chatbot import goods
from reference_channels.chatbot.browsing import leaf, short
from reference_channels.chatbot.buyers import LONGEST_CODE, day, pick, told
from reference_channels.chatbot.messenger import Button, Part
from reference_channels.chatbot.talk import Rows, Talk, bold, code
from reference_channels.kit.errors import Json
from reference_channels.trade import intents, ownership, shelf
from reference_channels.trade.intents import Intent
from reference_channels.trade.ownership import NotHersError
from reference_channels.trade.words import product_text

PER_PAGE = 8


@told
async def mine(talk: Talk, page: str = "0", *_: str) -> None:
    """All of it with its state, newest first."""
    found = await ownership.goods(talk.trade, talk.chat.buyer)
    number, turns = leaf(talk, "mygoods", page, len(found), PER_PAGE)
    rows: list[list[Button]] = [
        [
            Button(
                f"{(await _name(talk, each))[:40]} · {talk.say('owned.' + each['status'])}",
                f"good:{short(each['id'])}",
            )
        ]
        for each in found[number * PER_PAGE : (number + 1) * PER_PAGE]
    ]
    rows.append(turns if found else [talk.button("offers.back", "categories")])
    about = talk.say("owned.text" if found else "owned.none")
    talk.replace(bold(talk.say("owned.title")), f"\n{about}", buttons=rows)


async def _name(talk: Talk, good: Json) -> str:
    products = await talk.trade.db.run(shelf.products)
    return product_text(products.get(good["product"]["id"], {}), talk.chat.language)[0] or str(
        good["product"]["name"]
    )


async def _good(talk: Talk, name: str) -> Json:
    """The one that the button is about. Raises NotHersError."""
    found = pick(await ownership.goods(talk.trade, talk.chat.buyer), name)
    if found is None:
        raise NotHersError
    return found


@told
async def show(talk: Talk, name: str = "", *_: str) -> None:
    """One of them, with what can be done with it."""
    found = await _good(talk, name)
    by = found.get("origin", {}).get("channel") or talk.say(
        "owned.here" if "order_id" in found else "owned.elsewhere"
    )
    lines: list[Part | str] = [f"\n{talk.say('owned.' + found['status'])}"]
    if found["status"] != "transferred":
        lines.append(f" · {talk.say('owned.since', day=day(found['acquired_at']), by=by)}")
    if token := found.get("token"):
        where = talk.say("owned.token", number=token["token_id"], chain=token["chain"])
        lines += [f"\n{where}\n", code(token["asset"])]
    if "transfer" in found:
        lines.append(f"\n{talk.say('owned.offered', day=day(found['transfer']['expires_at']))}")
    talk.replace(bold(await _name(talk, found)), *lines, buttons=await _actions(talk, found, name))


async def _order(talk: Talk, found: Json) -> Intent | None:
    """The purchase in this chat that it comes from. What was bought here is opened as its order is."""
    bought = await talk.trade.db.run(lambda db: intents.of_buyer(db, talk.chat.buyer))
    return next((each for each in bought if each.order_id and each.order_id == found.get("order_id")), None)


async def _actions(talk: Talk, found: Json, name: str) -> Rows:
    rows, order = [], await _order(talk, found)
    if order is not None:
        rows.append([talk.button("owned.order", f"order:{order.id}")])
    elif "delivery_id" in found:
        rows.append([talk.button("order.show.other", f"unwrap:{name}")])
    if found["status"] == "active":
        rows += [[talk.button(f"proof.{part}", f"prove:{name}:{part}")] for part in ("product", "all")]
    if found.get("transfer", {}).get("status") == "offered":
        rows.append([talk.button("owned.take_back", f"takeback:{name}")])
    elif found["transferable"]:
        rows.append([talk.button("owned.hand_on", f"handon:{name}")])
    rows.append([talk.button("owned.button", "mygoods")])
    return rows


@told
async def unwrap(talk: Talk, name: str = "", *_: str) -> None:
    """The good itself, of what was handed on to her."""
    found = await _good(talk, name)
    opened = await ownership.opened(talk.trade, talk.chat.buyer, found["id"])
    if opened is None or opened.sealed:
        talk.reply(talk.say("refused.nothing_to_open"))
    else:
        await goods.hand_over(talk, opened, 1)


@told
async def prove(talk: Talk, name: str = "", part: str = "product", *_: str) -> None:
    """The certificate as a document: what it is only, or all that it can show. Made anew, kept nowhere (BUY-023)."""
    found = await _good(talk, name)
    issued = await ownership.certificate(talk.trade, talk.chat.buyer, found["id"])
    chosen = ownership.PARTS if part == "all" else {"product": ownership.PARTS["product"]}
    shown = {claim for claims, _ in chosen.values() for claim in claims}
    content = ownership.keeping_back(issued["certificate"], shown).encode()
    file = ownership.file_name(found["product"]["name"])
    await talk.messenger.send_file(talk.chat.id, file, content, talk.say("proof.text"))


@told
async def hand_on(talk: Talk, name: str = "", *_: str) -> None:
    """Offer it; the code is said at once and kept nowhere."""
    found = await _good(talk, name)
    made = await ownership.offer(talk.trade, talk.chat.buyer, found["id"])
    until = talk.say("owned.code.hint", day=day(made["expires_at"]))
    hide = [talk.button("goods.hide", "hide:code")]
    await talk.whisper(talk.say("owned.code"), "\n\n", code(made["code"]), f"\n\n{until}", buttons=[hide])


@told
async def take_back(talk: Talk, name: str = "", *_: str) -> None:
    """End the open offer."""
    found = await _good(talk, name)
    await ownership.take_back(talk.trade, talk.chat.buyer, found["id"])
    await show(talk, name)


async def transfer(talk: Talk, *_: str) -> None:
    """/transfer: how to hand on, and to take what is handed on."""
    rows = [[talk.button("accept.button", "accept")], [talk.button("owned.button", "mygoods")]]
    talk.replace(talk.say("accept.text"), buttons=rows)


async def accept(talk: Talk, *_: str) -> None:
    """Ask for the code of a transfer."""
    talk.chat.draft = {"asking": "transfer_code"}
    talk.reply(talk.say("accept.ask"), buttons=[[talk.button("ask.cancel", "leave")]])


@told
async def accepted(talk: Talk, text: str) -> None:
    """The code that the former owner gave her, as she typed it."""
    taken = await ownership.accept(talk.trade, talk.chat.buyer, text[:LONGEST_CODE])
    talk.chat.draft = {}
    rows = [[talk.button("owned.look", f"good:{short(taken['id'])}")]]
    talk.reply(talk.say("accept.done", name=await _name(talk, taken)), buttons=rows)
