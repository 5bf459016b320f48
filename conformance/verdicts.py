"""How a transcript comes to verdicts: every rule, in one place. Pure: nothing but the transcript is looked at.

Of a check, the first of these that fits:

1. disabled: it is not selected, the operator switched it off, or the run stopped before it (--fail-fast).
2. harness_error: a driver or judge of the suite crashed. Voids the run.
3. not_applicable: its capability is not declared; the evidence is the discovery document. When the profile that is
   certified for needs the capability, unverified.
4. unverified: what it takes to judge did not happen (a prerequisite is missing), or the judge saw nothing.
5. The worst that its judge saw: fail, inconclusive, unverified, pass. A fail of a SHOULD or MAY is a warn.

Then, over all of them: a capability that is declared and of which no check saw anything is missing, and its checks
fail. Of the run: void when the suite was at fault, or when no check came to a verdict on the implementation; failed
with a fail; partial when something was disabled, unverified or inconclusive; else certified.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable
from dataclasses import replace

import spec
from conformance.discovery import capabilities
from conformance.model import Check, Finding, MissingError, Outcome, Verdict
from conformance.transcript import Transcript
from conformance.wire import our_violations

VERDICTS = ("certified", "failed", "partial", "void")  # by exit code
NOT_EXECUTED = (Verdict.DISABLED, Verdict.UNVERIFIED, Verdict.NOT_APPLICABLE, Verdict.HARNESS_ERROR)
OPEN = (Verdict.INCONCLUSIVE, Verdict.UNVERIFIED, Verdict.DISABLED)  # what keeps a run from being certified


def overall(findings: Iterable[Finding], void: str) -> str:
    """The run's verdict."""
    seen = {finding.verdict for finding in findings}
    if void or not seen - set(NOT_EXECUTED) or Verdict.HARNESS_ERROR in seen:
        return "void"
    if Verdict.FAIL in seen:
        return "failed"
    if seen & set(OPEN):
        return "partial"
    return "certified" if Verdict.PASS in seen else "void"


def findings(t: Transcript, checks: Iterable[Check], chosen: Collection[str]) -> list[Finding]:
    """A finding for each check; `chosen` are the ids of those that are selected."""
    levels = {row.id: row.level for row in spec.requirements()}
    found = [
        finding(check, t, levels.get(check.requirement, "MUST"))
        if check.id in chosen
        else Finding(check, Verdict.DISABLED, why_not(check, t))
        for check in checks
    ]
    gone = missing(found, capabilities(t))
    found = [_gone(one, t) if one.check.capability in gone else one for one in found]
    provisional = {row.id for row in spec.requirements() if row.provisional}
    return [undecided(one) if one.check.requirement in provisional else one for one in found]


def undecided(one: Finding) -> Finding:
    """The finding of a provisional requirement: it came after the release, so it may warn and decides nothing."""
    if one.verdict not in (Verdict.FAIL, Verdict.UNVERIFIED, Verdict.INCONCLUSIVE):
        return one
    return replace(one, verdict=Verdict.WARN, message=f"provisional: {one.message}")


def tried(check: Check, t: Transcript) -> bool:
    """Whether all its scenarios were driven to their end, which they were unless the run stopped at a failure."""
    return "failed_first" not in t.end or set(t.end["driven"]).issuperset(check.scenarios)


def why_not(check: Check, t: Transcript) -> str:
    """Why a check is disabled."""
    if {check.id, check.requirement} & {str(name).upper() for name in t.head.get("disabled", ())}:
        return "disabled by the operator"
    if not tried(check, t):
        return f"not tried, as {t.end['failed_first']} failed first (--fail-fast)"
    return "not selected"


def finding(check: Check, t: Transcript, level: str) -> Finding:
    """The finding of a selected check by its own evidence (rules 2 to 5)."""
    broken = [t.broken[name] for name in check.scenarios if name in t.broken]
    if broken:
        return Finding(check, Verdict.HARNESS_ERROR, broken[0])
    declared = capabilities(t)
    lacking = [name for name in (check.capability, *check.also) if name and name not in declared]
    if declared and lacking:
        return undeclared(check, lacking[0], t)
    try:
        return settle(check, check.judge(t), level)
    except MissingError as reason:
        return Finding(check, Verdict.UNVERIFIED, str(reason.args[0]))
    except Exception as error:  # a judge must cope with whatever is in the transcript
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"
        return Finding(check, Verdict.HARNESS_ERROR, message)


def undeclared(check: Check, capability: str, t: Transcript) -> Finding:
    """Not applicable, with the discovery document as proof; unverified when the profile needs the capability."""
    message = f"{capability} is not declared"
    proof = _discovery(t)
    if capability in needed(t):
        return Finding(check, Verdict.UNVERIFIED, f"{message}, and the profile needs it", proof)
    return Finding(check, Verdict.NOT_APPLICABLE, message, proof)


def needed(t: Transcript) -> tuple[str, ...]:
    """The capabilities of the profiles that it is to be certified for."""
    asked = str(t.head.get("profile", "")).split(",")
    found = [profile for profile in spec.profiles() if profile.id in asked]
    return tuple(name for p in found for name in (p.gateway if t.head["role"] == "gateway" else p.channel))


def settle(check: Check, outcomes: Iterable[Outcome], level: str) -> Finding:
    """One finding of a judge's outcomes: the worst wins, none is `unverified`. `level`: MUST …"""
    ranks = list(Verdict)
    found = sorted(outcomes, key=lambda o: ranks.index(o.verdict))
    if not found:
        return Finding(check, Verdict.UNVERIFIED, "nothing in the transcript shows it")
    verdict = found[0].verdict
    same = [o for o in found if o.verdict is verdict]
    if verdict is Verdict.FAIL and level.startswith(("SHOULD", "MAY")):
        verdict = Verdict.WARN
    hint = "" if verdict is Verdict.PASS else found[0].hint or check.hint
    message = "; ".join(dict.fromkeys(o.message for o in same))
    return Finding(check, verdict, message, tuple(dict.fromkeys(n for o in same for n in o.evidence)), hint)


def missing(found: Iterable[Finding], declared: Collection[str]) -> set[str]:
    """The declared capabilities that were judged as a whole and of which nothing at all could be seen."""
    by_capability: dict[str, set[Verdict]] = {}
    for one in found:
        by_capability.setdefault(one.check.capability, set()).add(one.verdict)
    return {name for name, seen in by_capability.items() if name in declared and seen == {Verdict.UNVERIFIED}}


def _gone(one: Finding, t: Transcript) -> Finding:
    message = f"{one.check.capability} is declared, and nothing of it could be seen: {one.message}"
    return Finding(one.check, Verdict.FAIL, message, _discovery(t), one.check.hint)


def _discovery(t: Transcript) -> tuple[int, ...]:
    return tuple(e.number for e in t.all("discovery", label="discovery"))


def void(t: Transcript) -> str:
    """Why nothing can be concluded of a run, "" when something can: it never began, or the suite was at fault."""
    told = str(t.end.get("void", ""))
    ours = our_violations(t)
    return f"fault of the suite: {ours[0].message} (exchange {ours[0].exchange.number})" if ours else told
