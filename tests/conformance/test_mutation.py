"""The suite's own score: what counts as caught, what makes it fail, and that the committed one is of today's checks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import spec
from conformance.commands.mutation import mutation as command
from conformance.model import REGISTRY, Role
from conformance.mutants import Mutant, mutants
from conformance.mutation import ROLES, Score, chosen
from conformance.runner import load
from conformance.score import COMMITTED, committed, names_digest
from conformance.trials import Trial

WRONG = Mutant("cheaper", frozenset({"ORD-003"}), "sells at any lower price")
CAUGHT = Trial(
    "gateway",
    WRONG,
    frozenset({("ORD-003", "fail")}),
    ("ORD-003",),
    ("ORD-003 fail: sold",),
    "failed",
    "",
    1.0,
)


@pytest.mark.parametrize("role", ROLES)
def test_the_committed_score_is_of_the_present_mutants_and_checks(role: Role) -> None:
    """Whoever adds a check or a mutant runs `make mutation`; until then this fails."""
    data = json.loads(COMMITTED.read_text("utf-8"))[role]
    assert data["names_digest"] == names_digest(role), "run make mutation"
    assert data["mutants"] == len(mutants(role))
    assert data["killed"] + len(data["survivors"]) == data["mutants"]
    assert [one for one in data["survivors"] if not one["reason"]] == []
    assert (data["vacuous_passes"], data["unfailed_checks"]) == ([], [])
    assert committed(role)["mutants"] == data["mutants"]


@pytest.mark.parametrize("role", ROLES)
def test_every_checked_requirement_has_a_mutant(role: Role) -> None:
    """No check without a wrong implementation that it catches, and no two mutants of a name."""
    load(role)
    caught = {requirement for mutant in mutants(role) for requirement in mutant.fails}
    assert caught == {entry.requirement for entry in REGISTRY.of(role)}
    labels = [mutant.label for mutant in mutants(role)]
    assert len(set(labels)) == len(labels) >= 12


@pytest.mark.parametrize(
    ("trial", "killed"),
    [
        (CAUGHT, True),
        (replace(CAUGHT, reported=frozenset(), verdict="certified"), False),
        (replace(CAUGHT, reported=CAUGHT.reported | {("ORD-001", "fail")}), False),
        (replace(CAUGHT, reported=frozenset({("ORD-003", "harness_error")})), False),
        (replace(CAUGHT, reported=frozenset({("ORD-003", "warn")})), False),
        (replace(CAUGHT, void="no gateway", verdict="void"), False),
        (replace(CAUGHT, verdict="certified"), False),
    ],
)
def test_killed_is_who_fails_on_its_own_requirement_only(trial: Trial, killed: bool) -> None:
    """Not more, not less, not by a fault of the suite, and not by a void run."""
    assert trial.killed is killed
    assert killed or trial.why


def test_a_survivor_needs_a_reason_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one it is unexplained; with one it is still named in the score."""
    load("gateway")
    score = Score("gateway", [CAUGHT, replace(CAUGHT, reported=frozenset())])
    assert [one.mutant for one in score.unexplained] == [WRONG]
    why = {"gateway:cheaper": "nobody can see it"}
    rows = [replace(row, survivors=why) if row.id == "ORD-003" else row for row in spec.requirements()]
    monkeypatch.setattr(spec, "requirements", lambda: tuple(rows))
    assert score.unexplained == []
    data = score.as_data()
    assert (data["mutants"], data["killed"], data["score"]) == (2, 1, 0.5)
    assert [(one["mutant"], one["reason"]) for one in data["survivors"]] == [("cheaper", "nobody can see it")]


def test_a_check_that_nothing_fails_is_named() -> None:
    """Of all checks of the role, only the one that failed is shown to be able to."""
    load("gateway")
    others = [replace(CAUGHT, mutant=one, checks=()) for one in mutants("gateway")[1:]]
    assert Score("gateway", [CAUGHT]).unfailed == []  # of a selection, nothing can be said
    unfailed = Score("gateway", [CAUGHT, *others]).unfailed
    assert len(unfailed) == len(REGISTRY.of("gateway")) - 1
    assert "ORD-003" not in unfailed


def test_mutants_are_chosen_by_name_or_requirement() -> None:
    """And an unknown name is an error."""
    assert {one.name for one in chosen("channel", ["LIM-004"])} == {
        "gives_up_on_503",
        "shrinking_pauses",
        "retries_forever",
    }
    assert [one.label for one in chosen("channel", ["first_signature_only (rfc9421)"])] == [
        "first_signature_only (rfc9421)"
    ]
    with pytest.raises(KeyError):
        chosen("gateway", ["no_such"])


def test_the_command_scores_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mutant, in a process of its own, is killed; a selection writes no score."""
    monkeypatch.chdir(tmp_path)
    before = COMMITTED.read_bytes()
    result = CliRunner().invoke(command, ["--only", "plain_errors", "--json"])
    data = json.loads(result.stdout)
    assert (result.exit_code, list(data)) == (0, ["channel", "suite_digest", "requirements_digest"])
    assert (data["channel"]["mutants"], data["channel"]["killed"], data["channel"]["score"]) == (1, 1, 1.0)
    assert data["channel"]["vacuous_passes"] == []
    assert (list(tmp_path.iterdir()), COMMITTED.read_bytes()) == ([], before)
    assert CliRunner().invoke(command, ["--only", "nobody"]).exit_code == 2
