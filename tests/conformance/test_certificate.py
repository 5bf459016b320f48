"""A certificate holds for the run that it was made of, for a while, and for nobody who changed a byte."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiohttp import web
from click.testing import CliRunner, Result
from joserfc.jwk import OKPKey

from conformance import certificate, jose, record, verification
from conformance.certificate import SCHEMA, Certificate, RefusedError, countersign, create, read
from conformance.commands.certificate import certificate as command
from conformance.mini_channel import MiniChannel
from conformance.report import write
from conformance.runner import Run, Target, run
from conformance.score import committed
from conformance.vacuity import serving
from conformance.verification import Evidence, State, Verification, verify, verify_live

SECRET = "only-for-tests"
NOW = datetime.now(UTC) + timedelta(hours=1)  # when it is signed: after the run


@dataclass(frozen=True)
class Made:
    """A certified run in `folder`, the discovery document that was served, and the vendor's claim over it."""

    folder: Path
    key: OKPKey
    text: str

    @property
    def shown(self) -> Evidence:
        """The whole run."""
        return Evidence(NOW, transcript=self.folder / "transcript.jsonl", report=self.folder / "report.json")


async def certify(folder: Path, only: tuple[str, ...]) -> None:
    """Certify some of a channel that gets errors wrong, and write the files of the run."""
    async with MiniChannel(SECRET, "plain_errors") as channel:
        write(await run(Target("channel", channel.url, SECRET), only), folder)


@pytest.fixture(scope="module")
def made(channel_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A correct channel's certificate."""
    folder = tmp_path_factory.mktemp("certified")
    write(channel_run, folder)
    key = jose.new_key()
    return Made(folder, key, create(folder, key, NOW))


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Made:
    """The same with files of its own, to be changed."""
    shutil.copytree(made.folder, tmp_path / "run")
    return replace(made, folder=tmp_path / "run")


def held(found: Certificate, evidence: Evidence) -> Verification:
    """Verify it."""
    return verify(found, evidence)


def failing(result: Verification) -> set[str]:
    """What does not hold."""
    return {line.about for line in result.lines if line.state is State.FAILS}


def resigned(made: Made, **changed: Any) -> Certificate:
    """The claim with other members, signed anew by the same key."""
    claims = read(made.text).claims | changed
    return read(jose.sign(claims, certificate.CERTIFICATE, made.key))


def test_a_claim_holds_and_says_what_was_run(made: Made) -> None:
    """Every line holds but the countersignature; the claims fit the published schema and the report."""
    found = read(made.text)
    result = held(found, made.shown)
    assert failing(result) == set()
    assert (result.standing, result.exit_code, result.judged_alike) == ("claim", 2, True)
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))
    jsonschema.validate(found.claims, json.loads(SCHEMA.read_text()))
    report = json.loads((made.folder / "report.json").read_text())
    assert {name: found.claims[name] for name in ("nonce", "verdict", "counts", "role")} == {
        name: report[name] for name in ("nonce", "verdict", "counts", "role")
    }
    assert found.claims["implementation"] == {"name": "mini-channel", "version": "1"}
    assert found.claims["profiles"] == ["core", "identity", "ownership"]
    assert report["score"] == committed("channel")
    assert found.claims["score"] == {name: report["score"][name] for name in ("mutants", "killed")}
    assert found.claims["exp"] - found.claims["iat"] == timedelta(days=365).total_seconds()


def test_a_registry_makes_it_certified(made: Made) -> None:
    """To who trusts the registry's key; to who does not, it is what the vendor says, or nothing."""
    registry = jose.new_key()
    found = read(countersign(read(made.text), registry, NOW))
    trusting = replace(made.shown, registries=frozenset({registry.thumbprint()}))
    assert (held(found, trusting).standing, held(found, trusting).exit_code) == ("certified", 0)
    assert held(found, Evidence(NOW)).standing == "claim"
    other = held(found, Evidence(NOW, registries=frozenset({jose.new_key().thumbprint()})))
    assert (failing(other), other.exit_code) == ({"countersignature"}, 1)
    assert held(read(made.text), trusting).standing == "claim"


