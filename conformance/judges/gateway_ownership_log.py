"""Judges of the log of ownership (ownership_log.md). They compute the tree themselves, from the given leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import spec
from conformance import merkle
from conformance.judges.gateway_evidence import good, is_problem, items, moment, ok, said
from conformance.model import MissingError, Outcome, check, failed, holds
from conformance.timing import HEAD_AGE, MERGE_DELAY
from conformance.tokens import verified
from conformance.transcript import Exchange, Transcript

STORY = "ownership_log"
gateway = partial(check, role="gateway", capability="ownership_log", scenarios=(STORY,))
LATEST = " later"  # the second reading
Json = dict[str, Any]


def _entries(t: Transcript, when: str = "") -> list[Json]:
    """All entries of a reading, in the order in which they were given; raises MissingError unless all were."""
    pages = t.all(STORY, label=f"entries{when}")
    if not pages or not all(ok(page) for page in pages) or pages[-1].answer.get("has_more"):
        raise MissingError("the log was not read to its end")
    found = [one for page in pages for one in items(page)]
    if not found:
        raise MissingError("the log has no entries")
    return found


def _leaves(t: Transcript, when: str = "") -> list[bytes]:
    """The hashes of the leaves as they were given, whatever hashes were given with them."""
    return [merkle.leaf_hash(str(one.get("leaf")).encode()) for one in _entries(t, when)]


def _said(entry: Json) -> Json:
    """What an entry says."""
    try:
        said_here = json.loads(str(entry.get("leaf")))
    except ValueError:
        return {}
    return said_here if isinstance(said_here, dict) else {}


def _new(t: Transcript, when: str = "") -> list[Json]:
    """What the entries say that came since the story began."""
    before = t.fact(STORY, "before")
    return [_said(one) for one in _entries(t, when)[before:]]


def _issued(t: Transcript) -> list[Json]:
    good(t, STORY, "order")
    return [one for one in _new(t) if one.get("change") == "issued"]


def _asked(seen: Exchange, name: str) -> str:
    """A parameter of the request."""
    return parse_qs(urlsplit(seen.request.url).query).get(name, [""])[0]


def _heads(t: Transcript) -> list[Exchange]:
    return t.all(STORY, operation="get_log_head", where=ok)


@gateway("OLG-001", title="Every change of ownership is logged")
def logged(t: Transcript) -> Iterator[Outcome]:
    """Two units are bought: two entries; both are refunded: two more, about the same."""
    order, page = good(t, STORY, "order"), good(t, STORY, "entries")
    bought = {str(one.get("entitlement_id")) for one in _issued(t)}
    words = f"{len(bought)} of 2 units logged as issued"
    yield holds(len(bought) == 2, words, words, order, page)
    good(t, STORY, "refund")
    back = {str(one.get("entitlement_id")) for one in _new(t, LATEST) if one.get("change") == "revoked"}
    words = f"{len(back & bought)} of them logged as revoked"
    yield holds(back >= bought, words, words, t.one(STORY, "refund"), t.one(STORY, f"entries{LATEST}"))


@gateway("OLG-002", title="A change is in the tree within a minute")
def merged_soon(t: Transcript) -> Iterator[Outcome]:
    """The entries that are there later, by their own times, against the head a minute after the purchase."""
    head = good(t, STORY, "head soon")
    size, at = head.answer.get("tree_size"), moment(head.answer.get("timestamp"))
    if not isinstance(size, int) or at is None or not _issued(t):
        raise MissingError("there is nothing to compare")
    times = [moment(_said(one).get("at")) for one in _entries(t)]
    late = [
        index for index, one in enumerate(times) if one and one <= at - MERGE_DELAY.seconds and index >= size
    ]
    bad = f"{len(late)} entries were not in the tree a minute after their time"
    yield holds(not late, "all were in the tree", bad, head)


@gateway("OLG-003", title="Entries come in their order, with their hashes")
def listed(t: Transcript) -> Iterator[Outcome]:
    """`index` counts from 0, `leaf` is a LogLeaf in canonical form, and `leaf_hash` is its hash."""
    page = good(t, STORY, "entries")
    for place, entry in enumerate(_entries(t)):
        text = str(entry.get("leaf"))
        told = _said(entry)
        right = (
            entry.get("index") == place
            and entry.get("leaf_hash") == merkle.encoded(merkle.leaf_hash(text.encode()))
            and not spec.validator("LogLeaf").errors(told)
            and text == json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        )
        if not right:
            yield failed(f"entry {place} is not in its place, not canonical, or has another hash", page)
            return
    yield holds(True, "all entries are as they should be", "", page)


@gateway("OLG-004", title="What is in the log does not change")
def unchanged(t: Transcript) -> Iterator[Outcome]:
    """The second reading begins with the first."""
    first, second = ([one.get("leaf") for one in _entries(t, when)] for when in ("", LATEST))
    if len(second) <= len(first):
        raise MissingError("nothing was added to the log between the readings")
    changed = [place for place, leaf in enumerate(first) if second[place] != leaf]
    bad = f"entry {changed[:1]} is another one than before"
    pages = (good(t, STORY, "entries"), good(t, STORY, f"entries{LATEST}"))
    yield holds(not changed, f"{len(first)} entries are the same", bad, *pages)


@gateway("OLG-005", title="The log names nobody")
def names_nobody(t: Transcript) -> Iterator[Outcome]:
    """No leaf has the buyer's reference, the channel's id, the order's id or reference, or more than is described."""
    names, page = [one for one in t.fact(STORY, "names") if isinstance(one, str)], good(t, STORY, "entries")
    if not _issued(t):
        raise MissingError("the purchase is not in the log")
    described = {"at", "change", "entitlement_id", "owner"}
    for entry in _entries(t):
        shown = [name for name in names if name and name in str(entry.get("leaf"))]
        more = sorted(_said(entry).keys() - described)
        if shown or more:
            yield failed(f"entry {entry.get('index')} says who: {shown or more}", page)
            return
    yield holds(True, "no entry says who", "", page)


