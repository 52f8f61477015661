"""Faults planted by hand are marked with their reason, and nothing else is."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import SettingError, text
from bihuan.observations import (
    DRIFTS_SCHEMA,
    OWN_REASONS,
    STATES,
    STATES_SCHEMA,
    context,
    default_settings,
    flag,
    with_overrides,
)
from tests.observations.tables import T0, hourly, rows

SIX = [52.0, 55.0, 51.0, 58.0, 60.0, 57.0]


def sites(**kinds: str) -> pl.DataFrame:
    """Devices named D1, D2 ... one kilometre apart along a street."""
    return pl.DataFrame(
        {
            "device": list(kinds),
            "site": [f"station:{name}" for name in kinds],
            "kind": list(kinds.values()),
            "lon": [113.6 + 0.01 * index for index in range(len(kinds))],
            "lat": [34.75] * len(kinds),
        }
    )


def reasons(frame: pl.DataFrame) -> list[str]:
    return frame["reason"].to_list()


def test_an_ordinary_series_gets_no_flag_and_keeps_its_rows() -> None:
    table = rows(SIX * 3)
    assert flag(table).equals(table)


def test_no_flag_ever_changes_a_value_or_the_order_of_rows() -> None:
    table = pl.concat([rows([*SIX, None, 900.0, 5000.0, -999.0]), rows(SIX, pollutant="co", device="D2")])
    judged = flag(table, sites=sites(D1="city", D2="city"))
    assert judged.drop("quality", "reason").equals(table.drop("quality", "reason"))


@pytest.mark.parametrize(
    ("mark", "quality", "reason"),
    [
        ("N", "good", ""),
        ("F", "bad", "mark_stopped"),
        ("M", "bad", "mark_maintenance"),
        ("S", "suspect", "mark_manual"),
        ("D", "bad", "mark_fault"),
        ("C", "bad", "mark_calibration"),
        ("T", "suspect", "mark_over_range"),
        ("B", "missing", "mark_link_down"),
        ("x", "good", ""),
    ],
)
def test_a_mark_of_the_device_decides_before_any_check(mark: str, quality: str, reason: str) -> None:
    judged = flag(rows([50.0], mark=mark))
    assert (judged["quality"][0], judged["reason"][0]) == (quality, reason)


def test_a_missing_value_is_missing_whatever_was_said() -> None:
    judged = flag(rows([None]))
    assert (judged["quality"][0], judged["reason"][0]) == ("missing", "no_value")


def test_a_sentinel_is_bad_but_never_at_an_official_station() -> None:
    table = rows([-999.0])
    assert flag(table, sites=sites(D1="micro"))["quality"][0] == "bad"
    assert flag(table, sites=sites(D1="national"))["quality"][0] == "suspect"


def test_an_implausible_value_is_suspect() -> None:
    judged = flag(rows([1200.0]))
    assert (judged["quality"][0], judged["reason"][0]) == ("suspect", "range")


def test_the_judgement_of_an_adapter_or_a_person_stays() -> None:
    judged = flag(rows([1200.0], quality="bad", reason="by_hand"))
    assert (judged["quality"][0], judged["reason"][0]) == ("bad", "by_hand")


def test_an_ozone_of_5_for_14_winter_hours_is_no_alarm() -> None:
    assert set(reasons(flag(hourly([5.0] * 14, pollutant="o3")))) == {""}


def test_a_low_so2_may_be_flat_for_74_hours() -> None:
    assert set(reasons(flag(hourly([5.0] * 74, pollutant="so2")))) == {""}


def test_a_high_ozone_that_stands_still_is_stuck_after_some_hours() -> None:
    judged = reasons(flag(hourly([60.0, 63.0, 180.0] + [181.0] * 16, pollutant="o3")))
    assert judged[:8] == [""] * 8
    assert judged[-1] == "stuck"


def test_a_higher_value_may_stand_still_for_less_time() -> None:
    def first(value: float) -> int:
        return reasons(flag(hourly([value] * 60))).index("stuck")

    assert first(150.0) < first(60.0) < first(20.0)


def test_a_finer_instrument_may_stand_still_for_less_time() -> None:
    def first(value: float) -> int:
        return reasons(flag(hourly([value] * 60))).index("stuck")

    assert first(60.3) < first(60.0)


def test_a_zero_is_stuck_by_its_hours() -> None:
    judged = reasons(flag(hourly([0.0] * 40)))
    assert judged.index("stuck") == 35


def test_a_run_is_seen_over_the_border_of_batches() -> None:
    table = hourly([88.0] * 24)
    whole = reasons(flag(table))
    in_two = reasons(flag(table[:20])) + reasons(flag(table[20:], history=table[:20]))
    assert in_two == whole
    assert in_two[-1] == "stuck"


def test_a_jump_is_seen_against_the_readings_before_it() -> None:
    judged = reasons(flag(rows([*SIX, *SIX, 400.0, 56.0])))
    assert judged[12:] == ["jump", ""]


def test_a_series_that_always_swings_widely_does_not_jump() -> None:
    wild = [20.0, 180.0, 40.0, 220.0, 30.0, 190.0] * 3
    assert set(reasons(flag(rows([*wild, 260.0])))) == {""}


def test_without_enough_history_nothing_is_called_a_jump() -> None:
    assert reasons(flag(rows([50.0, 50.5, 400.0])))[-1] == ""


def test_pm25_above_pm10_marks_both() -> None:
    judged = flag(pl.concat([hourly([80.0]), hourly([60.0], pollutant="pm10")]))
    assert reasons(judged) == ["pm25_over_pm10"] * 2
    assert judged["quality"].to_list() == ["suspect"] * 2


def test_equal_pm25_and_pm10_are_possible() -> None:
    assert set(reasons(flag(pl.concat([hourly([80.0]), hourly([80.0], pollutant="pm10")])))) == {""}


def test_a_station_far_above_its_neighbours_is_suspect() -> None:
    street = sites(D1="micro", D2="micro", D3="micro", D4="micro", D5="micro")
    values = {"D1": 60.0, "D2": 65.0, "D3": 420.0, "D4": 58.0, "D5": 70.0}
    judged = flag(pl.concat([rows([v], device=d) for d, v in values.items()]), sites=street)
    assert reasons(judged) == ["", "", "neighbours", "", ""]


def test_a_station_far_below_its_neighbours_is_suspect() -> None:
    street = sites(D1="micro", D2="micro", D3="micro", D4="micro", D5="micro")
    values = {"D1": 160.0, "D2": 165.0, "D3": 12.0, "D4": 158.0, "D5": 170.0}
    judged = flag(pl.concat([rows([v], device=d) for d, v in values.items()]), sites=street)
    assert reasons(judged) == ["", "", "neighbours", "", ""]


def test_a_city_that_rises_together_diverges_nowhere() -> None:
    street = sites(**{f"D{k}": "micro" for k in range(1, 6)})
    judged = flag(pl.concat([rows([400.0 + k], device=f"D{k}") for k in range(1, 6)]), sites=street)
    assert set(reasons(judged)) == {""}


def test_too_few_neighbours_cannot_say_anything() -> None:
    street = sites(D1="micro", D2="micro", D3="micro")
    judged = flag(
        pl.concat([rows([v], device=d) for d, v in {"D1": 60.0, "D2": 60.0, "D3": 500.0}.items()]), sites=street
    )
    assert set(reasons(judged)) == {""}


def test_stations_beyond_the_radius_are_no_neighbours() -> None:
    far = sites(D1="micro", D2="micro", D3="micro", D4="micro").with_columns(lon=113.0 + pl.int_range(4) * 0.5)
    judged = flag(
        pl.concat([rows([v], device=f"D{k + 1}") for k, v in enumerate([60.0, 60.0, 60.0, 500.0])]), sites=far
    )
    assert set(reasons(judged)) == {""}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1200, 9000).map(lambda v: round(v, 1))), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_judging_twice_changes_nothing_and_the_order_of_rows_does_not_matter(values, random) -> None:  # type: ignore[no-untyped-def]
    table = pl.concat([rows(values), rows(values[::-1], pollutant="pm10"), rows(values, device="D2")])
    street = sites(D1="micro", D2="city")
    once = flag(table, sites=street)
    assert flag(once, sites=street).equals(once)
    order = list(range(len(table)))
    random.shuffle(order)
    key = ["device", "pollutant", "start"]
    assert flag(table[order], sites=street).sort(key).equals(once.sort(key))
    assert set(once.filter(pl.col("quality") == "good")["reason"]) <= {""}


def test_a_city_may_set_its_own_numbers_and_a_wrong_one_is_named() -> None:
    own = with_overrides({"range": {"station": {"pm25": {"possible": [-20, 6000], "plausible": [0, 100]}}}})
    assert reasons(flag(rows([150.0]), settings=own)) == ["range"]
    with pytest.raises(SettingError, match="tims"):
        with_overrides({"jump": {"tims": 2}})
    with pytest.raises(SettingError, match="many"):
        with_overrides({"jump": {"times": "many"}})


def test_every_reason_has_words_in_both_languages() -> None:
    codes = {*OWN_REASONS, *default_settings()["reasons"].values(), "too_few", "wind_variable"}
    for code in sorted(codes):
        assert text(f"reason.{code}", "zh") != text(f"reason.{code}", "en")


def test_the_context_of_hours_covers_three_days() -> None:
    assert context("hour") == timedelta(hours=72)
    assert T0 - context("minute") == T0 - timedelta(hours=6)


@pytest.mark.reference
def test_no_city_of_61_is_called_stuck_in_its_own_low_hours(shared: Path) -> None:
    """Seven months of 61 cities: flat nights up to 74 h are genuine low means (`reference/data.md`, finding 5)."""
    folder = shared / "data" / "china_cities_hourly"
    stuck = total = 0
    for path in sorted(folder.glob("*.parquet")):
        # the flattest series of all are SO2 of clean cities; the neighbours' file is read for these alone
        names = {"SO2": "so2", "O3": "o3", "PM2.5": "pm25"} if path.name.startswith("henan") else {"SO2": "so2"}
        wide = pl.read_parquet(path).select("time", "city", *names)
        long = wide.unpivot(index=["time", "city"], variable_name="name").unique(["time", "city", "name"])
        end = pl.col("time").dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
        table = long.select(
            device=pl.col("city").cast(pl.String),
            pollutant=pl.col("name").replace(names),
            stat=pl.lit("avg"),
            interval=pl.lit("hour"),
            start=end.dt.offset_by("-1h"),
            end=end,
            value=pl.col("value").cast(pl.Float64).round(6),
            **{c: pl.lit("") for c in ("mark", "reason", "frame")},
            origin=pl.lit("file"),
            quality=pl.lit("good"),
            level=pl.lit("realtime"),
        )
        judged = flag(table)
        stuck += judged.filter(pl.col("reason") == "stuck").height
        total += judged.height
        zhengzhou = judged.filter((pl.col("device") == "郑州") & (pl.col("pollutant") == "o3"))
        assert zhengzhou.filter(pl.col("reason") == "stuck").is_empty()
    assert total > 400_000
    assert stuck == 0


@pytest.mark.reference
def test_pm25_above_pm10_is_found_at_the_beijing_stations_as_often_as_known(shared: Path) -> None:
    """6.4 % of the rows (`reference/data.md`, finding 5)."""
    path = shared / "data" / "uci_beijing_multisite" / "prsa_8stations_2013-03_2016-02.parquet"
    wide = pl.read_parquet(path).select("time", "station", "PM2.5", "PM10").filter(pl.col("station") == "Dongsi")
    long = wide.unpivot(index=["time", "station"], variable_name="name")
    start = pl.col("time").dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    table = long.select(
        device=pl.col("station").cast(pl.String),
        pollutant=pl.col("name").replace({"PM2.5": "pm25", "PM10": "pm10"}),
        stat=pl.lit("avg"),
        interval=pl.lit("hour"),
        start=start,
        end=start.dt.offset_by("1h"),
        value=pl.col("value").cast(pl.Float64),
        **{c: pl.lit("") for c in ("mark", "reason", "frame")},
        origin=pl.lit("file"),
        quality=pl.lit("good"),
        level=pl.lit("realtime"),
    )
    over = flag(table).filter((pl.col("reason") == "pm25_over_pm10") & (pl.col("pollutant") == "pm25")).height
    known = wide.filter(pl.col("PM2.5") > pl.col("PM10")).height
    assert known * 0.95 < over <= known


def test_one_reading_far_from_two_that_agree_is_a_spike() -> None:
    base = [40.0 + 3 * (k % 3) for k in range(14)]
    judged = reasons(flag(hourly([*base, 175.0, *base], pollutant="no2"), sites=sites(D1="city")))
    assert judged[14] in {"spike", "jump"}
    assert set(judged) - {judged[14]} == {""}


def test_the_newest_reading_is_never_called_a_spike() -> None:
    values = [40.0 + 3 * (k % 3) for k in range(14)] + [125.0]
    assert "spike" not in reasons(flag(hourly(values, pollutant="o3")))


def test_a_rise_that_stays_is_no_spike() -> None:
    values = [40.0 + 3 * (k % 3) for k in range(14)] + [131.0, 135.0, 133.0] * 4
    assert "spike" not in reasons(flag(hourly(values, pollutant="o3")))


def test_no2_above_nox_is_questioned_in_both_and_a_little_more_is_not() -> None:
    def judged(no2: float, nox: float) -> list[str]:
        table = pl.concat([hourly([no2] * 3, pollutant="no2"), hourly([nox] * 3, pollutant="nox")])
        return reasons(flag(table))

    assert judged(80.0, 60.0) == ["no2_over_nox"] * 6
    assert judged(60.0, 58.0) == [""] * 6
    assert judged(30.0, 60.0) == [""] * 6


def test_a_declared_state_explains_a_reading_and_never_takes_it_out_of_the_mean() -> None:
    table = rows([12.0] * 6, pollutant="so2")
    start_up = pl.DataFrame(
        [("outlet:A", "", "start_up", T0, T0 + timedelta(minutes=10))], schema=STATES_SCHEMA, orient="row"
    )
    where = sites(D1="outlet").with_columns(site=pl.lit("outlet:A"))
    judged = flag(table, sites=where, states=start_up)
    assert reasons(judged) == ["state_start_up"] * 2 + [""] * 4
    assert judged["quality"].to_list() == ["suspect"] * 2 + ["good"] * 4
    marked = flag(table.with_columns(mark=pl.lit("C")), sites=where, states=start_up)
    assert set(reasons(marked)) == {"mark_calibration"}, "what the instrument says comes first"
    assert flag(judged, sites=where, states=start_up).equals(judged)


def test_a_coarse_instrument_may_stand_still_for_longer() -> None:
    def first(step: float | None) -> int:
        known = None if step is None else pl.DataFrame({"device": ["D1"], "pollutant": ["pm25"], "resolution": [step]})
        return reasons(flag(hourly([60.0] * 300), resolutions=known)).index("stuck")

    assert first(0.1) < first(None) < first(5.0)


def test_a_span_of_drift_is_suspect_where_nothing_else_spoke() -> None:
    span = pl.DataFrame([("D1", "pm25", T0, T0 + timedelta(hours=2))], schema=DRIFTS_SCHEMA, orient="row")
    assert reasons(flag(hourly([50.0, 52.0, 55.0]), drifting=span)) == ["drift", "drift", ""]
    assert reasons(flag(hourly([50.0, 1200.0, 55.0]), drifting=span))[1] == "range"


def test_the_states_of_the_table_are_those_that_have_words() -> None:
    assert set(default_settings()["states"]) == set(STATES)
    assert set(default_settings()["states"].values()) == {"suspect"}, "a declaration takes no hour out of a mean"


@pytest.mark.reference
def test_labelled_river_sensors_are_flagged_as_well_as_the_docs_say(shared: Path) -> None:
    """Sandy Creek (Leigh et al. 2019): E is high variability, A a spike. Thresholds from every second fortnight."""
    found = pl.read_parquet(shared / "data" / "oddwater_labelled_water" / "data_sandy_anom.parquet")
    at = pl.col("Timestamp").cast(pl.String).str.to_datetime("%d/%m/%Y %H:%M", time_unit="us", time_zone="UTC")
    found = found.with_columns(at=at, label=pl.col("type_Tur").cast(pl.String)).sort("at")
    table = rows(found["Tur"].to_list(), device="S", pollutant="turbidity", interval="hour").with_columns(
        start=found["at"], end=found["at"] + timedelta(minutes=90)
    )
    where = pl.DataFrame({"device": ["S"], "site": ["section:S"], "kind": ["section"], "lon": [148.5], "lat": [-21.2]})
    judged = flag(table, sites=where)["reason"]
    unseen = found["at"].dt.ordinal_day() // 14 % 2 == 1
    noisy, labelled = (judged == "noisy") & unseen, (found["label"] == "E") & unseen
    hit = int((noisy & labelled).sum())
    assert hit / int(noisy.sum()) > 0.78, "precision on the fortnights that no threshold saw"
    assert hit / int(labelled.sum()) > 0.85, "recall"
    spikes = found["label"] == "A"
    assert int((judged.is_in(["spike", "jump"]) & spikes).sum()) >= 3, "of four labelled spikes"
    clean = found["label"] == "0"
    assert int((judged.is_in(["spike", "jump"]) & clean).sum()) <= 5, "of 4,482 clean readings"