def _swap(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        (_swap("transcript.jsonl", '"status": 200', '"status": 201'), {"transcript", "verdict"}),
        (lambda folder: (folder / "transcript.jsonl").write_text("{}\n"), {"transcript", "verdict"}),
        (_swap("report.json", '"seconds"', '"second"'), {"report"}),
        (lambda folder: (folder / "report.json").write_text("[]"), {"report"}),
    ],
    ids=["transcript", "no transcript", "report", "no report"],
)
def test_a_changed_file_does_not_hold(copied: Made, change: Callable[[Path], None], fails: set[str]) -> None:
    """One byte of the transcript or the report, and the line about it says so."""
    change(copied.folder)
    result = held(read(copied.text), copied.shown)
    assert (failing(result), result.exit_code) == (fails, 1)


def test_a_changed_payload_is_forged(made: Made) -> None:
    """The signature is over every byte; another key's signature does not make the same issuer."""
    head, payload, signature = made.text.split(".")
    flipped = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    with pytest.raises((jose.ForgedError, jose.UnreadableError)):
        read(f"{head}.{flipped}.{signature}")
    with pytest.raises(jose.ForgedError):
        read(jose.sign(read(made.text).claims, certificate.CERTIFICATE, jose.new_key()))
    for text in ("", "a.b.c", made.text.partition(".")[2], jose.sign({}, "other+jwt", made.key)):
        with pytest.raises(jose.UnreadableError):
            read(text)


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({"exp": int(NOW.timestamp()) - 1}, {"time"}),
        ({"nbf": int(NOW.timestamp()) + 60}, {"time"}),
        ({"exp": int((NOW + timedelta(days=401)).timestamp())}, {"time"}),
        ({"ran_at": "9999-12-31T23:59:59Z", "exp": 253402300799}, {"time"}),
        ({"discovery_digest": "0" * 64}, {"discovery"}),
        ({"nonce": "another-run"}, {"run", "report"}),
        ({"role": "gateway"}, {"run"}),
    ],
    ids=lambda value: "-".join(sorted(value)),
)
def test_a_false_claim_does_not_hold(made: Made, changed: dict[str, Any], fails: set[str]) -> None:
    """Also when its key has signed it: it is held against the run, and against the time."""
    assert failing(held(resigned(made, **changed), made.shown)) == fails


def test_another_suite_is_said_and_judges_by_its_own_rules(made: Made) -> None:
    """A certificate of an older suite holds when this one agrees, and the lines say which one judged."""
    result = held(resigned(made, suite_digest="0" * 64), made.shown)
    lines = {line.about: line for line in result.lines}
    assert (lines["suite"].state, lines["verdict"].state) == (State.OPEN, State.HOLDS)
    assert "by another suite" in lines["verdict"].message
    assert (result.standing, result.judged_alike) == ("claim", False)


def test_the_signer_can_be_asked_for(made: Made) -> None:
    """With --key, a claim of somebody else does not hold."""
    for key, fails in ((made.key, set()), (jose.new_key(), {"signer"})):
        assert failing(held(read(made.text), Evidence(NOW, signers=frozenset({key.thumbprint()})))) == fails


async def test_a_live_implementation_is_compared(made: Made) -> None:
    """The same channel at another address holds; another one, or none, does not."""
    found = read(made.text)
    async with MiniChannel(SECRET) as same, MiniChannel(SECRET, "missing_capability") as other:
        for url, fails in ((same.url, set()), (other.url, {"live"}), ("http://127.0.0.1:1", {"live"})):
            assert failing(await verify_live(found, Evidence(NOW), url)) == fails

    async def huge(request: web.Request) -> web.Response:
        return web.Response(body=b"[" * (verification.LARGEST + 1))

    async with serving(huge) as url:
        assert failing(await verify_live(found, Evidence(NOW), url)) == {"live"}


