"""Judges of what is held about a buyer: handed out, and forgotten (consent.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
from conformance.judges.gateway_consent import use
from conformance.judges.gateway_evidence import dig, good, is_problem, items, ok, refusal, said, walk
from conformance.judges.gateway_identity import feed, joined
from conformance.model import MissingError, Outcome, check, holds
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="consent")
Json = dict[str, Any]
WHAT = ("product_id", "quantity", "unit_price", "total")  # of a line that stays


def archive(t: Transcript, story: str, label: str) -> tuple[Exchange, Json]:
    """The files of an export, by name; raises MissingError when there is none that opens."""
    seen = good(t, story, label)
    found = seen.observed.get("archive", {})
    if "files" not in found:
        raise MissingError(f"{label}: no ZIP archive: {found.get('error', 'nothing came')}")
    return seen, dict(found["files"])


def amounts(files: Json) -> set[Any]:
    """Every amount of money in an archive."""
    return {value for path, value in walk(files) if path.endswith("/amount") and isinstance(value, int)}


def _paid(t: Transcript, label: str) -> Any:
    """What an order came to."""
    return dig(good(t, "consents_shared", label).answer, "total", "amount")


@gateway("CNS-014", title="What she does elsewhere is not shown", scenarios=("consents_shared",))
def apart(t: Transcript) -> Iterator[Outcome]:
    """An export without consent has what she bought here, and not what she bought there."""
    joined(t, "consents_shared", "linked a", "linked b")
    own, other = _paid(t, "order a"), _paid(t, "order b")
    seen, files = archive(t, "consents_shared", "export apart a")
    if own not in amounts(files):
        raise MissingError("the export does not show what she bought here")
    yield holds(other not in amounts(files), "own data only", "it shows another channel's order", seen)


@gateway("CNS-015", title="A withdrawal counts at once", scenarios=("consents_shared",))
def withdrawn(t: Transcript) -> Iterator[Outcome]:
    """On the channel where it was made, and on the other, and in an export."""
    given, other = good(t, "consents_shared", "uses given b"), _paid(t, "order b")
    if use(given, "personalisation", "other_channels")[0] is not True:
        raise MissingError("the consent was not in force before")
    good(t, "consents_shared", "withdraw b")
    for who in "ab":
        seen = good(t, "consents_shared", f"uses after {who}")
        found = [use(seen, "personalisation", origin)[0] for origin in ("this_channel", "other_channels")]
        yield holds(
            found == [False, False], f"{who}: nothing is used", f"{who}: still allowed: {found}", seen
        )
    before, after = (archive(t, "consents_shared", f"export {when} a") for when in ("apart", "after"))
    if other not in amounts(before[1]):  # else it is shown without any consent, which is another fault
        yield holds(
            other not in amounts(after[1]), "nor exported", "it is exported still", before[0], after[0]
        )


@gateway("CNS-019", title="An export says what it is", scenarios=("exports",))
def manifest(t: Transcript) -> Iterator[Outcome]:
    """A manifest that names every file, with as many lines as it has."""
    seen, files = archive(t, "exports", "export a")
    told = dig(files, "manifest.json", 0)
    faults = spec.validator("ExportManifest").errors(told)
    yield holds(not faults, "the manifest is whole", f"the manifest: {faults[:2] or 'missing'}", seen)
    for one in (dig(told, "files") or []) if not faults else []:
        rows = files.get(one["name"])
        right = isinstance(rows, list) and (len(rows) == one["count"] or not one["name"].endswith(".ndjson"))
        bad = (
            f"{one['name']}: {one['count']} lines are said, {len(rows) if rows is not None else 'none'} there"
        )
        yield holds(right, f"{one['name']} is there", bad, seen)


@gateway("CNS-020", title="An export has every order", scenarios=("exports",))
def complete(t: Transcript) -> Iterator[Outcome]:
    """Both, as they are read one by one."""
    seen, files = archive(t, "exports", "export a")
    held = {str(v.get("id")): v for _, v in walk(files) if isinstance(v, dict) and "lines" in v}
    for n in (1, 2):
        order = good(t, "exports", f"read {n} a")
        found = held.get(str(order.answer.get("id")))
        yield holds(
            found == order.answer, f"order {n} is in it", f"order {n} is not in it as it is", seen, order
        )


@gateway("CNS-021", title="An export has no goods", scenarios=("exports",))
def harmless(t: Transcript) -> Iterator[Outcome]:
    """Of two orders that were delivered, one of them opened."""
    for n in (1, 2):
        good(t, "exports", f"read {n} a")
    seen, _ = archive(t, "exports", "export a")
    yield holds(dig(seen.observed, "archive", "goods") is False, "no goods", "it has goods in it", seen)


@gateway(
    "CNS-022", title="With proof, everything; with a wrong proof, nothing", scenarios=("consents_shared",)
)
def proved(t: Transcript) -> Iterator[Outcome]:
    """A link of this account, just confirmed; and the other account's."""
    joined(t, "consents_shared", "linked a", "linked b")
    other = _paid(t, "order b")
    seen, files = archive(t, "consents_shared", "export with proof a")
    yield holds(
        other in amounts(files), "everything is in it", "what she bought elsewhere is not in it", seen
    )
    wrong = t.one("consents_shared", "export with foreign proof a")
    bad = f"another account's link: {said(wrong)}, not proof_required"
    yield holds(
        is_problem(wrong, "proof_required"), "another account's link proves nothing", bad, seen, wrong
    )


