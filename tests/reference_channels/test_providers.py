"""The file of the shop's OpenID providers, and who is away at one of them."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from reference_channels.kit.openid import Endpoints, Provider
from reference_channels.webshop import providers
from reference_channels.webshop.cli import webshop
from reference_channels.webshop.providers import SignIn, SignIns, read_providers

ROW = "name: A, issuer: 'https://a.example', client_id: c"
ENDS = Endpoints("https://a.example/in", "https://a.example/token", names_issuer=False, basic=True)


def written(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "providers.yaml"
    path.write_text(text)
    return path


def test_providers_are_read(tmp_path: Path) -> None:
    """With a secret of the file, of the environment, or none."""
    path = written(
        tmp_path,
        f"identity_providers:\n- {{{ROW}}}\n- {{{ROW.replace('a.ex', 'b.ex')}, client_secret: hush}}\n"
        f"- {{{ROW.replace('a.ex', 'c.ex')}, client_secret_env: B_SECRET}}\n",
    )
    found = read_providers(path, {"B_SECRET": "of b"})
    assert found[0] == Provider("A", "https://a.example", "c")
    assert [each.client_secret for each in found] == ["", "hush", "of b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{hush", "is no YAML"),
        ("- x", "no list `identity_providers`"),
        ("identity_providers: [hush]", "no list `identity_providers`"),
        ("identity_providers: [{name: A, client_id: c}]", "provider 1 has no issuer"),
        (f"identity_providers: [{{{ROW}}}, {{{ROW}}}]", "names an issuer twice"),
        (f"identity_providers: [{{{ROW}, audience: x}}]", "provider 1: unknown: audience"),
        (f"identity_providers: [{{{ROW}, client_secret: 7}}]", "client_secret is a text"),
        (f"identity_providers: [{{{ROW.replace('https', 'http')}}}]", "issuer is an https URL"),
        (f"identity_providers: [{{{ROW.replace('.example', '.example/?x')}}}]", "issuer is an https URL"),
        (f"identity_providers: [{{{ROW}, client_secret_env: NOT_THERE}}]", "NOT_THERE is not set"),
        (f"identity_providers: [{{{ROW}, client_secret: hush, client_secret_env: X}}]", "has both"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    """Before anything starts, in the operator's words, and without a secret."""
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=words):
        read_providers(path, {})
    answer = CliRunner().invoke(webshop, ["serve", "--port", "0", "--identity-providers", str(path)])
    assert answer.exit_code == 2
    assert words in " ".join(answer.output.split())
    assert "hush" not in answer.output


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By the environment as by the option."""
    place = {"VGCP_SHOP_IDENTITY_PROVIDERS": str(tmp_path / "none.yaml")}
    answer = CliRunner().invoke(webshop, ["serve", "--port", "0"], env=place)
    assert answer.exit_code == 2
    assert "No such file" in answer.output


async def test_a_sign_in_is_good_once_for_its_buyer_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another buyer does not use it up; what is too late or too much is dropped."""
    monkeypatch.setattr(providers, "MOST_AWAY", 3)
    async with aiohttp.ClientSession() as http:
        away = SignIns(http, [])
    ada = SignIn(Provider("A", "https://a.example", "c"), ENDS, "ada", "lnk_1", 100.0)
    states = [away.leave(ada, 0.0) for _ in range(4)]
    assert len(set(states)) == 4
    assert away.back(states[0], "ada", 0.0) is None, "the eldest of too many"
    assert away.back(states[1], "ben", 0.0) is None
    assert away.back(states[1], "ada", 99.0) is ada
    assert away.back(states[1], "ada", 99.0) is None
    assert away.back(states[2], "ada", 100.0) is None
    away.leave(ada, 100.0)
    assert away.back(states[3], "ada", 0.0) is None, "dropped when its time was over"
    assert ada.verifier not in repr(ada)
