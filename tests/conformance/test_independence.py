"""The judge never imports the judged."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import conformance

PACKAGE = Path(conformance.__file__).parent
JUDGED = {"gateway", "reference_channels"}
# What only a gateway or a shop needs: a vendor who installs the suite has none of it.
FOREIGN = (
    "connexion",
    "starlette",
    "sqlalchemy",
    "alembic",
    "asyncpg",
    "uvicorn",
    "aiohttp_jinja2",
    "opentelemetry",
)


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_no_module_imports_what_it_judges() -> None:
    """No import of gateway or reference_channels, nor of the tests, in any module of the suite."""
    modules = list(PACKAGE.rglob("*.py"))
    assert len(modules) > 30
    assert {str(m): found for m in modules if (found := imported(m) & (JUDGED | {"tests", "demo"}))} == {}


def test_judges_do_no_io() -> None:
    """A judge is a pure function of the transcript: no sockets, no files, no clock, no randomness."""
    banned = {
        "aiohttp",
        "asyncio",
        "socket",
        "pathlib",
        "os",
        "time",
        "random",
        "secrets",
        "urllib3",
        "subprocess",
    }
    assert {m.name: found for m in (PACKAGE / "judges").glob("*.py") if (found := imported(m) & banned)} == {}


def test_the_suite_runs_without_what_only_the_judged_need() -> None:
    """With the judged and their libraries out of reach, everything of the suite can be imported."""
    code = f"""
import importlib, pkgutil, sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {(*sorted(JUDGED), *FOREIGN)!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Wall())
import conformance
for module in pkgutil.walk_packages(conformance.__path__, "conformance."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
