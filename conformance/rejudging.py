"""Judges a transcript again, from its file alone, and reads from it who was certified."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance import record
from conformance.digests import discovery_digest
from conformance.discovery import declared, document
from conformance.jose import UnreadableError
from conformance.model import Verdict
from conformance.runner import judged

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What came of it. `discovery` is the document that the implementation served in the run, `suite` the digest of the
    suite that drove it."""

    role: str
    nonce: str
    verdict: str
    counts: dict[str, int]
    discovery: Json
    discovery_digest: str
    suite: str

    @property
    def capabilities(self) -> frozenset[str]:
        """What the implementation declares."""
        return declared(self.discovery)


def rejudge(path: Path) -> Rejudged:
    """Judge the transcript in this file. Raises UnreadableError when it is none, or not all of it."""
    try:
        transcript = record.parse(path.read_bytes().decode("utf-8"))
        run = judged(transcript)
        said = document(transcript)
        digest = discovery_digest(said, run.target.url)
        suite = str(transcript.head["suite"].get("digest"))
    except (record.DamagedError, OSError, ValueError, KeyError, RecursionError) as error:
        raise UnreadableError(f"{path.name} cannot be judged: {error}") from error
    counts = {verdict.value: run.count(verdict) for verdict in Verdict}
    return Rejudged(run.target.role, transcript.nonce, run.verdict, counts, said, digest, suite)
