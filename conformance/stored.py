"""Reads back what a run has written: report.json, and the exchanges of transcript.jsonl."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from conformance.report import SCHEMA

TRANSCRIPT = "transcript.jsonl"
Json = dict[str, Any]


class UnreadableError(ValueError):
    """The file is not what it is taken for; the text says why."""


@cache
def _validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))


def report(path: Path) -> Json:
    """A report that fits the published schema. Raises UnreadableError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: this is no report: {error}") from error
    wrong = next(_validator().iter_errors(data), None)
    if wrong is not None:
        where = "/".join(map(str, wrong.instance_path)) or "the whole"
        raise UnreadableError(f"{path}: this is no report: {where}: {wrong.message[:200]}")
    return dict(data)


def exchanges(path: Path, nonce: str) -> dict[int, Json]:
    """The exchanges of a run's transcript, by number. Raises UnreadableError, also when it is of another run."""
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: this is no transcript: {error}") from error
    if not lines or not all(isinstance(line, dict) for line in lines) or "nonce" not in lines[0]:
        raise UnreadableError(f"{path}: this is no transcript")
    if lines[0]["nonce"] != nonce:
        raise UnreadableError(f"{path}: this is the transcript of another run than the report's")
    return {line["number"]: line for line in lines if "number" in line and "request" in line}


def beside(path: Path, nonce: str) -> dict[int, Json]:
    """The exchanges of the transcript in the report's folder; none when there is none of this run."""
    found = path.parent / TRANSCRIPT
    if not found.is_file():
        return {}
    try:
        return exchanges(found, nonce)
    except UnreadableError:
        return {}
