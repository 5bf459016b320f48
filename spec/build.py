"""`python -m spec.build` writes what is derived from the authored files; `--check` only says what is out of date."""

import json
import sys
from pathlib import Path

from spec import life, orphans
from spec.bundle import bundled
from spec.derive import document_30, document_codegen
from spec.loader import FOLDER, ROLES, Json


def render(document: Json) -> str:
    """A document as JSON, members in the authored order."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def derived() -> dict[Path, str]:
    """Every derived file and what is to stand in it."""
    dist, docs = FOLDER / "dist", FOLDER.parent / "docs"
    files = {
        docs / "order-life.mmd": life.diagram(),
        docs / "order-life.md": life.page(),
        docs / "after-a-timeout.md": orphans.page(),
    }
    for role in ROLES:
        files[dist / f"{role}.json"] = render(bundled(role))
        files[dist / f"{role}.openapi-3.0.3.json"] = render(document_30(role))
        files[dist / f"{role}.codegen.json"] = render(document_codegen(role))
    return files


def stale() -> list[Path]:
    """The derived files that are missing or not what they would be written as now."""
    return [path for path, text in derived().items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: list[str]) -> int:
    """Writes what is stale, or with `--check` writes nothing and returns 1 when something is."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m spec.build [--check]\n")
        return 2
    files = derived()
    for path in (found := stale()):
        sys.stdout.write(f"{'stale' if arguments else 'written'}: {path.relative_to(FOLDER.parent)}\n")
        if not arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files[path], "utf-8")
    return 1 if found and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
