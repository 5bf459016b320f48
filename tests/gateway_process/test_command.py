"""`vgcp gateway serve` as an operator meets it."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import gateway as command
from gateway.settings import Settings
from tests.fixtures.gateway import VAULT_KEYS, call, end, subprocess_gateway

SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes at least").decode()


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    result = CliRunner().invoke(command, list(arguments))
    return result.exit_code, result.output


def test_help_shows_examples_and_every_setting() -> None:
    """Each field of the settings is an option."""
    code, output = run("serve", "--help")
    assert code == 0
    assert "vgcp gateway serve --database postgresql://" in output
    for name in Settings.__dataclass_fields__:
        assert "--" + name.replace("_", "-") in output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sandbox",), "--test-secret"),
        (("--workers", "2"), "PostgreSQL"),
        (
            ("--workers", "2", "--sandbox", "--test-secret", "s", "--database", "postgresql://x/y"),
            "one worker",
        ),
        (("--port", "70000"), "65535"),
        (("--token-life", "4000"), "3600"),
        (("--body-limit", "10"), "65536"),
        (("--database", "mysql://x/y"), "sqlite:///PATH or postgresql://"),
        (("--vault-keys", "nonsense"), "base64 of 32 bytes"),
        (("--public-url", "gateway.example/"), "http"),
        (("--alert-url", "https://shop.example/alerts"), "go together"),
        (("--alert-url", "shop.example", "--alert-secret", SECRET), "--alert-url is a URL"),
        (("--alert-url", "https://shop.example", "--alert-secret", "whsec_c2hvcnQ="), "24 bytes"),
        (("--alert-url", "https://shop.example", "--alert-secret", "plain"), "whsec_"),
    ],
)
def test_what_does_not_go_together_is_said(
    options: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence that says what would help, not in a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGCP_TEST_SECRET", raising=False)
    code, output = run("serve", *options)
    assert code in (1, 2)
    assert said in output
    assert "Traceback" not in output


def test_a_port_that_is_taken_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number."""
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = run("serve", "--port", str(port))
    assert code == 1
    assert str(port) in output


async def test_outside_of_a_sandbox_there_is_no_test_control(tmp_path: Path) -> None:
    """TST-005, DSC-010: its paths are unknown, whoever asks, and discovery does not declare it."""
    with subprocess_gateway(None, tmp_path, sandbox=False) as live:
        found = (await call("GET", f"{live.url}/.well-known/vgcp")).json
        assert found["sandbox"] is False
        assert "test_control" not in {capability["name"] for capability in found["capabilities"]}
        for path in ("/reset", "/clients", "/offers", "/clock", "/faults"):
            answer = await live.control(path)
            assert (answer.status, answer.code) == (404, "not_found")


async def test_a_public_url_is_what_discovery_and_tokens_name(tmp_path: Path) -> None:
    """DSC-006: a gateway behind a proxy knows itself by that name; the ready file tells it with the process."""
    options = ("--public-url", "https://gateway.shop.example", "--name", "Tom's shop")
    with subprocess_gateway(None, tmp_path, *options, fresh=True) as gateway:
        assert gateway.process is not None
        assert gateway.url == "https://gateway.shop.example"
        ready = json.loads(next(tmp_path.glob("ready-*.json")).read_text())
        assert ready["pid"] == gateway.process.pid
        found = (await call("GET", ready["local_url"] + "/.well-known/vgcp")).json
        metadata = (await call("GET", ready["local_url"] + "/.well-known/oauth-authorization-server")).json
    assert found["endpoints"]["api"] == "https://gateway.shop.example/vgcp/v1"
    assert found["name"] == "Tom's shop"
    assert metadata["issuer"] == "https://gateway.shop.example"


def test_standard_output_has_one_line_and_the_log_is_json(tmp_path: Path) -> None:
    """A person reads the one, a program the others."""
    with subprocess_gateway(None, tmp_path, fresh=True) as gateway:
        assert gateway.process is not None
        assert end(gateway.process) == 0
        assert gateway.log_path is not None
        first, *others = gateway.log_path.read_text().splitlines()
    assert first == f"sandbox gateway ready: {gateway.url} (discovery at {gateway.url}/.well-known/vgcp)"
    assert all(json.loads(line)["time"] for line in others)


def test_the_key_file_is_the_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made beside the SQLite file at the first start."""
    from gateway.main import prepare

    prepare(Settings(database=f"sqlite:///{tmp_path}/shop.db"))
    (keys,) = [path for path in tmp_path.iterdir() if path.suffix == ".keys"]
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


async def test_a_renewed_signing_key_is_published_beside_the_old_one(tmp_path: Path) -> None:
    """`keys renew`, then a start: both are in the key set; once the new one is known everywhere, it signs."""
    database = f"sqlite:///{tmp_path}/gateway.db"
    with subprocess_gateway(database, tmp_path) as gateway:
        (old,) = (await call("GET", f"{gateway.api}/oauth/jwks")).json["keys"]
    options = ("--database", database, "--vault-keys", VAULT_KEYS, "--json")
    code, output = await asyncio.to_thread(run, "keys", "renew", *options)
    assert code == 0, output
    new = json.loads(output)["key_id"]
    with subprocess_gateway(database, tmp_path) as gateway:
        keys = (await call("GET", f"{gateway.api}/oauth/jwks")).json["keys"]
        await gateway.control("/clock", {"advance_seconds": 120})
        token = await (await gateway.channel("shop")).token()
    assert [key["kid"] for key in keys] == [old["kid"], new]
    header = token.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"] == new
