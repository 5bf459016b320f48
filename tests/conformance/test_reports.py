"""All files of a run: valid, readable, and without a secret."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest
from playwright.async_api import Browser

from conformance.chinese import chinese
from conformance.model import Role
from conformance.record import parse, text
from conformance.report import SCHEMA, report, write
from conformance.runner import Run, checks_of, judged
from conformance.transcript import Transcript
from tests.conformance.standing import SECRET
from tests.fixtures.browser import clean, needs_chromium


def test_the_report_fits_its_published_schema(reported: tuple[Run, Path]) -> None:
    """report.json is valid, and says what was found with evidence and a hint."""
    data = json.loads((reported[1] / "report.json").read_text())
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(data)
    finding = next(f for f in data["findings"] if f["check"] == "DLV-013")
    assert (data["verdict"], finding["verdict"], finding["level"]) == ("failed", "fail", "MUST")
    assert finding["evidence"]
    assert finding["hint"]
    assert data["requirements"]["checked"] >= 30


def test_no_secret_is_in_any_file(reported: tuple[Run, Path]) -> None:
    """Codes, tokens, client and webhook secrets and the test secret were on the wire, and are in no file."""
    result, folder = reported
    assert result.live
    secrets = set(result.live.secrets.shown)
    wire = "".join(
        f"{e.request.headers}{e.request.body!r}{e.response and e.response.body!r}"
        for e in result.live.exchanges
    )
    kinds = [
        SECRET,
        *(code for (_, key), codes in result.live.facts.items() if key == "offer codes" for code in codes),
    ]
    assert set(kinds) <= secrets
    assert sum(secret in wire for secret in secrets) >= 5
    for path in folder.iterdir():
        text = path.read_text()
        assert [secret for secret in secrets if secret in text] == [], path.name


def test_what_was_leaked_can_still_be_seen_in_the_file(reported: tuple[Run, Path]) -> None:
    """The same secret has the same digest, so the leak in the log is visible in the redacted transcript."""
    result, folder = reported
    digests = {code for e in result.transcript.all("buy", label="bought") for code in e.answer["goods_shown"]}
    log = next(
        line for line in (folder / "transcript.jsonl").read_text().splitlines() if "test_get_log" in line
    )
    assert digests
    assert all(digest in log for digest in digests)


def test_junit_tells_failures_from_what_was_not_shown(reported: tuple[Run, Path]) -> None:
    """One case for each check: one failure, the disabled ones skipped with their reason."""
    suite = ElementTree.parse(reported[1] / "junit.xml").getroot()[0]
    assert suite.attrib["tests"] == str(len(suite))
    assert suite.attrib["failures"] == "1"
    failures = [case.attrib["classname"] for case in suite if case.find("failure") is not None]
    assert failures == ["vgcp.channel.DLV-013"]
    skipped = [case for case in suite if case.find("skipped") is not None]
    assert str(len(skipped)) == suite.attrib["skipped"]


def test_a_void_run_has_a_report_too(tmp_path: Path) -> None:
    """It says why nothing can be concluded."""
    live = Transcript(
        {"role": "channel", "target": "http://127.0.0.1:1", "profile": "", "only": [], "disabled": []}
    )
    live.secret(SECRET)
    live.end = {"void": f"nobody there, {SECRET}"}
    result = judged(parse(text(live)))
    data = write(result, tmp_path)
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    assert report(result)["verdict"] == "void"
    assert SECRET not in data["void"]
    assert "nobody there" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("role", ["channel", "gateway"])
def test_the_checks_are_told_in_chinese(role: Role) -> None:
    """Title and remedy of nearly all (English stands in for what is new), and nothing of checks that are gone."""
    known = {check.id for check in checks_of(role)}
    told = chinese(role)
    assert set(told) - known == set()
    assert len(told) >= 0.95 * len(known), sorted(known - set(told))
    for texts in told.values():
        assert len(texts) == 2
        assert all(re.search("[\u4e00-\u9fff]", text) for text in texts)


@needs_chromium
async def test_the_page_filters_speaks_chinese_and_is_accessible(
    chromium: Browser, reported: tuple[Run, Path]
) -> None:
    """In light and dark: axe finds nothing, filter and language switch work, and nothing is fetched from anywhere."""
    for scheme in ("light", "dark"):
        page = await chromium.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        fetched: list[str] = []
        page.on("request", lambda request, into=fetched: into.append(request.url))
        await page.goto((reported[1] / "report.html").as_uri())
        for language in ("en", "zh"):
            await clean(page, dark=scheme == "dark")
            assert await page.get_by_text("未通过认证").is_visible() is (language == "zh")
            assert await page.get_by_text("拒绝签名不成立的事件").is_visible() is (language == "zh")
            await page.click("#lang")
        await page.click("[data-filter=fail]")
        assert await page.locator("details.finding:visible").count() == 1
        await page.fill("#search", "no such thing")
        assert await page.locator("details.finding:visible").count() == 0
        assert len(fetched) == 1


@needs_chromium
async def test_the_page_is_used_with_the_keyboard(chromium: Browser, reported: tuple[Run, Path]) -> None:
    """A link opens its finding, whatever is filtered; "/" searches, "j" and "k" walk, Enter opens, Escape shows all."""
    page = await chromium.new_page()
    rows, focused = page.locator("details.finding:visible"), page.locator("details.finding:focus-within")
    await page.goto((reported[1] / "report.html").as_uri() + "#SEL-002")
    assert await page.locator("#SEL-002 .exchange").first.is_visible()
    await page.select_option("#capability", "events")
    assert {await row.get_attribute("data-capability") for row in await rows.all()} == {"events"}
    await page.click(".todo a[href='#DLV-013']")
    assert await page.locator("#DLV-013 .hint").is_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("sig-006")
    assert [await row.get_attribute("id") for row in await rows.all()] == ["SIG-006"]
    await page.keyboard.press("Escape")
    await page.evaluate("document.activeElement.blur()")
    everything = await rows.count()
    assert everything > 50
    await page.keyboard.press("j")
    first = await focused.get_attribute("id")
    await page.keyboard.press("j")
    assert await focused.get_attribute("id") != first
    await page.keyboard.press("k")
    assert await focused.get_attribute("id") == first
    was = await page.locator(f"#{first} .body").is_visible()
    await page.keyboard.press("Enter")
    assert await page.locator(f"#{first} .body").is_visible() is not was
