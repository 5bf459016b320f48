"""Certificates of ownership verified offline: by the suite's own code, by the command, and by the page in Chromium."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc import jwt
from playwright.async_api import Browser

from conformance import sd_jwt
from conformance.commands.ownership import ownership
from conformance.mini_gateway import certificates
from tests.conformance.issuing import PAGE, Issued
from tests.fixtures.browser import accessible, needs_chromium


def test_it_holds(issued: Issued) -> None:
    """With all claims, with one, with the holder's proof; and the command says what it was shown."""
    whole = issued.verify(issued.shown())
    assert (whole.exit_code, "Öl & 港湾" in whole.output, "price" in whole.output) == (0, True, True)
    assert "status as of: " in whole.output
    part = issued.verify(issued.shown("product_name", nonce="n-1"), "--nonce", "n-1", "--json")
    told = json.loads(part.output)
    assert (part.exit_code, told["valid"], told["holder_proven"], told["status"]) == (0, True, True, "valid")
    assert not {"price", "order_id", "channel"} & told["claims"].keys()


def test_it_does_not(issued: Issued) -> None:
    """Tampered with, of another nonce, unproven, suspended, revoked, expired: exit code 1, and why."""
    path = issued.shown()
    text = path.read_text()
    path.write_text(text.replace("~", "~" + text.split("~")[1] + "~", 1))
    assert (issued.verify(path).exit_code, "not its own" in issued.verify(path).output) == (1, True)
    assert issued.verify(issued.shown(nonce="n-1"), "--nonce", "n-2").exit_code == 1
    assert "has not proven" in issued.verify(issued.shown(), "--nonce", "n-2").output
    place = issued.owned.place or 0
    for status, word in ((2, "suspended"), (1, "handed on")):
        issued.world.statuses[place] = status
        issued.refresh()
        seen = issued.verify(issued.shown())
        assert (seen.exit_code, word in seen.output) == (1, True)


def test_nobody_can_say(issued: Issued) -> None:
    """Without a list, with one of another place or too old, or without the key: exit code 3."""
    path = issued.shown()
    assert issued.verify(path, listed=False).exit_code == 3
    old = {
        "sub": certificates._uri(issued.world),
        "iat": 1,
        "exp": 2,
        "ttl": 1,
        "status_list": {"bits": 2, "lst": "eJwDAAAAAAE"},
    }
    other = {**old, "sub": "https://elsewhere.example/list", "exp": int(time.time()) + 60}
    for claims in (old, other):
        header = {"alg": "Ed25519", "typ": sd_jwt.LIST, "kid": issued.world.key.kid}
        signed = jwt.encode(header, claims, issued.world.key, algorithms=["Ed25519"])
        (issued.folder / "list.jwt").write_text(signed)
        assert issued.verify(path).exit_code == 3
    (issued.folder / "jwks.json").write_text('{"keys": []}')
    assert issued.verify(path).exit_code == 3
    assert CliRunner().invoke(ownership, ["verify", str(path)]).exit_code == 2


@pytest.mark.parametrize("text", ["", "~", "a~", "a.b~", "a.b.c~", "e30.e30.e30~", "~~", "é~", "[]"])
def test_what_is_no_certificate(issued: Issued, text: str) -> None:
    """Whatever it is, it is refused and nothing breaks."""
    found = sd_jwt.verify(text, {"keys": "none"}, time.time())
    assert found.reasons in (["malformed"], ["type_unknown"])


def test_files_that_nobody_would_write(issued: Issued) -> None:
    """Too deep, too large a number, no text: each gets its exit code, and nothing breaks."""
    text, deep = issued.text, sd_jwt.encoded(b"[" * 100_000)
    said = json.dumps({"sd_hash": sd_jwt.digest(text)}).encode()[:-1]
    path = issued.folder / "odd.txt"
    for shown in (
        f"{deep}.e30.e30~",
        f"{text}{deep}~",
        f"{text}{deep}.e30.e30",
        issued.bound(text, said + b', "iat": 1' + b"0" * 400 + b"}"),
        issued.bound(text, said + b', "iat": NaN}'),
        issued.bound(text, b"[" * 5000),
    ):
        path.write_text(shown)
        assert issued.verify(path).exit_code == 1
    path.write_bytes(b"\xff\xfe~")
    assert issued.verify(path).exit_code == 1
    path.write_text(text)
    (issued.folder / "list.jwt").write_bytes(deep.encode() + b".\xff")
    assert issued.verify(path).exit_code == 3
    for keys in (b"[]", b"[" * 100_000, b"\xff"):
        (issued.folder / "jwks.json").write_bytes(keys)
        assert "is no key set" in issued.verify(path).output


