"""Factors beside measured source profiles: which of a library look alike, and how much.

Two distances of the DeltaSA practice (Belis et al. 2015, Atmos. Environ. 119, 35-44) over the species both hold:
PD = 1 - r, r Pearson's correlation of the shares, and SID = sqrt(2) / m sum |x - y| / (x + y), which lets trace species
count as much as the large ones. Likeness orders the candidates; a person names the factor, with the wind, the
season and the hours before them. The limits of acceptance are not settled (tools differ in PD), so they decide nothing.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.receptor.problem import Floats

COLUMNS = ("profile", "kind", "species", "share", "source")
FEWEST = 4
"""Species that two profiles must share before they are compared."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A source's composition.

    Attributes
    ----------
    name, kind, source : str
    shares : dict
        Species -> share of the mass, in any unit that is the same for all.
    synthetic : bool
        Made up, of no real source.
    """

    name: str
    kind: str
    source: str
    shares: dict[str, float]
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """One factor beside one profile.

    Attributes
    ----------
    factor : int
        From 0.
    profile : Profile
    common : int
        Species both hold.
    correlation, pearson_distance, identity_distance : float
        nan where there are too few common species.
    """

    factor: int
    profile: Profile
    common: int
    correlation: float
    pearson_distance: float
    identity_distance: float


def library() -> tuple[Profile, ...]:
    """Return the profiles that come along; at present only made-up ones, named so."""
    found: list[Profile] = []
    folder = resources.files("bihuan.tracing.receptor").joinpath("profiles")
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            found += _profiles(tomllib.loads(file.read_text("utf-8")))
    return tuple(found)


def _profiles(tables: dict[str, Any]) -> list[Profile]:
    synthetic = bool(tables["library"].get("synthetic", False))
    return [
        Profile(row["name"], row["kind"], row["source"], dict(row["shares"]), synthetic) for row in tables["profile"]
    ]


def read_library(source: str, name: str) -> tuple[Profile, ...]:
    """Read a library of one's own: CSV with ``profile, species, share`` and, if there, ``kind, source``.

    Parameters
    ----------
    source : str
    name : str
        Of the file, for messages.

    Raises
    ------
    InputError
        If a column is lacking or a share is no number of 0 or more; names row and column.
    """
    reader = csv.DictReader(io.StringIO(source.lstrip("\ufeff")))
    lacking = [column for column in ("profile", "species", "share") if column not in (reader.fieldnames or ())]
    if lacking:
        raise InputError(
            f"{name} lacks the columns {', '.join(lacking)}; it needs {', '.join(COLUMNS[:1] + COLUMNS[2:4])}"
        )
    found: dict[str, Profile] = {}
    for at, row in enumerate(reader, start=2):
        title = (row["profile"] or "").strip()
        try:
            share = float(row["share"] or "")
        except ValueError:
            share = -1.0
        if not title or not np.isfinite(share) or share < 0:
            raise InputError(f"{name} row {at}: a profile has a name, and share {row['share']!r} must be 0 or more")
        one = found.setdefault(title, Profile(title, (row.get("kind") or "").strip(), (row.get("source") or name), {}))
        species = (row["species"] or "").strip()
        if species in one.shares:
            raise InputError(f"{name} row {at}: profile {title} holds {species} twice")
        one.shares[species] = share
    if not found:
        raise InputError(f"{name} holds no profile under its header")
    return tuple(found.values())


def compare(
    names: Sequence[str], profiles: Floats, candidates: Sequence[Profile], most: int | None = None
) -> tuple[tuple[Match, ...], ...]:
    """Return for each factor the candidates, most alike first.

    Parameters
    ----------
    names : sequence of str
        Species of the columns.
    profiles : ndarray, shape (K, M)
    candidates : sequence of Profile
    most : int, optional
        Candidates kept for each factor.
    """
    keys = [_key(name) for name in names]
    found = []
    for factor, row in enumerate(profiles):
        own = dict(zip(keys, row, strict=True))
        matches = sorted((_match(factor, own, one) for one in candidates), key=_order)
        found.append(tuple(matches[:most]))
    return tuple(found)


def _key(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _order(match: Match) -> tuple[float, float, str]:
    known = not np.isnan(match.pearson_distance)
    return (match.pearson_distance if known else 9.0, match.identity_distance if known else 9.0, match.profile.name)


def _match(factor: int, own: dict[str, float], profile: Profile) -> Match:
    pairs = [(own[_key(name)], share) for name, share in profile.shares.items() if _key(name) in own]
    nothing = Match(factor, profile, len(pairs), float("nan"), float("nan"), float("nan"))
    if len(pairs) < FEWEST:
        return nothing
    mine, yours = np.array(pairs).T
    if mine.sum() <= 0 or yours.sum() <= 0 or mine.std() == 0 or yours.std() == 0:
        return nothing
    mine, yours = mine / mine.sum(), yours / yours.sum()
    likeness = float(np.corrcoef(mine, yours)[0, 1])
    both = mine + yours
    gap = np.divide(np.abs(mine - yours), both, out=np.zeros_like(both), where=both > 0)
    return Match(factor, profile, len(pairs), likeness, 1 - likeness, float(np.sqrt(2) * gap.mean()))
