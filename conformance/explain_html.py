"""The explanations of all requirements as one self-contained HTML page, to be filtered and searched."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

import spec
from conformance.explain import ROLES, counts, explained
from conformance.explain_text import conversation, facts, title
from conformance.templating import template
from spec.registry import TESTABILITY


def code(text: str) -> Markup:
    """A sentence whose `names` are code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def render() -> str:
    """The page."""
    found = [explained(requirement) for requirement in spec.requirements()]
    filters = {
        "role": ROLES,
        "level": ("MUST", "SHOULD", "MAY"),
        "profile": [profile.id for profile in spec.profiles()],
        "capability": sorted({one["capability"] for one in found if one["capability"]}),
        "testability": TESTABILITY,
    }
    return template("requirements.html.j2", code=code).render(
        version=spec.VERSION,
        counts=counts(),
        filters=filters,
        found=found,
        facts=facts,
        title=title,
        conversation=conversation,
    )
