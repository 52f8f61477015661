"""Files into the store: what stands there afterwards, what was said, and what was left as it was."""

import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bihuan.app.lineage import file_row, stored_verdict
from bihuan.app.opened import open_alone
from bihuan.app.receipts import Report
from bihuan.assessment import aqi_verdict, hourly_aqi, reading_ref
from bihuan.cases import Case
from bihuan.core import CHINA, InputError, Period, Place, Ref, SettingError, StoreLocked, from_json
from bihuan.formats import write_register, write_templates
from bihuan.register import District, Enterprise, Outlet, PermitLimit, Station
from bihuan.store import Home
from tests.app.homes import HEADER, city_file, city_line, take

HOUR = timedelta(hours=1)
START = datetime(2019, 1, 9, 16, tzinfo=UTC)  # 10 January in Zhengzhou


def content(home: Path) -> dict[str, Any]:
    """Everything the store holds, to be compared."""
    with open_alone(home) as store:
        tables = {name: store.series.query(f"SELECT * FROM {name}") for name in ("hours", "days", "indices", "files")}
        kept = {name: sorted(map(repr, table.rows())) for name, table in tables.items()}
        records = {kind: store.records.find(kind) for kind in ("case", "step")}
        return kept | records | {"facts": store.records.facts(), "blobs": sorted(store.blobs)}


def test_a_feed_becomes_hours_days_and_indices(tmp_path: Path) -> None:
    report = take(tmp_path / "home", [city_file(tmp_path / "day.csv")])[0]
    assert (report.kind, report.layout, report.read, report.new) == ("feed", "national_city_hour", 23, 23 * 6)
    assert report.sites == ("city:郑州",)
    assert report.period == Period(START, START + 23 * HOUR)
    assert not report.errors
    with open_alone(tmp_path / "home") as store:
        hours = store.series.hours(["city:郑州"], ["pm25"])
        assert hours["basis"].unique().to_list() == ["file"]
        assert hours["value"].to_list() == [80.0] * 23
        day = store.series.days(["city:郑州"], ["pm25"]).row(0, named=True)
        assert (day["value"], day["count"], day["quality"], day["basis"]) == (80.0, 23, "good", "hours")
        assert (day["start"], day["end"]) == (START, START + 24 * HOUR)
        hourly = store.series.indices(kind="aqi_hour")
        assert hourly["aqi"].to_list() == [107] * 23  # PM2.5 80: 100 + 50 * (80 - 75) / 40, rounded up
        assert hourly["primary"].unique().to_list() == ["pm25"]
        daily = store.series.indices(kind="aqi_day").row(0, named=True)
        assert (daily["aqi"], daily["primary"], daily["standard"]) == (107, "pm25", "HJ 633-2012")


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    path, home = city_file(tmp_path / "day.csv"), tmp_path / "home"
    take(home, [path])
    before = content(home)
    again = take(home, [path])[0]
    assert (again.new, again.revised, again.unchanged) == (0, 0, 23 * 6)
    assert content(home) == before


PARTICLES = """title = "particles"
[time]
columns = ["time"]
stamp = "end"
[site]
kind = "city"
column = "city"
[columns]
fine = { pollutant = "pm25", unit = "ug/m3" }
"PM10" = { pollutant = "pm10", unit = "ug/m3" }
"""


def test_bad_rows_are_listed_and_the_rest_is_imported(tmp_path: Path) -> None:
    """Three bad rows in 100,000: a time that is none, a value that is none, and no city."""
    first = datetime(2019, 1, 1)  # noqa: DTZ001  # local time, as the feed writes it
    rows = [f"{first + (k // 100) * HOUR},C{k % 100:02d},{30 + k % 40},60" for k in range(100, 100_100)]
    rows[9] = rows[9].replace("2019-01-01 01:00:00", "2019-13-41 01:00:00")
    rows[4_999] = rows[4_999].replace(",60", ",sixty")
    rows[77_777] = rows[77_777].replace(",C77,", ",,")
    (tmp_path / "many.csv").write_text("\n".join(["time,city,fine,PM10", *rows]), "utf-8")
    (tmp_path / "particles.toml").write_text(PARTICLES, "utf-8")
    report = take(tmp_path / "home", [tmp_path / "many.csv"], str(tmp_path / "particles.toml"))[0]
    found = {(fault.row, fault.column, fault.reason) for fault in report.errors}
    assert found == {(11, "time", "row_time"), (5_001, "PM10", "row_value"), (77_779, "city", "row_site")}
    assert report.read == 100_000
    assert report.new == (100_000 - 2) * 2
    assert "第 11 行" in report.words()
    assert report.as_dict()["errors"][0]["row"] == 11


