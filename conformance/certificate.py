"""Certificates: what a run showed, signed, and for a while (docs/decisions/0015).

A vendor signs a *claim* over a certified run. A registry that has judged the run again countersigns it, by a statement
of its own around the claim, and what was a claim is *certified*. Both are compact JWS in one line of a file. The
claims' shape is published: schemas/certificate.schema.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema_rs
from joserfc.jwk import OKPKey

import spec
from conformance.digests import of_bytes, suite_digest
from conformance.jose import ForgedError, Signed, UnreadableError, kind_of, opened, sign
from conformance.rejudging import Rejudged, rejudge

Json = dict[str, Any]
CERTIFICATE, COUNTERSIGNATURE = "vgcp-certificate+jwt", "vgcp-countersignature+jwt"
LONGEST = timedelta(days=400)  # from the run to the end of what is said of it
USUAL = timedelta(days=365)
SCHEMA = Path(__file__).parent / "schemas" / "certificate.schema.json"
REPORT, TRANSCRIPT = "report.json", "transcript.jsonl"


class RefusedError(ValueError):
    """There is nothing that could be certified; the message says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as it was read. `claim` is the vendor's signed statement as text, `registry` who countersigned."""

    claims: Json
    signer: str
    claim: str
    registry: Signed | None = None

    @property
    def expires(self) -> int:
        """When it ends, in seconds since 1970."""
        return int(self.claims["exp"])

    def current(self, now: datetime) -> bool:
        """Whether it is in force at this time."""
        return int(self.claims["nbf"]) <= now.timestamp() < self.expires


def create(folder: Path, key: OKPKey, now: datetime, lasting: timedelta = USUAL) -> str:
    """A claim over the run in this folder (report.json, transcript.jsonl), as a compact JWS.

    Raises RefusedError unless the run is a full one, without a baseline, that is certified when it is judged again.
    """
    report, transcript = read_report(folder / REPORT), folder / TRANSCRIPT
    refusals = list(_refusals(report))
    if refusals:
        raise RefusedError("; ".join(refusals))
    judged = rejudge(transcript)
    if judged.verdict != "certified" or judged.counts != report["counts"]:
        raise RefusedError(f"judged again, the transcript is {judged.verdict}: {judged.counts}")
    if judged.nonce != report["nonce"] or judged.role != report["role"]:
        raise RefusedError("the transcript is of another run than the report")
    if judged.suite != suite_digest():
        raise RefusedError("the run was driven by another suite than this one: certify again")
    claims = _claims(report, judged, now, lasting)
    claims |= {
        "iss": key.thumbprint(),
        "report_digest": of_bytes((folder / REPORT).read_bytes()),
        "transcript_digest": of_bytes(transcript.read_bytes()),
    }
    _fits(claims, "certificate")
    return sign(claims, CERTIFICATE, key)


def read_report(path: Path) -> Json:
    """A report; raises UnreadableError."""
    try:
        report = json.loads(path.read_text("utf-8"))
        if report["vgcp_report"] == 1 and isinstance(report["counts"], dict):
            return dict(report)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UnreadableError(f"{path.name} cannot be read as a report")


def _refusals(report: Json) -> Iterator[str]:
    if report["verdict"] != "certified":
        yield f"the run is {report['verdict']}, not certified"
    if report["counts"].get("disabled"):
        yield "checks were disabled"
    if report.get("baseline"):
        yield "known failures were let pass (baseline)"


def _claims(report: Json, judged: Rejudged, now: datetime, lasting: timedelta) -> Json:
    """All claims but those about the signer and the files. Raises RefusedError for a run that is too old."""
    ran_at = datetime.fromisoformat(report["started_at"])
    ends = min(now + lasting, ran_at + LONGEST)
    if ends <= now:
        raise RefusedError("the run is too old to be certified")
    made = judged.discovery.get("implementation") or {}
    score = report.get("score") or {}
    return {
        "vgcp_certificate": 1,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(ends.timestamp()),
        "ran_at": report["started_at"],
        "implementation": {"name": str(made.get("name", "?")), "version": str(made.get("version", "?"))},
        "role": report["role"],
        "profiles": profiles(judged, report.get("profile", "")),
        "protocol": report["protocol"],
        "verdict": report["verdict"],
        "counts": report["counts"],
        "score": {name: score[name] for name in ("mutants", "killed") if name in score},
        "suite": {"name": "vgcp", "version": metadata.version("vgcp")},
        "suite_digest": suite_digest(),
        "requirements_digest": spec.requirements_digest(),
        "discovery_digest": judged.discovery_digest,
        "nonce": report["nonce"],
    }


def profiles(judged: Rejudged, asked: str) -> list[str]:
    """What it is certified for: the profiles that were asked for, else those it declares with all they need."""
    if asked:
        return asked.split(",")
    declared = judged.discovery.get("profiles") or []
    found = [profile for profile in spec.profiles() if profile.id in declared]
    needs = {p.id: p.gateway if judged.role == "gateway" else p.channel for p in found}
    return [name for name, needed in needs.items() if set(needed) <= judged.capabilities]


def countersign(certificate: Certificate, key: OKPKey, now: datetime) -> str:
    """The registry's statement around a claim. The caller has verified it (conformance/verification.py)."""
    claims = {"iss": key.thumbprint(), "iat": int(now.timestamp()), "certificate": certificate.claim}
    _fits(claims, "countersignature")
    return sign(claims, COUNTERSIGNATURE, key, cty=CERTIFICATE)


def read(text: str) -> Certificate:
    """A certificate whose signatures hold. Raises UnreadableError or ForgedError."""
    registry = None
    if kind_of(text) == COUNTERSIGNATURE:
        registry = opened(text, COUNTERSIGNATURE)
        _fits(registry.claims, "countersignature")
        text = str(registry.claims["certificate"])
    signed = opened(text, CERTIFICATE)
    _fits(signed.claims, "certificate")
    return Certificate(signed.claims, signed.signer, text.strip(), registry)


def _fits(claims: Json, kind: str) -> None:
    """Raises UnreadableError for claims that do not fit the published schema."""
    wrong = next(_schema(kind).iter_errors(claims), None)
    if wrong is not None:
        place = "/".join(map(str, wrong.instance_path))
        raise UnreadableError(f"not the claims of a {kind}: {place}: {wrong.message}")


@cache
def _schema(kind: str) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    return jsonschema_rs.Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"}, validate_formats=True)


__all__ = ["Certificate", "ForgedError", "RefusedError", "UnreadableError", "countersign", "create", "read"]
