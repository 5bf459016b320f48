"""A holder's key and what she shows with it: by the commands, for our verifier and for the reference library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jwcrypto.jwk import JWK
from playwright.async_api import Browser
from sd_jwt.verifier import SDJWTVerifier

from conformance import holding, sd_jwt
from conformance.commands.ownership import ownership
from tests.conformance.issuing import PAGE, Issued
from tests.fixtures.browser import needs_chromium

VENUE = "https://venue.example"
ASKED = ("--nonce", "n-1", "--audience", VENUE)
ALL = {"product_name", "product_id", "product_kind", "acquired_at", "channel", "price", "order_id",
       "entitlement_id"}  # fmt: skip


def run(*words: object) -> Result:
    """A command of `vgcp ownership`."""
    return CliRunner().invoke(ownership, [str(word) for word in words])


@pytest.fixture
def key(issued: Issued) -> Path:
    """A key of the command's making; the certificate, in certificate.txt beside it, is bound to it."""
    path = issued.folder / "holder.jwk"
    bind(issued, json.loads(run("key", path).stdout))
    return path


def bind(issued: Issued, public: dict[str, Any]) -> Path:
    """Have the certificate bound to this key ({}: to none), and write it down."""
    issued.issue(public)
    path = issued.folder / "certificate.txt"
    path.write_text(issued.text)
    return path


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """P-256, readable for nobody else; its public half is printed, its private half is not, and nothing is replaced."""
    path = tmp_path / "holder.jwk"
    made = run("key", path)
    kept = path.read_text()
    private = json.loads(kept)
    assert (made.exit_code, path.stat().st_mode & 0o777) == (0, 0o600)
    assert json.loads(made.stdout) == {name: private[name] for name in ("kty", "crv", "x", "y")}
    assert (private["kty"], private["crv"]) == ("EC", "P-256")
    again = run("key", path)
    assert (again.exit_code, path.read_text()) == (1, kept)
    assert "is not replaced" in again.stderr
    assert run("key", path / "below").exit_code == 1
    assert private["d"] not in made.output + again.output


def test_it_shows_what_is_named(issued: Issued, key: Path) -> None:
    """One claim with the holder's proof: our verifier and the reference library find it, and nothing else."""
    path, out = issued.folder / "certificate.txt", issued.folder / "shown.txt"
    made = run("present", path, "--show", "product_name", "--key", key, *ASKED, "--out", out)
    assert (made.exit_code, made.stdout) == (0, f"{out}: show this file\n")
    assert "shown: product_name\n" in made.stderr
    assert "your key: proven" in made.stderr
    seen = issued.verify(out, *ASKED, "--json")
    told = json.loads(seen.output)
    assert (seen.exit_code, told["holder_proven"], told["claims"].keys() & ALL) == (0, True, {"product_name"})

    def find(issuer: str, header: dict[str, Any]) -> JWK:
        return JWK.from_json(json.dumps(issued.world.key.as_dict(private=False)))

    found = SDJWTVerifier(out.read_text().strip(), find, VENUE, "n-1").get_verified_payload()
    assert found.keys() & ALL == {"product_name"}
    proof = sd_jwt._object(out.read_text().rpartition("~")[2].split(".")[0])
    assert proof == {"alg": "ES256", "typ": "kb+jwt"}
    assert json.loads(key.read_text())["d"] not in made.output + out.read_text()


@needs_chromium
async def test_the_page_takes_it_too(chromium: Browser, issued: Issued, key: Path) -> None:
    """What the command shows with a P-256 key holds in the browser, for its nonce and for no other."""
    out = issued.folder / "shown.txt"
    run("present", issued.folder / "certificate.txt", "--key", key, *ASKED, "--out", out)
    context = await chromium.new_context(locale="en-US", offline=True)
    page = await context.new_page()
    await page.goto(PAGE.as_uri())
    await page.set_input_files("#files", [out, issued.folder / "jwks.json", issued.folder / "list.jwt"])
    for nonce, told in (("n-1", "It holds."), ("n-2", "It does not hold.")):
        await page.fill("#nonce", nonce)
        await page.click("#verify")
        await page.get_by_role("heading", name=told).wait_for()
    await context.close()


def test_a_proof_is_for_one_nonce_and_one_reader(issued: Issued, key: Path) -> None:
    """Shown again for another nonce, to somebody else, or with a claim more, it does not hold: exit code 1."""
    out = issued.folder / "shown.txt"
    run("present", issued.folder / "certificate.txt", "--key", key, *ASKED, "--out", out)
    assert issued.verify(out, *ASKED).exit_code == 0
    assert issued.verify(out, "--nonce", "n-2", "--audience", VENUE).exit_code == 1
    assert issued.verify(out, "--nonce", "n-1", "--audience", "https://elsewhere.example").exit_code == 1
    head, proof = out.read_text().split("~")
    out.write_text("~".join([head, issued.text.split("~")[1], proof]))
    assert "the proof of its holder does not hold" in issued.verify(out, *ASKED).output


