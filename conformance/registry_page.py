"""The registry page: one static file about the certificates of a folder, with their badges and the same as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.badge import draw
from conformance.certificate import CERTIFICATE, read
from conformance.digests import of_bytes
from conformance.jose import ForgedError, UnreadableError
from conformance.templating import template
from conformance.verification import Evidence, State, Verification, verify

Json = dict[str, Any]
STANDINGS = {
    "certified": ("certified", "已认证"),
    "claim": ("claim", "自我声明"),
    "expired": ("expired", "已过期"),
}
ROLES = {"gateway": ("gateway", "网关"), "channel": ("channel", "渠道")}
SUFFIX = ".jws"


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate on the page. `file` is its name in the folder, which is unique."""

    file: str
    text: str
    standing: str  # certified, claim or expired
    claims: Json
    signer: str
    registry: str

    @property
    def slug(self) -> str:
        """A name for its badge that is safe in a path and a URL."""
        made = self.claims["implementation"]
        words = f"{made['name']}-{made['version']}-{self.claims['role']}".lower()
        return re.sub(r"[^a-z0-9.]+", "-", words).strip("-.") + f"-{of_bytes(self.text.encode())[:8]}"

    def badge(self) -> str:
        """Its picture (SVG)."""
        return draw(f"VGCP {self.claims['protocol']} {self.claims['role']}", self.standing)

    def as_data(self) -> Json:
        """The entry as it stands in index.json."""
        kept = (
            "implementation",
            "role",
            "profiles",
            "protocol",
            "ran_at",
            "counts",
            "suite",
            "discovery_digest",
        )
        return {
            "file": self.file,
            "standing": self.standing,
            **{name: self.claims[name] for name in kept},
            "issued_at": day(self.claims["iat"]),
            "expires_at": day(self.claims["exp"]),
            "signer": self.signer,
            "registry": self.registry,
            "badge": f"badges/{self.slug}.svg",
            "certificate": f"certificates/{self.slug}{SUFFIX}",
        }


def day(seconds: int) -> str:
    """The day of a time, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def gather(folder: Path, registries: frozenset[str], now: datetime) -> tuple[list[Entry], dict[str, str]]:
    """The certificates that belong on the page, in its order, and why others do not (by file)."""
    listed: list[Entry] = []
    refused: dict[str, str] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            text = path.read_text("utf-8").strip()
            result = verify(read(text), Evidence(now, registries=registries))
            listed.append(_entry(path.name, text, result, now))
        except (ForgedError, UnreadableError) as error:
            refused[path.name] = str(error)
        except (OSError, UnicodeDecodeError) as error:
            refused[path.name] = f"cannot be read: {type(error).__name__}"
    listed.sort(key=_place)
    return listed, refused


def _place(entry: Entry) -> tuple[int, str, int]:
    """Certified before claims before what has expired; then by name, and the newest first."""
    name = str(entry.claims["implementation"]["name"]).lower()
    return [*STANDINGS].index(entry.standing), name, -int(entry.claims["iat"])


def _entry(name: str, text: str, result: Verification, now: datetime) -> Entry:
    """The entry; raises UnreadableError when something does not hold, unless it is only that it has expired."""
    certificate = result.certificate
    expired = certificate.expires <= now.timestamp()
    wrong = [
        line for line in result.lines if line.state is State.FAILS and not (expired and line.about == "time")
    ]
    if wrong:
        raise UnreadableError("; ".join(f"{line.about}: {line.message}" for line in wrong))
    registry = certificate.registry.signer if certificate.registry else ""
    standing = "expired" if expired else result.standing
    return Entry(name, text, standing, certificate.claims, certificate.signer, registry)


def page(listed: list[Entry], now: datetime) -> str:
    """index.html, which fetches nothing."""
    counts = {name: sum(e.standing == name for e in listed) for name in STANDINGS}
    rows = [e.as_data() for e in listed]
    return template("registry.html.j2").render(
        rows=rows, counts=counts, standings=STANDINGS, roles=ROLES, made=now, kind=CERTIFICATE
    )


def write(listed: list[Entry], refused: dict[str, str], out: Path, now: datetime) -> None:
    """Write index.html, index.json, and a badge and a copy of each certificate. Creates the folder."""
    for name in ("badges", "certificates"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for entry in listed:
        data = entry.as_data()
        (out / data["badge"]).write_text(entry.badge(), "utf-8")
        (out / data["certificate"]).write_text(entry.text + "\n", "utf-8")
    data = {"vgcp_registry": 1, "made_at": now.isoformat(timespec="seconds").replace("+00:00", "Z")}
    data |= {"certificates": [e.as_data() for e in listed], "left_out": refused}
    (out / "index.json").write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (out / "index.html").write_text(page(listed, now), "utf-8")