def test_a_correction_of_a_file_revises_what_differs_and_what_follows(tmp_path: Path) -> None:
    home = tmp_path / "home"
    take(home, [city_file(tmp_path / "one.csv")])
    lines = [city_line(hour, pm25=150 if hour == 5 else 80) for hour in range(1, 24)]
    report = take(home, [city_file(tmp_path / "two.csv", lines)])[0]
    assert (report.new, report.revised, report.unchanged) == (0, 1, 23 * 6 - 1)
    with open_alone(home) as store:
        hourly = store.series.indices(kind="aqi_hour").sort("start")
        assert hourly["aqi"].to_list()[4] == 200
        assert hourly["revision"].to_list()[3:6] == [1, 2, 1]
        assert store.series.days(["city:郑州"], ["pm25"])["value"][0] == pytest.approx((22 * 80 + 150) / 23)
        reading = reading_ref("city:郑州", "pm25", "avg", "file", START + 4 * HOUR)
        row = file_row(store, reading, CHINA)
        assert row is not None
        assert (row.name, row.row, row.value) == ("two.csv", 6, 150.0)
        other = file_row(store, reading_ref("city:郑州", "pm25", "avg", "file", START), CHINA)
        assert other is not None
        assert other.row == 2


def test_two_files_that_each_hold_a_part_make_one_index(tmp_path: Path) -> None:
    mapping = tmp_path / "ozone.toml"
    mapping.write_text(
        'title = "ozone only"\n[time]\ncolumns = ["when"]\nstamp = "start"\n[site]\nkind = "city"\ncolumn = "where"\n'
        '[columns]\nozone = { pollutant = "o3", unit = "ug/m3" }\n',
        "utf-8",
    )
    particles = tmp_path / "particles.csv"
    particles.write_text(HEADER + "\n" + city_line(5).replace(",50,1.2", ",,1.2") + "\n", "utf-8")
    ozone = tmp_path / "ozone.csv"
    ozone.write_text("when,where,ozone\n2019-01-10 04:00,郑州,250\n", "utf-8")
    home = tmp_path / "home"
    take(home, [particles])
    report = take(home, [ozone], str(mapping))[0]
    assert report.layout == "ozone"
    with open_alone(home) as store:
        row = store.series.indices(kind="aqi_hour").row(0, named=True)
        assert (row["aqi"], row["primary"], row["reason"], row["revision"]) == (
            125,
            "o3",
            "",
            2,
        )
        found = file_row(store, reading_ref("city:郑州", "o3", "avg", "file", START + 4 * HOUR), CHINA)
        assert found is not None
        assert (found.name, found.row) == ("ozone.csv", 2)


def test_an_index_is_found_by_the_id_of_its_verdict_and_leads_to_the_row(tmp_path: Path) -> None:
    home = tmp_path / "home"
    take(home, [city_file(tmp_path / "day.csv")])
    with open_alone(home) as store:
        wide = pl.DataFrame(
            {"site": ["city:郑州"], "start": [START], "end": [START + HOUR], "pm25": [80.0], "pm10": [120.0]}
            | {"so2": [10.0], "no2": [40.0], "o3": [50.0], "co": [1.2]}
        ).with_columns(pl.col("start", "end").cast(pl.Datetime("us", "UTC")))
        expected = aqi_verdict(Ref("city", "郑州"), hourly_aqi(wide).row(0, named=True), basis="file")
        verdict = stored_verdict(store, expected.id, CHINA)
        assert verdict is not None
        assert (verdict.value, verdict.items, verdict.clause) == (107.0, expected.items, expected.clause)
        assert set(verdict.inputs) == set(expected.inputs)
        rows = [file_row(store, ref, CHINA) for ref in verdict.inputs]
        assert {(row.row, str(row.ref).partition("#")[0][:12]) for row in rows if row} == {(2, "file:sha256:")}
        day = store.series.query("SELECT site, start, standard, method FROM indices WHERE kind = 'aqi_day'")
        assert day.height == 1
        assert stored_verdict(store, "0" * 20, CHINA) is None
        with pytest.raises(InputError, match="reading:"):
            file_row(store, Ref("frame", "g1-1/64"), CHINA)


