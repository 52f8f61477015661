"""Classes of fields, read from ``fields.toml``, and the one function that masks them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from bihuan.cases import mask_name, mask_numbers, mask_phone

HIDDEN = "***"

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldClass:
    """How one field is treated; the attributes are the keys of ``fields.toml``."""

    level: Literal["public", "internal", "sensitive"]
    clear: frozenset[str]
    mask: str


def _read() -> dict[tuple[str, str], FieldClass]:
    table = tomllib.loads(resources.files("bihuan.app.access").joinpath("fields.toml").read_text("utf-8"))
    return {
        (kind, name): FieldClass(row["class"], frozenset(row["clear"]), row["mask"])
        for kind, fields in table.items()
        for name, row in fields.items()
    }


FIELDS: dict[tuple[str, str], FieldClass] = _read()
"""(kind, field) -> class."""


def is_clear(roles: Collection[str], kind: str, name: str) -> bool:
    """Say whether one of the roles reads a field as it is."""
    known = FIELDS.get((kind, name))
    return known is None or known.level != "sensitive" or not known.clear.isdisjoint(roles)


def masked(roles: Collection[str], kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a thing as the roles may read them; a place that may not be read is None."""
    return {
        name: value if not value or is_clear(roles, kind, name) else _hide(value, FIELDS[kind, name].mask)
        for name, value in values.items()
    }


def hide_contacts(words: str) -> str:
    """Hide telephone and identity numbers and e-mail addresses that somebody wrote into a text."""
    return _EMAIL.sub(HIDDEN, mask_numbers(words))


def _hide(value: Any, how: str) -> Any:
    if not isinstance(value, str):
        return None
    ways: dict[str, Callable[[str], str]] = {"name": mask_name, "phone": mask_phone}
    return ways[how](value) if how in ways else HIDDEN
