"""A refusal counts only for the right reason: its accepted twin differs in nothing but the fault.

The pairs are those that the judges themselves compare; what each may differ in stands in FAULTS. A pair that is not
there differs in no member at all: what makes the difference is what happened before (a hold ran out, stock is sold).
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import conformance.judges
from conformance.judges.gateway_evidence import ok
from conformance.model import REGISTRY, MissingError
from conformance.runner import Run
from conformance.transcript import Exchange, Transcript

# What is new in every request, and what names the fixture of a story.
FRESH = re.compile(
    r"header (traceparent|idempotency-key|webhook-.*|signature.*)"
    r"|/(.*/)?reference|/(.*_)?id|/occurred_at|/traceparent"
)
# Of a passkey's credential: what is of another link, and what more of another passkey that was just made.
USED = {"/ticket", "/credential/response/clientDataJSON", "/credential/response/signature"}
DATA = "/credential/response/authenticatorData"
ID = {"/credential/id", "/credential/rawId"}
MADE = {
    *("/ticket", "/credential/response/clientDataJSON", "/credential/response/attestationObject"),
    *(DATA, "/credential/response/publicKey"),
}
TOKENS = ("audience", "expiry", "issuer", "nonce", "signature")  # of id tokens, what is wrong
FAULTS = {
    ("assertions", "expired assertion"): {"form client_assertion"},
    ("assertions", "assertion for another"): {"form client_assertion"},
    ("binding", "RSA key"): {"/holder_key/kty"},
    ("binding", "X25519 key"): {"/holder_key/crv"},
    ("binding", "private key"): {"/holder_key/d"},
    ("handing_on_rules", "accept cancelled"): {"/code"},
    ("handing_on_rules", "accept declined"): {"/code"},
    ("owning_ends", "late answer"): {"/code"},
    ("bad_requests", "cut off"): {"body"},
    ("bad_requests", "not JSON"): {"body"},
    ("bad_requests", "text"): {"header content-type"},
    ("consents", "give to nobody a"): {"/scope/channels/0"},
    ("consents", "give until the past a"): {"/expires_at"},
    ("email_links", "unknown kind a"): {"/kind"},
    ("email_links", "wrong code a"): {"/code"},
    ("holds", "more than there is"): {"/quantity"},
    ("holds", "wrong region"): {"/buyer/region"},
    **{("id_tokens", f"{name}: wrong a"): {"/id_token"} for name in TOKENS},
    ("lease_limits", "lease into safety"): {"/quantity"},
    ("leases", "lease of too many"): {"/quantity"},
    ("leases", "order of what is leased"): {"/lines/0/quantity"},
    ("leases", "release too many"): {"/quantity"},
    ("link_codes", "wrong link code b"): {"/code"},
    ("mismatch", "another quantity"): {"/lines/0/quantity"},
    ("no_token", "broken signature"): {"header authorization"},
    ("no_token", "no signature"): {"header authorization"},
    ("pages", "another list's cursor"): {"query cursor"},
    ("pages", "made-up cursor"): {"query cursor"},
    ("pending", "paid after cancel"): {"/amount/amount"},  # that order's own total
    ("pending", "wrong amount"): {"/amount/amount"},
    ("purchase_limits", "too many at once"): {"/lines/0/quantity"},
    ("refunds", "refund too much"): {"/lines/0/quantity"},
    ("refusals", "more than there is"): {"/lines/0/quantity"},
    ("refusals", "too many"): {"/lines/0/quantity"},
    ("refusals", "wrong currency"): {"/lines/0/unit_price/currency"},
    ("refusals", "wrong price"): {"/lines/0/unit_price/amount"},
    ("refusals", "wrong region"): {"/buyer/region"},
    ("refused_lines", "no input"): {"/lines/0/buyer_input/account"},
    ("refused_lines", "second line sold out"): {"/lines/1/quantity"},
    ("refused_lines", "two currencies"): {"/lines/1/unit_price/currency"},
    ("refused_lines", "wrong input"): {"/lines/0/buyer_input/account"},
    ("replay", "extend conflict"): {"/ttl_seconds"},
    ("replay", "hold conflict"): {"/quantity"},
    ("replay", "pay conflict"): {"/method"},
    ("replay_ends", "cancel conflict"): {"/reason"},
    ("replay_ends", "reveal conflict"): {"/reason"},
    ("safety_stock", "hold into safety"): {"/quantity"},
    ("safety_stock", "order into safety"): {"/lines/0/quantity"},
    ("secrets", "unknown client"): {"form client_id"},
    ("secrets", "wrong secret"): {"form client_secret"},
    ("shared_limits", "too much when apart a"): {"/lines/0/quantity"},
    ("shared_limits", "too much when linked b"): {"/lines/0/quantity"},
    ("passkeys", "use of what nobody has e"): USED,
    **{
        ("wrong_passkeys", f"{name}: wrong making a"): MADE | ID
        for name in ("challenge", "origin", "port", "party", "verification")
    },
    **{
        ("wrong_passkeys", f"{name}: wrong using a"): USED
        for name in ("challenge", "origin", "port", "signature")
    },
    **{("wrong_passkeys", f"{name}: wrong using a"): USED | {DATA} for name in ("party", "verification")},
    ("wrong_passkeys", "stranger: wrong using a"): USED | ID,
    ("wrong_passkeys", "taken: wrong making a"): MADE,
    **{
        ("tokens", name): {"/lines/0/buyer_input/address"}
        for name in ("wrong checksum", "too short", "no hexadecimal")
    },
}
Pair = tuple[str, str, str]


@pytest.fixture
def pairs(gateway_run: Run, monkeypatch: pytest.MonkeyPatch) -> set[Pair]:
    """(scenario, refused, twin) of every refusal that a judge of a gateway compares."""
    found: set[Pair] = set()

    def noted(t: Transcript, scenario: str, bad: str, code: str, twin: str) -> Iterator[Any]:
        found.add((scenario, bad, twin))
        return iter(())

    for module in pkgutil.iter_modules(conformance.judges.__path__):
        loaded = importlib.import_module(f"conformance.judges.{module.name}")
        if module.name.startswith("gateway_") and hasattr(loaded, "refusal"):
            monkeypatch.setattr(loaded, "refusal", noted)
    for check in REGISTRY.of("gateway"):
        try:
            list(check.judge(gateway_run.transcript))
        except MissingError as missing:  # the right gateway shows everything
            raise AssertionError(check.id) from missing
    return found


def members(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a body by its JSON Pointer."""
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in inside:
            yield from members(part, f"{path}/{name}")
    else:
        yield path, value