def test_text_of_chinese_vendors_and_packed_files_are_read(tmp_path: Path) -> None:
    old = city_file(tmp_path / "old.csv", encoding="gb18030")
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(city_file(tmp_path / "plain.csv").read_bytes()))
    reports = take(tmp_path / "home", [old, packed])
    assert [report.sites for report in reports] == [("city:郑州",)] * 2
    assert [fault.reason for fault in reports[0].complaints] == ["text_gb18030"]
    assert reports[1].unchanged == 23 * 6


def torn_parquet(path: Path) -> Path:
    pl.DataFrame({"time": ["2019-01-10 01:00:00"] * 500, "city": "x"}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:200])
    return path


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.csv", b"\n", "empty"),
        ("strange.csv", b"a,b,c\n1,2,3\n", "national_city_hour"),
        ("strange.csv", b"a,b,c\n1,2,3\n", "mapping file"),
        ("strange.csv", b"a,b,c\n1,2,3\n", "work orders"),
        ("page.pdf", b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>", "begins with '%PDF-1.7'"),
        ("picture.csv", bytes(range(256)) * 20, "no file we know"),
        ("torn.xlsx", b"PK\x03\x04" + b"\0" * 40, "no file we know"),
    ],
)
def test_a_file_that_is_nothing_of_ours_is_named_and_changes_nothing(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    home, good = tmp_path / "home", city_file(tmp_path / "good.csv")
    take(home, [good])
    before = content(home)
    path = tmp_path / name
    path.write_bytes(data)
    report = take(home, [path])[0]
    assert report.kind == "unknown"
    assert name in report.failed
    assert words in report.failed
    assert [fault.reason for fault in report.errors] == ["file_unreadable"]
    assert name in report.words("en")
    assert content(home) == before


def test_a_torn_parquet_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    good = city_file(tmp_path / "good.csv")
    (tmp_path / "folder").mkdir()
    files = [torn_parquet(tmp_path / "torn.parquet"), tmp_path / "folder", tmp_path / "gone.csv", good]
    reports = take(tmp_path / "home", files)
    said = [report.failed for report in reports]
    assert "torn.parquet: torn Parquet" in said[0]
    assert "is a folder: give the files in it" in said[1]
    assert "gone.csv cannot be read: No such file" in said[2]
    assert not said[3]
    assert reports[3].new == 23 * 6


def test_columns_that_no_layout_knows_are_said_and_the_others_imported(tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text(HEADER + ",humidity\n" + city_line(1) + ",55\n", "utf-8")
    report = take(tmp_path / "home", [path])[0]
    assert [(fault.reason, fault.row) for fault in report.complaints] == [("column_unknown", 1)]
    assert report.new == 6


def test_a_wrong_mapping_stops_before_anything_is_opened(tmp_path: Path) -> None:
    mapping = tmp_path / "bad.toml"
    mapping.write_text("title = 3\n", "utf-8")
    with pytest.raises(SettingError, match="bad"):
        take(tmp_path / "home", [city_file(tmp_path / "day.csv")], str(mapping))
    assert not (tmp_path / "home").exists()


def test_a_store_that_a_server_owns_is_refused_with_what_to_do(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_alone(home), pytest.raises(StoreLocked, match="Stop the server"):
        take(home, [city_file(tmp_path / "day.csv")])


FACTS = (
    District(id="410105", name="合成区", source="test"),
    Station(id="S1", name="合成点位", kind="national", place=Place(113.6, 34.75), district="410105", source="test"),
    Enterprise(id="E1", name="合成企业", place=Place(113.61, 34.76), district="410105", source="test"),
    Outlet(
        id="DA001",
        name="合成排口",
        enterprise="E1",
        place=Place(113.61, 34.76),
        district="410105",
        medium="air",
        height=45.0,
        diameter=2.0,
        limits=(PermitLimit("so2", 35.0, "hour", "permit"),),
        source="test",
    ),
)


@pytest.mark.parametrize("ending", [".xlsx", ".geojson"])
def test_a_register_is_recognised_and_the_same_twice_changes_nothing(tmp_path: Path, ending: str) -> None:
    path, home = tmp_path / f"register{ending}", tmp_path / "home"
    write_register(FACTS, path)
    first = take(home, [path])[0]
    assert (first.kind, first.new, first.errors) == ("register", 4, ())
    before = content(home)
    again = take(home, [path])[0]
    assert (again.new, again.revised, again.unchanged) == (0, 0, 4)
    assert content(home) == before
    with open_alone(home) as store:
        assert store.records.register().need(Station, "S1", date(2026, 1, 1)).name == "合成点位"
        assert store.series.files()["kind"].to_list() == ["register"]


def test_a_bad_row_of_the_register_is_named_with_row_and_column(tmp_path: Path) -> None:
    write_register([FACTS[1]], tmp_path / "点位.csv")
    lines = (tmp_path / "点位.csv").read_text("utf-8-sig").splitlines()
    lines.append(lines[1].replace("S1", "S2").replace("113.6", "far"))
    (tmp_path / "点位.csv").write_text("\n".join(lines), "utf-8")
    report = take(tmp_path / "home", [tmp_path / "点位.csv"])[0]
    assert (report.kind, report.new) == ("register", 1)
    assert [(fault.row, fault.column) for fault in report.errors] == [(3, "经度")]
    assert "经度" in report.words()


def test_a_later_file_may_take_the_days_of_an_earlier_span(tmp_path: Path) -> None:
    old = replace(FACTS[1], valid_from=date(2020, 1, 1))
    new = replace(FACTS[1], name="新名", valid_from=date(2019, 1, 1), valid_to=date(2030, 1, 1))
    write_register([old], tmp_path / "old.csv")
    write_register([new], tmp_path / "new.csv")
    reports = take(tmp_path / "home", [tmp_path / "old.csv", tmp_path / "new.csv"])
    assert not [report.failed for report in reports if report.failed]
    with open_alone(tmp_path / "home") as store:
        spans = [(fact.name, fact.valid_from, fact.valid_to) for fact in store.records.facts()]
    assert spans == [
        ("新名", date(2019, 1, 1), date(2030, 1, 1)),
        ("合成点位", date(2030, 1, 1), None),
    ]


def test_an_empty_template_is_a_register_of_nothing(tmp_path: Path) -> None:
    write_templates(tmp_path / "模板.xlsx")
    report = take(tmp_path / "home", [tmp_path / "模板.xlsx"])[0]
    assert (report.kind, report.new, report.failed) == ("register", 0, "")


ORDERS = """工单编号,受理时间,问题类型,诉求内容,所属区县,诉求人,联系电话
GD001,2026-03-09 08:30,扬尘,工地施工扬尘大,合成区,王某某,13812345678
GD002,明天,扬尘,工地施工扬尘大,合成区,李某某,13812345679
GD003,2026-03-09 09:00,油烟,饭店油烟扰民,合成区,赵某某,13812345670
"""


def test_work_orders_become_cases_once_and_no_name_is_stored(tmp_path: Path) -> None:
    home, path = tmp_path / "home", tmp_path / "12345.csv"
    path.write_text(ORDERS, "gb18030")
    report = take(home, [path])[0]
    assert (report.kind, report.read, report.new) == ("complaints", 3, 2)
    assert [(fault.row, fault.reason) for fault in report.errors] == [(3, "row_bad")]
    before = content(home)
    again = take(home, [path])[0]
    assert (again.new, again.unchanged) == (0, 2)
    assert content(home) == before
    with open_alone(home) as store:
        cases = [from_json(row.body, Case) for row in store.records.find("case")]
        assert {case.opening.number for case in cases} == {"GD001", "GD003"}
    for part in home.rglob("*"):
        assert part.is_dir() or b"13812345678" not in part.read_bytes()


# -- real data --------------------------------------------------------------------------------------------------------


@pytest.mark.reference
def test_the_cities_import_in_full(cities: tuple[Path, list[Report]]) -> None:
    home, reports = cities
    assert [(report.read, len(report.sites), report.new) for report in reports] == [
        (83_035, 17, 498_210),
        (214_907, 44, 1_289_442),
    ]
    assert not [fault for report in reports for fault in report.errors]
    with open_alone(home) as store:
        indices = store.series.indices(kind="aqi_hour")
        assert indices.height == 297_942


@pytest.mark.reference
def test_the_stored_index_of_every_complete_hour_is_the_published_one_or_one_more(
    cities: tuple[Path, list[Report]], shared: Path
) -> None:
    """The published city file rounds the index half up, HJ 633 rounds it up; nothing else differs."""
    home, _ = cities
    with open_alone(home) as store:
        ours = store.series.indices(kind="aqi_hour").select("site", "start", "aqi", "reason")
    complete, equal = 0, 0
    for path in sorted((shared / "data" / "china_cities_hourly").glob("*.parquet")):
        raw = pl.read_parquet(path)
        six = ["PM2.5", "PM10", "SO2", "NO2", "O3", "CO"]
        end = pl.col("time").cast(pl.Datetime("us")).dt.replace_time_zone(CHINA.key).dt.convert_time_zone("UTC")
        published = raw.filter(pl.all_horizontal(pl.col([*six, "AQI"]).is_not_null())).select(
            (pl.lit("city:") + pl.col("city").cast(pl.String)).alias("site"), (end - HOUR).alias("start"), "AQI"
        )
        both = published.join(ours, on=["site", "start"], how="left")
        difference = both["aqi"].cast(pl.Int32) - both["AQI"].cast(pl.Int32)
        assert set(difference.unique()) == {0, 1}
        complete += both.height
        equal += int((difference == 0).sum())
    assert (complete, equal) == (293_833, 81_317 + 212_516 - (81_317 - 71_254) - (212_516 - 185_918))


@pytest.mark.reference
def test_a_stored_hour_of_the_haze_leads_back_to_the_row_of_the_file(
    cities: tuple[Path, list[Report]], shared: Path
) -> None:
    home, _ = cities
    name = "henan17_hourly_2018-12_2019-06.parquet"
    raw = pl.read_parquet(shared / "data" / "china_cities_hourly" / name)
    at = datetime(2019, 2, 6, 2, tzinfo=CHINA).astimezone(UTC)
    with open_alone(home) as store:
        row = store.series.indices(["city:郑州"], "aqi_hour", Period(at - HOUR, at)).row(0, named=True)
        found = store.series.query("SELECT * FROM indices WHERE site = 'city:郑州' AND kind = 'aqi_day'")
        assert found.height == 208
        reading = file_row(store, reading_ref("city:郑州", "pm25", "avg", "file", at - HOUR), CHINA)
    assert reading is not None
    there = raw.row(reading.row - 1, named=True)
    assert (there["city"], there["PM2.5"]) == ("郑州", reading.value)
    assert row["aqi"] - there["AQI"] in (0, 1)


@pytest.mark.reference
def test_the_beijing_stations_import_in_full_with_weather(beijing: tuple[Path, list[Report]], shared: Path) -> None:
    home, (report,) = beijing
    assert (report.read, report.new, len(report.sites)) == (210_432, 210_432 * 12, 8)
    assert not report.errors
    with open_alone(home) as store:
        counted = store.series.query(
            "SELECT pollutant, count(value) AS n FROM hours GROUP BY pollutant ORDER BY pollutant"
        )
        hours = store.series.hours(["station:Dongsi"], ["co", "wind_from"], stat="avg")
        daily = store.series.indices(kind="aqi_day")
    raw = pl.read_parquet(next((shared / "data" / "uci_beijing_multisite").glob("*.parquet")))
    columns = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3"}
    columns |= {"air_temperature": "TEMP", "air_pressure": "PRES", "dew_point": "DEWP", "rain": "RAIN"}
    columns |= {"wind_from": "wd", "wind_speed": "WSPM"}
    assert dict(counted.iter_rows()) == {code: raw[name].count() for code, name in columns.items()}
    carbon = hours.filter(pl.col("pollutant") == "co")["value"].drop_nulls().to_numpy()
    given = raw.filter(pl.col("station") == "Dongsi").sort("time")["CO"].drop_nulls().cast(pl.Float64).to_numpy()
    assert np.allclose(carbon * 1000, given)
    assert daily.filter(pl.col("aqi").is_not_null()).height > 8_600


def test_open_alone_of_nothing_is_refused_when_it_must_exist(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="bihuan import"):
        open_alone(tmp_path / "nowhere", create=False)
    assert not Home(tmp_path / "nowhere").exists()
