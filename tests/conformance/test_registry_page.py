"""The registry page lists what holds, marks what has expired, leaves out what is false, and can be read by all."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.async_api import Browser

from conformance import jose
from conformance.certificate import CERTIFICATE, countersign, read
from conformance.commands.certificate import certificate as command
from conformance.digests import of_json
from tests.fixtures.browser import clean, needs_chromium

NOW = datetime.now(UTC)


def claims(name: str, role: str, days: int, issuer: str) -> dict[str, Any]:
    """What a vendor's certificate says that ends in so many days."""
    made = NOW - timedelta(days=30)
    digests = {
        f"{part}_digest": of_json(part)
        for part in ("suite", "requirements", "discovery", "transcript", "report")
    }
    return {
        "vgcp_certificate": 1,
        "iss": issuer,
        "iat": int(made.timestamp()),
        "nbf": int(made.timestamp()),
        "exp": int((NOW + timedelta(days=days)).timestamp()),
        "ran_at": made.isoformat(),
        "implementation": {"name": name, "version": "2.1"},
        "role": role,
        "profiles": ["core"],
        "protocol": "1.0",
        "verdict": "certified",
        "counts": {"pass": 61},
        "score": {},
        "suite": {"name": "vgcp", "version": "0.1.0"},
        "nonce": "0123456789abcdef",
        **digests,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A certified gateway, a channel's claim, an expired one, a forged one and what is none; and the registry's key."""
    vendor, registry = jose.new_key(), jose.new_key()
    (tmp_path / "registry.jwks").write_text(json.dumps({"keys": [jose.public(registry)]}))
    place = tmp_path / "certificates"
    place.mkdir()

    def signed(name: str, role: str, days: int = 100) -> str:
        return jose.sign(claims(name, role, days, vendor.thumbprint()), CERTIFICATE, vendor)

    (place / "a.jws").write_text(countersign(read(signed("Great Gate", "gateway")), registry, NOW) + "\n")
    (place / "b.jws").write_text(signed('<script>alert("x")</script>', "channel"))
    (place / "c.jws").write_text(signed("Old Shop", "channel", -1))
    (place / "d.jws").write_text(signed("Liar", "channel")[:-6] + "AAAAAA")
    (place / "e.jws").write_text("nothing")
    return tmp_path


def built(folder: Path, code: int) -> Path:
    """Run `vgcp certificate page`; answers the folder that it made."""
    words = (
        "page",
        folder / "certificates",
        "--out",
        folder / "public",
        "--registry-key",
        folder / "registry.jwks",
    )
    result = CliRunner().invoke(command, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return folder / "public"


def test_the_page_lists_what_holds(folder: Path) -> None:
    """Certified, claim and expired, with badge and certificate; what is forged or none is left out, by name."""
    out = built(folder, 1)
    data = json.loads((out / "index.json").read_text())
    listed = {one["implementation"]["name"]: one for one in data["certificates"]}
    assert {name: one["standing"] for name, one in listed.items()} == {
        "Great Gate": "certified",
        '<script>alert("x")</script>': "claim",
        "Old Shop": "expired",
    }
    assert data["left_out"].keys() == {"d.jws", "e.jws"}
    for one in listed.values():
        badge = ElementTree.parse(out / one["badge"]).getroot()
        assert one["standing"] in str(badge.attrib["aria-label"])
        assert read((out / one["certificate"]).read_text()).signer == one["signer"]
    html = (out / "index.html").read_text()
    assert "alert" in html
    assert "<script>alert" not in html
    assert "Liar" not in html
    for name in ("d.jws", "e.jws"):
        (folder / "certificates" / name).unlink()
    built(folder, 0)


@needs_chromium
async def test_the_page_filters_speaks_chinese_and_is_accessible(chromium: Browser, folder: Path) -> None:
    """In light and dark: axe finds nothing, filter and language switch work, and nothing is fetched from anywhere."""
    out = built(folder, 1)
    for scheme in ("light", "dark"):
        page = await chromium.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        fetched: list[str] = []
        page.on("request", lambda request, into=fetched: into.append(request.url))
        await page.goto((out / "index.html").as_uri())
        for language in ("en", "zh"):
            await clean(page, dark=scheme == "dark")
            assert await page.get_by_text("已过期").first.is_visible() is (language == "zh")
            await page.click("#lang")
        await page.click("[data-filter=certified]")
        assert await page.locator(".entry:visible h2").all_inner_texts() == ["Great Gate 2.1"]
        await page.fill("#search", "no such thing")
        assert await page.locator(".entry:visible").count() == 0
        assert len(fetched) == 1
