"""Explanations to be read: on a terminal, and as HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

WIDTH = 100  # of a line of JSON
FOUND_OUT = {
    "wire": "on the wire",
    "test_control": "by test control",
    "manual": "by hand",
    "not_observable": "not from outside",
}


def facts(one: Json) -> list[str]:
    """Level, roles, profile, capability, operation and how it is found out, in words."""
    words = [one["level"], " and ".join(one["roles"]), f"profile {one['profile']}"]
    words += [f"capability {one['capability']}"] if one["capability"] else []
    words += [one["operation"]] if one.get("operation") else []
    words += [FOUND_OUT[one["testability"]]]
    return words + (["provisional"] if one["provisional"] else [])


def screen(one: Json) -> Iterator[str]:
    """The lines of an explanation for a terminal."""
    yield f"{one['id']}  {one['text']}"
    yield f"         {' · '.join(facts(one))} · {one['page']}"
    if one.get("excluded"):
        yield f"\nNot checked  {one['excluded']}"
    for check in one["checks"]:
        yield f"\nCheck {check['id']} ({check['role']})  {check['title']}"
        yield f"  looks at   {check['looks_at']}"
        yield f"  to fix it  {check['hint']}"
    if one["mutants"] or one.get("survivors"):
        yield "\nWrong implementations"
    for mutant in one["mutants"]:
        yield f"  {mutant['name']}  {mutant['about']}"
    for name, reason in one.get("survivors", {}).items():
        yield f"  {name} is not caught: {reason}"
    for role, example in one["examples"].items():
        for side in ("right", "wrong"):
            yield f"\n{title(side, role, example[side])}"
            yield from _indented(conversation(example[side]))


def title(side: str, role: str, told: Json) -> str:
    """What an example shows."""
    who = f"{role}:{told['mutant']}" if side == "wrong" else role
    return f"{'Passes' if side == 'right' else 'Fails'} ({who}, {told['check']}): {told['message']}"


def _indented(text: str) -> Iterator[str]:
    yield from (f"  {line}".rstrip() for line in text.splitlines())


def conversation(told: Json) -> str:
    """The exchanges of an example as HTTP, one under the other."""
    return "\n\n".join("\n".join(_exchange(one)) for one in told["exchanges"])


def _exchange(one: Json) -> Iterator[str]:
    yield f"# the {one['asks']}: {one['label']}" if one.get("label") else f"# the {one['asks']}"
    yield one["request"]
    yield from _message(one, "headers", "body")
    if "error" in one:
        yield f"# {one['error']}"
        return
    yield f"→ {one['status']}"
    yield from _message(one, "answer_headers", "answer")


def _message(one: Json, headers: str, body: str) -> Iterator[str]:
    yield from (f"{name}: {value}" for name, value in one.get(headers, {}).items())
    if body in one:
        yield one[body] if isinstance(one[body], str) else compact(one[body])


def compact(value: Any, indent: str = "") -> str:
    """JSON that puts into one line what fits into one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + len(indent) <= WIDTH or not isinstance(value, dict | list):
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        inside = [f"{json.dumps(k, ensure_ascii=False)}: {compact(v, deeper)}" for k, v in value.items()]
        begin, end = "{", "}"
    else:
        inside, begin, end = [compact(v, deeper) for v in value], "[", "]"
    return f"{begin}\n{deeper}" + f",\n{deeper}".join(inside) + f"\n{indent}{end}"
