"""A file of hours of air: judged by the edition of each hour, and every row that cannot be is named beside them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from bihuan.assessment import AIR_OUT, explain_air, judge_air
from bihuan.core import InputError, NotCovered, text

CLEAN = {"pm25": "15", "pm10": "30", "so2": "5", "no2": "20", "co": "0.5", "o3": "60"}


def table(*rows: dict[str, object], **same: object) -> pl.DataFrame:
    return pl.DataFrame([{"site": "A", "start": "2026-03-01 08:00"} | CLEAN | same | row for row in rows])


def test_the_national_feed_is_stamped_at_the_end_of_the_hour() -> None:
    feed = pl.DataFrame(
        {"time": [datetime.fromisoformat("2026-03-01")], "city": ["郑州"], "AQI": [83.0], "PM2.5": [60.5],
         "PM10": [30.0], "SO2": [5.0], "NO2": [20.0], "O3": [60.0], "CO": [0.5]}
    )  # fmt: skip
    row = judge_air(feed).verdicts.row(0, named=True)
    assert (row["site"], row["start"]) == ("郑州", datetime(2026, 2, 28, 15, tzinfo=UTC))
    assert (row["aqi"], row["level"], row["primary"], row["edition"]) == (82, 2, "pm25", "HJ 633-2012")
    assert (row["method"], row["reason"], row["published"]) == ("hour_1h", "", 83.0)
    later = judge_air(feed.with_columns(pl.col("time") + pl.duration(hours=1))).verdicts.row(0, named=True)
    assert (later["aqi"], later["edition"]) == (100, "HJ 633-2026")


def test_the_plain_form_is_stamped_at_the_start_and_may_name_both_ends() -> None:
    plain = judge_air(table({})).verdicts.row(0, named=True)
    both = judge_air(table({"end": "2026-03-01T09:00"})).verdicts.row(0, named=True)
    zoned = judge_air(table({"start": "2026-03-01T00:00:00Z"})).verdicts.row(0, named=True)
    shifted = judge_air(table({"start": "2026-03-01T08:00:00+08:00"})).verdicts.row(0, named=True)
    assert plain["start"] == both["start"] == zoned["start"] == shifted["start"] == datetime(2026, 3, 1, tzinfo=UTC)
    assert plain["end"] == both["end"] == datetime(2026, 3, 1, 1, tzinfo=UTC)


def test_midnight_at_the_end_of_a_day_is_that_of_the_next() -> None:
    late = judge_air(table({}).drop("start").with_columns(time=pl.lit("2026/2/28 24:00"))).verdicts
    assert late["end"][0] == datetime(2026, 2, 28, 16, tzinfo=UTC)


def test_a_named_day_judges_every_row_by_its_law() -> None:
    old = table({"start": "2019-02-06 08:00", "pm25": "70"})
    assert judge_air(old).verdicts["aqi"][0] == 94
    named = judge_air(old, on=date(2026, 3, 1)).verdicts.row(0, named=True)
    assert (named["aqi"], named["edition"]) == (110, "HJ 633-2026")
    assert explain_air(named).steps[0].key == "law_air.edition_named"
    with pytest.raises(NotCovered, match="2010-01-01"):
        judge_air(old, on=date(2010, 1, 1))


@pytest.mark.parametrize(
    ("changed", "column", "reason"),
    [
        ({"pm25": "-3"}, "pm25", "air_negative"),
        ({"co": "800"}, "co", "air_impossible"),
        ({"o3": "abc"}, "o3", "air_no_number"),
        ({"o3": "inf"}, "o3", "air_no_number"),
        ({"site": " "}, "site", "air_site_missing"),
        ({"start": ""}, "start", "air_time_missing"),
        ({"start": "yesterday"}, "start", "air_time_unreadable"),
        ({"start": "2026-03-01 08:30"}, "start", "air_not_an_hour"),
        ({"start": "2010-03-01 08:00"}, "start", "air_outside_editions"),
    ],
)
def test_a_wrong_row_is_refused_by_name_and_the_others_stand(
    changed: dict[str, object], column: str, reason: str
) -> None:
    judged = judge_air(table({}, changed | {"start": changed.get("start", "2026-03-01 09:00")}))
    assert judged.verdicts["row"].to_list() == [1]
    found = judged.refused.row(0, named=True)
    assert (found["row"], found["column"], found["reason"]) == (2, column, reason)
    assert found["value"] == str(changed[column])
    assert text(f"refused.{reason}") and text(f"refused.{reason}", "en")


def test_a_period_that_is_no_hour_or_has_no_end_is_refused() -> None:
    judged = judge_air(table({"end": "2026-03-02 08:00"}, {"start": "2026-03-01 09:00", "end": ""}))
    assert judged.verdicts.is_empty()
    assert judged.refused.select("row", "reason").rows() == [(1, "air_not_an_hour"), (2, "air_time_missing")]


def test_of_two_rows_for_one_hour_the_last_counts() -> None:
    judged = judge_air(table({}, {"pm25": "36"}))
    assert judged.verdicts.select("row", "aqi").rows() == [(2, 52)]
    assert judged.refused["reason"].to_list() == ["air_repeated"]


def test_an_agreed_sign_for_no_value_is_missing_and_not_wrong() -> None:
    judged = judge_air(table({"pm10": "-999"}, {"pm10": "NA", "start": "2026-03-01 09:00"}, pm25="70"))
    assert judged.verdicts["aqi"].to_list() == [110, 110]
    assert judged.verdicts["reason"].to_list() == ["items_missing"] * 2
    assert judged.refused.is_empty()


def test_a_clean_hour_with_an_item_missing_is_not_published_in_2026() -> None:
    row = judge_air(table({"pm10": None})).verdicts.row(0, named=True)
    assert (row["aqi"], row["level"], row["reason"]) == (None, None, "items_missing_not_published")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"site": "sight"}, "no column for site"),
        ({"start": "begun"}, "no column for time or start"),
        ({code: f"x{code}" for code in CLEAN}, "any of so2"),
        ({"co": "CO(ug/m3)"}, "is in ug/m3; co is judged in mg/m3"),
        ({"pm10": "PM2.5"}, "are both pm25"),
    ],
)
def test_whole_columns_that_are_wrong_are_named_with_what_is_accepted(columns: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words) as told:
        judge_air(table({}).rename(columns))
    assert "air_columns.toml" in str(told.value) or "pollutants.toml" in str(told.value)


def test_the_report_of_nine_items_shows_the_means_it_was_judged_by() -> None:
    hours = [{"start": f"2020-06-01 {hour:02}:00", "pm25": "40" if hour < 23 else "160"} for hour in range(24)]
    last = judge_air(table(*hours), method="report_2012").verdicts.row(23, named=True)
    assert (last["pm25"], last["pm25_24h"], last["iaqi_pm25"], last["method"]) == (160.0, 45.0, 63, "report_2012")
    assert any(step.key == "law_air.interpolated" and step.values["value"] == "45" for step in explain_air(last).steps)


def test_an_hour_explains_itself_in_both_languages() -> None:
    row = judge_air(table({"pm25": "60.5", "co": "2.35", "start": "2019-02-06 08:00"})).verdicts.row(0, named=True)
    found = explain_air(row)
    assert (found.value, found.limit, found.edition, found.status) == ("82", "51-100", "HJ 633-2012", "confirmed")
    steps = [step.say() for step in found.steps]
    assert "PM2.5(1h)浓度 60.5 ug/m3,按 GB/T 8170 修约为 60 ug/m3" in steps
    assert any("(100 - 50) / (75 - 35) × (60 - 35) + 50 = 81.25,向上取整,IAQI = 82" in step for step in steps)
    assert "CO(1h)浓度 2.35 mg/m3,按 GB/T 8170 修约为 2.4 mg/m3" in steps
    assert found.sentence.say() == (
        "A 2019-02-06 08:00 至 2019-02-06 09:00 环境空气质量指数(AQI)为 82,空气质量二级(良),首要污染物为 PM2.5"
        "(依据 HJ 633-2012)。"
    )
    assert "AQI) 82, level 2" in found.sentence.say("en")


def test_a_verdict_that_came_back_as_json_is_explained_too() -> None:
    row = judge_air(table({"pm10": None})).verdicts.row(0, named=True)
    again = row | {"start": row["start"].isoformat(), "end": row["end"].isoformat()}
    assert explain_air(again) == explain_air(row)
    assert "不发布" in explain_air(again).sentence.say()
    with pytest.raises(InputError, match="site, start"):
        explain_air({"aqi": 5})
    with pytest.raises(InputError, match="none of HJ 633"):
        explain_air(row | {"edition": "HJ 633-1999"})


def test_the_columns_handed_out_are_those_promised() -> None:
    assert AIR_OUT == ("site", "start", "end", "aqi", "level", "primary", "edition", "method", "reason")
    assert set(AIR_OUT) <= set(judge_air(table({})).verdicts.columns)
    assert judge_air(table({}).clear()).verdicts.is_empty()
