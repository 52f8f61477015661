"""The figures that practice uses, read from `rules.toml` with their status and source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from bihuan.core import NotCovered

SURE = frozenset({"confirmed", "single_source"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One group of `rules.toml`.

    Attributes
    ----------
    name : str
    figures : dict
    status : str
        ``confirmed``, ``single_source``, ``unconfirmed`` or ``conflicting``.
    source : str
    """

    name: str
    figures: dict[str, Any]
    status: str
    source: str

    @property
    def decides(self) -> bool:
        """Whether it may be applied without a person switching it on."""
        return self.status in SURE

    def __getitem__(self, figure: str) -> Any:
        return self.figures[figure]


@cache
def rule(name: str) -> Rule:
    """Return a group of figures.

    Raises
    ------
    NotCovered
        If there is no such group.
    """
    groups = tomllib.loads(resources.files("bihuan.tracing.receptor").joinpath("rules.toml").read_text("utf-8"))
    if name not in groups:
        raise NotCovered(f"rules of the receptor model hold no group {name!r}; there are {', '.join(sorted(groups))}")
    group = dict(groups[name])
    status, source = group.pop("status"), group.pop("source")
    return Rule(name, group, status, source)
