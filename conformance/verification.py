"""Verifies a certificate line by line: what holds, what does not, and what was not shown and so not looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp

import spec
from conformance.certificate import LONGEST, Certificate, read_report
from conformance.digests import discovery_digest, of_bytes, suite_digest
from conformance.fetching import whole
from conformance.jose import UnreadableError
from conformance.rejudging import rejudge

Json = dict[str, Any]
PATIENCE = 15.0  # seconds for a discovery document
LARGEST = 1 << 20  # bytes of it


class State(StrEnum):
    """What became of one line."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "not shown"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a certificate says, and whether it is so."""

    about: str
    state: State
    message: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a certificate is held against. What is not given is not looked at.

    `signers` and `registries` are thumbprints of trusted keys.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    signers: frozenset[str] | None = None
    registries: frozenset[str] = frozenset()
    transcript: Path | None = None
    report: Path | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """All lines of one certificate, and what it amounts to."""

    certificate: Certificate
    lines: tuple[Line, ...]

    @property
    def standing(self) -> str:
        """certified (countersigned by a trusted registry), claim (self-signed), or invalid (a line does not hold)."""
        if any(line.state is State.FAILS for line in self.lines):
            return "invalid"
        trusted = any(line.about == "countersignature" and line.state is State.HOLDS for line in self.lines)
        return "certified" if trusted else "claim"

    @property
    def exit_code(self) -> int:
        """0 certified, 1 invalid, 2 claim. (3 is for what cannot be read.)"""
        return ("certified", "invalid", "claim").index(self.standing)

    @property
    def judged_alike(self) -> bool:
        """Whether the whole run was shown, and judged again by the very suite of the certificate."""
        held = {line.about for line in self.lines if line.state is State.HOLDS}
        return held >= {"suite", "requirements", "transcript", "verdict", "run", "discovery", "report"}

    def as_data(self) -> Json:
        """The verification as JSON data."""
        lines = [{"about": one.about, "state": one.state.value, "message": one.message} for one in self.lines]
        return {"standing": self.standing, "lines": lines, "certificate": self.certificate.claims}


def verify(certificate: Certificate, evidence: Evidence) -> Verification:
    """Hold a certificate, whose signatures were verified when it was read, against the evidence at hand."""
    lines = [
        *_signatures(certificate, evidence),
        _time(certificate, evidence.now),
        *_standards(certificate.claims),
    ]
    if evidence.transcript:
        lines += _transcript(certificate.claims, evidence.transcript)
    else:
        lines.append(Line("transcript", State.OPEN, "give --transcript to have it judged again"))
    lines.append(_report(certificate.claims, evidence.report))
    return Verification(certificate, tuple(lines))


async def verify_live(certificate: Certificate, evidence: Evidence, url: str) -> Verification:
    """As `verify`, and what the implementation at this origin says of itself now, when it is given."""
    result = verify(certificate, evidence)
    lines = [await _live(certificate.claims, url)] if url else []
    return Verification(certificate, (*result.lines, *lines))


def _line(about: str, condition: bool, good: str, bad: str) -> Line:
    return Line(about, State.HOLDS if condition else State.FAILS, good if condition else bad)


def _signatures(certificate: Certificate, evidence: Evidence) -> Iterator[Line]:
    who = certificate.signer
    yield Line("signature", State.HOLDS, f"signed by {who}")
    if evidence.signers is not None:
        yield _line(
            "signer", who in evidence.signers, "the key that was given", "not by a key that was given"
        )
    registry = certificate.registry
    if registry is None:
        yield Line("countersignature", State.OPEN, "no registry has countersigned: this is a claim")
    elif registry.signer in evidence.registries:
        yield Line("countersignature", State.HOLDS, f"by the registry {registry.signer}")
    elif evidence.registries:
        yield Line(
            "countersignature", State.FAILS, f"by {registry.signer}, which is no registry that was given"
        )
    else:
        told = f"by {registry.signer}: give --registry-key to say whether you trust it"
        yield Line("countersignature", State.OPEN, told)


