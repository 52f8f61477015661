"""Collocation (比对) as a life of its own: planned, running, judged, valid until; apart from where a sensor hangs.

A sensor stands beside a reference for some weeks; what comes of it is a calibration with dates, and it is applied when
values are read, never written into the series. States: ``planned`` -> ``running`` -> ``passed`` or ``failed``;
``withdrawn`` at any time by a person; a passed one is ``expired`` once its time is over. Every step is a new value
with who, when and why; the caller keeps it (record kind ``collocation``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
import polars as pl

from bihuan.core import DAY, InputError, Period, Ref, content_id, iso
from bihuan.observations.calibration import Calibration, Float, calibrate, calibration_table

State = Literal["planned", "running", "passed", "failed", "withdrawn"]

PAIRS_SCHEMA = pl.Schema(
    {
        "start": pl.Datetime("us", "UTC"),
        "raw": pl.Float64(),
        "reference": pl.Float64(),
        "humidity": pl.Float64(),
        "temperature": pl.Float64(),
    }
)
"""Hours of a sensor and its reference; humidity [%] and temperature [degrees Celsius] may be null throughout."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a collocation: what, by whom, when, why."""

    state: State
    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Collocation:
    """One sensor beside one reference, for one pollutant.

    Attributes
    ----------
    id : str
        From content: device, pollutant, reference, begin.
    device : str
        MN of the sensor's logger.
    pollutant : str
    reference : Ref
        Station it stands at.
    period : Period
        As planned.
    state : State
    valid : Period or None
        When a passed calibration applies.
    calibration : Calibration or None
    finding : str
        Code of why it failed: ``few_pairs error r2``; empty otherwise.
    steps : tuple of Step
    """

    id: str
    device: str
    pollutant: str
    reference: Ref
    period: Period
    state: State
    steps: tuple[Step, ...]
    valid: Period | None = None
    calibration: Calibration | None = None
    finding: str = ""

    @property
    def ref(self) -> Ref:
        """Points at this collocation."""
        return Ref("collocation", self.id)

    def state_at(self, now: datetime) -> str:
        """Return the state at an instant: a passed one runs out by itself."""
        over = self.state == "passed" and self.valid is not None and now >= self.valid.end
        return "expired" if over else self.state


def plan_collocation(
    device: str, pollutant: str, reference: Ref, start: datetime, by: str, at: datetime, days: int | None = None
) -> Collocation:
    """Plan a collocation.

    Raises
    ------
    InputError
        If nobody plans it, or it would last no day.
    """
    length = int(calibration_table()["collocation"]["days"]) if days is None else days
    if not by.strip() or length < 1:
        raise InputError(f"a collocation of {device} needs a person and at least one day, not {by!r} and {length}")
    ident = content_id("collocation", device, pollutant, reference, iso(start))
    period = Period(start, start + length * DAY)
    return Collocation(ident, device, pollutant, reference, period, "planned", (Step("planned", by, at),))


def begin(held: Collocation, by: str, at: datetime) -> Collocation:
    """Say that the sensor stands beside its reference.

    Raises
    ------
    InputError
        If it is not planned.
    """
    _ask(held, ("planned",), "running")
    return replace(held, state="running", steps=(*held.steps, Step("running", by, at)))


def withdraw(held: Collocation, by: str, at: datetime, reason: str) -> Collocation:
    """End a collocation or its calibration before its time; what was read with it keeps saying so.

    Raises
    ------
    InputError
        Without a reason, or if it has ended already.
    """
    _ask(held, ("planned", "running", "passed"), "withdrawn")
    if not reason.strip():
        raise InputError(f"collocation {held.id} is withdrawn only with a reason: say what happened")
    valid = held.valid
    if valid is not None and valid.start < at < valid.end:
        valid = Period(valid.start, at)
    return replace(held, state="withdrawn", valid=valid, steps=(*held.steps, Step("withdrawn", by, at, reason)))


