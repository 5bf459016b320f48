"""Makes recorded exchanges fit to be shown: short, and alike from run to run."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus, urlsplit

Json = dict[str, Any]

ITEMS = 2  # of a list
LETTERS = 160  # of a string
DEEP = 6  # levels of objects and lists
STEP = 20  # seconds to which times are cut: longer than a run
DAY = 86_400
BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)  # what a run's beginning is shown as
SEEN = re.compile(r" \(\d+ seen\)")
HEADERS = frozenset({
    "allow", "content-digest", "idempotency-key", "idempotency-replayed", "retry-after", "signature", "signature-input",
    "webhook-id", "webhook-signature", "webhook-timestamp", "www-authenticate",
})  # fmt: skip
# Headers that say something about some requirements only, by the beginning of their ids.
ALSO = {
    "AUT": {"authorization"},
    "IDM": {"authorization"},
    "LIM": {"ratelimit", "ratelimit-policy"},
    "TRC": {"traceparent", "vgcp-request-id"},
    "ERR-008": {"traceparent", "vgcp-request-id"},
    "TST": {"vgcp-test-secret"},
}
PLAIN = "application/json"
BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
FORM = re.compile(r"\w+=[^\s{]*$")  # application/x-www-form-urlencoded
# What differs from run to run, and what it is called in its place.
VOLATILE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<part>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?)"
    r"|(?P<date>[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"
    r"|(?P<origin>https?://(?:127\.0\.0\.1|localhost):\d+)"
    r"|(?P<epoch>\b1[6-9]\d{8}(?:\.\d+)?\b)"
    r"|redacted-(?P<secret>[0-9a-f]{16})"
    r"|(?P<jose>\b[\w-]{10,}\.[\w-]*\.[\w.-]{10,})"
    r"|(?P<kind>\b[A-Za-z]+)(?P<dash>[-_ ])(?P<id>\d{6,}[0-9A-Fa-f]{6,}|(?=[a-f]*\d)[0-9a-f]{6,}"
    r"|(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{4})\b"
    r"|(?P<trace>\b[0-9a-f]{32}\b)"
    r"|(?P<hex>\b(?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{12,}\b)"
    r"|(?<=nonce=\")(?P<nonce>[^\"]+)"
    r"|(?P<coded>(?<![\w/+-])(?=[\w/+-]*[A-Z])(?=[\w/+-]*[a-z])(?=[\w/+-]*\d)[\w/+-]{16,}={0,2})"
)


class Tidy:
    """Names for what is volatile, the same for the same within one example.

    `role` is the side under test, `origin` where it serves, `began` when the run began (seconds since 1970).
    """

    def __init__(self, requirement: str, role: str, origin: str, began: float) -> None:
        more = [names for begin, names in ALSO.items() if requirement.startswith(begin)]
        self.headers = HEADERS.union(*more)
        self.role, self.origins = role, {origin: f"https://{role}.example"}
        self.names: dict[str, dict[str, str]] = defaultdict(dict)
        self.began = began

    def exchange(self, data: Json) -> Json:
        """A redacted exchange (`Transcript.as_data`) as it is shown."""
        asked, answered = data["request"], data["response"]
        shown: Json = {
            "label": self.text(data["label"]),
            "asks": "suite" if data["direction"] == "sent" else self.role,
            "request": f"{asked['method']} {self.text(self.path(asked['url']))}",
            "headers": self.heads(asked["headers"]),
            "body": self.body(asked),
        }
        if answered:
            shown["status"] = answered["status"]
            shown["answer_headers"] = self.heads(answered["headers"])
            shown["answer"] = self.body(answered)
        else:
            shown["error"] = self.text(data["error"] or "no answer")
        return {name: value for name, value in shown.items() if value not in ("", {}, None)}

    def message(self, text: str) -> str:
        """What a finding says, without how often it was seen."""
        return self.cut(self.text(SEEN.sub("", text)))

    @staticmethod
    def path(url: str) -> str:
        """Path and query of a URL."""
        parts = urlsplit(url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def heads(self, headers: list[list[str]]) -> dict[str, str]:
        """The headers that matter; the media type where it is not the usual one."""
        found = {}
        for name, value in headers:
            usual = name.lower() == "content-type" and value.partition(";")[0] == PLAIN
            if name.lower() in self.headers or (name.lower() == "content-type" and not usual):
                found[name] = self.cut(self.text(value))
        return found

    def body(self, message: Json) -> Any:
        """A message's body: JSON as its value, anything else as text, and what is no text left out."""
        if message.get("omitted"):
            return f"… {message['omitted']} bytes"
        text: str = message["body"]
        if BINARY.search(text):
            return "… bytes"
        try:
            return self.value(json.loads(text))
        except ValueError:
            return self.cut(self.text(unquote_plus(text) if FORM.match(text) else text))

    def value(self, value: Any, depth: int = 0) -> Any:
        """JSON, cut and with stable names."""
        if isinstance(value, dict):
            deep = depth >= DEEP and value
            return "…" if deep else {self.text(k): self.value(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            kept = [self.value(one, depth + 1) for one in value[:ITEMS]]
            left = len(value) - ITEMS
            return [*kept, f"… and {left} more"] if left > 0 else kept
        if isinstance(value, int | float) and not isinstance(value, bool):
            shown = self.text(str(value))
            return value if shown == str(value) else int(shown)
        return self.cut(self.text(value)) if isinstance(value, str) else value

    @staticmethod
    def cut(text: str) -> str:
        """A text that is not too long."""
        return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"

    def text(self, text: str) -> str:
        """The text with stable names for what is volatile in it."""
        return VOLATILE.sub(self._named, text)

    def _named(self, found: re.Match[str]) -> str:
        kinds = found.groupdict()
        if kinds["time"]:
            when = self._when(datetime.fromisoformat(kinds["time"]).timestamp())
            return f"{when:%Y-%m-%dT%H:%M:%S}{'.000' if kinds['part'] else ''}{kinds['zone'] or ''}"
        if kinds["epoch"]:
            return str(int(self._when(float(kinds["epoch"])).timestamp()))
        if kinds["date"]:
            return "Thu, 01 Jan 2026 12:00:00 GMT"
        if kinds["origin"]:
            return self.origins.setdefault(kinds["origin"], f"https://suite-{len(self.origins)}.example")
        if kinds["id"]:
            return self._number(kinds["kind"] + kinds["dash"], kinds["id"])
        if kinds["jose"]:
            return self._number("jwe-" if kinds["jose"].count(".") > 2 else "jws-", kinds["jose"])
        kind = next(name for name in ("secret", "trace", "hex", "nonce", "coded") if kinds[name])
        return self._number(f"{kind}-", kinds[kind])

    def _number(self, kind: str, value: str) -> str:
        names = self.names[kind]
        return names.setdefault(value, f"{kind}{len(names) + 1}")

    def _when(self, seconds: float) -> datetime:
        later = seconds - self.began
        if later < -DAY:  # no time of this run, but one that the suite always says
            return datetime.fromtimestamp(seconds, UTC)
        return BEGAN + timedelta(seconds=STEP * ((later + 1) // STEP))