def parts(e: Exchange) -> dict[str, Any]:
    """All that a request consists of, by name. Ids in paths are of the fixture."""
    place = urlsplit(e.request.url)
    found: dict[str, Any] = {f"header {name.lower()}": value for name, value in e.request.headers}
    found |= {f"query {name}": value for name, value in parse_qsl(place.query)}
    found |= {"operation": e.operation, "method": e.request.method}
    if e.request.media_type == "application/x-www-form-urlencoded":
        return found | {f"form {name}": v for name, v in parse_qsl(e.request.body.decode())}
    body = e.request.json
    return found | (dict(members(body)) if body is not None else {"body": e.request.body})


def difference(one: Exchange, other: Exchange) -> set[str]:
    """The names of what differs, other than what is always new."""
    a, b = parts(one), parts(other)
    if ("body" in a) != ("body" in b):  # one of them is no JSON
        a, b = ({n: v for n, v in p.items() if not n.startswith("/")} for p in (a, b))
    return {n for n in a.keys() | b.keys() if a.get(n) != b.get(n) and not FRESH.fullmatch(n)}


def test_every_refusal_of_a_gateway_has_a_near_twin(gateway_run: Run, pairs: set[Pair]) -> None:
    """The twin was accepted, and differs in nothing but what is wrong with the refused one."""
    t, wrong = gateway_run.transcript, {}
    for scenario, bad, twin in sorted(pairs):
        accepted, refused = t.one(scenario, twin), t.one(scenario, bad)
        found, fault = difference(accepted, refused), FAULTS.get((scenario, bad), set())
        if found != fault or not ok(accepted) or ok(refused):
            wrong[scenario, bad] = (sorted(found), sorted(fault))
    assert wrong == {}
    assert len(pairs) >= 50
    assert {(scenario, bad) for scenario, bad, _ in pairs} >= FAULTS.keys()


def test_every_missing_scope_has_a_near_twin(gateway_run: Run) -> None:
    """The same request with a token that has the scope was let through."""
    t = gateway_run.transcript
    seen = t.all("scopes", where=lambda e: e.label.startswith("without scope: "))
    assert len(seen) > 20
    for bad in seen:
        twin = t.one("scopes", f"in scope: {bad.operation}")
        assert (difference(twin, bad), bad.problem) == ({"header authorization"}, "scope_missing")
        assert twin.problem not in ("scope_missing", "unauthenticated")


def test_every_bad_event_has_a_near_twin(channel_run: Run) -> None:
    """The very same body, well signed, was taken; the forged one is what was put under an honest signature."""
    t = channel_run.transcript
    twin = t.one("signatures", "bad, well signed")
    assert ok(twin)
    for label in ("unsigned", "wrong_key", "garbage", "old", "ahead", "tampered"):
        event = t.one("signatures", label)
        assert (difference(twin, event), event.status) == (set(), 401), label


def test_test_control_without_its_secret_has_a_near_twin(full_run: Run) -> None:
    """Each operation, asked for without a secret and with a wrong one, differs from nothing but that."""
    t = full_run.transcript
    scenario = "test_control" if full_run.target.role == "gateway" else "test_secret"
    seen = {e.label for e in t.all(scenario, where=lambda e: ": " in e.label)}
    for label in (one for one in seen if one.startswith("no secret: ") or one.endswith(": no secret")):
        bad = t.one(scenario, label)
        other = t.one(scenario, label.replace("no secret", "wrong secret"))
        assert difference(bad, other) == {"header vgcp-test-secret"}
