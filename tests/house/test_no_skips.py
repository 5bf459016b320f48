"""In CI a skipped test is a failed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
IN_TEST = "import pytest\ndef test_it():\n    pytest.skip('no server')\n"
IN_MODULE = "import pytest\npytest.skip('no server', allow_module_level=True)\n"


@pytest.mark.parametrize("source", [IN_TEST, IN_MODULE], ids=["test", "module"])
@pytest.mark.parametrize(("no_skips", "code"), [("1", {1, 2}), ("0", {0, 5})])
def test_skip_fails_where_nothing_may_be_skipped(
    tmp_path: Path, source: str, no_skips: str, code: set[int]
) -> None:
    """VGCP_NO_SKIPS=1 turns a skip into a failure that gives the reason; otherwise it stays a skip."""
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text("utf-8"))
    (tmp_path / "test_skipping.py").write_text(source)
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "VGCP_NO_SKIPS": no_skips},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode in code, answer.stdout
    assert ("nothing may be skipped" in answer.stdout) is (no_skips == "1")
