"""Matters (事项): department that usually leads, class of time limits, checklist; from ``matters.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from bihuan.core import InputError, Language, text


@dataclass(frozen=True, slots=True)
class Matter:
    """One kind of problem.

    Attributes
    ----------
    code : str
    medium : str
        ``air water soil mobile``.
    lead : str
        Kind of department that usually leads, words under ``[department]``.
    support : tuple of str
        Kinds of departments that usually support.
    limit_class : str
        Class of time limits in the settings.
    checklist : tuple of str
        What to look at on site, words under ``[check]``.
    citywide : bool
        One case for the whole city at a time, however many stations speak of it.
    grid_officer : bool
        Whether the officer of the cell goes; nobody's officer looks into an instrument.
    """

    code: str
    medium: str
    lead: str
    support: tuple[str, ...]
    limit_class: str
    checklist: tuple[str, ...]
    citywide: bool = False
    grid_officer: bool = True

    def words(self, language: Language = "zh") -> str:
        """Return its name."""
        return text(f"matter.{self.code}", language)


def checklist_of_case(kind: str, matter: str) -> tuple[str, ...]:
    """Return what to look at on site: of a kind of case that has a list of its own, else of its matter."""
    own = _table()["checklist"].get(f"case_{kind}")
    return tuple(own) if own else matter_of(matter).checklist


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("bihuan.cases").joinpath("matters.toml").read_text("utf-8"))


def matter_of_rule(rule: str) -> str:
    """Return the matter that events of a rule of alerts always are, empty when subject and suspect decide."""
    return str(_table()["event"].get(rule, ""))


@cache
def matters() -> Mapping[str, Matter]:
    """Return every matter by its code."""
    table = _table()
    lists = table["checklist"]
    return MappingProxyType(
        {
            code: Matter(
                code,
                row["medium"],
                row["lead"],
                tuple(row["support"]),
                row["class"],
                tuple(lists[row["checklist"]]),
                row.get("citywide", False),
                row.get("grid_officer", True),
            )
            for code, row in table["matter"].items()
        }
    )


def matter_of(code: str) -> Matter:
    """Return one matter.

    Raises
    ------
    InputError
        If the code is unknown.
    """
    try:
        return matters()[code]
    except KeyError:
        raise InputError(f"matter {code!r} is unknown; known: {', '.join(matters())}") from None
