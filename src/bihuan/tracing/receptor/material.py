"""Concentrations and uncertainties made ready: below detection, missing, signal to noise, sums, what was replaced.

A missing cell gets the weight nought by default: the model is never told a figure that nobody measured. The rules of
practice (the median with four times its size as uncertainty, or the whole sample left out) can be asked for; each
value that was put in is listed with what stood there before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.tracing.receptor.problem import Floats
from bihuan.tracing.receptor.rules import rule

Category = Literal["strong", "weak", "bad", "total"]
Missing = Literal["ignore", "drop", "median"]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A cell whose value or uncertainty is not as measured.

    Attributes
    ----------
    row : int
        Sample, from 0, of the file.
    species : str
    reason : str
        ``below_detection``, ``missing_ignored``, ``missing_median``, ``missing_dropped``.
    was, value, uncertainty : float or None
        What stood there, and what the model is given; None is nothing.
    """

    row: int
    species: str
    reason: str
    was: float | None
    value: float | None
    uncertainty: float | None


@dataclass(frozen=True, slots=True)
class Species:
    """One column.

    Attributes
    ----------
    name, unit : str
    signal_to_noise : float or None
        None where nothing was measured.
    suggested : Category
        By signal to noise alone.
    category : Category
        As used: ``weak`` has its uncertainty tripled, ``bad`` is left out, ``total`` is left out and apportioned after.
    missing, below : int
        Cells.
    """

    name: str
    unit: str
    signal_to_noise: float | None
    suggested: Category
    category: Category
    missing: int
    below: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to look at before trusting a result: key of ``texts`` table ``receptor``, and its values."""

    code: str
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class Material:
    """What a factorisation is made of.

    Attributes
    ----------
    times : tuple of datetime
        Of the samples that are kept.
    rows : ndarray of int, shape (N,)
        Their rows in the file, from 0.
    names : tuple of str
        Species that are fitted.
    units : tuple of str
    values, uncertainty : ndarray, shape (N, M)
        Uncertainty is infinite where a value is missing, and the value there is 0 and says nothing.
    weak : ndarray of bool, shape (M,)
    total : ndarray, shape (N,), optional
        The sum that is apportioned after the fit; nan where missing.
    total_name, total_unit : str
    species : tuple of Species
        All columns, the left-out ones as well.
    replaced : tuple of Replaced
    warned : tuple of Warned
    """

    times: tuple[datetime, ...]
    rows: NDArray[np.intp]
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Floats
    uncertainty: Floats
    weak: NDArray[np.bool_]
    total: Floats | None
    total_name: str
    total_unit: str
    species: tuple[Species, ...]
    replaced: tuple[Replaced, ...]
    warned: tuple[Warned, ...]

    @property
    def weights(self) -> Floats:
        """One over the squared uncertainty, nought where a value is missing. Shape (N, M)."""
        return 1.0 / self.uncertainty**2

    def expected(self, factors: int) -> float:
        """Return the Q that uncertainties of the right size lead to: measured cells of species that are not weak,
        less the unknowns (EPA PMF 5.0 guide)."""
        cells = int(np.isfinite(self.uncertainty[:, ~self.weak]).sum())
        samples, species = self.values.shape
        return float(cells - factors * (samples + species))


def signal_to_noise(values: Floats, uncertainty: Floats) -> Floats:
    """Return the mean of (x - u) / u, nought where x is not above u, over the known cells (EPA PMF 5.0 guide; ESAT).

    Parameters
    ----------
    values, uncertainty : ndarray, shape (N, M)
        nan where missing.

    Returns
    -------
    ndarray, shape (M,)
        nan for a species that was never measured.
    """
    known = np.isfinite(values) & np.isfinite(uncertainty)
    excess = np.where(known & (values > uncertainty), (values - uncertainty) / np.where(known, uncertainty, 1.0), 0.0)
    count = known.sum(0)
    return np.asarray(np.where(count > 0, excess.sum(0) / np.maximum(count, 1), np.nan))


def prepare(
    times: Sequence[datetime],
    names: Sequence[str],
    units: Sequence[str],
    values: Floats,
    uncertainty: Floats,
    *,
    categories: Mapping[str, Category] | None = None,
    by_signal: bool = False,
    missing: Missing = "ignore",
    limits: Mapping[str, float] | None = None,
    total: str | None = None,
    extra: float = 0.0,
) -> Material:
    """Make a table of concentrations and uncertainties ready for a factorisation.

    Parameters
    ----------
    times, names, units : sequence
    values, uncertainty : ndarray, shape (N, M)
        nan where missing.
    categories : mapping, optional
        Species -> ``strong``, ``weak``, ``bad``.
    by_signal : bool
        Take what signal to noise suggests where no category is given; the limits are not confirmed, so it is a choice.
    missing : {'ignore', 'drop', 'median'}
        A missing cell gets no weight; its sample is left out; or the median stands for it.
    limits : mapping, optional
        Detection limits: values below are replaced by the rule of Polissar. [unit of the species]
    total : str, optional
        A species that is the sum of the others: not fitted, apportioned to the factors after.
    extra : float
        Extra modelling uncertainty as a share of each value, added in quadrature.

    Raises
    ------
    InputError
        If nothing can be fitted, or a species is named that is not there.
    """
    names = tuple(names)
    given = dict(categories or {})
    _known_names(names, [*given, *(limits or {}), *([total] if total else [])])
    values, uncertainty = np.array(values, dtype=float), np.array(uncertainty, dtype=float)
    lost = ~(np.isfinite(values) & np.isfinite(uncertainty))
    values[lost] = uncertainty[lost] = np.nan
    replaced: list[Replaced] = []
    below = _below(names, values, uncertainty, limits or {}, replaced)
    species = _species(names, units, values, uncertainty, given, by_signal, below, total)
    fitted = [at for at, one in enumerate(species) if one.category in {"strong", "weak"}]
    if not fitted:
        raise InputError("no species is left to fit: each is bad or the total; give a category strong or weak to some")
    kept = _missing(names, values, uncertainty, fitted, missing, replaced)
    weak = np.array([species[at].category == "weak" for at in fitted])
    part, unsure = values[kept][:, fitted], uncertainty[kept][:, fitted]
    unsure = np.sqrt(unsure**2 + (extra * np.where(np.isfinite(part), part, 0)) ** 2)
    unsure = np.where(weak, rule("weak")["factor"] * unsure, unsure)
    gone = ~np.isfinite(part)
    place = names.index(total) if total else -1
    return Material(
        tuple(times[row] for row in kept),
        kept,
        tuple(names[at] for at in fitted),
        tuple(units[at] for at in fitted),
        np.where(gone, 0.0, part),
        np.where(gone, np.inf, unsure),
        weak,
        values[kept, place] if total else None,
        total or "",
        units[place] if total else "",
        species,
        tuple(replaced),
        tuple(_warnings(species, part, fitted, names, len(times) - len(kept))),
    )


def _known_names(names: tuple[str, ...], asked: list[str]) -> None:
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise InputError(f"no species is called {', '.join(map(repr, unknown))}; the file holds {', '.join(names)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"species {', '.join(twice)} stand twice in the header; give each column a name of its own")


def _below(
    names: tuple[str, ...], values: Floats, uncertainty: Floats, limits: Mapping[str, float], replaced: list[Replaced]
) -> dict[str, int]:
    """Replace what is below detection, in place; return how many cells of each species."""
    found = rule("below_detection")
    count: dict[str, int] = {}
    for name, limit in limits.items():
        at = names.index(name)
        rows = np.flatnonzero(values[:, at] < limit)
        count[name] = len(rows)
        value, unsure = found["value"] * limit, found["uncertainty"] * limit
        for row in rows:
            replaced.append(Replaced(int(row), name, "below_detection", float(values[row, at]), value, unsure))
        values[rows, at], uncertainty[rows, at] = value, unsure
    return count


def _species(
    names: tuple[str, ...],
    units: Sequence[str],
    values: Floats,
    uncertainty: Floats,
    given: Mapping[str, Category],
    by_signal: bool,
    below: Mapping[str, int],
    total: str | None,
) -> tuple[Species, ...]:
    limits, noise = rule("signal_to_noise"), signal_to_noise(values, uncertainty)
    found = []
    for at, name in enumerate(names):
        ratio = None if np.isnan(noise[at]) else float(noise[at])
        suggested: Category = "strong"
        if ratio is None or ratio < limits["bad"]:
            suggested = "bad"
        elif ratio < limits["weak"]:
            suggested = "weak"
        category: Category = given.get(name, suggested if by_signal or ratio is None else "strong")
        lost = int(np.isnan(values[:, at]).sum())
        if name == total:
            category = "total"
        found.append(Species(name, units[at], ratio, suggested, category, lost, below.get(name, 0)))
    return tuple(found)


def _missing(
    names: tuple[str, ...],
    values: Floats,
    uncertainty: Floats,
    fitted: list[int],
    missing: Missing,
    replaced: list[Replaced],
) -> NDArray[np.intp]:
    """Treat missing cells of fitted species; return the rows that are kept."""
    lost = np.asarray(np.isnan(values[:, fitted]))
    empty = lost.all(1)
    gone = np.asarray(lost.any(1) if missing == "drop" else empty)
    middle = np.nanmedian(values[:, fitted], axis=0)
    for row, at in zip(*np.nonzero(lost), strict=True):
        name, value, unsure = names[fitted[at]], None, None
        reason = "missing_dropped" if gone[row] else "missing_ignored"
        if missing == "median" and not gone[row]:
            reason, value = "missing_median", float(middle[at])
            unsure = rule("missing")["uncertainty"] * value
            values[row, fitted[at]], uncertainty[row, fitted[at]] = value, unsure
        replaced.append(Replaced(int(row), name, reason, None, value, unsure))
    kept = np.flatnonzero(~gone)
    if not len(kept):
        raise InputError(
            "no sample is left: each lacks a species; use --missing ignore, or leave out the sparse species"
        )
    return kept


def _warnings(
    species: tuple[Species, ...], part: Floats, fitted: list[int], names: tuple[str, ...], dropped: int
) -> list[Warned]:
    sums = rule("totals")
    found = []
    if dropped:
        found.append(Warned("warn_dropped", {"count": dropped}))
    for at in fitted:
        name = names[at].strip().lower()
        if name in sums["names"]:
            found.append(Warned("warn_total", {"species": names[at]}))
        elif name in sums["remainders"]:
            found.append(Warned("warn_remainder", {"species": names[at]}))
    for one, other in _twins(part, sums["correlation"]):
        found.append(Warned("warn_twins", {"one": names[fitted[one]], "other": names[fitted[other]]}))
    for row in species:
        if row.category == "strong" and row.suggested != "strong" and row.signal_to_noise is not None:
            found.append(Warned(f"warn_{row.suggested}", {"species": row.name, "ratio": f"{row.signal_to_noise:.2f}"}))
    negative = int((part < 0).sum())
    if negative:
        found.append(Warned("warn_negative", {"count": negative}))
    return found


def _twins(part: Floats, least: float) -> list[tuple[int, int]]:
    """Return pairs of species that say the same: one is a multiple of the other."""
    found = []
    for one in range(part.shape[1]):
        for other in range(one + 1, part.shape[1]):
            both = np.isfinite(part[:, one]) & np.isfinite(part[:, other])
            first, second = part[both, one], part[both, other]
            if both.sum() > 9 and first.std() > 0 and second.std() > 0 and np.corrcoef(first, second)[0, 1] > least:
                found.append((one, other))
    return found
