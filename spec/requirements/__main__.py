"""`python -m spec.requirements sync` carries the prose over into the registry; `audit` says what is wrong with both."""

import sys

from spec.audit import audit
from spec.sync import sync

if __name__ == "__main__":
    command = sys.argv[1:]
    if command not in (["sync"], ["audit"]):
        sys.exit("usage: python -m spec.requirements sync | audit")
    found = sync() if command == ["sync"] else audit()
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.exit(1 if found and command == ["audit"] else 0)
