"""The words people read: `src/bihuan/texts/{zh,en}.toml`, one table a room."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from bihuan.core.errors import NotCovered

Language = Literal["zh", "en"]


def text(key: str, language: Language = "zh", **values: object) -> str:
    """Return the words of ``table.key``, with ``{names}`` filled from `values`.

    Raises
    ------
    NotCovered
        If the key stands in no table of the language.
    """
    table, _, name = key.partition(".")
    try:
        words = texts(language)[table][name]
    except KeyError:
        raise NotCovered(f"text {key!r} is not in texts/{language}.toml; add it to zh and en") from None
    return words.format(**values) if values else words


@cache
def texts(language: Language) -> dict[str, dict[str, str]]:
    """Return all words of one language, table by table."""
    source = resources.files("bihuan.texts").joinpath(f"{language}.toml").read_text("utf-8")
    tables: dict[str, Any] = tomllib.loads(source)
    return tables