def _time(certificate: Certificate, now: datetime) -> Line:
    claims = certificate.claims
    ran_at = datetime.fromisoformat(claims["ran_at"]).timestamp()
    ends = datetime.fromtimestamp(certificate.expires, UTC)
    if certificate.expires - ran_at > LONGEST.total_seconds():
        return Line("time", State.FAILS, f"lasts longer than {LONGEST.days} days after the run")
    if not ran_at - 1 <= claims["iat"] <= now.timestamp() or now.timestamp() < claims["nbf"]:
        return Line("time", State.FAILS, "was made before its run, or is not in force yet")
    return _line("time", certificate.current(now), f"until {ends:%Y-%m-%d}", f"expired on {ends:%Y-%m-%d}")


def _standards(claims: Json) -> Iterator[Line]:
    """Whether what is installed here is what the run was judged by. It is no fault of a certificate if not."""
    for about, mine in (("suite", suite_digest()), ("requirements", spec.requirements_digest())):
        if claims[f"{about}_digest"] == mine:
            yield Line(about, State.HOLDS, "the same as here")
        else:
            made = f"{claims['suite']['name']} {claims['suite']['version']}"
            told = f"another than here: judging again is by this one, and not by that of the certificate ({made})"
            yield Line(about, State.OPEN, told)


def _transcript(claims: Json, path: Path) -> Iterator[Line]:
    """The transcript's bytes, and what comes of judging it again."""
    text = path.read_bytes()
    yield _line(
        "transcript",
        of_bytes(text) == claims["transcript_digest"],
        "the one that was certified",
        f"{path.name} is not the one that was certified, or was changed",
    )
    try:
        judged = rejudge(path)
    except UnreadableError as error:
        yield Line("verdict", State.FAILS, str(error))
        return
    same = (judged.verdict, judged.counts) == (claims["verdict"], claims["counts"])
    known = claims["suite_digest"] == suite_digest()
    good = judged.verdict == "certified" and (same or not known)
    by = "" if known else ", by another suite than the certificate's"
    yield _line("verdict", good, f"judged again: certified{by}", f"judged again: {judged.verdict}{by}")
    yield _line(
        "run", (judged.nonce, judged.role) == (claims["nonce"], claims["role"]), "the same", "another run"
    )
    yield _line(
        "discovery",
        judged.discovery_digest == claims["discovery_digest"],
        "what the implementation said of itself in the run",
        "another document than in the run",
    )


def _report(claims: Json, path: Path | None) -> Line:
    if path is None:
        return Line("report", State.OPEN, "give --report to have it compared")
    try:
        report = read_report(path)
    except UnreadableError as error:
        return Line("report", State.FAILS, str(error))
    said = (report.get("nonce"), report.get("verdict"), report.get("counts"))
    same = of_bytes(path.read_bytes()) == claims["report_digest"] and said == (
        claims["nonce"],
        claims["verdict"],
        claims["counts"],
    )
    return _line(
        "report", same, "the one that was certified", f"{path.name} is not the one that was certified"
    )


async def _live(claims: Json, url: str) -> Line:
    """The discovery document that is served now, at this origin."""
    where = url.rstrip("/") + "/.well-known/vgcp"
    limit = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.get(where, allow_redirects=False) as answer,
        ):
            document = json.loads(await whole(answer, LARGEST))
        if not isinstance(document, dict):
            raise ValueError("no object")
        digest = discovery_digest(document, url)
    except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
        return Line("live", State.FAILS, f"no discovery document at {where}: {type(error).__name__} {error}")
    same = digest == claims["discovery_digest"]
    return _line(
        "live",
        same,
        f"{url} says the same of itself",
        f"{url} says something else: {_made(document)}",
    )


def _made(document: Json) -> str:
    made = document.get("implementation")
    return f"{made.get('name')} {made.get('version')}" if isinstance(made, dict) else "nothing of what it is"
