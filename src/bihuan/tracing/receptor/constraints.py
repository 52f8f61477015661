"""What a person knows beforehand, laid on a factorisation: exact values, pulls, ratios, anchored profiles, no source.

A file of constraints is TOML, one ``[[constraint]]`` a wish; factors are counted from 1 as the base run prints them:

    kind = "exact"   factor = 1  species = "Zn"  value = 0.0
    kind = "pull"    factor = 2  species = "Pb"  value = 0.0  dq_percent = 0.5
    kind = "ratio"   factor = 3  species = ["OC", "EC"]  ratio = 2.5
    kind = "anchor"  factor = 1  a = 0.1  profile = { SO4 = 0.7, NH4 = 0.26 }
    kind = "absent"  factor = 4  rows = [12, 13]

An anchor is the a-value of ME-2 practice (Canonaco et al. 2013, Atmos. Meas. Tech. 6, 3649-3661): each named species
stays within +-a of the profile, up to the scale of the factor. A pull is softened until Q rises by no more than asked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.receptor.material import Material
from bihuan.tracing.receptor.problem import Floats, Problem, Tie
from bihuan.tracing.receptor.solution import Solution, descend, finish, judge
from bihuan.tracing.receptor.solver import Stopping

KINDS = ("exact", "pull", "ratio", "anchor", "absent")
STIFFNESS = 10.0 ** np.arange(-2, 7)
"""Strengths of a pull that are tried, times what one uncertainty of the species' mean would be."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One wish.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    factor : int
        From 0.
    species : tuple of str
    value : float
        Of an exact value or a pull, [unit of the species]; the ratio of the first species to the second.
    dq_percent : float
        Largest rise of Q that a pull may cause, in percent of Q.
    a : float
        Relative freedom of an anchor.
    profile : dict
        Species -> relative amount of an anchor.
    rows : tuple of int
        Samples, from 1 among those kept, in which an absent factor gives nothing.
    """

    kind: str
    factor: int
    species: tuple[str, ...] = ()
    value: float = 0.0
    dq_percent: float = 1.0
    a: float = 0.0
    profile: dict[str, float] = field(default_factory=dict)
    rows: tuple[int, ...] = ()


def read_constraints(source: str, name: str) -> tuple[Constraint, ...]:
    """Read a file of constraints.

    Parameters
    ----------
    source : str
        TOML.
    name : str
        Of the file, for messages.

    Raises
    ------
    InputError
        If it holds something that is no constraint.
    """
    try:
        rows = tomllib.loads(source).get("constraint", [])
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"{name} is no TOML: {problem}") from None
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{name} holds no [[constraint]]; begin each with that line")
    return tuple(_constraint(row, f"{name} constraint {at}") for at, row in enumerate(rows, start=1))


def _constraint(row: dict[str, Any], where: str) -> Constraint:
    kind, factor = row.get("kind"), row.get("factor")
    if kind not in KINDS:
        raise InputError(f"{where}: kind {kind!r} is not known; write one of {', '.join(KINDS)}")
    if not isinstance(factor, int) or isinstance(factor, bool) or factor < 1:
        raise InputError(f"{where}: factor {factor!r} is no count from 1")
    needs: dict[str, tuple[str, ...]] = {
        "exact": ("species", "value"),
        "pull": ("species", "value"),
        "ratio": ("species", "ratio"),
    }
    needs |= {"anchor": ("profile", "a"), "absent": ("rows",)}
    lacking = [key for key in needs[kind] if key not in row]
    if lacking:
        raise InputError(f"{where}: a constraint of kind {kind} needs {', '.join(lacking)}")
    species = row.get("species", ())
    names = (species,) if isinstance(species, str) else tuple(species)
    wanted = {"exact": 1, "pull": 1, "ratio": 2}.get(kind, 0)
    if len(names) != wanted:
        raise InputError(f"{where}: kind {kind} is about {wanted} species, not {len(names)}")
    value = row.get("ratio" if kind == "ratio" else "value", 0.0)
    figures = [value, row.get("dq_percent", 1.0), row.get("a", 0.0), *dict(row.get("profile", {})).values()]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and one >= 0 for one in figures):
        raise InputError(f"{where}: value, ratio, dq_percent, a and profile are numbers of 0 or more")
    if kind == "ratio" and value == 0:
        raise InputError(f"{where}: a ratio is above 0; for none of the first species write kind exact, value 0")
    return Constraint(
        kind,
        factor - 1,
        names,
        float(value),
        float(figures[1]),
        float(figures[2]),
        dict(row.get("profile", {})),
        tuple(row.get("rows", ())),
    )


@dataclass(frozen=True, slots=True)
class Constrained:
    """A factorisation under constraints.

    Attributes
    ----------
    solution : Solution
        Factors in the order of the base run.
    rise : float
        Q above the base run's: Q(true), or Q(robust) in the robust mode.
    strength : float
        Of the pulls, in the end; nan without one.
    """

    solution: Solution
    rise: float
    strength: float


def constrain(base: Solution, constraints: Sequence[Constraint], stopping: Stopping | None = None) -> Constrained:
    """Solve again from the base run, under constraints.

    Parameters
    ----------
    base : Solution
    constraints : sequence of Constraint
    stopping : Stopping, optional

    Raises
    ------
    InputError
        If a constraint names what is not there, or two contradict each other.
    """
    pulls = [one for one in constraints if one.kind == "pull"]
    strengths: Floats = np.array(STIFFNESS if pulls else [1.0])
    problem = _laid(base, constraints, strengths)
    given = np.repeat(base.contributions[:, None], len(strengths), axis=1)
    held = np.repeat(base.profiles.T[:, None], len(strengths), axis=1)
    fitted, weights = descend(problem, given, held, base.robust, stopping)
    runs = judge(problem, fitted, [base.run.seed] * len(strengths))
    merit = np.array([run.q_robust if base.robust else run.q_true for run in runs])
    before = base.run.q_robust if base.robust else base.run.q_true
    best = 0
    if pulls:
        allowed = np.flatnonzero(merit - before <= min(one.dq_percent for one in pulls) / 100 * before)
        best = int(allowed[-1]) if len(allowed) else 0
    one = problem.taking(np.array([best]))
    weights = weights[best] if weights.ndim == 3 else weights
    found = finish(base.material, one, fitted, best, weights, runs[best], base.runs, base.robust)
    return Constrained(found, float(merit[best] - before), float(strengths[best]) if pulls else float("nan"))


def _laid(base: Solution, constraints: Sequence[Constraint], strengths: Floats) -> Problem:
    material, factors = base.material, base.factors
    shape = (len(material.names), 1, factors)
    low, high = np.zeros(shape), np.full(shape, np.inf)
    weight = np.zeros((len(material.names), len(strengths), factors))
    target, ties = np.zeros(shape), []
    samples = np.full((len(material.times), 1, factors), np.inf)
    held, anchored = np.full(factors, base.problem.floor < 0), np.zeros(factors, dtype=bool)
    for one in constraints:
        if one.factor >= factors:
            raise InputError(f"a constraint is about factor {one.factor + 1}, and there are {factors}")
        rows = [_place(material, name) for name in (*one.species, *one.profile)]
        if one.kind == "exact":
            low[rows, :, one.factor] = high[rows, :, one.factor] = one.value
            held[one.factor] |= one.value > 0
        elif one.kind == "pull":
            size = max(float(np.abs(material.values[:, rows[0]]).mean()), 1e-300)
            weight[rows[0], :, one.factor] = strengths * base.run.q_true / material.values.size / size**2
            target[rows[0], 0, one.factor] = one.value
            held[one.factor] = True
        elif one.kind == "ratio":
            ties.append(Tie(one.factor, (rows[0], rows[1]), (one.value, 1.0)))
        elif one.kind == "anchor":
            scale = _anchor_scale(base, one, rows)
            figures = np.array(list(one.profile.values())) * scale
            low[rows, 0, one.factor], high[rows, 0, one.factor] = (1 - min(one.a, 1)) * figures, (1 + one.a) * figures
            anchored[one.factor] = True
        else:
            samples[_samples(material, one), 0, one.factor] = 0.0
    if (held & anchored).any():
        at = int(np.flatnonzero(held & anchored)[0]) + 1
        raise InputError(
            f"factor {at} has an anchor and a value of its own: the anchor leaves its scale free; drop one"
        )
    _no_quarrel(ties)
    return replace(
        base.problem,
        weights=material.weights,
        profile_low=low,
        profile_high=high,
        sample_high=samples,
        held=held,
        pull_weight=weight if weight.any() else None,
        pull_target=target if weight.any() else None,
        ties=tuple(ties),
    )


def _anchor_scale(base: Solution, one: Constraint, rows: list[int]) -> float:
    """Bring an anchor's relative amounts near the factor's present size: the scale is free, the start should fit."""
    whole = sum(one.profile.values())
    return float(base.profiles[one.factor, rows].sum() / whole) if whole > 0 else 1.0


def _no_quarrel(ties: Sequence[Tie]) -> None:
    seen: set[tuple[int, int]] = set()
    for tie in ties:
        for species in tie.species:
            if (tie.factor, species) in seen:
                raise InputError(f"factor {tie.factor + 1} has a species in two ratios; give each one ratio at most")
            seen.add((tie.factor, species))


def _place(material: Material, name: str) -> int:
    if name not in material.names:
        raise InputError(
            f"a constraint names the species {name!r}, which is not fitted; these are: {', '.join(material.names)}"
        )
    return material.names.index(name)


def _samples(material: Material, one: Constraint) -> list[int]:
    rows = [row - 1 for row in one.rows]
    if not all(0 <= row < len(material.times) for row in rows):
        raise InputError(f"rows of a constraint of kind absent are 1 to {len(material.times)}")
    return rows
