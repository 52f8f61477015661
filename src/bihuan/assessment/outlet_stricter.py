"""Permit and standard at once: the stricter one that may decide does, and the other is named beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from bihuan.assessment.outlet_limits import HeldTo
from bihuan.assessment.outlet_rows import Finding, Measured, folds, judge, monitoring_law, rules_of
from bihuan.core import InputError

Why = Literal["laxer", "to_check"]


@dataclass(frozen=True, slots=True)
class Beside:
    """A limit that holds too and did not decide.

    Attributes
    ----------
    held : HeldTo
    why : Why
        ``laxer``: the one that decided is stricter, or as strict and the permit's; ``to_check``: it may not decide.
    """

    held: HeldTo
    why: Why


@dataclass(frozen=True, slots=True)
class Decided:
    """One value, held against every limit there is for it.

    Attributes
    ----------
    measured : Measured
    held : HeldTo
        The limit that decided.
    finding : Finding
    beside : Beside or None
    """

    measured: Measured
    held: HeldTo
    finding: Finding
    beside: Beside | None = None


def judge_stricter(pairs: Sequence[tuple[Measured, HeldTo]], on: date, allow: frozenset[str] = frozenset()) -> Decided:
    """Hold a value against the stricter of its limits.

    Parameters
    ----------
    pairs : sequence of (Measured, HeldTo)
        One for each limit of one outlet, period, pollutant and averaging; the permit's first. The values differ only
        where they are means of values folded to different oxygen.
    on : date
        Day whose law holds.
    allow : frozenset of str
        Rows that a city has switched on.

    Returns
    -------
    Decided
        A limit that may not decide (unconfirmed and not switched on) decides only that nothing is decided, and only
        where no other limit is there. Of limits at different reference oxygen the stricter is the one that allows
        less at the same oxygen in the stack.

    Raises
    ------
    InputError
        If no limit is given.
    NotCovered
        If no edition of HJ 76 is in force on that day.
    """
    if not pairs:
        raise InputError("a value needs at least one limit to be held against; none is given")
    if len(pairs) == 1:
        measured, held = pairs[0]
        return Decided(measured, held, judge(measured, held, on, allow))
    may = [pair for pair in pairs if not pair[1].open_reason] or list(pairs)
    found: list[tuple[Measured, HeldTo, Finding]] = []
    for measured, held in _strictest_first(may, on, allow):
        found.append((measured, held, judge(measured, held, on, allow)))
        # what cannot be computed, for want of oxygen say, gives way to what can
        if found[-1][2].judged is not None:
            break
    first = next((one for one in found if one[2].judged is not None), found[0])
    other = next(held for _, held in pairs if held is not first[1])
    return Decided(*first, Beside(other, "to_check" if other.open_reason else "laxer"))


Pairs = Sequence[tuple[Measured, HeldTo]]


def _strictest_first(pairs: Pairs, on: date, allow: frozenset[str]) -> Pairs:
    """In the order of what they let into the stack; of equals the first, which is the permit's."""
    if len({(held.o2_reference if folds(measured.pollutant, held) else None) for measured, held in pairs}) == 1:
        return sorted(pairs, key=lambda pair: pair[1].limit)
    air = rules_of(monitoring_law(on, allow)).air
    return sorted(pairs, key=lambda pair: _allows(pair[0], pair[1], air))


def _allows(measured: Measured, held: HeldTo, air: int) -> Fraction:
    """What a limit lets into the stack at the oxygen measured, or at none where that says nothing."""
    limit = Fraction(held.limit)
    if not folds(measured.pollutant, held):
        return limit
    assert held.o2_reference is not None
    o2 = measured.o2 if measured.o2 is not None and 0 <= measured.o2 < air else 0
    return limit * (air - Fraction(o2)) / (air - Fraction(held.o2_reference))
