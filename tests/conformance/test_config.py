"""vgcp.toml: what it may say, and what is said where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.config import KEYS, ConfigError, load


def file(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "vgcp.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_key_is_explained() -> None:
    """The guide's table has the keys that there are."""
    text = (Path(__file__).parents[2] / "docs" / "vendors.md").read_text("utf-8")
    table = text[text.index("| key | means |") :].partition("\n\n")[0]
    assert {key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])} == set(
        KEYS
    )


@pytest.mark.parametrize("head", ["", "[certify]\n"])
def test_values_are_read_from_the_section_or_the_top(tmp_path: Path, head: str) -> None:
    """Both places mean the same; commands become words, and paths are the file's neighbours."""
    text = 'role = "channel"\nstart = "node \'my channel.mjs\'"\nout = "report"\ndisable = ["SIG-008"]\n'
    assert load(file(tmp_path, head + text)) == {
        "role": "channel",
        "start": ("node", "my channel.mjs"),
        "out": str(tmp_path / "report"),
        "disable": ("SIG-008",),
    }


@pytest.mark.parametrize("value", ['"ownership, identity"', '["ownership", "identity"]'])
def test_profiles_are_one_or_several(tmp_path: Path, value: str) -> None:
    """As a text, as on the command line, or as a list; in the order of the standard either way."""
    assert load(file(tmp_path, f"profile = {value}\n")) == {"profile": "identity,ownership"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[certify]\nrole = "shop"\n', "vgcp.toml:2: role: must be channel or gateway"),
        ('\n\nurl = "localhost"\n', 'vgcp.toml:3: url: must be an origin such as "http://127.0.0.1:8081"'),
        ('profile = "gold"\n', "vgcp.toml:1: profile: must be one of core, identity, ownership, offline"),
        ("profile = []\n", "vgcp.toml:1: profile: must be one of"),
        ('rol = "channel"\n', 'vgcp.toml:1: rol: there is no such key; did you mean "role"?'),
        ('"colour" = 1\n', "vgcp.toml:1: colour: there is no such key; known are role, url"),
        ("start = []\n", "vgcp.toml:1: start: must be a command"),
        ("start_seconds = 0\n", "vgcp.toml:1: start_seconds: must be a number of seconds"),
        ('only = "SIG-006"\n', "vgcp.toml:1: only: must be a list of ids"),
        ("listen = 4\n", "vgcp.toml:1: listen: must be text"),
        ("certify = 4\n", "vgcp.toml:1: certify: must be a section"),
        ("role = channel\n", "vgcp.toml: this is not TOML: Invalid value (at line 1"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The file, the line where there is one, the key, and the reason."""
    with pytest.raises(ConfigError) as wrong:
        load(file(tmp_path, text))
    assert str(wrong.value).startswith(message)


@pytest.mark.parametrize("line", ['test_secret = "hunter2!"', 'test_secret_env = "hunter2!"'])
def test_a_secret_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    """A secret in the file is refused with what to do instead; it does not get into a log that way either."""
    with pytest.raises(ConfigError) as wrong:
        load(file(tmp_path, f'role = "channel"\n{line}\n'))
    assert "vgcp.toml:2: test_secret" in str(wrong.value)
    assert "VGCP_TEST_SECRET" in str(wrong.value)
    assert "hunter2" not in str(wrong.value)
