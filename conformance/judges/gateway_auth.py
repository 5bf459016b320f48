"""Judges of auth.md: who a channel is, and what it may reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.judges.gateway_evidence import Json, dig, good, is_problem, items, moved, ok, refusal, said
from conformance.model import MissingError, Outcome, check, failed, holds, passed, unverified
from conformance.timing import TOKEN_LIFE
from conformance.transcript import Exchange, Transcript
from conformance.wire import operations

gateway = partial(check, role="gateway")
OWN_PATH = "/.well-known/oauth-authorization-server"


@gateway("AUT-001", title="Authorization server metadata as in RFC 8414", scenarios=("documents",))
def metadata(t: Transcript) -> Iterator[Outcome]:
    """The issuer is where the document is, the token endpoint where tokens are, the grant the one in use."""
    seen = good(t, "documents", "metadata")
    found = seen.answer
    issuer = str(found.get("issuer") or "").rstrip("/")
    named = seen.request.url.removesuffix(OWN_PATH)
    endpoint = dig(good(t, "documents", "discovery").answer, "endpoints", "token")
    yield holds(
        issuer != "" and issuer in (named, _origin(endpoint)), "the issuer", f"issuer {issuer!r}", seen
    )
    same = found.get("token_endpoint") == endpoint
    yield holds(same, "one token endpoint", "token_endpoint is not the one in discovery", seen)
    grants = found.get("grant_types_supported")
    there = isinstance(grants, list) and "client_credentials" in grants
    yield holds(there, "client_credentials is named", f"grant_types_supported {grants}", seen)
    keys = str(found.get("jwks_uri") or "")
    yield holds(keys.startswith("http"), "jwks_uri is absolute", f"jwks_uri {keys!r}", seen)


def _origin(url: Any) -> str:
    return "/".join(str(url).split("/")[:3])


@gateway("AUT-002", title="A token for the client secret", scenarios=("secrets",))
def by_secret(t: Transcript) -> Iterator[Outcome]:
    """In the body and by HTTP Basic, and the token works."""
    for label in ("secret in the body", "secret by Basic"):
        seen = t.one("secrets", label)
        token = seen.answer.get("access_token")
        yield holds(ok(seen) and bool(token), f"{label}: a token", f"{label}: {said(seen)}", seen)
    used = t.one("secrets", "use of the own scope")
    yield holds(ok(used), "the token works", f"the token was answered by {said(used)}", used)


@gateway("AUT-003", title="private_key_jwt is accepted", scenarios=("assertions",))
def by_assertion(t: Transcript) -> Iterator[Outcome]:
    """A fresh assertion by the registered key; by another key it is refused."""
    seen, fake = t.one("assertions", "good assertion"), t.one("assertions", "assertion by another key")
    yield holds(ok(seen), "a good assertion gets a token", f"a good assertion: {said(seen)}", seen)
    right = is_problem(fake, "invalid_client")
    yield holds(right, "by another key it is refused", f"by another key: {said(fake)}", fake)


@gateway("AUT-004", title="Stale, foreign and repeated assertions are refused", scenarios=("assertions",))
def bad_assertions(t: Transcript) -> Iterator[Outcome]:
    """Beside one that is accepted."""
    for label in ("same assertion again", "expired assertion", "assertion for another"):
        yield from refusal(t, "assertions", label, "invalid_client", "good assertion")


@gateway("AUT-005", title="A wrong secret is refused", scenarios=("secrets",))
def wrong_secret(t: Transcript) -> Iterator[Outcome]:
    """And an unknown client."""
    for label in ("wrong secret", "unknown client"):
        yield from refusal(t, "secrets", label, "invalid_client", "secret in the body")


@gateway(
    "AUT-006", title="Tokens are signed JWTs that expire within an hour", scenarios=("secrets", "documents")
)
def jwt_tokens(t: Transcript) -> Iterator[Outcome]:
    """RFC 9068: type, claims, signature by the published keys."""
    seen, keys = good(t, "secrets", "secret in the body"), good(t, "secrets", "keys")
    found = seen.observed.get("token", {"error": "there is none"})
    if "error" in found:
        yield failed(f"the token is no JWT that the published keys verify ({found['error']})", seen, keys)
        return
    kind = str(found["header"].get("typ", "")).lower().removeprefix("application/")
    yield holds(kind == "at+jwt", "typ is at+jwt", f"typ is {kind!r}", seen)
    missing = [n for n in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti") if n not in found["claims"]]
    yield holds(not missing, "the claims of RFC 9068", f"claims missing: {', '.join(missing)}", seen)
    life = _life(found["claims"])
    yield holds(
        0 < life <= TOKEN_LIFE.seconds, "tokens live an hour at most", f"a token of {life:.0f} s", seen
    )
    promised = seen.answer.get("expires_in")
    short = isinstance(promised, int) and promised <= TOKEN_LIFE.seconds
    yield holds(short, "expires_in an hour at most", f"expires_in is {promised}", seen)


def _life(claims: Json) -> float:
    try:
        return float(claims["exp"]) - float(claims["iat"])
    except (KeyError, TypeError, ValueError):
        return -1


@gateway("AUT-007", title="No scope beyond the client's", scenarios=("secrets",))
def no_more_scope(t: Transcript) -> Iterator[Outcome]:
    """A catalog client asks for orders too: refused, or granted without."""
    seen, twin = t.one("secrets", "more scope than granted"), t.one("secrets", "use of the own scope")
    if not ok(twin):
        yield unverified(f"its own scope: {said(twin)}", twin)
    elif ok(seen):
        used = t.all("secrets", label="use of the scope")
        granted = "orders" in str(seen.answer.get("scope", "")).split() or any(map(ok, used))
        yield holds(
            not granted, "granted without the other scope", "granted a scope it does not have", seen, *used
        )
    else:
        yield holds(is_problem(seen, "invalid_scope"), "refused", f"refused with {said(seen)}", seen)


@gateway("AUT-008", title="Nothing without a valid token", scenarios=("no_token",))
def nothing_without(t: Transcript) -> Iterator[Outcome]:
    """Every protected operation, without a token and with a made-up one."""
    good(t, "no_token", "good token")
    for seen in t.all("no_token", where=lambda e: e.label.startswith(("no token:", "made-up:"))):
        right = is_problem(seen, "unauthenticated")
        yield holds(right, "refused without a valid token", f"{seen.label}: {said(seen)}", seen)
    yield moved(t, "no_token", "stock before", "stock after")


@gateway("AUT-009", title="An expired token is refused", scenarios=("token_expires",))
def expired_token(t: Transcript) -> Iterator[Outcome]:
    """The same token before and after its time."""
    yield from refusal(t, "token_expires", "expired token", "unauthenticated", "good token")
    seen = t.one("token_expires", "new token", operation="list_offers")
    if not ok(seen):
        yield unverified(f"a new token did not work either: {said(seen)}", seen)


@gateway("AUT-010", title="Every operation needs its scope", scenarios=("scopes",))
def needs_scope(t: Transcript) -> Iterator[Outcome]:
    """A token with every other scope (deliveries: DLV-008); the same request with a token for it is let through."""
    twins = t.all("scopes", where=lambda e: e.label.startswith("with scope:"))
    if not twins or not all(map(ok, twins)):
        raise MissingError("with the scope it was refused too")
    for seen in t.all("scopes", where=lambda e: e.label.startswith("without scope:")):
        if operations("gateway")[seen.operation].scope != "delivery":
            right, twin = is_problem(seen, "scope_missing"), t.one("scopes", f"in scope: {seen.operation}")
            yield holds(right, "refused without the scope", f"{seen.label}: {said(seen)}", seen, twin)
            if not twin.status or twin.status in (401, 403):
                yield unverified(f"in scope, {seen.operation} was refused too: {said(twin)}", twin)


@gateway("AUT-011", title="Another channel's id looks like none", scenarios=("strangers",))
def looks_like_none(t: Transcript) -> Iterator[Outcome]:
    """The same request for what is another's and for what is nobody's: the answers differ in nothing but ids."""
    good(t, "strangers", "owner's hold")
    for theirs in t.all("strangers", where=lambda e: e.label.startswith("another's:")):
        none = t.one("strangers", f"nobody's: {theirs.operation}")
        same = (theirs.status, _plain(theirs)) == (none.status, _plain(none))
        right = is_problem(theirs, "not_found") and same
        bad = f"{theirs.operation}: another's {said(theirs)}, nobody's {said(none)}"
        yield holds(right, "looks like none", bad if bad else "", theirs, none)


def _plain(exchange: Exchange) -> str:
    """The problem without what names this one request, and without the ids that were asked for."""
    skip = ("trace_id", "request_id", "instance")
    text = json.dumps({k: v for k, v in exchange.answer.items() if k not in skip}, sort_keys=True)
    asked = [part for part in exchange.request.url.split("/") if "_" in part]
    asked += [str(dig(exchange.asked, "offer_id")), str(dig(exchange.asked, "lines", 0, "offer_id"))]
    for name in asked:
        text = text.replace(name, "…")
    return text


@gateway("AUT-012", title="Lists show nothing of another channel", scenarios=("strangers",))
def lists_nothing(t: Transcript) -> Iterator[Outcome]:
    """Every list, read by a stranger."""
    ids = t.fact("strangers", "ids")
    for name in ("list_offers", "list_reservations", "list_orders", "list_events", "list_allotments"):
        if name == "list_allotments" and not t.all("strangers", operation=name):
            continue
        owner = good(t, "strangers", f"owner: {name}")
        if not items(owner):
            yield unverified(f"{name} is empty for the owner too", owner)
            continue
        for page in t.all("strangers", label=f"stranger: {name}"):
            text = json.dumps(page.answer)
            leaked = [one for one in ids if one in text]
            words = f"{name} shows {len(leaked)} ids of another channel ({said(page)})"
            yield holds(ok(page) and not leaked, "nothing of another", words, page)


@gateway("AUT-013", title="A token with a broken signature is refused", scenarios=("no_token",))
def broken_signature(t: Transcript) -> Iterator[Outcome]:
    """Changed, and taken away (alg none)."""
    for label in ("broken signature", "no signature"):
        yield from refusal(t, "no_token", label, "unauthenticated", "good token")


@gateway("AUT-016", title="A 401 says how to authenticate", scenarios=("no_token",))
def challenge(t: Transcript) -> Iterator[Outcome]:
    """WWW-Authenticate."""
    seen = t.all("no_token", where=lambda e: e.status == 401)
    mute = [e for e in seen if not e.header("www-authenticate")]
    if mute:
        yield failed(f"{len(mute)} of {len(seen)} answers with 401 without WWW-Authenticate", *mute[:3])
    elif seen:
        yield passed("every 401 has WWW-Authenticate", *seen[:3])
