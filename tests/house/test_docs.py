"""The documents are tests: links resolve, commands exist, snippets parse, settings are explained."""

import ast
import dataclasses
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from gateway.settings import Settings
from spec.cli import main
from tests.house.markdown import ROOT, Snippet, anchor, documents, headings, links, prose, snippets

SNIPPETS = [snippet for path in documents() for snippet in snippets(path)]
SHELL = [snippet for snippet in SNIPPETS if snippet.language in {"console", "sh", "shell", "bash"}]


def commands() -> Iterator[tuple[str, str]]:
    """Every `vgcp …` command line of the documents and where it stands: fenced, or in inline code."""
    for snippet in SHELL:
        for line in snippet.code.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\||;", line.strip().removeprefix("$ ")):
                if re.match(r"(\w+=\S+ +)*(\.venv/bin/)?vgcp\b", part.strip()):
                    yield snippet.where, part.strip()
    for path in documents():
        for code in re.findall(r"`((?:\.venv/bin/)?vgcp [^`]+)`", prose(path.read_text("utf-8"))):
            yield str(path.relative_to(ROOT)), code


def resolve(words: list[str]) -> tuple[click.Command, list[str], str]:
    """Walk down the groups as far as the words go: the command, the words left over, and its path."""
    command: click.Command = main
    context = click.Context(main)
    path = "vgcp"
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"`{path}` has no command {words[0]!r}"
        command, path, words = found, f"{path} {words[0]}", words[1:]
    return command, words, path


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    """Every link to a file or a heading of the project leads somewhere."""
    broken = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (
            fragment
            and target.suffix == ".md"
            and fragment not in {anchor(text) for text in headings(target)}
        ):
            broken.append(link)
    assert broken == []


def test_commands_exist() -> None:
    """Every command that the documents name exists, takes the options it is shown with, and has a help."""
    seen = list(commands())
    assert seen
    for where, line in seen:
        words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]
        command, rest, path = resolve(words[1:])
        options = {
            name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]
        }
        unknown = (
            {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
            - options
            - {"--help", "-h"}
        )
        assert not unknown, f"{where}: `{path}` has no {unknown}"
        assert CliRunner().invoke(command, ["--help"]).exit_code == 0, f"{where}: {path}"


def test_make_targets_exist() -> None:
    """Every `make …` that the documents name is a target."""
    texts = [path.read_text("utf-8") for path in documents()]
    named = {
        target for text in texts for target in re.findall(r"(?:^|`|\$ )make ([a-z]+)\b", text, re.MULTILINE)
    }
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.where)
def test_snippets_parse(snippet: Snippet) -> None:
    """Every piece of Python, JSON, YAML and shell is well-formed."""
    if snippet.language == "python":
        ast.parse(snippet.code)
    elif snippet.language == "json":
        json.loads(snippet.code)
    elif snippet.language == "yaml":
        yaml.safe_load(snippet.code)
    elif snippet.language in {"sh", "shell", "bash"}:
        assert (
            subprocess.run(["bash", "-n"], input=snippet.code, text=True, timeout=10, check=False).returncode
            == 0
        )
    else:
        assert snippet.language in {"text", "console", "mermaid", "http", "ini", "toml", "csv"}, snippet.where


def test_the_two_readmes_say_the_same() -> None:
    """The Chinese README has the same sections, commands and pictures as the English one."""
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert len(headings(english)) == len(headings(chinese))
    shells = [
        [s.code for s in snippets(path) if s.language in {"sh", "console"}] for path in (english, chinese)
    ]
    assert shells[0] == shells[1]
    assert pictures(english) == {re.sub(r"-zh(\W)", r"-en\1", name) for name in pictures(chinese)}


def pictures(path: Path) -> set[str]:
    """The pictures that a document shows."""
    return {link for link in links(path) if link.endswith((".png", ".svg"))}


def test_decisions_are_numbered() -> None:
    """Decision records are numbered without a gap, and each gives context, decision and consequences."""
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        assert {"Context", "Decision", "Consequences"} <= set(headings(path)), path.name


def test_changelog_fragments_are_of_a_known_kind() -> None:
    """Each fragment is named after a kind that the changelog has a section for."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    kinds = set(re.findall(r"\[\[tool\.towncrier\.type\]\]\ndirectory = \"(\w+)\"", text))
    for path in (ROOT / "changelog.d").glob("*.md"):
        if path.name != "README.md":
            assert path.name.split(".")[-2] in kinds, path.name


def test_every_setting_has_a_heading() -> None:
    """Each setting of the gateway is explained under a heading of its own, and nothing is explained that is not one."""
    explained = {
        text.removeprefix("--") for text in headings(ROOT / "docs" / "merchants.md") if text[:2] == "--"
    }
    assert explained == {field.name.replace("_", "-") for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_named_in_code_exist(path: Path) -> None:
    """Every file or folder of the project that a document names in code is there."""
    rooms = r"(?:spec|gateway|conformance|reference_channels|docs|tests|benchmarks|demo|examples|changelog\.d|\.ci)"
    named = re.findall(rf"`({rooms}/[\w./-]*)`", prose(path.read_text("utf-8")))
    assert [name for name in named if not (ROOT / name).exists()] == []