def judge_collocation(held: Collocation, pairs: pl.DataFrame, by: str, at: datetime) -> Collocation:
    """Calibrate on what was measured side by side, and say whether that is good enough to be used.

    Parameters
    ----------
    held : Collocation
        Running.
    pairs : DataFrame of `PAIRS_SCHEMA`
        Hours within its period.
    by : str
    at : datetime
        From when a passed calibration applies.

    Raises
    ------
    InputError
        If it does not run.
    """
    _ask(held, ("running",), "judged")
    table = calibration_table()["collocation"]
    rows = pairs.filter((pl.col("start") >= held.period.start) & (pl.col("start") < held.period.end)).sort("start")
    try:
        made = calibrate(
            rows["start"].dt.replace_time_zone(None).to_numpy(),
            _array(rows, "raw"),
            _array(rows, "reference"),
            _array(rows, "humidity") if rows["humidity"].count() else None,
            _array(rows, "temperature") if rows["temperature"].count() else None,
        )
    except InputError:
        return replace(held, state="failed", finding="few_pairs", steps=(*held.steps, Step("failed", by, at)))
    score = next(one for one in made.scores if one.form == made.form)
    level = float(rows["reference"].mean() or 0.0)  # type: ignore[arg-type]  # a column of numbers
    finding = "error" if score.rmse > float(table["most_rmse_share"]) * level else ""
    finding = finding or ("r2" if score.r2 < float(table["least_r2"]) else "")
    state: State = "failed" if finding else "passed"
    valid = None if finding else Period(at, at + int(table["valid_days"]) * DAY)
    steps = (*held.steps, Step(state, by, at))
    return replace(held, state=state, finding=finding, calibration=made, valid=valid, steps=steps)


def _array(rows: pl.DataFrame, name: str) -> Float:
    return rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _ask(held: Collocation, allowed: tuple[State, ...], wanted: str) -> None:
    if held.state not in allowed:
        raise InputError(
            f"collocation {held.id} of {held.device} is {held.state} and cannot become {wanted}: "
            f"only from {', '.join(allowed)}"
        )


def calibrated(
    readings: pl.DataFrame, held: Iterable[Collocation], weather: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return readings with the calibrations laid over them that were valid when they began.

    Parameters
    ----------
    readings : DataFrame
        ``device pollutant start value`` and whatever else; nothing stored changes.
    held : iterable of Collocation
        Passed or withdrawn ones; of two over one reading the later one holds.
    weather : DataFrame, optional
        ``start humidity temperature`` of the hours; a reading without what its form needs keeps its raw value.

    Returns
    -------
    DataFrame
        With the new columns ``uncertainty`` (half width, null where nothing was applied), ``calibration`` (id of the
        collocation, empty where none) and ``beyond`` (the raw reading lies outside what was compared).
    """
    frame = readings.with_columns(
        uncertainty=pl.lit(None, pl.Float64), calibration=pl.lit(""), beyond=pl.lit(False)
    ).with_row_index("_row")
    usable = [one for one in held if one.valid is not None and one.calibration is not None]
    for one in sorted(usable, key=lambda one: one.valid.start):  # type: ignore[union-attr]  # asked for above
        frame = _laid(frame, one, weather)
    return frame.drop("_row")


def _laid(frame: pl.DataFrame, one: Collocation, weather: pl.DataFrame | None) -> pl.DataFrame:
    made, valid = one.calibration, one.valid
    assert made is not None
    assert valid is not None
    hit = (pl.col("device") == one.device) & (pl.col("pollutant") == one.pollutant)
    hit &= (pl.col("start") >= valid.start) & (pl.col("start") < valid.end)
    rows = frame.filter(hit).select("_row", "value", hour=pl.col("start").dt.truncate("1h"))
    if rows.is_empty():
        return frame
    humidity = temperature = None
    if made.form != "linear":
        if weather is None:
            return frame
        rows = rows.join(weather.rename({"start": "hour"}).unique("hour"), on="hour", how="left", maintain_order="left")
        humidity, temperature = _array(rows, "humidity"), _array(rows, "temperature")
    raw = _array(rows, "value")
    value = made(raw, humidity, temperature)
    fresh = rows.select("_row").with_columns(
        _value=pl.Series(value).fill_nan(None), _beyond=pl.Series((raw < made.low) | (raw > made.high))
    )
    known = pl.col("_value").is_not_null()
    return (
        frame.join(fresh, on="_row", how="left", maintain_order="left")
        .with_columns(
            value=pl.coalesce("_value", "value"),
            uncertainty=pl.when(known).then(pl.lit(made.uncertainty)).otherwise("uncertainty"),
            calibration=pl.when(known).then(pl.lit(one.id)).otherwise("calibration"),
            beyond=pl.when(known).then("_beyond").otherwise("beyond"),
        )
        .drop("_value", "_beyond")
    )