@gateway("CNS-022", suffix="b", title="A proof reaches what its link joins", scenarios=("proofs_apart",))
def reaching(t: Transcript) -> Iterator[Outcome]:
    """What only this account has proved shows nothing of the other; what both have proved shows it."""
    story = "proofs_apart"
    joined(t, story, "linked a", "linked b")
    other = dig(good(t, story, "order b").answer, "total", "amount")
    without, narrow, wide = (
        archive(t, story, f"export {how} a")
        for how in ("without proof", "by proof of something else", "by proof of the link")
    )
    if other in amounts(without[1]):
        raise MissingError("what she bought elsewhere is shown without any proof, which is another fault")
    bad = "the proof of something else shows what she bought elsewhere"
    yield holds(other not in amounts(narrow[1]), "another proof shows nothing", bad, without[0], narrow[0])
    bad = "the proof of the link does not show what she bought elsewhere"
    yield holds(other in amounts(wide[1]), "the proof of the link shows it", bad, wide[0])


def _erased(t: Transcript) -> Exchange:
    return good(t, "erasures", "erase a")


@gateway("CNS-023", title="An erasure says what is kept, and why", scenarios=("erasures",))
def reported(t: Transcript) -> Iterator[Outcome]:
    """Something was erased, and the order is kept."""
    seen, order = _erased(t), t.one("erasures", "order after a")
    gone = [one.get("what") for one in seen.answer.get("erased") or [] if isinstance(one, dict)]
    kept = {one.get("what"): one.get("why") for one in seen.answer.get("kept") or [] if isinstance(one, dict)}
    yield holds(bool(gone), f"erased: {gone}", "it does not say what was erased", seen)
    if ok(order):
        yield holds(
            bool(kept.get("orders")), "orders are kept, and why", f"kept: {kept}, without orders", seen, order
        )


@gateway("CNS-024", title="Nothing shows who she was", scenarios=("erasures",))
def forgotten(t: Transcript) -> Iterator[Outcome]:
    """Order, holds and events after it: neither her name nor what she has typed."""
    _erased(t)
    words = {str(t.fact("erasures", "subject a")), str(t.fact("erasures", "typed"))}
    before = good(t, "erasures", "order before a")
    if not all(_says(before.answer, word) for word in words):
        raise MissingError("the order did not show her before")
    for label in ("order after a", "orders after a", "holds after a", "events after a"):
        for seen in t.all("erasures", label=label, where=ok):
            shown = [word for word in words if _says(seen.answer, word)]
            yield holds(
                not shown, f"{label}: nothing of her", f"{label}: shows {len(shown)} of her words", seen
            )


def _says(value: Any, word: str) -> bool:
    return any(part == word for _, part in walk(value))


@gateway("CNS-025", title="The books keep her orders", scenarios=("erasures",))
def kept(t: Transcript) -> Iterator[Outcome]:
    """Status, lines and amounts."""
    _erased(t)
    before, after = good(t, "erasures", "order before a"), t.one("erasures", "order after a")
    found = [_books(one.answer) for one in (before, after)]
    yield holds(
        found[0] == found[1], "the order is what it was", f"the order: {said(after)}, changed", before, after
    )


def _books(order: Json) -> list[Any]:
    lines = order.get("lines")
    rows = [{n: one.get(n) for n in WHAT} for one in lines] if isinstance(lines, list) else []
    return [order.get("id"), order.get("status"), order.get("total"), rows]


@gateway("CNS-026", title="Orders under way come first", scenarios=("erasures",))
def settled(t: Transcript) -> Iterator[Outcome]:
    """Refused while an order waits for its payment; and she is there as before."""
    yield from refusal(t, "erasures", "erase too early a", "orders_under_way", "erase a")
    seen = t.one("erasures", "still there a")
    yield holds(ok(seen), "nothing was erased", f"she is gone: {said(seen)}", seen)


@gateway("CNS-027", title="She begins anew", scenarios=("erasures",))
def anew(t: Transcript) -> Iterator[Outcome]:
    """Nobody under the old id; under the same name, somebody who has decided and bought nothing."""
    _erased(t)
    seen = t.one("erasures", "profile after a")
    yield holds(is_problem(seen, "not_found"), "nobody is there", f"the old id: {said(seen)}", seen)
    rows = good(t, "erasures", "consents anew")
    old = [one.get("purpose") for one in items(rows) if one.get("revision") != 0]
    yield holds(not old, "nothing is decided", f"decisions about {old} are still there", rows)


@gateway("CNS-028", title="Erasing twice is erasing once", scenarios=("erasures",))
def repeated(t: Transcript) -> Iterator[Outcome]:
    """The same answer, and one event."""
    first, again = _erased(t), t.one("erasures", "erase again a")
    same = ok(again) and again.answer == first.answer
    yield holds(same, "the same answer", f"the second time: {said(again)}, another answer", first, again)
    pages, events = feed(t, "erasures", "events at last a", "buyer.erased")
    mine = [e for e in events if e.get("subject") == t.fact("erasures", "id a")]
    yield holds(len(mine) == 1, "one event", f"{len(mine)} events buyer.erased", *pages)
