"""Which readings somebody should look at: checks that mark, and never change, a value.

Order of the checks, the first that speaks gives the reason: missing value, mark of the device, state of the outlet,
impossible value, implausible range, stuck, PM2.5 above PM10, NO2 above NOx, jump, spike, noisy, neighbours, drift. All
but missing, mark, state and impossible yield ``suspect``, and a suspect reading stays in every mean: it is a question,
not an answer. What a mark or state has explained is asked no further question. The numbers stand in `flags.toml`.
"""

from __future__ import annotations

import polars as pl

from bihuan.observations.checks import (
    JUDGED_STATS,
    jump_rows,
    lively_rows,
    neighbour_rows,
    noisy_rows,
    part_rows,
    spike_rows,
    stuck_rows,
)
from bihuan.observations.settings import Settings, by_group, default_settings
from bihuan.observations.tails import NO_RUN, SERIES_KEY

STATES = ("start_up", "shut_down", "banked", "drying", "fault", "accident", "stopped", "maintenance", "calibration")
"""Conditions that may be declared for an outlet; their reasons are ``state_start_up`` and so on."""

OWN_REASONS = (
    *("no_value", "impossible", "range", "stuck", "pm25_over_pm10", "no2_over_nox", "jump", "spike", "noisy"),
    *("neighbours", "drift", *(f"state_{name}" for name in STATES)),
)
"""Reasons that `flag` gives itself and takes back when it looks again; those of an adapter stay."""

SITES_SCHEMA = pl.Schema(
    {"device": pl.String, "site": pl.String, "kind": pl.String, "lon": pl.Float64, "lat": pl.Float64}
)
"""What `flag` must know of a device: the site it measures, that site's kind (a `StationKind`, ``outlet`` or
``section``) and place. [degrees]"""

STATES_SCHEMA = pl.Schema(
    {
        "site": pl.String(),
        "pollutant": pl.String(),
        "state": pl.String(),
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
    }
)
"""Conditions that somebody declared (标记), from `STATES`; an empty pollutant is all of the site."""

RESOLUTIONS_SCHEMA = pl.Schema({"device": pl.String, "pollutant": pl.String, "resolution": pl.Float64})
"""Smallest step an instrument prints, from the register; [unit of the pollutant]"""

