"""Schema robustness: requests made from the role's document by Schemathesis' coverage phase, good and bad on purpose.

Beside the scored checks, after them, and without a say in the verdict: it finds what no requirement speaks of (a 500
for an odd value, an answer that its document does not know). Bounded in time and seeded; what it sends is not in the
transcript, what it found is, as a fact. Schemathesis is the extra `robustness`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import spec
from conformance.timing import ROBUSTNESS, ROBUSTNESS_ANSWER

if TYPE_CHECKING:
    from conformance.runner import Target

Json = dict[str, Any]
FACT = ("", "robustness")  # where it stands in the transcript
# They would forget the trade, move everybody's clock, break operations on purpose, or are the other side's.
LEFT_OUT = frozenset({"test_reset", "test_advance_clock", "test_raise_fault", "send_event"})
SHOWN = 3  # failures of one operation
LONGEST = 2000  # characters of a reproduction


def is_expected(check: str, failure: str) -> bool:
    """What the standard wants otherwise than the document alone says.

    A malformed traceparent is not refused (TRC-002), and a value that fits its schema may still be refused: a cursor
    that was not issued (CNV-006), a scope that there is not, a signature that does not hold.
    """
    return check == "positive_data_acceptance" or "parameter `traceparent`" in failure


async def probe(target: Target, token: str, seed: int) -> Json:
    """Send what the coverage phase makes of the document, for `ROBUSTNESS` seconds at most; what was found.

    `token` is a gateway's access token. The shape is `robustness` of schemas/report.schema.json. Never raises: that the
    tool could not go on is said in `error`.
    """
    found: dict[str, Json] = {}
    begun = time.monotonic()
    try:
        error = await asyncio.to_thread(_probe, target, token, seed, found)
    except ImportError:
        error = "Schemathesis is not installed: pip install 'vgcp[robustness]'"
    except Exception as trouble:  # whatever it is, it is not the implementation's fault, and not scored
        error = f"{type(trouble).__name__}: {trouble}"
    seconds = time.monotonic() - begun
    data = {
        "tool": f"schemathesis {_version()}",
        "phase": "coverage",
        "seed": seed,
        "seconds": round(seconds, 1),
        "complete": not error and seconds < ROBUSTNESS,
        "cases": sum(one["cases"] for one in found.values()),
        "failures": sum(len(one["failures"]) for one in found.values()),
        "operations": [found[name] for name in sorted(found)],
    }
    return data | ({"error": error[:LONGEST]} if error else {})


def _version() -> str:
    try:
        return metadata.version("schemathesis")
    except metadata.PackageNotFoundError:
        return "?"


def _probe(target: Target, token: str, seed: int, found: dict[str, Json]) -> str:
    """Fill `found`; answers what the tool itself stumbled over, "" when it did not."""
    from schemathesis import engine, openapi  # loaded only when it is asked for: it takes its time
    from schemathesis.engine import events

    logging.getLogger("urllib3").setLevel(logging.ERROR)
    schema = openapi.from_dict(spec.document(target.role)).exclude(operation_id=list(LEFT_OUT))
    config = schema.config
    config.base_url, config.seed, config.max_time = target.url, seed, ROBUSTNESS
    config.request_timeout, config.continue_on_failure = ROBUSTNESS_ANSWER, True
    config.headers = {"VGCP-Test-Secret": target.test_secret} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    config.phases.update(phases=["coverage"])
    names = {f"{o.method} {o.path}": o.id for o in spec.operations(target.role)}
    errors = []
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            errors.append(str(event))
        elif isinstance(event, events.ScenarioFinished) and event.recorder.label in names:
            _add(found, names[event.recorder.label], event.recorder)
    return "; ".join(errors)


def _add(found: dict[str, Json], operation: str, recorder: Any) -> None:
    """Take over the cases of one operation: of each kind of failure the one with the shortest reproduction."""
    entry = found.setdefault(operation, {"operation": operation, "cases": 0, "failures": []})
    entry["cases"] += len(recorder.cases)
    least: dict[tuple[str, str], Json] = {}
    for case, checks in recorder.checks.items():
        answer = recorder.find_response(case_id=case)
        for check in checks:
            if check.failure_info is None:
                continue
            text = str(check.failure_info.failure)
            if is_expected(check.name, text):
                continue
            one = {
                "kind": check.name,
                "message": text[:LONGEST],
                "status": answer.status_code if answer else 0,
                "reproduction": check.failure_info.code_sample[:LONGEST],
            }
            key = (check.name, text.partition("\n")[0])
            if key not in least or len(one["reproduction"]) < len(least[key]["reproduction"]):
                least[key] = one
    entry["failures"] = (entry["failures"] + list(least.values()))[:SHOWN]
