"""The vendor's file, vgcp.toml: read, held against what is known, and explained where it is wrong.

    [certify]                                # or at the top level
    role = "channel"
    url = "http://127.0.0.1:8081"
    test_secret_env = "VGCP_TEST_SECRET"     # the NAME of the variable; a secret has no place in a file

Paths in it are relative to the file. An option goes before an environment variable, and that before the file.
"""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import spec
from conformance.model import Role

FILE = "vgcp.toml"
SECTION = "certify"
ROLES: tuple[Role, ...] = ("channel", "gateway")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Values = dict[str, Any]


class ConfigError(ValueError):
    """Something in the file is wrong; the text says where, which key, and why."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text, and not empty")
    return value


def _role(value: Any) -> str:
    if value not in ROLES:
        raise ValueError("must be channel or gateway")
    return str(value)


def _url(value: Any) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError('must be an origin such as "http://127.0.0.1:8081"')
    return str(value)


def _variable(value: Any) -> str:
    # The value is not repeated: who writes a secret here must not find it in a log.
    if not isinstance(value, str) or not VARIABLE.fullmatch(value):
        raise ValueError('must be the name of an environment variable, such as "VGCP_TEST_SECRET"')
    return value


def _profile(value: Any) -> str:
    """One or several, as "identity,ownership" or a list; in the order of the standard."""
    known = [profile.id for profile in spec.profiles()]
    asked = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(asked, list) or not asked or not all(name in known for name in asked):
        raise ValueError(f"must be one of {', '.join(known)}, or several with commas")
    return ",".join(name for name in known if name in asked)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError('must be a list of ids, such as ["SIG-006", "SEL-010"]')
    return tuple(value)


def _command(value: Any) -> tuple[str, ...]:
    words = shlex.split(value) if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError("must be a command, as one text or as a list of words")
    return tuple(words)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 600:
        raise ValueError("must be a number of seconds, more than 0 and at most 600")
    return float(value)


def _paths(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError('must be a list of paths, such as ["src"]')
    return tuple(value)


KEYS: dict[str, Callable[[Any], Any]] = {
    "role": _role,
    "url": _url,
    "test_secret_env": _variable,
    "profile": _profile,
    "listen": _text,
    "out": _text,
    "only": _names,
    "disable": _names,
    "baseline": _text,
    "start": _command,
    "start_seconds": _seconds,
    "watch_paths": _paths,
}
PATHS = ("out", "baseline")
NO_SECRETS = (
    "a secret has no place in a file: export it, and name the variable here: "
    'test_secret_env = "VGCP_TEST_SECRET"'
)


def load(path: Path) -> Values:
    """The file's values by key, checked, paths made absolute. Raises ConfigError; OSError when it cannot be read."""
    try:
        text = path.read_text("utf-8")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: this is not TOML: {error}") from error
    section = data.get(SECTION, data)
    if not isinstance(section, dict):
        raise ConfigError(f"{_where(path, text, SECTION)}: must be a section, [{SECTION}]")
    values = {key: _value(path, text, key, value) for key, value in section.items()}
    folder = path.parent.resolve()
    values |= {key: str(folder / values[key]) for key in PATHS if key in values}
    if "watch_paths" in values:
        values["watch_paths"] = tuple(str(folder / name) for name in values["watch_paths"])
    return values


def _value(path: Path, text: str, key: str, value: Any) -> Any:
    if key not in KEYS and "secret" in key:
        raise ConfigError(f"{_where(path, text, key)}: {NO_SECRETS}")
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, 1)
        meant = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(KEYS)}"
        raise ConfigError(f"{_where(path, text, key)}: there is no such key; {meant}")
    try:
        return KEYS[key](value)
    except ValueError as reason:
        raise ConfigError(f"{_where(path, text, key)}: {reason}") from None


def _where(path: Path, text: str, key: str) -> str:
    """File, line and key, such as `vgcp.toml:3: url`."""
    pattern = re.compile(rf"""^\s*(\[\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
    lines = (number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line))
    line = next(lines, 0)
    return f"{path.name}:{line}: {key}" if line else f"{path.name}: {key}"
