"""Questions before a purchase: the country, once and only where it matters, and what the offer's schema wants of its
buyer, field by field (SEL-003, SEL-014)."""

from __future__ import annotations

import re

from reference_channels.chatbot.messenger import Button
from reference_channels.chatbot.talk import Talk, bold
from reference_channels.kit.errors import Json
from reference_channels.trade import selling
from reference_channels.trade.fields import Field, regions, schema_fields, typed

REGION = "region"
SKIP = "skip"
IN_A_ROW = 4
MOST_BUTTONS = 60


def ask(talk: Talk, offer: Json) -> bool:
    """Ask what must be known next. False when nothing must be."""
    draft = talk.chat.draft
    sold_in = regions(offer)
    if sold_in and talk.chat.region not in sold_in and not draft.get("region_told"):
        draft["asking"] = REGION
        _ask_region(talk, sold_in)
        return True
    for number, field in enumerate(schema_fields(offer)):
        if field.name not in draft["done"]:
            draft["asking"] = str(number)
            _ask_field(talk, field, number)
            return True
    return False


def _ask_region(talk: Talk, sold_in: list[str]) -> None:
    press = f"answer:{talk.chat.draft['intent']}:{REGION}:"
    buttons = [Button(each, press + each) for each in sold_in[:MOST_BUTTONS]]
    rows = [buttons[at : at + IN_A_ROW] for at in range(0, len(buttons), IN_A_ROW)]
    rows.append([talk.button("region.elsewhere", press + SKIP), talk.button("ask.cancel", "leave")])
    key = "region.not_yours" if talk.chat.region else "region.ask"
    talk.replace(talk.say(key, region=talk.chat.region or ""), buttons=rows)


def _ask_field(talk: Talk, field: Field, number: int) -> None:
    press = f"answer:{talk.chat.draft['intent']}:{number}:"
    if field.kind == "checkbox":
        choices = [talk.button("ask.yes", press + "true"), talk.button("ask.no", press + "false")]
    else:
        choices = [Button(option, f"{press}{at}") for at, option in enumerate(field.options[:MOST_BUTTONS])]
    rows = [[each] for each in choices]
    ways = [talk.button("ask.skip", press + SKIP)] if not field.required else []
    rows.append([*ways, talk.button("ask.cancel", "leave")])
    about = [f"\n{field.hint}"] if field.hint else []
    talk.replace(bold(field.label), *about, "" if choices else "\n" + talk.say("ask.write"), buttons=rows)


def chosen(talk: Talk, offer: Json, choice: str) -> None:
    """A button under the question that is being asked was pressed."""
    draft = talk.chat.draft
    if draft["asking"] == REGION:
        # Elsewhere is an answer, too: the purchase goes on to be refused with its reason.
        draft["region_told"] = True
        talk.chat.region = None if choice == SKIP else choice
        return
    field = schema_fields(offer)[int(draft["asking"])]
    draft["done"].append(field.name)
    if choice == SKIP:
        return
    if field.kind == "checkbox":
        draft["given"][field.name] = choice == "true"
    elif choice.isdecimal() and int(choice) < len(field.options):
        draft["given"][field.name] = _value(offer, field, field.options[int(choice)])


def entered(talk: Talk, offer: Json, text: str) -> bool:
    """The person wrote an answer. False when it does not fit; then it was said so, and the question stands."""
    draft = talk.chat.draft
    if draft["asking"] == REGION:
        return _entered_region(talk, text)
    field = schema_fields(offer)[int(draft["asking"])]
    given = {**draft["given"], field.name: _value(offer, field, text)}
    if field.name in selling.input_errors(offer, given):
        talk.reply(talk.say("ask.wrong", field=field.label))
        return False
    draft["given"] = given
    draft["done"].append(field.name)
    return True


def _entered_region(talk: Talk, text: str) -> bool:
    """A country is two letters (ISO 3166-1)."""
    if not re.fullmatch(r"[A-Za-z]{2}", text.strip()):
        talk.reply(talk.say("region.wrong"))
        return False
    talk.chat.region = text.strip().upper()
    talk.chat.draft["region_told"] = True
    return True


def _value(offer: Json, field: Field, text: str) -> object:
    return typed(text.strip(), offer["buyer_input"]["properties"][field.name])
