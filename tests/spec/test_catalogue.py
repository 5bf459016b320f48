"""The catalogue of problems is closed, the life of an order is whole, and profiles name what there is."""

import re
from itertools import pairwise

import pytest

import spec
from spec import catalogue, life
from spec.loader import read

ROLES = ("gateway", "channel")

# Answered before an operation is known, so that no operation lists them.
FRAMEWORK = {"method_not_allowed"}

# Every operation that takes a body can be given a bad one.
WITH_BODY = {"malformed", "invalid", "body_too_large", "media_type_unsupported"}


def used() -> dict[str, set[str]]:
    """Every code that some operation lists, and the operations (of either role) that do."""
    found: dict[str, set[str]] = {}
    for role in ROLES:
        for operation in spec.operations(role):
            for code in operation.problems:
                found.setdefault(code, set()).add(operation.id)
    return found


def test_the_catalogue_is_closed() -> None:
    """Operations list codes of the catalogue only, and every code is listed by some operation or is the framework's."""
    assert used().keys() | FRAMEWORK == spec.problems().keys()
    assert not used().keys() & FRAMEWORK


def test_every_problem_is_well_formed() -> None:
    """Each row has an error status, a title of its own, and says whether a retry helps."""
    problems = spec.problems()
    for problem in problems.values():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", problem.code)
        assert 400 <= problem.status <= 599
        assert problem.retry in {"no", "same", "refresh", "changed"}
        assert problem.type == f"urn:vgcp:problem:{problem.code}"
        assert len(problem.title) <= 256
    assert len({problem.title for problem in problems.values()}) == len(problems)


def test_waiting_helps_where_the_status_says_so() -> None:
    """429 and 5xx are worth the same request again; 4xx but 409 and 429 are not."""
    for problem in spec.problems().values():
        if problem.status == 429 or problem.status >= 500:
            assert problem.retryable, problem.code
        elif problem.status != 409:
            assert not problem.retryable, problem.code


def test_oauth_errors_are_the_token_endpoint_s() -> None:
    """The codes with an RFC 6749 name are listed by `issue_token` alone."""
    oauth = {code for code, problem in spec.problems().items() if problem.oauth}
    assert {code: used()[code] for code in oauth} == {code: {"issue_token"} for code in oauth}


@pytest.mark.parametrize("role", ROLES)
def test_operations_list_what_their_kind_brings(role: str) -> None:
    """Security, body, path id, cursor and key each bring their problems, and only they do."""
    for operation in spec.operations(role):
        codes, names = set(operation.problems), set(operation.parameter_names)
        assert len(codes) == len(operation.problems), operation.id
        assert {"unavailable", "internal"} <= codes, operation.id
        assert ("unauthenticated" in codes) == ("scope_missing" in codes) == (operation.security == "oauth")
        assert ("test_secret_invalid" in codes) == (operation.security == "test"), operation.id
        assert ("signature_invalid" in codes) == (operation.security == "signed"), operation.id
        assert ("cursor_invalid" in codes) == ("cursor" in names), operation.id
        assert ("idempotency_key_missing" in codes) == operation.idempotent, operation.id
        if operation.request_media == "application/json":
            assert codes >= WITH_BODY, operation.id


def test_the_documents_show_the_catalogue_s_statuses() -> None:
    """`Order.status` lists the states of the table, in its order."""
    states = spec.standalone("Order")["components"]["schemas"]["Order"]["properties"]["status"][
        "x-extensible-enum"
    ]
    assert tuple(states) == spec.transitions().states


def test_every_state_is_reached() -> None:
    """Every state can be reached from the first one."""
    table = spec.transitions()
    reached, before = {table.initial}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {target for (source, _), target in table.table.items() if source in reached}
    assert reached == set(table.states)


def test_final_states_have_no_way_out() -> None:
    """A final state is left by nothing; every other one by something."""
    table = spec.transitions()
    left = {source for source, _ in table.table}
    assert left == set(table.states) - table.final
    assert table.final <= set(table.states)


def test_the_table_is_unambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for each (from, event), which the loader insists on, and only known states."""
    rows = read("order_transitions.yaml")["transitions"]
    table = spec.transitions()
    assert len(rows) == len(table.table)
    assert {state for row in rows for state in (row["from"], row["to"])} <= set(table.states)
    twice = read("order_transitions.yaml") | {"transitions": [*rows, rows[0] | {"to": "closed"}]}
    monkeypatch.setattr(catalogue, "read", lambda _: twice)
    with pytest.raises(ValueError, match="two rows"):
        catalogue.transitions.__wrapped__()


def test_observable_steps() -> None:
    """Steps are the state changes without their events; the happy path is made of them."""
    steps = spec.transitions().steps()
    path = ["created", "payment_required", "paid", "fulfilling", "fulfilled", "closed"]
    assert set(pairwise(path)) <= steps
    assert ("fulfilled", "cancelled") not in steps


def test_later_events_are_events() -> None:
    """What the drawn page marks as coming later is in the table."""
    assert life.LATER.keys() <= set(spec.transitions().events)
    assert "created --> paid: collect_payment" in life.diagram()


def test_profiles_name_capabilities() -> None:
    """A profile names capabilities that discovery can declare; but for sealing they tag operations of the gateway's."""
    declared = spec.standalone("Capability")["components"]["schemas"]["Capability"]["properties"]["name"]
    tags = {operation.tag for operation in spec.operations("gateway")} | {"sealed_delivery"}
    for profile in spec.profiles():
        assert {*profile.gateway, *profile.channel} <= set(declared["x-extensible-enum"]) & tags


def test_the_life_of_an_entitlement_is_whole() -> None:
    """Its table has the statuses of `Entitlement`, each reached from the first, and no way out of a final one."""
    life = spec.entitlement_transitions()
    shown = spec.standalone("Entitlement")["components"]["schemas"]["Entitlement"]["properties"]["status"]
    assert tuple(shown["x-extensible-enum"]) == life.states
    assert {life.initial, *life.table.values()} == set(life.states)
    assert {source for source, _ in life.table} == set(life.states) - life.final
