"""The single checks behind `flags.flag`: each takes a table and returns the row numbers that it questions.

They work on a series (`flags._series`: history and batch of each key in order of time, unusable rows left out) or on
the rows of one instant. None of them decides anything; the numbers stand in `flags.toml`.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from bihuan.observations.neighbours import divergent
from bihuan.observations.settings import GROUPS, Settings, by_group

JUDGED_STATS = ("avg", "rtd")
HOUR_MICROSECONDS = 3_600_000_000


def stuck_rows(series: pl.DataFrame, table: Settings) -> pl.Series:
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
    # a first row may stand for the run that it ends (`tails.Tails`)
    since = (
        pl.when(changed).then(pl.when("fresh").then(pl.coalesce("since", "start")).otherwise("start")).forward_fill()
    )
    length = pl.col("line").cast(pl.Int64) - pl.when(changed).then("line").forward_fill().cast(pl.Int64)
    length += pl.when(changed).then(pl.when("fresh").then(pl.col("length").fill_null(1)).otherwise(1)).forward_fill()
    runs = (
        series.with_columns(length=length, since=since)
        .filter(pl.col("row").is_not_null() & (pl.col("length") > 1))
        .with_columns(lasts=(pl.col("end") - pl.col("since")).dt.total_microseconds() / HOUR_MICROSECONDS)
        .join(pl.DataFrame(rows, schema=schema), on=["group", "pollutant"], how="inner")
    )
    usual_step = pl.col("resolution")
    steps = (value / usual_step - (value / usual_step).round()).abs()
    # an instrument that is known to print finer, or a value that shows it, may stand still for less time
    fine = pl.coalesce("own_resolution", pl.when(steps < 1e-6).then(usual_step).otherwise(usual_step / 10))
    chance = (fine / (2.5 * usual * value)).clip(1e-12, float(stuck["chance_most"]))
    improbable = (pl.col("length") - 1) * chance.log() < float(stuck["exponent"]) * math.log(10)
    dead = pl.when(value > 0).then(improbable).otherwise(pl.col("lasts") >= float(stuck["zero_hours"]))
    return runs.filter(dead)["row"]


def least_spans(table: Settings) -> pl.DataFrame:
    """Return what a series must span to be questioned for a step: group, pollutant, least."""
    floors = [
        {"group": group, "pollutant": code, "least": float(limit)}
        for group in GROUPS
        for code, limit in table["jump"]["above"].items()
    ]
    for name in ("spike", "noisy"):
        floors += [
            {"group": row["group"], "pollutant": row["pollutant"], "least": float(row["above"])}
            for row in by_group(table[name], ("above",))
        ]
    schema = {"group": pl.String, "pollutant": pl.String, "least": pl.Float64}
    return pl.DataFrame(floors, schema=schema).group_by("group", "pollutant").agg(pl.col("least").min())


def lively_rows(series: pl.DataFrame, table: Settings) -> pl.DataFrame:
    """Leave out series that `jump_rows`, `spike_rows` and `noisy_rows` cannot question: they take the medians.

    Each of the three asks for a value, or a bend, that differs from others of its series by more than a floor; where
    the whole series spans less than the lowest floor there is none. What spans more is left to them.
    """
    lowest = least_spans(table)
    spans = series.group_by("series").agg(
        pl.col("group").first(), pl.col("pollutant").first(), span=pl.col("value").nan_max() - pl.col("value").nan_min()
    )
    lively = spans.join(lowest, on=["group", "pollutant"], how="inner").filter(
        pl.col("span") >= pl.col("least") * (1 - 1e-9)
    )
    return series.join(lively.select("series"), on="series", how="semi", maintain_order="left")


def jump_rows(series: pl.DataFrame, table: Settings) -> pl.Series:
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


def spike_rows(series: pl.DataFrame, table: Settings) -> pl.Series:
    """Rows that leave the series and are back at once: one reading far from both its neighbours, which agree.

    It takes the reading behind it to tell, so the newest reading of a series is never called a spike; running the
    checks again over history finds what the moment could not.
    """
    spike = table["spike"]
    above, half = by_group(spike, ("above",)), int(spike["readings"])
    rows = [{"group": row["group"], "pollutant": row["pollutant"], "floor": float(row["above"])} for row in above]
    floors = pl.DataFrame(rows, schema={"group": pl.String, "pollutant": pl.String, "floor": pl.Float64})
    value, key = pl.col("value"), "series"
    # only what the first row of the batch looks back on
    first = series.filter(pl.col("row").is_not_null()).group_by(key).agg(first=pl.col("line").min())
    near = series.join(floors, on=["group", "pollutant"], how="inner", maintain_order="left")
    near = near.join(first, on=key, how="inner", maintain_order="left")
    near = near.filter(pl.col("line") + half + 2 >= pl.col("first"))
    here = near.with_columns(
        up=(value - value.shift(1)).over(key),
        down=(value - value.shift(-1)).over(key),
        gap=((pl.col("start").shift(-1) - pl.col("end").shift(1)).dt.total_microseconds()).over(key),
    ).with_columns(
        least=pl.min_horizontal(pl.col("up").abs(), pl.col("down").abs()),
        usual=pl.col("up").abs().rolling_median(2 * half + 1, min_samples=half, center=True).over(key) * 1.4826,
        around=value.rolling_median(2 * half + 1, min_samples=half, center=True).over(key).abs(),
    )
    length = (pl.col("end") - pl.col("start")).dt.total_microseconds()
    out = (
        pl.col("row").is_not_null()
        & (pl.col("up") * pl.col("down") > 0)
        & (pl.col("gap") <= float(spike["gap"]) * length)
        & ((pl.col("up") - pl.col("down")).abs() <= float(spike["agree"]) * pl.col("least"))
        & (
            pl.col("least")
            > pl.max_horizontal(
                "floor", float(spike["times"]) * pl.col("around"), float(spike["spreads"]) * pl.col("usual")
            )
        )
    )
    return here.filter(out)["row"]


def noisy_rows(series: pl.DataFrame, table: Settings) -> pl.Series:
    """Rows among which the instrument only leaps: the usual bend of a window is a large share of its level."""
    noisy = table["noisy"]
    rows = [
        {"group": r["group"], "pollutant": r["pollutant"], "least": float(r["above"])}
        for r in by_group(noisy, ("above",))
    ]
    schema = {"group": pl.String, "pollutant": pl.String, "least": pl.Float64}
    near = series.join(pl.DataFrame(rows, schema=schema), on=["group", "pollutant"], how="inner", maintain_order="left")
    window, value = int(noisy["readings"]), pl.col("value")
    # changes of direction only: a flood rises fast and steadily, a fouled lens leaps to and fro
    bent = (value - (value.shift(1) + value.shift(-1)) / 2).abs().over("series")
    found = near.with_columns(bent=bent).with_columns(
        usual=pl.col("bent").rolling_median(window, min_samples=window // 2, center=True).over("series"),
        level=value.rolling_median(window, min_samples=window // 2, center=True).over("series").abs(),
    )
    limit = pl.max_horizontal("least", float(noisy["share"]) * pl.col("level"))
    return found.filter(pl.col("row").is_not_null() & (pl.col("usual") > limit))["row"]


def part_rows(batch: pl.DataFrame, rules: dict[str, Any], part: str, whole: str) -> pl.Series:
    """Rows of a part (PM2.5, NO2), and those of the whole they were compared with, where the part exceeds the whole."""
    key = ["site", "stat", "interval", "start"]
    fine = batch.filter(pl.col("pollutant") == part).select(*key, "row", "value")
    coarse = batch.filter(pl.col("pollutant") == whole).select(*key, "row", "value")
    both = fine.join(coarse, on=key, how="inner", suffix="_whole")
    both = both.filter(pl.col("interval").is_in([*rules]))
    times = pl.col("interval").replace_strict({name: 1.0 + rule["times"] for name, rule in rules.items()})
    above = pl.col("interval").replace_strict({name: float(rule["above"]) for name, rule in rules.items()})
    over = both.filter(pl.col("value") > pl.col("value_whole") * times + above + 1e-9)
    return pl.concat([over["row"], over["row_whole"]])


def neighbour_rows(batch: pl.DataFrame, table: Settings) -> pl.Series:
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
