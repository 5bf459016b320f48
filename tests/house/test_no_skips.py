"""In CI a skipped test is a failed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IN_TEST = "import pytest\ndef test_it():\n    pytest.skip('no server')\n"
IN_MODULE = "import pytest\npytest.skip('no server', allow_module_level=True)\n"


@pytest.mark.parametrize("source", [IN_TEST, IN_MODULE], ids=["test", "module"])
@pytest.mark.parametrize(("plugins", "codes"), [(["-p", "tests.no_skips"], {1, 2}), ([], {0, 5})])
def test_skip_fails_where_nothing_may_be_skipped(
    tmp_path: Path, source: str, plugins: list[str], codes: set[int]
) -> None:
    """The plugin turns a skip into a failure that gives the reason; without it a skip stays a skip."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_skipping.py").write_text(source)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, str(tmp_path)],
        cwd=tmp_path,
        # what else is installed has plugins, too, which take seconds to load
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode in codes, answer.stdout
    assert "no server" in answer.stdout if plugins else "nothing may be skipped" not in answer.stdout
