"""Judges of delivery.md: the goods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from conformance.driver.shop import opened
from conformance.judges.gateway_evidence import (
    dig,
    every,
    good,
    is_problem,
    items,
    moment,
    ok,
    parsed,
    said,
    walk,
)
from conformance.model import MissingError, Outcome, check, failed, holds, inconclusive, passed, unverified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="delivery")


@gateway("DLV-001", title="One delivery for each unit", scenarios=("sale",))
def one_for_each(t: Transcript) -> Iterator[Outcome]:
    """An order of one unit and one of two."""
    for label, units in (("order", 1), ("two more", 2)):
        order = good(t, "sale", label)
        pages = [e for e in t.all("sale", label="deliveries") if _of(e) == order.answer.get("id")]
        if pages:
            count = len([one for page in pages for one in items(page) if one.get("status") != "voided"])
            right = count == units and all(map(ok, pages))
            words = f"{count} deliveries for {units} units ({said(pages[-1])})"
            yield holds(right, f"{units} for {units}", words, order, *pages)


def _of(page: Exchange) -> str | None:
    """The order in the URL of list_deliveries."""
    parts = page.request.url.partition("?")[0].split("/")
    return parts[-2] if len(parts) > 2 else None


def _first_reveals(t: Transcript, scenario: str) -> list[tuple[Exchange, str]]:
    """What came out of each delivery when it was first opened."""
    seen: dict[str, tuple[Exchange, str]] = {}
    for exchange in t.all(scenario, operation="reveal_delivery", where=ok):
        for content in opened(exchange.answer):
            seen.setdefault(str(dig(exchange.answer, "delivery", "id")), (exchange, content))
    return list(seen.values())


@gateway("DLV-002", title="Each code goes out once", scenarios=("codes_once", "sale"))
def each_code_once(t: Transcript) -> Iterator[Outcome]:
    """After fifteen buyers at once on six codes, and after a quiet sale."""
    for scenario in ("codes_once", "sale"):
        found = _first_reveals(t, scenario)
        contents = [content for _, content in found]
        twice = [e for e, content in found if contents.count(content) > 1]
        if twice:
            yield failed(f"a code went out {len(twice)} times", *twice)
        elif len(found) >= 3:
            yield passed(f"{len(found)} codes, all different", *[e for e, _ in found])
        else:
            yield unverified(f"only {len(found)} codes were opened in {scenario}")


@gateway("DLV-003", title="The goods stand under the member of their kind", scenarios=("sale", "kinds"))
def under_their_kind(t: Transcript) -> Iterator[Outcome]:
    """Codes, licences, downloads."""
    kinds = {"code": 0, "licence": 0, "download": 0}
    for seen in t.all(
        operation="reveal_delivery", where=lambda e: ok(e) and not e.scenario.startswith("sealed_")
    ):
        kind = dig(seen.answer, "goods", "kind")
        others = [k for k in kinds if k != kind and dig(seen.answer, "goods", k) is not None]
        there = isinstance(dig(seen.answer, "goods", str(kind)), dict)
        if kind in kinds:
            kinds[kind] += 1
        yield holds(
            there and not others, f"{kind} in its place", f"goods of kind {kind}: {others} there", seen
        )
    for kind, count in kinds.items():
        if not count:
            yield inconclusive(f"no {kind} was opened")


@gateway("DLV-004", title="The same goods at every reveal", scenarios=("sale",))
def same_every_time(t: Transcript) -> Iterator[Outcome]:
    """Each delivery opened twice under two keys."""
    first = {dig(e.answer, "delivery", "id"): e for e in t.all("sale", label="reveal", where=ok)}
    for again in t.all("sale", label="reveal again"):
        one = first.get(dig(again.answer, "delivery", "id"))
        if one is not None and ok(again):
            same = opened(one.answer) == opened(again.answer) != []
            yield holds(same, "the same again", "another content at the second reveal", one, again)


@gateway("CNV-008", title="Goods are handed out byte for byte", scenarios=("sale",))
def byte_for_byte(t: Transcript) -> Iterator[Outcome]:
    """Codes with spaces, quotes, umlauts and Chinese."""
    stored, found = t.fact("sale", "codes"), _first_reveals(t, "sale")
    for exchange, content in found:
        yield holds(content in stored, "as they were put in", "what came out was never put in", exchange)


@gateway(
    "DLV-005", title="Goods are nowhere but where they are opened", scenarios=("sale", "codes_once", "events")
)
def nowhere_else(t: Transcript) -> Iterator[Outcome]:
    """Every code that came out is looked for in every other answer and in every event."""
    codes = {content for e in t.all(operation="reveal_delivery", where=ok) for content in opened(e.answer)}
    if not codes:
        raise MissingError("no code was opened")
    wrong, seen = [], 0
    for exchange in t.all():
        theirs = exchange.response if exchange.direction == "sent" else exchange.request
        if theirs is None or exchange.operation == "reveal_delivery":
            continue
        seen += 1
        texts = [v for _, v in walk(parsed(theirs.body)) if isinstance(v, str)] + [
            v for _, v in theirs.headers
        ]
        if any(code in text for code in codes for text in texts):
            wrong.append((exchange, f"a code stands in {exchange.operation or 'an answer'}"))
    yield from every(wrong, seen, "no code elsewhere")


@gateway("DLV-006", title="No deliveries before payment", scenarios=("pending",))
def none_before_payment(t: Transcript) -> Iterator[Outcome]:
    """The pending order has none; paid, it has two."""
    before, after = t.one("pending", "deliveries while pending"), t.one("pending", "deliveries when paid")
    if not items(after):
        yield unverified("there are none after payment either", after)
        return
    early = items(before) or not ok(before)
    yield holds(
        not early, "none before payment", f"{len(items(before))} before payment ({said(before)})", before
    )


@gateway("DLV-007", title="Reveals are counted", scenarios=("sale",))
def reveals_counted(t: Transcript) -> Iterator[Outcome]:
    """Once and twice, in the answer and in the list."""
    for label, count in (("reveal", 1), ("reveal again", 2)):
        for seen in t.all("sale", label=label, where=ok):
            shown = dig(seen.answer, "delivery", "reveal_count")
            status = dig(seen.answer, "delivery", "status")
            words = f"{label}: count {shown}, {status}"
            yield holds((shown, status) == (count, "revealed"), "counted", words, seen)
    for page in t.all("sale", label="deliveries after", where=ok):
        shown = [(one.get("reveal_count"), one.get("status")) for one in items(page)]
        yield holds(set(shown) == {(2, "revealed")}, "the list counts too", f"the list shows {shown}", page)


@gateway("DLV-008", title="Goods need the scope delivery", scenarios=("scopes",))
def own_scope(t: Transcript) -> Iterator[Outcome]:
    """A token with every other scope."""
    twin = t.one("scopes", "with scope: list_deliveries")
    if not ok(twin):
        yield unverified(f"with the scope: {said(twin)}", twin)
        return
    for name in ("list_deliveries", "reveal_delivery"):
        seen = t.one("scopes", f"without scope: {name}")
        right = is_problem(seen, "scope_missing")
        yield holds(right, f"{name} needs the scope", f"{name} without the scope: {said(seen)}", twin, seen)


@gateway("DLV-011", title="A download is a link that expires", scenarios=("kinds",))
def link_expires(t: Transcript) -> Iterator[Outcome]:
    """expires_at in the future when it is handed out."""
    now = t.fact("kinds", "now")
    for seen in t.all("kinds", label="download reveal", where=ok):
        ends, url = (dig(seen.answer, "goods", "download", name) for name in ("expires_at", "url"))
        right = isinstance(url, str) and (moment(ends) or 0) > now
        yield holds(right, "a link that expires", f"a link until {ends}", seen)


@gateway("DLV-043", title="What the buyer has given is in no event", scenarios=("refused_lines",))
def not_in_events(t: Transcript) -> Iterator[Outcome]:
    """The account that came with an order line, in the feed."""
    order = good(t, "refused_lines", "right input")
    pages = t.all("refused_lines", label="feed", where=ok)
    mine = [one for page in pages for one in items(page) if one.get("subject") == order.answer.get("id")]
    if not mine:
        raise MissingError("the feed has no event of the order")
    account = str(dig(order.asked, "lines", 0, "buyer_input", "account"))
    clean = account not in json.dumps([one for page in pages for one in items(page)])
    yield holds(clean, "it is in none", "an event has the buyer's account", order, *pages)
