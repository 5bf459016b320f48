"""A transcript as it is written and read again: JSON lines, redacted, with an end that tells when some are missing.

The first line says what was certified and how, then come facts, scenarios that ended early, exchanges by number, and
an end with the number of lines before it and their digest. `parse(text(t))` is what judges judge, in a live run too:
the verdict is a function of the file (docs/decisions/0012).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import spec
from conformance.observed import observe
from conformance.transcript import Exchange, Message, Transcript

VERSION = 2
Json = dict[str, Any]


class DamagedError(ValueError):
    """The text is no whole transcript; says why."""


def text(t: Transcript) -> str:
    """All of transcript.jsonl. Observes what only secrets show first, and redacts."""
    observe(t)
    clean = t.secrets.inside
    lines: list[Json] = [{"vgcp_transcript": VERSION, "nonce": t.nonce, "began_at": t.began_at, **t.head}]
    lines += [{"fact": key, "scenario": name, "value": clean(v)} for (name, key), v in t.facts.items()]
    lines += [{"stopped": clean(why), "scenario": name} for name, why in t.stopped.items()]
    lines += [{"broken": clean(why), "scenario": name} for name, why in t.broken.items()]
    lines += [t.as_data(e) for e in sorted(t.exchanges, key=lambda e: e.number)]
    shown = [json.dumps(line) for line in lines]
    body = "".join(f"{line}\n" for line in shown)
    last = {"end": clean(t.end), "lines": len(shown), "digest": _digest(body)}
    return f"{body}{json.dumps(last)}\n"


def write(t: Transcript, path: Path) -> None:
    """Write transcript.jsonl: the very bytes that it was read from, when it was."""
    path.write_text(t.source or text(t), encoding="utf-8", newline="\n")


def requirements_digest() -> str:
    """Names the set of requirements that decide: the one that the version was released with."""
    return f"sha256:{spec.requirements_digest()}"


def _digest(body: str) -> str:
    return "sha256:" + hashlib.sha256(body.encode()).hexdigest()


def parse(written: str) -> Transcript:
    """The transcript in a text. Raises DamagedError when it is none, or not all of it."""
    lines = written.splitlines(keepends=True)
    try:
        rows = [json.loads(line) for line in lines]
    except ValueError as error:
        raise DamagedError(f"a line is no JSON: the file is cut or damaged ({error})") from error
    if not rows or not all(isinstance(row, dict) for row in rows) or "vgcp_transcript" not in rows[0]:
        raise DamagedError("it is no transcript of a certification: the first line does not say so")
    if rows[0]["vgcp_transcript"] != VERSION:
        raise DamagedError(f"it is of version {rows[0]['vgcp_transcript']}, and this suite reads {VERSION}")
    if "end" not in rows[-1]:
        raise DamagedError("it has no end: the file is cut")
    body = "".join(lines[:-1])
    if (rows[-1].get("lines"), rows[-1].get("digest")) != (len(lines) - 1, _digest(body)):
        raise DamagedError("its digest does not hold: lines are missing or were changed")
    try:
        return _read(rows, written)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"it cannot be read: {type(error).__name__}: {error}") from error


def _read(rows: list[Json], written: str) -> Transcript:
    first = rows[0]
    head = {k: v for k, v in first.items() if k not in ("vgcp_transcript", "nonce", "began_at")}
    t = Transcript(head, rows[-1]["end"], nonce=first["nonce"], began_at=first["began_at"], source=written)
    for row in rows[1:-1]:
        if "fact" in row:
            t.facts[row["scenario"], row["fact"]] = row["value"]
        elif "stopped" in row:
            t.stopped[row["scenario"]] = row["stopped"]
        elif "broken" in row:
            t.broken[row["scenario"]] = row["broken"]
        else:
            t.exchanges.append(_exchange(row))
    return t


def _exchange(row: Json) -> Exchange:
    answer = row["response"]
    return Exchange(
        row["number"],
        row["scenario"],
        row["label"],
        row["direction"],
        row["operation"],
        _parsed(row["request"]),
        _parsed(answer) if answer else None,
        row["started"],
        row["ended"],
        row["error"],
        row["flaw"],
        row.get("observed", {}),
    )


def _parsed(data: Json) -> Message:
    headers = tuple((str(name), str(value)) for name, value in data["headers"])
    place = (data.get("method", ""), data.get("url", ""), data.get("status", 0), data.get("omitted", 0))
    return Message(headers, data["body"].encode(), *place)