@gateway("OLG-006", title="No two times of owning are alike in the log")
def salted(t: Transcript) -> Iterator[Outcome]:
    """Two units of one buyer's have different commitments."""
    owners = [one.get("owner") for one in _issued(t)]
    if len(owners) < 2:
        raise MissingError("there are no two units to compare")
    page = good(t, STORY, "entries")
    same = len(set(owners)) < len(owners)
    yield holds(not same, "the commitments differ", "two units of one buyer have the same commitment", page)


@gateway("OLG-010", title="A tree head is signed")
def signed(t: Transcript) -> Iterator[Outcome]:
    """By a published key, and says what the answer says."""
    keys = good(t, STORY, "keys").answer
    for seen in _heads(t):
        token = verified(str(seen.answer.get("signed_head")), keys)
        if "error" in token:
            yield failed(f"{seen.label}: does not verify ({token['error']})", seen)
            continue
        claims = token["claims"]
        errors = [f"{where} {text}" for where, text in spec.validator("TreeHeadClaims").errors(claims)]
        yield holds(not errors, f"{seen.label}: TreeHeadClaims", f"{seen.label}: {errors[:2]}", seen)
        named = [
            token["header"].get("typ"),
            claims.get("tree_size"),
            claims.get("root_hash"),
            claims.get("iat"),
        ]
        at = int(moment(seen.answer.get("timestamp")) or 0)
        wanted = ["vgcp-tree-head+jwt", seen.answer.get("tree_size"), seen.answer.get("root_hash"), at]
        bad = f"{seen.label}: is signed as {named}, not {wanted}"
        yield holds(named == wanted, f"{seen.label}: says the same", bad, seen)


@gateway("OLG-011", title="The root is that of the leaves")
def rooted(t: Transcript) -> Iterator[Outcome]:
    """Computed by RFC 9162 over all leaves of the first reading."""
    head, leaves = good(t, STORY, "head"), _leaves(t)
    told = (head.answer.get("tree_size"), head.answer.get("root_hash"))
    found = (len(leaves), merkle.encoded(merkle.root_of(leaves)))
    bad = f"the head says {told}, the leaves give {found}"
    yield holds(told == found, "the leaves give that root", bad, head, t.one(STORY, "entries"))


