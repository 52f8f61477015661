"""The window of the last hours is kept up to date row by row, and must never differ from one made anew."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.app.window import Window

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
STEP = timedelta(minutes=5)
KEY = ["site", "pollutant", "stat", "start"]

row = st.tuples(
    st.sampled_from(["outlet:a", "station:b"]),
    st.sampled_from(["pm25", "so2"]),
    st.sampled_from(["avg", "zs_avg", "max"]),
    st.integers(0, 30),
    st.one_of(st.none(), st.integers(0, 9).map(float)),
    st.sampled_from(["good", "suspect", "bad", "missing"]),
)


def table(rows):
    return pl.DataFrame(
        [(s, p, t, BEGIN + k * STEP, BEGIN + (k + 1) * STEP, v, q, "") for s, p, t, k, v, q in rows],
        schema={
            "site": pl.String,
            "pollutant": pl.String,
            "stat": pl.String,
            "start": pl.Datetime("us", "UTC"),
            "end": pl.Datetime("us", "UTC"),
            "value": pl.Float64,
            "quality": pl.String,
            "reason": pl.String,
        },
        orient="row",
    ).unique(KEY, keep="last", maintain_order=True)


def made(interval, *pieces):
    """Everything of a window that is made anew."""
    window = Window(interval, lambda rows: rows)
    window.fill(pieces)
    return window.rows(BEGIN - timedelta(days=1))


@settings(deadline=None)
@given(st.lists(st.lists(row, max_size=6), max_size=6))
def test_a_window_kept_up_to_date_equals_one_made_anew(batches):
    window = Window("minute", lambda rows: rows)
    kept = table([])
    window.fill([kept])
    for number, batch in enumerate(batches):
        fresh, since = table(batch), BEGIN + (number - 3) * 4 * STEP
        kept = pl.concat([kept, fresh]).unique(KEY, keep="last", maintain_order=True)
        kept = kept.filter(pl.col("start") >= since)
        window.take(kept, fresh)
        window.cut(since)
        order = ["site", "pollutant", "start"]
        assert window.rows(since).sort(order).equals(made("minute", kept).sort(order))
        later = since + STEP
        until = since + 9 * STEP
        wanted = made("minute", kept).filter((pl.col("start") >= later) & (pl.col("end") <= until))
        assert window.rows(later, until).sort(order).equals(wanted.sort(order))


def test_the_folded_mean_of_an_outlet_stands_before_the_plain_one():
    rows = table([("outlet:a", "so2", "zs_avg", 0, 70.0, "good"), ("outlet:a", "so2", "avg", 0, 40.0, "good")])
    assert made("hour", rows)["value"].to_list() == [70.0]


def test_a_reading_marked_bad_stays_in_sight_but_is_not_usable():
    rows = table([("station:b", "so2", "avg", 0, 40.0, "bad")])
    assert made("hour", rows)["usable"].to_list() == [False]


def test_a_folded_mean_is_as_doubtful_as_the_one_it_was_folded_from():
    rows = table([("outlet:a", "so2", "avg", 0, 40.0, "suspect"), ("outlet:a", "so2", "zs_avg", 0, 70.0, "good")])
    rows = rows.with_columns(reason=pl.when(pl.col("stat") == "avg").then(pl.lit("stuck")).otherwise(pl.lit("")))
    shown = made("minute", rows)
    assert shown.select("value", "reason").row(0) == (70.0, "stuck")


def test_a_window_filled_hour_by_hour_equals_one_filled_at_once():
    rows = table([("station:b", "so2", "avg", k, float(k), "good") for k in range(40)])
    hours = [part for _, part in rows.group_by(pl.col("start").dt.truncate("1h"), maintain_order=True)]
    assert len(hours) == 4
    assert made("minute", *hours).equals(made("minute", rows))


def test_hours_without_news_are_not_copied():
    rows = table([("station:b", "so2", "avg", k, float(k), "good") for k in range(40)])
    window = Window("minute", lambda rows: rows)
    window.fill([rows])
    before = dict(window._hours)
    window.take(rows, rows.tail(1))
    same = [window._hours[hour] is before[hour] for hour in sorted(before)]
    assert same == [True, True, True, False]
