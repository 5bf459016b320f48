"""What is wrong between the prose, the registry and the documents; used by the tests and by `vgcp`'s makers."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from spec.frozen import REQUIREMENTS, drift
from spec.loader import FOLDER, ROLES, Json, read
from spec.prose import Sentence, sentences
from spec.registry import OBSERVED, TESTABILITY, rows
from spec.wire import operations

FIELDS = {
    "id",
    "level",
    "roles",
    "profile",
    "capability",
    "operation",
    "text",
    "checks",
    "mutants",
    "excluded",
    "testability",
    "survivors",
}
REQUIRED = FIELDS - {"checks", "mutants", "excluded", "survivors"}


def audit(text: Path = FOLDER / "text", requirements: Path = REQUIREMENTS) -> list[str]:
    """Every fault of the prose and the registry in the two folders, as sentences; empty when there is none."""
    prose, registry = list(sentences(text)), list(rows(requirements))
    faults = [*_prose(prose), *_twice(prose, [str(row.get("id")) for _, row in registry])]
    by_id = {sentence.id: sentence for sentence in prose if sentence.id}
    for noun, row in registry:
        faults += [f"requirements/{noun}.yaml {row.get('id')}: {fault}" for fault in _row(noun, row, by_id)]
    with_row = {row.get("id") for _, row in registry}
    faults += [f"{_where(by_id[i])}: {i} has no row" for i in by_id if i not in with_row]
    return faults + list(drift(requirements, {row.get("id", ""): row for _, row in registry}))


def _where(sentence: Sentence) -> str:
    return f"text/{sentence.noun}.md:{sentence.line}"


def _prose(prose: list[Sentence]) -> Iterator[str]:
    for sentence in prose:
        if sentence.id is None:
            yield f"{_where(sentence)}: a normative sentence without an id"
        elif sentence.level is None:
            yield f"{_where(sentence)}: {sentence.id} has not exactly one of MUST, SHOULD and MAY"
        elif not sentence.roles:
            yield f"{_where(sentence)}: {sentence.id} does not begin with who it binds"


def _twice(prose: list[Sentence], ids: list[str]) -> Iterator[str]:
    for place, found in (("prose", [s.id for s in prose if s.id]), ("registry", ids)):
        yield from (
            f"{name} stands twice in the {place}" for name, count in Counter(found).items() if count > 1
        )


def _row(noun: str, row: Json, by_id: dict[str, Sentence]) -> Iterator[str]:
    missing, unknown = REQUIRED - row.keys(), row.keys() - FIELDS
    if missing or unknown:
        yield f"lacks {sorted(missing)}, has unknown {sorted(unknown)}"
        return
    sentence = by_id.get(row["id"])
    if sentence is None:
        yield "there is no such sentence"
    else:
        yield from _drift(noun, row, sentence)
    yield from _values(row)
    yield from _testing(row)


def _testing(row: Json) -> Iterator[str]:
    checks, survivors = row.get("checks"), row.get("survivors") or {}
    if bool(checks) == bool(row.get("excluded")):
        yield "has neither checks nor a reason, or both"
    if row["testability"] not in TESTABILITY:
        yield f"unknown testability {row['testability']}"
    elif (row["testability"] in OBSERVED) != bool(checks):
        yield f"is {row['testability']} {'with' if checks else 'without'} checks"
    if checks and not row.get("mutants") and not survivors:
        yield "is checked and has neither a mutant nor a survivor with its reason"
    if not all(isinstance(reason, str) and reason.strip() for reason in survivors.values()):
        yield "has a survivor without a reason"


def _drift(noun: str, row: Json, sentence: Sentence) -> Iterator[str]:
    if sentence.noun != noun:
        yield f"its sentence stands on the page {sentence.noun}"
    if row["text"] != sentence.text:
        yield "its text is not the sentence's"
    if row["level"] != sentence.level:
        yield f"its level is not the sentence's, {sentence.level}"
    if sentence.roles and tuple(row["roles"]) != sentence.roles:
        yield f"its roles are not the sentence's, {list(sentence.roles)}"


def _values(row: Json) -> Iterator[str]:
    roles = [role for role in row["roles"] if role in ROLES]
    if len(roles) != len(row["roles"]) or not roles:
        yield f"unknown role in {row['roles']}"
    if row["profile"] not in read("profiles.yaml"):
        yield f"unknown profile {row['profile']}"
    # an operation of either side: a gateway rule may be about receive_event, which it calls
    known = [operation for role in ROLES for operation in operations(role)]
    # what is declared is served by operations of its own, or is a way in which others are served
    declared = {*read("schemas/discovery.yaml")["Capability"]["properties"]["name"]["x-extensible-enum"]}
    if row["capability"] is not None and row["capability"] not in declared | {one.tag for one in known}:
        yield f"unknown capability {row['capability']}"
    if row["operation"] is not None and row["operation"] not in {one.id for one in known}:
        yield f"unknown operation {row['operation']}"
