"""A status list is used until its end, and fetched anew once it is older than its ttl, where that can be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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

TTL, OLDER = 60, "older than its ttl"


def signed_at(issued: Issued, at: int, status: int = 0, **claims: Any) -> str:
    """The list as it was signed at that time, with an hour to its end."""
    place = issued.owned.place or 0
    issued.world.statuses[place] = status
    signed = certificates._list(issued.world, issued.world.key)
    payload = sd_jwt.signed(signed, {"keys": [issued.world.key.as_dict(private=False)]}, sd_jwt.LIST)
    said = {**payload, "iat": at, "exp": at + 3600, "ttl": TTL, **claims}
    header = {"alg": "Ed25519", "typ": sd_jwt.LIST, "kid": issued.world.key.kid}
    return jwt.encode(header, said, issued.world.key, algorithms=["Ed25519"])


@contextmanager
def served(issued: Issued) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A gateway that answers with these lists; its address, and what it answers by path."""
    answers: dict[str, bytes] = {}

    class Lists(BaseHTTPRequestHandler):
        """Knows nothing else."""

        def do_GET(self) -> None:
            """The answer to this path, or that there is none."""
            body = answers.get(self.path)
            self.send_response(503 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Lists) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        issued.world.url = origin
        issued.issue()
        yield origin, answers
        server.shutdown()


@pytest.mark.parametrize(("age", "stale"), [(TTL - 5, False), (TTL + 1, True), (3500, True)])
def test_an_old_list_still_counts_offline(issued: Issued, age: int, stale: bool) -> None:
    """Past its ttl and before its end it says what it says, and the command says in words how old it is."""
    at = int(time.time()) - age
    (issued.folder / "list.jwt").write_text(signed_at(issued, at))
    path = issued.shown()
    said, told = issued.verify(path), json.loads(issued.verify(path, "--json").output)
    assert (said.exit_code, OLDER in said.output) == (0, stale)
    assert (told["valid"], told["status_at"], told["status_ttl"], told["status_stale"]) == (
        True,
        at,
        TTL,
        stale,
    )
    assert time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) in said.output


def test_a_list_without_a_ttl_is_used_until_its_end(issued: Issued) -> None:
    """Other issuers need not give one; then there is nothing to say."""
    (issued.folder / "list.jwt").write_text(signed_at(issued, int(time.time()) - 3500, ttl="soon"))
    assert OLDER not in issued.verify(issued.shown()).output


def test_an_old_list_is_fetched_anew(issued: Issued) -> None:
    """With a network: what was handed on since is found out; a list within its ttl is not asked for."""
    with served(issued) as (origin, answers):
        path, now = issued.shown(), int(time.time())
        answers[certificates._uri(issued.world).removeprefix(origin)] = signed_at(issued, now, 1).encode()
        for age, code in ((TTL + 1, 1), (4000, 1), (0, 0)):
            (issued.folder / "list.jwt").write_text(signed_at(issued, now - age))
            seen = issued.verify(path, "--gateway", origin)
            assert (seen.exit_code, OLDER in seen.output) == (code, False)


@pytest.mark.parametrize("answer", [None, b"a page to sign in at"])
def test_an_old_list_that_cannot_be_fetched_still_counts(issued: Issued, answer: bytes | None) -> None:
    """The gateway does not answer, or something else does: the list at hand is what there is, and that is said."""
    with served(issued) as (origin, answers):
        if answer is not None:
            answers[certificates._uri(issued.world).removeprefix(origin)] = answer
        (issued.folder / "list.jwt").write_text(signed_at(issued, int(time.time()) - TTL - 1))
        seen = issued.verify(issued.shown(), "--gateway", origin)
        assert (seen.exit_code, OLDER in seen.output) == (0, True)


def test_what_was_just_fetched_is_not_old(issued: Issued) -> None:
    """A cache on the way may have had it for a while: its ttl begins when it is fetched."""
    with served(issued) as (origin, answers):
        late = signed_at(issued, int(time.time()) - TTL - 1)
        answers[certificates._uri(issued.world).removeprefix(origin)] = late.encode()
        command = [
            "verify",
            str(issued.shown()),
            "--keys",
            str(issued.folder / "jwks.json"),
            "--gateway",
            origin,
        ]
        seen = CliRunner().invoke(ownership, command)
        assert (seen.exit_code, OLDER in seen.output) == (0, False)


@needs_chromium
@pytest.mark.parametrize(("locale", "words"), [("en-US", OLDER), ("zh-CN", "已超过其 ttl")])
async def test_the_page_says_that_a_list_is_old(
    chromium: Browser, issued: Issued, locale: str, words: str
) -> None:
    """It holds, and beside that stands how old the list is; with a new one nothing of it."""
    context = await chromium.new_context(locale=locale, offline=True)
    page = await context.new_page()
    await page.goto(PAGE.as_uri())
    listed = issued.folder / "list.jwt"
    for age, told in ((TTL + 1, True), (0, False)):
        listed.write_text(signed_at(issued, int(time.time()) - age))
        await page.set_input_files("#files", [issued.shown(), issued.folder / "jwks.json", listed])
        await page.locator("#verdict.good").wait_for()
        assert (words in await page.inner_text("#verdict")) == told
        await accessible(page)
    await context.close()
