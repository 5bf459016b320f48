"""What spec/README.md shows is so."""

import re

import spec
from spec.loader import FOLDER


def test_the_shown_python_runs() -> None:
    """The program in the README runs, and its comments tell the truth."""
    text = (FOLDER / "README.md").read_text("utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    exec(found[1], {})
    assert spec.validator("Order").errors({"id": 7})[0] == ("/buyer", "Is required.")
    assert spec.problems()["out_of_stock"].status == 409


def test_every_part_has_its_row() -> None:
    """Each authored file and folder beside the Python is named in the README."""
    text = (FOLDER / "README.md").read_text("utf-8")
    parts = {
        path.name
        for path in FOLDER.iterdir()
        if path.suffix not in {".py", ".typed", ".md"} and not path.name.startswith("__")
    }
    assert [name for name in sorted(parts) if name not in text] == []


def test_every_page_is_listed_with_its_letters() -> None:
    """text/README.md lists each page of the norm, and beside it exactly the letters of its ids."""
    text = (FOLDER / "text" / "README.md").read_text("utf-8")
    letters: dict[str, set[str]] = {}
    for row in re.finditer(r"^\| \[(\w+)\]\((\w+)\.md\) \| ([A-Z, ]+) \|", text, re.MULTILINE):
        assert row[1] == row[2]
        letters[row[1]] = set(row[3].split(", "))
    pages = {path.stem for path in (FOLDER / "text").glob("*.md")} - {"README"}
    assert letters.keys() == pages
    for page in pages:
        ids = re.findall(
            r"^- \*\*([A-Z]+)-", (FOLDER / "text" / f"{page}.md").read_text("utf-8"), re.MULTILINE
        )
        assert set(ids) == letters[page]
