"""Judges of tokens (tokens.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
from conformance.judges.gateway_evidence import dig, good, items, refusal
from conformance.model import MissingError, Outcome, check, holds
from conformance.scenarios.gateway_minting import ADDRESSES
from conformance.transcript import Exchange, Transcript

STORY = "tokens"
LABELS = ("first token", "another token")
NAMES = ("chain", "asset", "token_id")
gateway = partial(check, role="gateway", capability="tokens", scenarios=(STORY,))
Json = dict[str, Any]


def _tokens(t: Transcript) -> Iterator[tuple[str, Exchange, Json]]:
    """By label, what was revealed, where there is a token in it; raises MissingError when there is none."""
    for label in LABELS:
        seen = good(t, STORY, f"{label} reveal")
        token = dig(seen.answer, "goods", "token")
        if not isinstance(token, dict):
            raise MissingError(f"{label}: there is no token in it")
        yield label, seen, token


@gateway("TOK-001", title="A token is handed over as where it is")
def handed_over(t: Transcript) -> Iterator[Outcome]:
    """The kind, and the member that it names."""
    for label in LABELS:
        good(t, STORY, f"{label} deliveries")
        seen = good(t, STORY, f"{label} reveal")
        goods = seen.answer.get("goods")
        told = dig(goods, "kind") == "token" and not spec.validator("TokenContent").errors(
            dig(goods, "token")
        )
        yield holds(told, f"{label}: where it is", f"{label}: no TokenContent under token", seen)


@gateway("TOK-002", title="A token is minted to the buyer's address")
def to_the_buyer(t: Transcript) -> Iterator[Outcome]:
    """In whatever case the letters were given."""
    wanted = str(t.fact(STORY, "owner")).lower()
    for _, seen, token in _tokens(t):
        owner = str(token.get("owner"))
        right = owner.lower() == f"{token.get('chain')}:{wanted}".lower()
        yield holds(right, "minted to her", f"minted to {owner}", seen)


@gateway("TOK-003", title="What is no address is refused")
def no_address(t: Transcript) -> Iterator[Outcome]:
    """A wrong checksum, a digit less, a letter that is no digit."""
    for label in ADDRESSES:
        yield from refusal(t, STORY, label, "buyer_input_invalid", "first token")


@gateway("TOK-004", title="The names of a token fit one another")
def names_fit(t: Transcript) -> Iterator[Outcome]:
    """CAIP-2, CAIP-19 and the number; two tokens have two names."""
    names = []
    for _, seen, token in _tokens(t):
        asset, chain, number = (str(token.get(name)) for name in ("asset", "chain", "token_id"))
        right = asset.startswith(f"{chain}/") and asset.endswith(f"/{number}")
        names.append(asset)
        yield holds(right, "they fit", f"{asset} is not token {number} of {chain}", seen)
    yield holds(len(set(names)) == len(names), "two tokens", f"both are {names[0]}")


@gateway("TOK-005", title="One unit is one token")
def one_token(t: Transcript) -> Iterator[Outcome]:
    """Of one unit, the first answer about which was lost."""
    seen = t.all(STORY, label="lost answer in the end")
    if not seen or seen[-1].answer.get("status") != "fulfilled":
        raise MissingError("the token was not made")
    page = good(t, STORY, "lost answer deliveries")
    words = f"{len(items(page))} tokens of one unit"
    yield holds(len(items(page)) == 1, words, words, page)


@gateway("TOK-007", title="What has moved on the chain is handed on", also=("ownership",))
def moved(t: Transcript) -> Iterator[Outcome]:
    """Active before, transferred after."""
    for label in LABELS:
        good(t, STORY, f"{label} move")
        for when, wanted in (("owned", "active"), ("moved", "transferred")):
            seen = good(t, STORY, f"{label} {when}")
            status = seen.answer.get("status")
            yield holds(status == wanted, f"{when}: {wanted}", f"{when}: {status}, not {wanted}", seen)


@gateway("TOK-008", title="What is owned says where the token is", also=("ownership",))
def named_where_owned(t: Transcript) -> Iterator[Outcome]:
    """As the delivery does; and a code is no token."""
    for label, _, token in _tokens(t):
        seen, wanted = good(t, STORY, f"{label} owned"), {name: token.get(name) for name in NAMES}
        named = seen.answer.get("token")
        right = {name: dig(named, name) for name in NAMES} == wanted
        yield holds(right, f"{label}: as delivered", f"{label}: owned as {named}", seen)
    other = good(t, STORY, "no token owned")
    yield holds("token" not in other.answer, "a code has none", "a code is owned as a token", other)
