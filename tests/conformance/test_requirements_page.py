"""The page of all requirements: whole, by itself, filtered and searched in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.async_api import Browser

import spec
from conformance.commands.requirements import requirements
from conformance.explain_html import code
from conformance.hints import hints
from tests.fixtures.browser import clean, needs_chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, as the command makes it."""
    path = tmp_path_factory.mktemp("page") / "requirements.html"
    assert CliRunner().invoke(requirements, ["page", "--out", str(path)]).exit_code == 0
    return path


def test_the_page_has_everything_and_fetches_nothing(page: Path) -> None:
    """Each requirement once, with its hint and both examples; no address of anything to load."""
    text = page.read_text("utf-8")
    assert re.findall(r'<details class="row" id="([A-Z0-9-]+)"', text) == [r.id for r in spec.requirements()]
    assert "Fails (gateway:cheaper, ORD-003)" in text
    assert hints("channel")["SIG-005"] in text
    assert re.findall(r"(?:src|href)=", text) == []
    assert code("`a<b` is <i>") == "<code>a&lt;b</code> is &lt;i&gt;"


@needs_chromium
async def test_the_page_filters_and_is_accessible(chromium: Browser, page: Path) -> None:
    """Axe finds nothing, the filters narrow together, a link opens its requirement, and nothing else is fetched."""
    for scheme in ("light", "dark"):
        tab = await chromium.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        fetched: list[str] = []
        tab.on("request", lambda request, into=fetched: into.append(request.url))
        await tab.goto(f"{page.as_uri()}#ORD-003")
        assert await tab.locator("details.row[open]").get_attribute("id") == "ORD-003"
        await tab.select_option("[data-by=capability]", "on_demand")
        made = [row.id for row in spec.requirements() if row.capability == "on_demand"]
        assert await tab.locator("details.row:visible").count() == len(made)
        await tab.fill("#search", "cancel")
        assert await tab.locator("details.row:visible").count() < len(made)
        await clean(tab, dark=scheme == "dark")
        await tab.select_option("[data-by=role]", "channel")
        assert await tab.locator("#count").inner_text() == f"0 / {len(spec.requirements())}"
        assert len(fetched) == 1
