"""The house keeps its shape: four packages, short files, short functions, nothing of anybody's machine."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("spec", "gateway", "conformance", "reference_channels")
FILE_LINES = 300
FUNCTION_LINES = 40
EXAMPLE_LINES = {"gateway.py": 1550, "channel.mjs": 620}

# The parts are joined here, so that this file does not match itself.
REGISTRY_HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(org|com)"])
)
MACHINE_PATHS = re.compile(
    "|".join(["/" + "work/", "/" + "root/", "/" + r"home/\w", "/" + r"opt/(pypi|wheels)"])
)

# Other people's text, which is kept as they wrote it.
FOREIGN = {"LICENSE"}


def committed() -> list[Path]:
    """Every file that belongs to the repository, or every file where there is no git."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listing.returncode == 0:
        files = [ROOT / name for name in listing.stdout.splitlines()]
    else:
        hidden = {".venv", ".git", "build"}
        files = [path for path in ROOT.rglob("*") if not hidden & set(path.relative_to(ROOT).parts)]
    return [path for path in files if path.is_file()]


def modules() -> list[Path]:
    """Every Python file of the four packages; a migration is a record of one day, and not judged."""
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if path.parts[-3:-1] != ("migrations", "versions")]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_packages_are_the_four() -> None:
    """Only the four packages stand at the root, each typed and each saying what it is."""
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "demo", "benchmarks"}
    assert found == set(PACKAGES)
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()
        assert ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text("utf-8")))


def test_no_file_is_too_long() -> None:
    """No module of the packages has more than 300 lines."""
    lengths = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in modules()}
    assert {str(path): lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    """No function of the packages has more than 40 lines, its docstring and decorators left out."""
    long: dict[str, int] = {}
    for path in modules():
        for node in functions(ast.parse(path.read_text("utf-8"))):
            docstring = node.body[0] if ast.get_docstring(node) else None
            lines = (node.end_lineno or 0) - node.lineno + 1
            if docstring is not None:
                lines -= (docstring.end_lineno or 0) - docstring.lineno + 1
            if lines > FUNCTION_LINES:
                long[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long == {}


def test_an_example_is_one_file() -> None:
    """Each example is one file and a README; one file is what there is to copy, so it may be longer than a module."""
    found = [path for path in committed() if path.relative_to(ROOT).parts[0] == "examples"]
    sources = {path for path in found if path.name != "README.md"}
    assert {path.parent / "README.md" for path in sources} == set(found) - sources
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in sources}
    assert lengths.keys() == EXAMPLE_LINES.keys()
    assert {name: n for name, n in lengths.items() if n > EXAMPLE_LINES[name]} == {}


def test_every_module_says_what_it_is() -> None:
    """Every module of the packages starts with a docstring (migrations and empty files too)."""
    silent = [
        str(p.relative_to(ROOT)) for p in modules() if not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert silent == []


def test_every_test_says_what_it_shows() -> None:
    """Every test function has a docstring."""
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in functions(ast.parse(path.read_text("utf-8"))):
            if node.name.startswith("test_") and not ast.get_docstring(node):
                silent.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert silent == []


@pytest.mark.parametrize("forbidden", [REGISTRY_HOSTS, MACHINE_PATHS], ids=["registry host", "machine path"])
def test_nothing_of_a_machine_is_committed(forbidden: re.Pattern[str]) -> None:
    """No file names a package registry's host or a path of the machine it was written on."""
    found = []
    for path in committed():
        if path.name in FOREIGN:
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


def test_nothing_unfinished_is_committed() -> None:
    """The packages hold no note of work left undone and no line kept out of the coverage."""
    unfinished = re.compile("TO" + "DO|FIX" + "ME|NotImplemented" + "Error|pragma: no" + " cover")
    found = [str(p.relative_to(ROOT)) for p in modules() if unfinished.search(p.read_text("utf-8"))]
    assert found == []


def test_every_dependency_is_pinned() -> None:
    """Each library that an extra names has an exact version in constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(n for extra in project["optional-dependencies"].values() for n in extra),
    ]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", pin) for pin in pins)
    pinned = {plain(pin.partition("==")[0]) for pin in pins}
    assert {plain(re.split(r"[\[=<>~!; ]", name)[0]) for name in wanted} <= pinned


def plain(name: str) -> str:
    """A distribution's name in the form in which two spellings are equal (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
