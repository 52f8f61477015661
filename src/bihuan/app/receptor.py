"""Receptor modelling from files to files: V and U in, profiles, contributions, their doubts and pictures out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from bihuan.core import FormatError, InputError
from bihuan.formats import VuTable, read_limits, read_vu
from bihuan.formats.csv_table import decoded, read_rows
from bihuan.tracing.receptor.bootstrap import Bootstrap, bootstrap
from bihuan.tracing.receptor.choosing import Choice, choose
from bihuan.tracing.receptor.constraints import Constrained, constrain, read_constraints
from bihuan.tracing.receptor.displacement import Displacement, displace, displace_resamples
from bihuan.tracing.receptor.matching import Match, Profile, compare, library, read_library
from bihuan.tracing.receptor.material import Category, Material, Missing, prepare
from bihuan.tracing.receptor.rotation import Rotated, push
from bihuan.tracing.receptor.rules import rule
from bihuan.tracing.receptor.solution import Solution, factorise


@dataclass(frozen=True, slots=True)
class Reading:
    """How a pair of files is read.

    Attributes
    ----------
    concentration, uncertainty : Path
    zone : ZoneInfo
        Of the times in the files.
    weak, bad : tuple of str
        Species.
    by_signal : bool
        Take the categories that signal to noise suggests.
    missing : str
        ``ignore``, ``drop`` or ``median``.
    total : str, optional
        Species that is the sum of the others.
    limits : Path, optional
        File of detection limits.
    extra : float
        Extra modelling uncertainty. [percent]
    """

    concentration: Path
    uncertainty: Path
    zone: ZoneInfo
    weak: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    by_signal: bool = False
    missing: Missing = "ignore"
    total: str | None = None
    limits: Path | None = None
    extra: float = 0.0

    def read(self) -> tuple[VuTable, Material]:
        """Read the files.

        Raises
        ------
        InputError
            If they cannot be used.
        """
        table = read_vu(self.concentration, self.uncertainty, self.zone)
        both = sorted(set(self.weak) & set(self.bad))
        if both:
            raise InputError(f"{', '.join(both)} cannot be weak and bad at once; name each once")
        categories: dict[str, Category] = dict.fromkeys(self.weak, "weak")
        categories |= dict.fromkeys(self.bad, "bad")
        limits = read_limits(self.limits.read_bytes(), self.limits.name)[0] if self.limits else None
        return table, prepare(
            table.times,
            table.names,
            table.units,
            table.values,
            table.uncertainty,
            categories=categories,
            by_signal=self.by_signal,
            missing=self.missing,
            limits=limits,
            total=self.total,
            extra=self.extra / 100,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is computed.

    Attributes
    ----------
    factors, seeds, seed : int
        Number of factors, of starts, and the first seed.
    robust : bool
    floor : bool
        Contributions may go down to -0.2 of a factor's mean.
    bootstrap : int
        Resamples; 0 for none.
    block : int, optional
        Samples in a block.
    displace : bool
    displace_resamples : tuple of str
        Key species of BS-DISP.
    constraints : Path, optional
    push : float
        Strength of a rotation; 0 for none.
    library : Path, optional
        Source profiles of one's own.
    """

    factors: int
    seeds: int = 20
    seed: int = 0
    robust: bool = False
    floor: bool = False
    bootstrap: int = 0
    block: int | None = None
    displace: bool = False
    displace_resamples: tuple[str, ...] = ()
    constraints: Path | None = None
    push: float = 0.0
    library: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out; the optional parts are None where they were not asked for."""

    table: VuTable
    solution: Solution
    base: Solution
    matches: tuple[tuple[Match, ...], ...]
    drawn: Bootstrap | None = None
    displaced: Displacement | None = None
    displaced_resamples: Displacement | None = None
    constrained: Constrained | None = None
    rotated: Rotated | None = None
    notes: tuple[str, ...] = field(default=())


def run_receptor(reading: Reading, wanted: Wanted) -> Outcome:
    """Factorise a pair of files.

    Raises
    ------
    InputError
        If the files or what is asked of them cannot be used.
    """
    wishes = None
    if wanted.constraints is not None:
        wishes = read_constraints(wanted.constraints.read_text("utf-8"), wanted.constraints.name)
    candidates = profiles_of(wanted.library)
    if wanted.displace_resamples and not wanted.bootstrap:
        raise InputError("displacing resamples needs resamples: add --bootstrap 100")
    table, material = reading.read()
    floor = float(rule("floor")["contribution"]) if wanted.floor else 0.0
    seeds = range(wanted.seed, wanted.seed + wanted.seeds)
    base = factorise(material, wanted.factors, seeds=seeds, robust=wanted.robust, floor=floor)
    constrained = constrain(base, wishes) if wishes else None
    solution = constrained.solution if constrained else base
    rotated = push(solution, wanted.push) if wanted.push else None
    drawn = bootstrap(solution, wanted.bootstrap, block=wanted.block) if wanted.bootstrap else None
    both = None
    if drawn is not None and wanted.displace_resamples:
        both = displace_resamples(solution, drawn, species=wanted.displace_resamples)
    return Outcome(
        table,
        solution,
        base,
        compare(material.names, solution.profiles, candidates, most=3),
        drawn,
        displace(solution) if wanted.displace else None,
        both,
        constrained,
        rotated,
        table.notes,
    )


def choose_factors(
    reading: Reading, counts: Sequence[int], seeds: int, folds: int, robust: bool
) -> tuple[tuple[Choice, ...], Material]:
    """Return the table of numbers of factors, and what it was made of."""
    _, material = reading.read()
    return choose(material, counts, seeds=range(seeds), folds=folds, robust=robust), material


def profiles_of(path: Path | None) -> tuple[Profile, ...]:
    """Return the profiles of a library of one's own, or of the one that comes along."""
    return library() if path is None else read_library(decoded(path.read_bytes(), path.name), path.name)


def match_file(path: Path, own: Path | None, most: int) -> tuple[tuple[Match, ...], ...]:
    """Return the likeness of the factors of a ``profiles.csv`` to a library.

    Raises
    ------
    FormatError
        If the file is no table of profiles; names row and column.
    """
    rows = read_rows(decoded(path.read_bytes(), path.name))
    header = [cell.strip() for cell in rows[0]] if rows else []
    columns = [at for at, cell in enumerate(header) if cell.startswith("factor_")]
    if "species" not in header or not columns:
        raise FormatError(
            f"{path.name} lacks the columns species and factor_1 ...; give a profiles.csv of receptor run"
        )
    names, figures = [], []
    for at, row in enumerate(rows[1:], start=2):
        try:
            figures.append([float(row[column]) for column in columns])
            names.append(row[header.index("species")])
        except (ValueError, IndexError):
            raise FormatError(
                f"{path.name} row {at}: an amount is no number; write one in each factor column"
            ) from None
    if not figures:
        raise FormatError(f"{path.name} holds no species under its header")
    return compare(names, np.array(figures).T, profiles_of(own), most)


def as_figures(value: Any) -> Any:
    """Return plain figures for JSON: nan and infinity become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_figures(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: as_figures(one) for key, one in value.items()}
    if isinstance(value, tuple | list | np.ndarray):
        return [as_figures(one) for one in value]
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
