"""Series that a live instrument does not write: replayed from earlier, or cut off at a ceiling.

Both are read from the shortest readings there are, one by one: the mean of an hour has forgotten what gives them away.
Neither is a verdict; each asks for a look at logger and instrument, and never touches a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bihuan.alerts.facts import Facts
from bihuan.alerts.hold import Levels
from bihuan.alerts.metrics_air import recent
from bihuan.alerts.metrics_series import Collected, distinct
from bihuan.alerts.rule import RuleRow
from bihuan.core import HOUR

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


def ceiling(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Many readings equal to the highest one of some hours, while those below it live: cut off above.

    The threshold shown is the ceiling.
    """
    setting = rule.table("series")
    collected = Collected(rule, facts)
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        found: list[tuple[Bool, Bool, Float, Float]] = []
        for window in _windows(rule, facts, pollutant, seen, timedelta(0)):
            known = np.isfinite(window).sum(axis=1)
            most = np.where(known > 0, np.nanmax(np.where(np.isfinite(window), window, -np.inf), axis=1), np.nan)
            ties = (window == most[:, None]).sum(axis=1)
            share = ties / np.maximum(known, 1)
            cut = (ties >= int(setting["ties"])) & (share >= float(setting["share"]))
            cut &= (distinct(window) >= int(setting["distinct"])) & (most > float(rule.table("levels")[pollutant]))
            found.append((cut, share < float(setting["share_fall"]), _newest(window), most))
        collected.add_columns(pollutant, recent(rule, facts, pollutant, seen), found)
    return collected.levels()


def replayed(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """The newest readings equal, one by one, those of an earlier stretch of the same series."""
    setting = rule.table("series")
    earlier = max(int(lag) for lag in setting["lags"]) * HOUR
    collected = Collected(rule, facts)
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        found: list[tuple[Bool, Bool, Float, Float]] = []
        for window in _windows(rule, facts, pollutant, seen, earlier):
            length = window.shape[1] - earlier // timedelta(seconds=int(setting["step"]))
            newest = window[:, -length:]
            same = _repeats(newest, window[:, :-length], int(setting["least"]))
            same &= distinct(newest) >= int(setting["distinct"])
            found.append((same, ~same, _newest(newest), np.full(len(window), np.nan)))
        collected.add_columns(pollutant, recent(rule, facts, pollutant, seen), found)
    return collected.levels()


def _windows(rule: RuleRow, facts: Facts, pollutant: str, seen: datetime | None, earlier: timedelta) -> Iterator[Float]:
    """Single readings of the hours before each period's end, and `earlier` before them; shape (s, readings)."""
    setting = rule.table("series")
    step = timedelta(seconds=int(setting["step"]))
    back = float(setting["hours"]) * HOUR + earlier
    for end in recent(rule, facts, pollutant, seen).ends:
        yield facts.matrix(pollutant, rule.interval, step, end - back, end).value


def _repeats(newest: Float, before: Float, least: int) -> Bool:
    """Say which rows stand in `before` once more, reading by reading; readings missing on either side do not count."""
    live = np.flatnonzero(np.isfinite(newest).sum(axis=1) >= least)
    found = np.zeros(len(newest), dtype=bool)
    if not len(live):
        return found
    whole = np.concatenate([before, newest[:, :-1]], axis=1)[live]
    stretches = sliding_window_view(whole, newest.shape[1], axis=1)
    mine = newest[live][:, None, :]
    both = np.isfinite(stretches) & np.isfinite(mine)
    found[live] = (((stretches == mine) | ~both).all(axis=2) & (both.sum(axis=2) >= least)).any(axis=1)
    return found


def _newest(window: Float) -> Float:
    """Last reading of each row, NaN where there is none."""
    known = np.isfinite(window)
    last = window.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    return np.where(known.any(axis=1), window[np.arange(len(window)), last], np.nan)
