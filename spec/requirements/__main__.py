"""What is done with the registry of requirements.

python -m spec.requirements sync             carries the prose over into the registry
python -m spec.requirements audit            says what is wrong with both
python -m spec.requirements freeze 1.0       writes the set that a version is released with, once (or --force)
"""

import sys

from spec.audit import audit
from spec.loader import VERSION
from spec.sync import freeze, sync

USAGE = f"usage: python -m spec.requirements sync | audit | freeze {VERSION} [--force]"


def main(command: list[str]) -> int:
    """Do what the words say; the exit code."""
    if command in (["sync"], ["audit"]):
        found = sync() if command == ["sync"] else audit()
        sys.stdout.write("".join(f"{line}\n" for line in found))
        return 1 if found and command == ["audit"] else 0
    if command[:2] == ["freeze", VERSION] and command[2:] in ([], ["--force"]):
        try:
            count = freeze(force=bool(command[2:]))
        except FileExistsError as error:
            sys.exit(f"{VERSION} is frozen ({error.args[0].name}); what is new is provisional")
        sys.stdout.write(f"{count} requirements are frozen as {VERSION}\n")
        return 0
    sys.exit(USAGE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