@pytest.mark.parametrize("only", [("ERR-010",), ("SIG-005",)], ids=["failed", "partial"])
async def test_only_a_whole_certified_run_makes_one(only: tuple[str, ...], tmp_path: Path) -> None:
    """A failed run and a selection are refused, also when the report says otherwise."""
    await certify(tmp_path, only)
    with pytest.raises(RefusedError, match="not certified"):
        create(tmp_path, jose.new_key(), NOW)
    path = tmp_path / "report.json"
    report = json.loads(path.read_text())
    counts = dict.fromkeys(report["counts"], 0) | {"pass": 60}
    path.write_text(json.dumps(report | {"verdict": "certified", "counts": counts}))
    with pytest.raises(RefusedError, match="judged again"):
        create(tmp_path, jose.new_key(), NOW)


def test_a_run_by_another_suite_makes_none(copied: Made) -> None:
    """What drove it cannot be judged by what is installed here."""
    path = copied.folder / "transcript.jsonl"
    transcript = record.parse(path.read_text("utf-8"))
    transcript.head["suite"] |= {"digest": "0" * 64}
    path.write_text(record.text(transcript), "utf-8")
    with pytest.raises(RefusedError, match="another suite"):
        create(copied.folder, copied.key, NOW)


def test_a_baseline_or_an_old_run_makes_none(copied: Made) -> None:
    """Nor does a report of another run."""
    path = copied.folder / "report.json"
    report = json.loads(path.read_text())
    path.write_text(json.dumps(report | {"baseline": {"known": ["SEL-001"]}}))
    with pytest.raises(RefusedError, match="baseline"):
        create(copied.folder, copied.key, NOW)
    path.write_text(json.dumps(report | {"nonce": "0123456789abcdef"}))
    with pytest.raises(RefusedError, match="another run"):
        create(copied.folder, copied.key, NOW)
    path.write_text(json.dumps(report))
    with pytest.raises(RefusedError, match="too old"):
        create(copied.folder, copied.key, NOW + timedelta(days=401))
    late = read(create(copied.folder, copied.key, NOW + timedelta(days=300))).claims
    assert late["exp"] - late["iat"] < timedelta(days=101).total_seconds()


def vgcp(*words: object, code: int = 0) -> Result:
    """Run `vgcp certificate …`, which must exit so."""
    result = CliRunner().invoke(command, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


def test_the_commands_from_key_to_certified(copied: Made, tmp_path: Path) -> None:
    """keygen, create, verify, countersign, show: with their exit codes, and no private key is shown or readable."""
    keys = {name: tmp_path / f"{name}.jwk" for name in ("vendor", "registry")}
    said = ""
    for name, path in keys.items():
        said += vgcp("keygen", "--out", path, "--public", tmp_path / f"{name}.jwks").output
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        vgcp("keygen", "--out", path, code=1)
    claim, whole = tmp_path / "claim.jws", tmp_path / "certificate.jws"
    run_files = (
        "--transcript",
        copied.folder / "transcript.jsonl",
        "--report",
        copied.folder / "report.json",
    )
    said += vgcp("create", copied.folder, "--key", keys["vendor"], "--out", claim).output
    said += vgcp("verify", claim, *run_files, "--key", tmp_path / "vendor.jwks", code=2).output
    assert "CLAIM mini-channel 1 as a channel for core" in said
    vgcp("countersign", claim, "--registry-key", keys["registry"], "--out", whole, code=2)
    said += vgcp("countersign", claim, *run_files, "--registry-key", keys["registry"], "--out", whole).output
    public = tmp_path / "registry.jwks"
    shown = json.loads(vgcp("verify", whole, *run_files, "--registry-key", public, "--json").output)
    assert (shown["standing"], {line["state"] for line in shown["lines"]}) == ("certified", {"holds"})
    said += vgcp("show", whole).output
    for path in keys.values():
        assert json.loads(path.read_text())["d"] not in said + whole.read_text() + public.read_text()
    whole.write_text("nothing")
    vgcp("verify", whole, code=3)
    vgcp("create", copied.folder, "--key", public, "--out", claim, code=2)
    (copied.folder / "report.json").unlink()
    vgcp("create", copied.folder, "--key", keys["vendor"], "--out", claim, code=1)
