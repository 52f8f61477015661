"""Which readings somebody should look at: checks that mark, and never change, a value.

Order of the checks, the first that speaks gives the reason: missing value, mark of the device, impossible value,
implausible range, stuck, PM2.5 above PM10, jump, neighbours. All but the first three yield ``suspect``, and a suspect
reading stays in every mean: it is a question, not an answer. The numbers stand in `flags.toml`.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from bihuan.observations.neighbours import divergent
from bihuan.observations.settings import Settings, by_group, default_settings

OWN_REASONS = ("no_value", "impossible", "range", "stuck", "pm25_over_pm10", "jump", "neighbours")
"""Reasons that `flag` gives itself and takes back when it looks again; those of an adapter stay."""

SITES_SCHEMA = pl.Schema(
    {"device": pl.String, "site": pl.String, "kind": pl.String, "lon": pl.Float64, "lat": pl.Float64}
)
"""What `flag` must know of a device: the site it measures, that site's kind (a `StationKind`, ``outlet`` or
``section``) and place. [degrees]"""

SERIES_KEY = ("device", "pollutant", "stat", "interval")
JUDGED_STATS = ("avg", "rtd")
OFFICIAL_KINDS = ("national", "provincial")
HOUR_MICROSECONDS = 3_600_000_000


def flag(
    readings: pl.DataFrame,
    history: pl.DataFrame | None = None,
    sites: pl.DataFrame | None = None,
    settings: Settings | None = None,
) -> pl.DataFrame:
    """Judge a batch of readings and return it with ``quality`` and ``reason`` set.

    Parameters
    ----------
    readings : DataFrame of `READINGS_SCHEMA`
        The batch, for instance the last five minutes. One row for each device, pollutant, stat, interval and start.
    history : DataFrame of `READINGS_SCHEMA`, optional
        Earlier readings of the same devices (`context` says how far back helps). Without it neither stuck readings
        nor jumps at the beginning of the batch can be seen.
    sites : DataFrame of `SITES_SCHEMA`, optional
        Without it every device is a station of its own and has no neighbours.
    settings : mapping, optional
        Tables as in `flags.toml`.

    Returns
    -------
    DataFrame of `READINGS_SCHEMA`
        The same rows in the same order with the same values. What an adapter or a person had judged stays; what this
        function had judged before is judged again, so calling it twice changes nothing.

    Notes
    -----
    A value at an official station (national, provincial) is never made ``bad`` by us: those series are read-only.
    """
    if readings.is_empty():
        return readings
    table = settings or default_settings()
    batch = _prepared(readings, sites).with_row_index("row")
    batch = _basic(batch, table)
    usable = pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])
    series = _series(batch, history, usable)
    checks = {
        "stuck": _stuck_rows(series, table),
        "pm25_over_pm10": _part_rows(batch.filter(usable), table),
        "jump": _jump_rows(series, table),
        "neighbours": _neighbour_rows(batch.filter(usable), table),
    }
    good = pl.col("quality") == "good"
    reason = pl.col("reason")
    for name, rows in reversed(checks.items()):
        reason = pl.when(good & pl.col("row").is_in(rows.implode())).then(pl.lit(name)).otherwise(reason)
    batch = batch.with_columns(reason=reason)
    suspect = good & (pl.col("reason") != "")
    quality = pl.when(suspect).then(pl.lit("suspect")).otherwise(pl.col("quality"))
    return batch.with_columns(quality=quality).select(readings.columns)


def _prepared(readings: pl.DataFrame, sites: pl.DataFrame | None) -> pl.DataFrame:
    """Add group, site, place; forget what an earlier run of ours said."""
    if sites is None:
        sites = pl.DataFrame(schema=SITES_SCHEMA)
    known = sites.select(SITES_SCHEMA.names()).unique("device", keep="first", maintain_order=True)
    ours = pl.col("reason").is_in([*OWN_REASONS])
    return (
        readings.join(known, on="device", how="left", maintain_order="left")
        .with_columns(
            site=pl.col("site").fill_null(pl.col("device")),
            kind=pl.col("kind").fill_null("micro"),
            quality=pl.when(ours).then(pl.lit("good")).otherwise("quality"),
            reason=pl.when(ours).then(pl.lit("")).otherwise("reason"),
        )
        .with_columns(
            group=pl.when(pl.col("kind").is_in(["outlet", "section"])).then("kind").otherwise(pl.lit("station"))
        )
    )


def _basic(batch: pl.DataFrame, table: Settings) -> pl.DataFrame:
    """Missing values, marks of the device, ranges: what one row says by itself."""
    limits, marks = _range_table(table), _mark_table(table)
    batch = batch.join(limits, on=["group", "pollutant"], how="left", maintain_order="left")
    batch = batch.join(marks, on="mark", how="left", maintain_order="left")
    value, good = pl.col("value"), pl.col("quality") == "good"
    official = pl.col("kind").is_in([*OFFICIAL_KINDS])
    # a mark is the operator's own statement and holds at official stations too; our own checks never say bad there
    marked = good & pl.col("by_mark").is_in(["bad", "missing", "suspect"])
    impossible = good & ((value < pl.col("p0")) | (value > pl.col("p1")) | value.is_nan())
    outside = good & ((value < pl.col("q0")) | (value > pl.col("q1")))
    lost = value.is_null() & (pl.col("quality") != "bad")
    return batch.with_columns(
        reason=pl.when(marked)
        .then(pl.col("mark_reason"))
        .when(lost & (pl.col("reason") == ""))
        .then(pl.lit("no_value"))
        .when(impossible)
        .then(pl.lit("impossible"))
        .when(outside)
        .then(pl.lit("range"))
        .otherwise("reason"),
        quality=pl.when(lost)
        .then(pl.lit("missing"))
        .when(marked)
        .then(pl.col("by_mark"))
        .when(impossible & ~official)
        .then(pl.lit("bad"))
        .when(impossible | outside)
        .then(pl.lit("suspect"))
        .otherwise("quality"),
    ).drop("p0", "p1", "q0", "q1", "by_mark", "mark_reason")


def _range_table(table: Settings) -> pl.DataFrame:
    rows = [
        {"group": row["group"], "pollutant": row["pollutant"], "p0": row["possible"][0], "p1": row["possible"][1]}
        | {"q0": row["plausible"][0], "q1": row["plausible"][1]}
        for row in by_group(table["range"], ("possible", "plausible"))
    ]
    schema = {"group": pl.String, "pollutant": pl.String} | dict.fromkeys(("p0", "p1", "q0", "q1"), pl.Float64)
    return pl.DataFrame(rows, schema=schema)


def _mark_table(table: Settings) -> pl.DataFrame:
    rows = {"mark": list(table["marks"]), "by_mark": list(table["marks"].values())}
    marks = pl.DataFrame(rows, schema={"mark": pl.String, "by_mark": pl.String})
    return marks.with_columns(mark_reason=pl.col("mark").replace_strict(dict(table["reasons"]), default=""))


def _series(batch: pl.DataFrame, history: pl.DataFrame | None, usable: pl.Expr) -> pl.DataFrame:
    """Put the batch behind its history, key by key in order of time; history has no row number."""
    judged = pl.col("stat").is_in([*JUDGED_STATS])
    mine = batch.filter(judged)
    keys = mine.select(*SERIES_KEY, "group").unique(maintain_order=True).with_row_index("series")
    # one number stands for the four texts of a key: sorting and comparing it takes a fifth of the time
    columns = ["series", "pollutant", "interval", "group", "start", "end", "value", "quality"]
    mine = mine.join(keys.drop("group"), on=SERIES_KEY, how="inner").select(*columns, "row")
    if history is not None and not history.is_empty():
        earlier = history.filter(judged).join(keys, on=SERIES_KEY, how="inner").select(columns)
        earlier = earlier.join(mine, on=["series", "start"], how="anti")
        mine = pl.concat([earlier.with_columns(row=pl.lit(None, pl.UInt32)), mine])
    ordered = mine.filter(usable).sort("series", "start").with_row_index("line")
    return ordered.with_columns(fresh=(pl.col("series") != pl.col("series").shift(1)).fill_null(True))


def _stuck_rows(series: pl.DataFrame, table: Settings) -> pl.Series:
    """Rows that end a run of equal values too long to be alive."""
    stuck = table["stuck"]
    rows = [
        {
            **row,
            "factor": 1.0 if row["factor"] is None else float(row["factor"]),
            "resolution": float(row["resolution"]),
        }
        for row in by_group(stuck, ("resolution", "factor"))
    ]
    schema = {"group": pl.String, "pollutant": pl.String, "resolution": pl.Float64, "factor": pl.Float64}
    cv = {"rt": stuck["minute"]["cv"], "minute": stuck["minute"]["cv"], "hour": stuck["hour"]["cv"]}
    usual = pl.col("interval").replace_strict(cv, default=None, return_dtype=pl.Float64) * pl.col("factor")
    value = pl.col("value")
    changed = pl.col("fresh") | (value != value.shift(1)).fill_null(True)
    since = pl.when(changed).then("start").forward_fill()
    length = pl.col("line").cast(pl.Int64) - pl.when(changed).then("line").forward_fill().cast(pl.Int64) + 1
    runs = (
        series.with_columns(length=length, since=since)
        .filter(pl.col("row").is_not_null() & (pl.col("length") > 1))
        .with_columns(lasts=(pl.col("end") - pl.col("since")).dt.total_microseconds() / HOUR_MICROSECONDS)
        .join(pl.DataFrame(rows, schema=schema), on=["group", "pollutant"], how="inner")
    )
    steps = (value / pl.col("resolution") - (value / pl.col("resolution")).round()).abs()
    fine = pl.when(steps < 1e-6).then("resolution").otherwise(pl.col("resolution") / 10)
    chance = (fine / (2.5 * usual * value)).clip(1e-12, float(stuck["chance_most"]))
    improbable = (pl.col("length") - 1) * chance.log() < float(stuck["exponent"]) * math.log(10)
    dead = pl.when(value > 0).then(improbable).otherwise(pl.col("lasts") >= float(stuck["zero_hours"]))
    return runs.filter(dead)["row"]


def _jump_rows(series: pl.DataFrame, table: Settings) -> pl.Series:
    """Rows far from the median of the readings just before them."""
    jump = table["jump"]
    above = {code: float(limit) for code, limit in jump["above"].items()}
    back, least = int(jump["readings"]), int(jump["least"])
    value, before, key = pl.col("value"), pl.col("value").shift(1), "series"
    # only what the first row of the batch looks back on
    first = series.filter(pl.col("row").is_not_null()).group_by(key).agg(first=pl.col("line").min())
    near = series.join(first, on=key, how="inner", maintain_order="left")
    return (
        near.filter(pl.col("line") + back + 2 >= pl.col("first"), pl.col("pollutant").is_in([*above]))
        .with_columns(
            floor=pl.col("pollutant").replace_strict(above, return_dtype=pl.Float64),
            median=before.rolling_median(back, min_samples=least).over(key),
            step=(before - value.shift(2)).abs().rolling_median(back, min_samples=least - 1).over(key) * 1.4826,
        )
        .filter(pl.col("row").is_not_null())
        .filter(
            (value - pl.col("median")).abs()
            > pl.max_horizontal(
                "floor", float(jump["times"]) * pl.col("median").abs(), float(jump["spreads"]) * pl.col("step")
            )
        )["row"]
    )


def _part_rows(batch: pl.DataFrame, table: Settings) -> pl.Series:
    """PM2.5 rows, and the PM10 rows they were compared with, where the part exceeds the whole."""
    rules: dict[str, Any] = table["parts"]
    key = ["site", "stat", "interval", "start"]
    fine = batch.filter(pl.col("pollutant") == "pm25").select(*key, "row", "value")
    coarse = batch.filter(pl.col("pollutant") == "pm10").select(*key, "row", "value")
    both = fine.join(coarse, on=key, how="inner", suffix="_whole")
    times = pl.col("interval").replace_strict({name: 1.0 + rule["times"] for name, rule in rules.items()})
    above = pl.col("interval").replace_strict({name: float(rule["above"]) for name, rule in rules.items()})
    over = both.filter(pl.col("value") > pl.col("value_whole") * times + above + 1e-9)
    return pl.concat([over["row"], over["row_whole"]])


def _neighbour_rows(batch: pl.DataFrame, table: Settings) -> pl.Series:
    """Rows of stations far from what the nearest stations measured over the same period."""
    setting = table["neighbours"]
    judged = batch.filter(
        (pl.col("group") == "station")
        & pl.col("stat").is_in([*JUDGED_STATS])
        & pl.col("pollutant").is_in([*setting["above"]])
        & pl.col("lon").is_not_null()
        & pl.col("lat").is_not_null()
    )
    rows: list[pl.Series] = [pl.Series("row", [], dtype=pl.UInt32)]
    for (code, _stat, _interval), part in judged.group_by(["pollutant", "stat", "interval"], maintain_order=True):
        rows.append(divergent(part, str(code), setting))
    return pl.concat(rows)