def test_all_or_nothing(issued: Issued) -> None:
    """Without names all is kept back, with `all` nothing; for programs it says so; a certificate without a key does."""
    path = bind(issued, {})
    bare = run("present", path)
    assert bare.stdout.strip() == issued.text.partition("~")[0] + "~"
    assert "shown: nothing\n" in bare.stderr
    told = json.loads(run("present", path, "--show", "all", "--json").stdout)
    assert (told["presentation"], told["kept_back"], told["holder_proven"]) == (issued.text, [], False)
    assert {*told["shown"]} == ALL
    path.write_text(issued.text + "e30.e30.e30")
    assert run("present", path, "--show", "all").stdout.strip() == issued.text, (
        "a proof of somebody's is not passed on"
    )
    path.write_text(told["presentation"])
    assert issued.verify(path).exit_code == 0


def test_a_key_of_another_kind(issued: Issued) -> None:
    """An Ed25519 key that the holder has from elsewhere does as well, and the old proof is not shown again."""
    issued.issue()
    key, path = issued.folder / "ed.jwk", issued.shown(nonce="n-0")
    key.write_text(json.dumps(issued.key.as_dict(private=True)))
    shown = run("present", path, "--show", "price", "--key", key, *ASKED).stdout
    path.write_text(shown)
    assert shown.count("~") == 2
    assert issued.verify(path, *ASKED).exit_code == 0


def test_what_is_refused(issued: Issued, key: Path) -> None:
    """Another key, no key, no nonce, no such claim, no certificate: each says what to do, and writes nothing."""
    path, out, other = (issued.folder / name for name in ("certificate.txt", "shown.txt", "other.jwk"))
    run("key", other)
    loose = issued.folder / "loose.txt"
    loose.write_text("~".join([*issued.text.split("~")[:2], "a", ""]))
    public = issued.folder / "public.jwk"
    public.write_text(json.dumps(holding.public(holding.new_key())))
    strange = issued.folder / "strange.txt"
    strange.write_text("e30.e30.e30~")
    for words, code, told in (
        ((path, "--key", other, *ASKED), 1, "bound to another key"),
        ((path, "--key", public, *ASKED), 2, "no private P-256 or Ed25519 key"),
        ((path, "--key", loose, *ASKED), 2, "cannot be read as a key"),
        ((path,), 2, "give --key with your key, and --nonce"),
        ((path, "--key", key, "--nonce", "n-1"), 2, "and --audience"),
        ((path, "--key", key, "--audience", VENUE), 2, "and --nonce"),
        ((path, "--show", "shoe_size", "--key", key, *ASKED), 2, "no shoe_size; there are acquired_at, channel"),
        ((loose,), 1, "no certificate, or not a whole one"),
        ((strange,), 1, "a statement of another kind"),
        ((issued.folder / "list.jwt",), 1, "no certificate, or not a whole one"),
    ):  # fmt: skip
        answer = run("present", *words, "--out", out)
        assert (answer.exit_code, answer.stdout, out.exists()) == (code, "", False), answer.output
        assert told in " ".join(answer.stderr.split())
    assert "bound to no key" in run("present", bind(issued, {}), "--key", key, *ASKED).stderr


def test_nothing_is_lost(issued: Issued, key: Path) -> None:
    """Certificate and key are not written over, whatever they are called; what was shown before is."""
    path, out = issued.folder / "certificate.txt", issued.folder / "shown.txt"
    (issued.folder / "link.txt").symlink_to(path)
    before = path.read_text(), key.read_text()
    for name in ("certificate.txt", "link.txt", "holder.jwk"):
        assert run("present", path, "--key", key, *ASKED, "--out", issued.folder / name).exit_code == 2
    assert (path.read_text(), key.read_text()) == before
    for _ in range(2):
        assert run("present", path, "--key", key, *ASKED, "--out", out).exit_code == 0
    assert "cannot be written" in run("present", path, "--key", key, *ASKED, "--out", path / "x").stderr


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "d": "AA"},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": [], "d": None},
        {"kty": "OKP", "crv": "Ed25519", "d": "AA"},
        {"kty": "RSA"},
        [],
    ],
)
def test_what_is_no_key(issued: Issued, key: Path, jwk: object) -> None:
    """Whatever stands in the file, the command is wrong and nothing breaks; half of another key is none."""
    other = holding.new_key().as_dict(private=True)
    for told in (jwk, {**json.loads(key.read_text()), "d": other["d"]}):
        key.write_text(json.dumps(told))
        answer = run("present", issued.folder / "certificate.txt", "--key", key, *ASKED)
        assert (answer.exit_code, answer.stdout) == (2, ""), answer.output


def test_a_name_does_nothing(issued: Issued) -> None:
    """What a terminal would act on in the name of a claim is shown, not done."""
    path = bind(issued, {})
    odd = sd_jwt.encoded(json.dumps(["salt", "price\x1b[2J", 1]).encode())
    head, payload, signature = issued.text.partition("~")[0].split(".")
    claims = {**sd_jwt._object(payload), "_sd": [sd_jwt.digest(odd)]}
    path.write_text(f"{head}.{sd_jwt.encoded(json.dumps(claims).encode())}.{signature}~{odd}~")
    for words in ([], ["--show", "x"]):
        answer = run("present", path, *words)
        assert "\\u001b" in answer.stderr
        assert "\x1b" not in answer.output
