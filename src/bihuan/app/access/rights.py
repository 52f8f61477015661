"""Rights by role, read from ``rights.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from importlib import resources

Right = str
"""Code of a right: ``case.read``."""


def _read() -> dict[Right, frozenset[str]]:
    table = tomllib.loads(resources.files("bihuan.app.access").joinpath("rights.toml").read_text("utf-8"))
    return {right: frozenset(roles) for right, roles in table["rights"].items()}


RIGHTS: dict[Right, frozenset[str]] = _read()
"""Right -> roles that have it."""


def may(roles: Collection[str], right: Right) -> bool:
    """Say whether one of the roles has a right."""
    return not RIGHTS[right].isdisjoint(roles)


def rights_of(roles: Collection[str]) -> tuple[Right, ...]:
    """Return every right of the roles."""
    return tuple(right for right in RIGHTS if may(roles, right))
