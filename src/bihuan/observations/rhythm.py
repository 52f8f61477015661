"""The rhythm of a device that nobody told: read off its own reports, and shown as learnt."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import polars as pl

from bihuan.core import Interval

SEEN = 12
"""Steps between reports that are looked at before a rhythm is believed."""

SHARE = 0.8
"""Share of them that must be equal."""

KNOWN: dict[str, int] = {"hour": 3600, "day": 86400}
"""Rhythms that follow from the interval; two reports show that the device sends it at all. [s]"""

LONGEST: dict[str, int] = {"rt": 3600, "minute": 1800}
"""A longer step is no rhythm: 30 min is the longest minute interval of HJ 212-2017. [s]"""


class Heard(msgspec.Struct):
    """Steps between the reports of one device and interval, so far.

    Attributes
    ----------
    last : int
        Start of the newest report. [s since 1970]
    steps : dict of str to int
        Step [s], as text, and how often it was seen; emptied once a rhythm is believed.
    seconds : int
        The rhythm; 0 while none is believed. [s]
    """

    last: int
    steps: dict[str, int] = {}
    seconds: int = 0


class Learner:
    """Rhythms learnt from reports.

    Parameters
    ----------
    heard : mapping of device to interval to Heard
    """

    def __init__(self, heard: dict[str, dict[str, Heard]] | None = None) -> None:
        self.heard = heard or {}

    def rhythm(self, device: str) -> dict[Interval, int]:
        """Return what is believed of a device, seconds by interval."""
        return {interval: one.seconds for interval, one in self.heard.get(device, {}).items() if one.seconds}  # type: ignore[misc]

    def take(self, reports: pl.DataFrame, untold: Iterable[str]) -> bool:
        """Look at reports of devices without a rhythm; say whether one more rhythm is believed.

        Parameters
        ----------
        reports : DataFrame with device, interval and start
        untold : iterable of str
            Devices whose register row names no rhythm.
        """
        wanted = sorted(set(untold))
        if not wanted:
            return False
        mine = reports.filter(pl.col("device").is_in(wanted)).select(
            "device", "interval", at=pl.col("start").dt.timestamp("us") // 1_000_000
        )
        believed = False
        for device, interval, at in mine.unique().sort("device", "interval", "at").iter_rows():
            believed |= self._note(device, interval, at)
        return believed

    def _note(self, device: str, interval: str, at: int) -> bool:
        mine = self.heard.setdefault(device, {})
        one = mine.get(interval)
        if one is None:
            mine[interval] = Heard(at)
            return False
        if at <= one.last:
            return False
        step, one.last = at - one.last, at
        if one.seconds:
            return False
        one.steps[str(step)] = one.steps.get(str(step), 0) + 1
        one.seconds = _believed(interval, one.steps)
        if one.seconds:
            one.steps = {}
        return bool(one.seconds)


def _believed(interval: str, steps: dict[str, int]) -> int:
    """Return the rhythm that the steps show, 0 for none."""
    if interval in KNOWN:
        return KNOWN[interval]
    if sum(steps.values()) < SEEN:
        return 0
    most = max(steps, key=lambda step: (steps[step], -int(step)))
    if steps[most] < SHARE * sum(steps.values()):
        steps.clear()  # it may have been set anew meanwhile: look again
        return 0
    return int(most) if int(most) <= LONGEST[interval] else 0