DRIFTS_SCHEMA = pl.Schema(
    {"site": pl.String(), "pollutant": pl.String(), "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}
)
"""Spans in which a site was found to drift (`drifts`)."""

OFFICIAL_KINDS = ("national", "provincial")


def flag(
    readings: pl.DataFrame,
    history: pl.DataFrame | None = None,
    sites: pl.DataFrame | None = None,
    settings: Settings | None = None,
    *,
    states: pl.DataFrame | None = None,
    resolutions: pl.DataFrame | None = None,
    drifting: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Judge a batch of readings and return it with ``quality`` and ``reason`` set.

    Parameters
    ----------
    readings : DataFrame of `READINGS_SCHEMA`
        The batch, for instance the last five minutes. One row for each device, pollutant, stat, interval and start.
    history : DataFrame of `READINGS_SCHEMA`, optional
        Earlier readings of the same devices (`context` says how far back helps). Without it neither stuck readings
        nor jumps at the beginning of the batch can be seen. `Tails` hands in less and the answer is the same.
    sites : DataFrame of `SITES_SCHEMA`, optional
        Without it every device is a station of its own and has no neighbours.
    settings : mapping, optional
        Tables as in `flags.toml`.
    states : DataFrame of `STATES_SCHEMA`, optional
        Conditions of outlets; a reading that begins in one takes its reason.
    resolutions : DataFrame of `RESOLUTIONS_SCHEMA`, optional
        Of instruments that print finer or coarser than `flags.toml` takes for granted.
    drifting : DataFrame of `DRIFTS_SCHEMA`, optional
        Spans found by `drifts`; readings within one are suspect where no other check spoke.

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
    batch = _basic(_in_states(batch, states, table), table)
    usable = pl.col("value").is_not_null() & ~pl.col("quality").is_in(["bad", "missing"])
    series = _series(batch, history, usable, resolutions)
    plain = batch.filter(usable)
    lively = lively_rows(series, table)
    checks = {
        "stuck": stuck_rows(series, table),
        "pm25_over_pm10": part_rows(plain, table["parts"], "pm25", "pm10"),
        "no2_over_nox": part_rows(plain, table["parts_nox"], "no2", "nox"),
        "jump": jump_rows(lively, table),
        "spike": spike_rows(lively, table),
        "noisy": noisy_rows(lively, table),
        "neighbours": neighbour_rows(plain, table),
        "drift": _drift_rows(plain, drifting),
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


def _in_states(batch: pl.DataFrame, states: pl.DataFrame | None, table: Settings) -> pl.DataFrame:
    """Give readings that begin within a declared condition its quality and reason; marks of the device come first."""
    if states is None or states.is_empty():
        return batch
    spans = states.select(STATES_SCHEMA.names()).filter(pl.col("state").is_in([*table["states"]]))
    inside = (
        batch.select("row", "site", "pollutant", "start")
        .join(spans.rename({"start": "from", "end": "until", "pollutant": "of"}), on="site", how="inner")
        .filter((pl.col("of") == "") | (pl.col("of") == pl.col("pollutant")))
        .filter((pl.col("start") >= pl.col("from")) & (pl.col("start") < pl.col("until")))
        .sort("row", "from")
        .unique("row", keep="first", maintain_order=True)
        .select("row", "state")
    )
    quality = pl.col("state").replace_strict(dict(table["states"]), default="good", return_dtype=pl.String)
    free = (pl.col("quality") == "good") & pl.col("value").is_not_null() & pl.col("state").is_not_null()
    free &= ~pl.col("mark").is_in([*table["reasons"]])
    joined = batch.join(inside, on="row", how="left", maintain_order="left")
    return joined.with_columns(
        quality=pl.when(free).then(quality).otherwise("quality"),
        reason=pl.when(free).then(pl.format("state_{}", "state")).otherwise("reason"),
    ).drop("state")


def _drift_rows(batch: pl.DataFrame, drifting: pl.DataFrame | None) -> pl.Series:
    if drifting is None or drifting.is_empty():
        return pl.Series("row", [], dtype=pl.UInt32)
    spans = drifting.select(DRIFTS_SCHEMA.names()).rename({"start": "from", "end": "until"})
    rows = batch.select("row", "site", "pollutant", "start").join(spans, on=["site", "pollutant"], how="inner")
    return rows.filter((pl.col("start") >= pl.col("from")) & (pl.col("start") < pl.col("until")))["row"].unique()


def _series(
    batch: pl.DataFrame, history: pl.DataFrame | None, usable: pl.Expr, resolutions: pl.DataFrame | None
) -> pl.DataFrame:
    """Put the batch behind its history, key by key in order of time; history has no row number."""
    judged = pl.col("stat").is_in([*JUDGED_STATS])
    mine = batch.filter(judged)
    keys = mine.select(*SERIES_KEY, "group").unique(maintain_order=True).with_row_index("series")
    own = pl.DataFrame(schema=RESOLUTIONS_SCHEMA) if resolutions is None else resolutions
    own = own.select(RESOLUTIONS_SCHEMA.names()).rename({"resolution": "own_resolution"})
    keys = keys.join(own, on=["device", "pollutant"], how="left", maintain_order="left")
    # one number stands for the four texts of a key: sorting and comparing it takes a fifth of the time
    columns = ["series", "pollutant", "interval", "group", "start", "end", "value", "quality"]
    columns.append("own_resolution")
    runs = ["since", "length"]
    mine = mine.join(keys.drop("group"), on=SERIES_KEY, how="inner").select(*columns, *NO_RUN, "row")
    if history is not None and not history.is_empty():
        history = history if set(runs) <= set(history.columns) else history.with_columns(*NO_RUN)
        earlier = history.filter(judged).join(keys, on=SERIES_KEY, how="inner").select(*columns, *runs)
        earlier = earlier.join(mine, on=["series", "start"], how="anti")
        mine = pl.concat([earlier.with_columns(row=pl.lit(None, pl.UInt32)), mine])
    ordered = mine.filter(usable).sort("series", "start").with_row_index("line")
    return ordered.with_columns(fresh=(pl.col("series") != pl.col("series").shift(1)).fill_null(True))
