"""A finding in plain text, with its exchanges and the hint: for terminals and for test runners."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

Json = dict[str, Any]
SHOWN = 4  # exchanges beside a finding
BODY = 2_000  # characters of a message's body


def finding_text(finding: Json, exchanges: Mapping[int, Json]) -> str:
    """What the requirement says, what was seen, how to fix it, and the exchanges that show it."""
    lines = [f"{finding['check']} {finding['title']}", "", finding["text"], ""]
    lines += [f"{finding['verdict']}: {finding['message']}"]
    lines += [f"How to fix: {finding['hint']}"] if finding.get("hint") else []
    for number in finding["evidence"][:SHOWN]:
        lines += ["", exchange_text(exchanges[number], BODY)] if number in exchanges else []
    return "\n".join(lines)


def exchange_text(exchange: Json, longest: int) -> str:
    """An exchange in plain text: who asked, the request and the answer, without their headers."""
    who = "the suite asked" if exchange["direction"] == "sent" else "the suite was asked"
    request, answer = exchange["request"], exchange["response"]
    lines = [f"#{exchange['number']} {who}: {request['method']} {request['url']}"]
    lines += [f"wrong on purpose: {exchange['flaw']}"] if exchange.get("flaw") else []
    lines += [_cut(request["body"], longest)] if request["body"] else []
    lines.append(f"-> {answer['status']}" if answer else f"-> no answer: {exchange['error']}")
    lines += [_cut(answer["body"], longest)] if answer and answer["body"] else []
    return "\n".join(lines)


def _cut(body: str, longest: int) -> str:
    with suppress(ValueError):
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return body if len(body) <= longest else f"{body[:longest]}\n… {len(body) - longest} more characters"