@gateway("OLG-012", title="A tree head is fresh")
def fresh(t: Transcript) -> Iterator[Outcome]:
    """Against the time that the clock said just before."""
    clock = good(t, STORY, "a minute later")
    head, now = good(t, STORY, "head soon"), moment(clock.answer.get("now"))
    at = moment(head.answer.get("timestamp"))
    if now is None or at is None:
        raise MissingError("there is no time to compare")
    words = f"signed {now - at:.0f} seconds before"
    yield holds(now - at <= HEAD_AGE.seconds, words, words, clock, head)


@gateway("OLG-013", title="Everybody is shown the same tree")
def one_story(t: Transcript) -> Iterator[Outcome]:
    """All heads of one size, with a token and without, have one root."""
    roots: dict[Any, Exchange] = {}
    shown = _heads(t)
    if len({seen.answer.get("tree_size") for seen in shown}) == len(shown):
        raise MissingError("no two heads are of one size")
    for seen in shown:
        size, root = seen.answer.get("tree_size"), seen.answer.get("root_hash")
        known = roots.setdefault(size, seen)
        if known.answer.get("root_hash") != root:
            yield failed(f"two heads of {size} entries have different roots", known, seen)
            return
    yield holds(True, f"{len(shown)} heads of {len(roots)} sizes agree", "", *shown[:3])


@gateway("OLG-020", title="Every entry is proven to be in the tree")
def included(t: Transcript) -> Iterator[Outcome]:
    """Verified by RFC 9162 against the root that the leaves give."""
    leaves = _leaves(t)
    proofs = t.all(STORY, label="proof")
    if not proofs:
        raise MissingError("no proof was asked for")
    for seen in proofs:
        leaf = merkle.decoded(_asked(seen, "leaf_hash"))
        index, hashes = seen.answer.get("leaf_index"), merkle.hashes(seen.answer.get("hashes"))
        right = isinstance(index, int) and leaves[index : index + 1] == [leaf]
        right = right and merkle.has(leaf, index, len(leaves), hashes, merkle.root_of(leaves))
        bad = f"no proof of entry {leaves.index(leaf)}: {said(seen)}"
        yield holds(right, f"entry {index} is proven", bad, seen)


@gateway("OLG-021", title="The log is proven to have grown only")
def grew(t: Transcript) -> Iterator[Outcome]:
    """Verified by RFC 9162 against the roots that the leaves give, as they were when they were first seen."""
    leaves = _leaves(t)
    leaves += _leaves(t, LATEST)[len(leaves) :]
    proofs = t.all(STORY, label="growth")
    if not proofs:
        raise MissingError("no proof was asked for")
    for seen in proofs:
        first, second = (int(_asked(seen, name)) for name in ("first", "second"))
        roots = [merkle.root_of(leaves[:size]) for size in (first, second)]
        proof = merkle.hashes(seen.answer.get("hashes"))
        right = ok(seen) and merkle.begins(first, second, roots[0], roots[1], proof)
        words = f"from {first} to {second} entries"
        yield holds(right, f"{words}: proven", f"{words}: no proof ({said(seen)})", seen)


@gateway("OLG-022", title="What is not there is not proven")
def absent(t: Transcript) -> Iterator[Outcome]:
    """An entry that never was, and a tree that is too large, beside ones that are there."""
    for bad, twin in (("proof of what is not there", "proof"), ("growth of what is not there", "growth")):
        good(t, STORY, twin)
        seen = t.one(STORY, bad)
        yield holds(is_problem(seen, "not_found"), f"{bad}: not_found", f"{bad}: {said(seen)}", seen)


@gateway("OLG-023", title="The log is open to everybody")
def public(t: Transcript) -> Iterator[Outcome]:
    """Each operation without a token."""
    for operation in ("get_log_head", "list_log_entries", "get_inclusion_proof", "get_consistency_proof"):
        asked = t.all(STORY, operation=operation, where=lambda e: e.request.header("authorization") is None)
        refused = [e for e in asked if is_problem(e, "unauthenticated", "scope_missing")]
        words = f"{operation}: {said(refused[0]) if refused else 'answered'}"
        yield holds(bool(asked) and not refused, words, words, *(refused or asked)[:1])
