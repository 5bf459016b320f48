"""Draws the life of an order from its transition table (docs/order-life.md)."""

from spec.catalogue import Transitions, transitions

# Events that no capability in force triggers yet, and the capability that will.
LATER = {
    "require_verification": "risk",
    "reject": "risk",
}

PAGE = """\
# The life of an order

Made from [`spec/order_transitions.yaml`](../spec/order_transitions.yaml) by `make spec`; change it
there. What the table does not have is refused with `transition_not_allowed`.

```mermaid
{diagram}```

| from | event | to | comes with |
|---|---|---|---|
{rows}
Final are {final}.
"""


def diagram(life: Transitions | None = None) -> str:
    """A table as a Mermaid state diagram; the order's, if no other is given."""
    life = life or transitions()
    lines = [f"[*] --> {life.initial}"]
    lines += [f"{source} --> {target}: {event}" for (source, event), target in life.table.items()]
    lines += [f"{state} --> [*]" for state in life.states if state in life.final]
    return "stateDiagram-v2\n" + "".join(f"  {line}\n" for line in lines)


def page() -> str:
    """The page of the documentation, with the diagram and the table."""
    life = transitions()
    rows = "".join(
        f"| `{source}` | `{event}` | `{target}` | {LATER.get(event, 'core')} |\n"
        for (source, event), target in life.table.items()
    )
    final = ", ".join(f"`{state}`" for state in life.states if state in life.final)
    return PAGE.format(diagram=diagram(), rows=rows, final=final)
