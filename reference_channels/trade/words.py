"""What buyers are told, in English and Chinese: the words every channel shares, and each channel's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from reference_channels.kit.errors import Json

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-Hans"}
_SHARED = Path(__file__).parent / "texts"


class Words:
    """The words of one channel: those in `folder` (en.yaml, zh.yaml), over the shared ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def texts(self, language: str) -> dict[str, str]:
        """All words of a language by their key."""
        return {**_load(_SHARED, language), **_load(self._folder, language)}

    def say(self, language: str, key: str, **values: object) -> str:
        """The words for a key, with values filled in. Reasons, categories and kinds that are not known have
        general words, as gateways may use new ones (CNV-002); any other key that is missing is a mistake."""
        room = key.rpartition(".")[0]
        own, shared = _load(self._folder, language), _load(_SHARED, language)
        found = (words[name] for name in (key, f"{room}.other") for words in (own, shared) if name in words)
        return (next(found, None) or own[key]).format(**values)


@cache
def _load(folder: Path, language: str) -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load((folder / f"{language}.yaml").read_text("utf-8"))
    return loaded


def product_text(product: Json, language: str) -> tuple[str, str]:
    """A product's name and description in the language, or as they are when there is no translation."""
    translations = product.get("translations", {})
    tags = (TAGS[language], f"{language}-CN", language)
    own: Json = next((translations[tag] for tag in tags if tag in translations), {})
    name = str(own.get("name", product.get("name", "")))
    return name, str(own.get("description", product.get("description", "")))