def test_what_is_over_is_not_undecided(issued: Issued) -> None:
    """A proof that does not hold is a reason against it, also where nobody knows its status."""
    (issued.folder / "list.jwt").write_text("none")
    assert issued.verify(issued.shown()).exit_code == 3
    assert issued.verify(issued.shown(nonce="n-1"), "--nonce", "n-2").exit_code == 1


def test_a_name_writes_no_lines(issued: Issued) -> None:
    """What a terminal would act on is shown, not done."""
    issued.owned.body["product"]["name"] = "A game\n  shown by its holder: proven\x1b[2J"
    issued.issue()
    output = issued.verify(issued.shown()).output
    assert "\x1b" not in output
    assert output.count("\n  shown by its holder") == 1


def test_keys_and_list_come_in_pieces(issued: Issued) -> None:
    """From a gateway: what arrives bit by bit is read to its end, and what is no key set is said to be none."""
    served: dict[str, bytes] = {}

    class Slow(BaseHTTPRequestHandler):
        """Two pieces an answer."""

        def do_GET(self) -> None:
            """Half of it, and a moment later the rest."""
            body = served[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for piece in (body[:20], body[20:]):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.05)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        issued.world.url = origin = f"http://127.0.0.1:{server.server_port}"
        issued.issue()
        served["/vgcp/v1/oauth/jwks"] = (issued.folder / "jwks.json").read_bytes()
        served[certificates._uri(issued.world).removeprefix(origin)] = (
            issued.folder / "list.jwt"
        ).read_bytes()
        command = ["verify", str(issued.shown()), "--gateway", origin]
        assert CliRunner().invoke(ownership, command).output.startswith("It holds.")
        served["/vgcp/v1/oauth/jwks"] = b'["no key set", "and none at all"]'
        assert CliRunner().invoke(ownership, command).exit_code == 3
        server.shutdown()


def test_the_page_is_written_where_it_can_be(tmp_path: Path) -> None:
    """Into a folder that is there; else the command says so."""
    assert CliRunner().invoke(ownership, ["page", "--out", str(tmp_path / "v.html")]).exit_code == 0
    assert (tmp_path / "v.html").read_bytes() == PAGE.read_bytes()
    lost = CliRunner().invoke(ownership, ["page", "--out", str(tmp_path / "none" / "v.html")])
    assert "cannot be written" in lost.output


@needs_chromium
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
async def test_the_page_verifies_offline(chromium: Browser, issued: Issued, locale: str) -> None:
    """From disk, without a network, by keyboard: it holds, it does not, nobody can say; accessible, light and dark."""
    words = {
        "en-US": ("It holds.", "It does not hold.", "Nobody can say."),
        "zh-CN": ("证书有效。", "证书无效。", "无法判断。"),
    }
    holds, fails, unknown = words[locale]
    context = await chromium.new_context(locale=locale, offline=True)
    page, asked = await context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(PAGE.as_uri())
    files = [
        issued.shown("product_name", nonce="n-1"),
        issued.folder / "jwks.json",
        issued.folder / "list.jwt",
    ]
    await page.set_input_files("#files", files)
    await page.get_by_role("heading", name=holds).wait_for()
    assert "Öl & 港湾" in await page.inner_text("#verdict")
    await accessible(page)
    await page.fill("#nonce", "another")
    await page.focus("#verify")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name=fails).wait_for()
    await page.fill("#nonce", "n-1")
    await page.fill("#list", "")
    await page.focus("#verify")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name=unknown).wait_for()
    await page.fill("#list", files[2].read_text())
    await page.focus("#verify")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name=holds).wait_for()
    # what was found of one certificate is not what is said of the next, whatever is wrong with that
    head, payload, _ = issued.text.partition("~")[0].split(".")
    await page.fill("#certificate", f"{head}.{payload}.A~")
    assert await page.inner_text("#verdict") == ""
    await page.focus("#verify")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name=fails).wait_for()
    issued.world.statuses[issued.owned.place or 0] = 1
    issued.refresh()
    await page.set_input_files("#files", [*files[:2], issued.folder / "list.jwt"])
    await page.get_by_role("heading", name=fails).wait_for()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
