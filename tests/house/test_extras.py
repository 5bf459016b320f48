"""Each extra brings all that its package imports: who installs only the suite can run the suite."""

import re
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

# Imports every module of a package, while nothing can be imported but what the given distributions bring.
PROGRAM = """
import importlib, pkgutil, sys
from importlib import metadata

package, allowed = sys.argv[1], set(sys.argv[2].split(","))
brought_by = metadata.packages_distributions()

class OnlyAllowed:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        owners = brought_by.get(name.partition(".")[0], [])
        if owners and not any(owner.lower().replace("_", "-").replace(".", "-") in allowed for owner in owners):
            return None
        return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [OnlyAllowed(finder) for finder in sys.meta_path]
module = importlib.import_module(package)
for found in pkgutil.walk_packages(module.__path__, package + "."):
    # pytest alone imports its plugin
    if not found.name.endswith(("__main__", "pytest_plugin")) and ".migrations." not in found.name:
        importlib.import_module(found.name)
"""


def plain(name: str) -> str:
    """A distribution's name in the form in which two spellings are equal (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def brought(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """Every distribution that installing this one with these extras brings here, itself included."""
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    found = {plain(name)}
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        environments = [{**default_environment(), "extra": extra} for extra in extras | {""}]
        if requirement.marker is None or any(requirement.marker.evaluate(each) for each in environments):
            found |= brought(plain(requirement.name), frozenset(requirement.extras), seen)
    return found


@pytest.mark.parametrize(
    ("package", "extra"),
    [
        ("spec", ""),
        ("gateway", "gateway"),
        ("conformance", "conformance"),
        ("reference_channels", "channels"),
    ],
)
def test_extra_is_enough(package: str, extra: str) -> None:
    """All modules of the package can be imported with nothing installed but its extra."""
    allowed = brought("vgcp", frozenset({extra} - {""}), set())
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, package, ",".join(sorted(allowed))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_suite_brings_no_server_and_no_driver() -> None:
    """What a channel vendor installs has no web framework of the gateway's and no database driver in it."""
    allowed = brought("vgcp", frozenset({"conformance"}), set())
    assert "aiohttp" in allowed
    assert not {"connexion", "sqlalchemy", "asyncpg", "uvicorn", "pytest"} & allowed
