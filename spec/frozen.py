"""The set of requirements that a version was released with. It never changes; what comes later is provisional."""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from spec.loader import FOLDER, VERSION, Json, parse

REQUIREMENTS = FOLDER / "requirements"
FIELDS = ("id", "level", "roles", "profile", "capability", "text")


def place(folder: Path = REQUIREMENTS, version: str = VERSION) -> Path:
    """The file of a version's set, beside the rows."""
    return folder / f"{version}.yaml"


@cache
def frozen(folder: Path = REQUIREMENTS, version: str = VERSION) -> tuple[Json, ...]:
    """The set of a version: of each row the `FIELDS`, in order of ids. Empty when nothing is frozen yet."""
    path = place(folder, version)
    return tuple(parse(path.read_text("utf-8"))) if path.exists() else ()


def requirements_digest(folder: Path = REQUIREMENTS, version: str = VERSION) -> str:
    """SHA-256 (hex) of the set's canonical JSON: members sorted, no spaces, UTF-8. Raises FileNotFoundError."""
    if not frozen(folder, version):
        raise FileNotFoundError(place(folder, version))
    text = json.dumps(frozen(folder, version), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def drift(folder: Path, rows: dict[str, Json]) -> Iterator[str]:
    """How the rows of today, by id, differ from the frozen set, as sentences."""
    for old in frozen(folder):
        new = rows.get(old["id"])
        if new is None:
            yield f"{old['id']} is in {VERSION} and has no row any more"
            continue
        changed = [name for name in FIELDS if new.get(name) != old[name]]
        if changed:
            yield f"{old['id']} is in {VERSION} with another {' and '.join(changed)}"
