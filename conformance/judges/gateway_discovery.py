"""Judges of discovery.md and testing.md: what a gateway says of itself, and its test control."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
from conformance.judges.gateway_evidence import answers, dig, every, good, is_problem, moved, ok, said, walk
from conformance.model import Outcome, Verdict, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript
from conformance.wire import operations, response_errors

gateway = partial(check, role="gateway")
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
# what other requirements say about an answer's shape, so that one fault is not two failures
ELSEWHERE = ("/amount", "/currency", "_at", "next_cursor", "trace_id", "/reveal_count", "/now")


def _discovery(t: Transcript) -> Exchange:
    return good(t, "documents", "discovery")


def _names(document: Any, member: str) -> list[str]:
    found = dig(document, member)
    return [str(dig(one, "name") or one) for one in found] if isinstance(found, list) else []


@gateway("DSC-001", title="Discovery is public and names the role", scenarios=("documents",))
def role(t: Transcript) -> Iterator[Outcome]:
    """Without authentication, fitting its schema, role gateway."""
    seen = _discovery(t)
    errors = [f"{where} {text}" for where, text in spec.validator("Discovery").errors(seen.answer)]
    yield holds(not errors, "a Discovery document", f"no Discovery document: {errors[:2]}", seen)
    named = seen.answer.get("role")
    yield holds(named == "gateway", "role gateway", f"role {named!r}", seen)


@gateway("DSC-003", title="The served versions are listed", scenarios=("documents",))
def versions(t: Transcript) -> Iterator[Outcome]:
    """The version in the path of the API."""
    seen = _discovery(t)
    listed, api = _names(seen.answer, "versions"), str(dig(seen.answer, "endpoints", "api") or "")
    major = api.rstrip("/").rpartition("/v")[2]
    there = any(v.partition(".")[0] == major for v in listed)
    yield holds(there, f"version {major} is listed", f"versions {listed}, but the API is at {api}", seen)


@gateway("DSC-004", title="A profile's capabilities are declared", scenarios=("documents",))
def profile_complete(t: Transcript) -> Iterator[Outcome]:
    """Every capability of every profile listed."""
    seen = _discovery(t)
    named, profiles = _names(seen.answer, "capabilities"), _names(seen.answer, "profiles")
    known = [profile for profile in spec.profiles() if profile.id in profiles]
    if not known:
        yield unverified("no known profile is listed", seen)
    for profile in known:
        missing = [one for one in profile.gateway if one not in named]
        yield holds(not missing, "complete", f"profile without {', '.join(missing)}", seen)


@gateway(
    "DSC-005",
    title="Every operation of a declared capability is served",
    scenarios=(
        *("documents", "sale", "replay", "pages", "leases", "sales"),
        *("certifying", "handing_on", "handing_on_rules"),
    ),
)
def operations_served(t: Transcript) -> Iterator[Outcome]:
    """Each one that was asked for was answered with success at least once."""
    declared = _names(_discovery(t).answer, "capabilities")
    served = {e.operation for e in answers(t) if ok(e)}
    missing = []
    for name, operation in operations("gateway").items():
        asked = t.all(operation=name, direction="sent")
        if operation.tag in declared and operation.security == "oauth" and asked and name not in served:
            missing.append((asked[0], f"{name} was never served"))
    yield from every(missing, len(served), "operations are served")


def _elsewhere(exchange: Exchange, text: str) -> bool:
    """Whether another requirement judges this already."""
    where = text.partition(": ")[0]
    documents = ("get_discovery", "get_authorization_server")
    pointer = where[where.index("/") :] if "/" in where else ""
    theirs = exchange.request if exchange.direction == "received" else exchange.response
    null = pointer != "" and any(p == pointer and v is None for p, v in walk(theirs.json if theirs else None))
    return exchange.operation in documents or where.endswith(ELSEWHERE) or null


@gateway(
    "CNV-009",
    title="Answers and events fit the schemas",
    scenarios=("sale", "replay", "pages", "feed", "events"),
)
def fits(t: Transcript) -> Iterator[Outcome]:
    """Status, media type and schema of every success, and every event (problems: ERR-001)."""
    wrong, seen = [], 0
    for exchange in answers(t):
        operation = operations("gateway").get(exchange.operation)
        if operation and ok(exchange):
            seen += 1
            texts = [x for x in response_errors(exchange, operation) if not _elsewhere(exchange, x)]
            wrong += [(exchange, f"{operation.id}: {text}") for text in texts[:1]]
    for exchange in t.all(direction="received", operation="send_event"):
        errors = spec.validator("Event").errors(exchange.request.json)
        seen += 1
        wrong += [
            (exchange, f"Event{at}: {text}") for at, text in errors if not _elsewhere(exchange, f"{at}: ")
        ][:1]
    yield from every(wrong, seen, "answers and events fit")


@gateway("DSC-006", title="The endpoints are absolute and there", scenarios=("documents",))
def endpoints(t: Transcript) -> Iterator[Outcome]:
    """API, token endpoint, authorization server metadata."""
    seen = _discovery(t)
    for name in ("api", "token", "authorization_server"):
        url = str(dig(seen.answer, "endpoints", name) or "")
        absolute = url.startswith(("http://", "https://"))
        yield holds(absolute, "absolute", f"endpoints.{name} is {url!r}", seen)
    for label in ("named metadata", "named api and token endpoint"):
        used = t.one("documents", label)
        yield holds(ok(used), "there", f"{label}: {said(used)}", used)


@gateway("DSC-007", title="Public keys are published, and no private ones", scenarios=("documents",))
def public_keys(t: Transcript) -> Iterator[Outcome]:
    """In discovery and in the key set. That they verify signatures is SIG-002."""
    for label, path in (("discovery", ("keys", "keys")), ("keys", ("keys",))):
        seen = good(t, "documents", label)
        found = dig(seen.answer, *path)
        keys = [k for k in found if isinstance(k, dict)] if isinstance(found, list) else []
        yield holds(bool(keys), "keys", f"{label}: no keys", seen)
        leaked = [member for key in keys for member in PRIVATE if member in key]
        yield holds(not leaked, "public keys only", f"{label}: private members {leaked}", seen)


@gateway("DSC-010", title="sandbox is true where test control is served", scenarios=("documents",))
def sandbox(t: Transcript) -> Iterator[Outcome]:
    """Test control was served in this run."""
    seen = _discovery(t)
    served = [e for e in answers(t) if e.operation.startswith("test_") and ok(e)]
    if not served:
        yield unverified("test control was not served")
        return
    says = seen.answer.get("sandbox")
    yield holds(says is True, "a sandbox", f"test control is served, but sandbox is {says}", seen, served[0])


SAFE = "test_reset"  # is asked for without the secret only: it would forget the trade of others


@gateway(
    "TST-001",
    title="All of test control is served",
    scenarios=("test_control", "books", "unavailable", "hold_expires", "leases_end", "links_undone", "after_owning",
               "tokens", "tiers", "keys_renewed"),
)  # fmt: skip
def all_served(t: Transcript) -> Iterator[Outcome]:
    """Each operation was answered with success; test_reset is there and asks for the secret."""
    to_be_served = t.fact("test_control", "to be served")
    for name, operation in operations("gateway").items():
        if operation.security != "test" or name not in to_be_served:
            continue
        asked = t.all(operation=name)
        if name == SAFE:
            there = [e for e in asked if is_problem(e, "test_secret_invalid")]
        else:
            there = [e for e in asked if ok(e) and e.request.header("vgcp-test-secret")]
        if not asked:
            yield unverified(f"{name} was not asked for")
        elif there:
            yield passed("served", there[0])
        else:
            yield failed(f"{name}: {said(asked[-1])}", asked[-1])


@gateway("TST-003", title="Test control needs its secret", scenarios=("test_control",))
def needs_secret(t: Transcript) -> Iterator[Outcome]:
    """Every operation without and with a wrong secret."""
    good(t, "test_control", "right secret")
    for seen in t.all("test_control", where=lambda e: e.label.startswith(("no secret:", "wrong secret:"))):
        right = is_problem(seen, "test_secret_invalid")
        yield holds(right, "refused", f"{seen.label}: {said(seen)}", seen)


@gateway(
    "TST-007",
    title="What falls due has happened when the clock is advanced",
    scenarios=("hold_expires", "order_expires"),
)
def due_at_once(t: Transcript) -> Iterator[Outcome]:
    """The books at once are those of later; nothing is still to come."""
    for scenario, before, later in (
        ("hold_expires", "stock while held", "stock after expiry"),
        ("order_expires", "stock while pending", "stock after due"),
    ):
        if moved(t, scenario, before, later).verdict is Verdict.PASS:
            yield unverified(f"nothing fell due in {scenario}")
            continue
        yield moved(t, scenario, "stock at once", later)
