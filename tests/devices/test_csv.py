"""Files of feeds: recognised, converted, packed; bad rows listed and the rest kept."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import ROLLUP_KEY, ROLLUP_SCHEMA, FormatError, Place, SettingError, texts
from bihuan.devices.csv import Feed, layouts, read_feed, recognise
from tests.devices.samples import reasons

CITY = "time,city,AQI,PM2.5,PM10,SO2,NO2,O3,CO"
STATION = "timepoint,stationcode,longitude,latitude,positionname,aqi,pm10,pm2_5,o3,o3_24h,no2,so2,co"
UCI = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"


def write(folder: Path, *lines: str, name: str = "feed.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\n".join(lines).encode(encoding) + b"\n")
    return path


def values(feed: Feed, pollutant: str) -> list[float | None]:
    return [row["value"] for row in feed.rows.to_pylist() if row["pollutant"] == pollutant]


def test_the_national_feed_stamps_the_end_of_the_hour(tmp_path: Path) -> None:
    feed = read_feed(write(tmp_path, CITY, "2019-02-06 08:00:00,郑州,432,432,500,17,80,12,2.35"))
    assert feed.layout.name == "national_city_hour" and not feed.complaints
    assert feed.rows.schema == ROLLUP_SCHEMA
    row = feed.rows.to_pylist()[0]
    assert (row["site"], row["pollutant"], row["stat"], row["basis"]) == ("city:郑州", "pm25", "avg", "file")
    assert row["start"] == datetime(2019, 2, 5, 23, tzinfo=UTC)  # 07:00 in China
    assert row["end"] == datetime(2019, 2, 6, tzinfo=UTC)
    assert (row["value"], row["quality"], row["reason"], row["level"]) == (432, "good", "", "realtime")
    assert feed.published.to_pylist() == [{"site": "city:郑州", "start": row["start"], "end": row["end"], "aqi": 432}]


def test_a_station_snapshot_brings_names_and_places(tmp_path: Path) -> None:
    line = "2022-01-05T00:00:00,1317A,113.65724,34.77134,郑纺机,140,80,107,28,60,47,6,1.5"
    feed = read_feed(write(tmp_path, STATION, line))
    (site,) = feed.sites
    assert (site.site, site.name, site.place) == ("station:1317A", "郑纺机", Place(113.65724, 34.77134))
    assert not feed.complaints


def test_an_impossible_place_is_said_and_the_row_kept(tmp_path: Path) -> None:
    line = "2022-01-05T00:00:00,1317A,34.77134,113.65724,郑纺机,140,80,107,28,60,47,6,1.5"
    feed = read_feed(write(tmp_path, STATION, line))
    assert feed.sites[0].place is None and reasons(feed.complaints) == ["site_place"]
    assert feed.rows.num_rows == 6


def test_a_highest_value_below_the_present_one_means_swapped_columns(tmp_path: Path) -> None:
    line = "2022-01-05T00:00:00,1350A,113.6,34.7,番禺中学,67,83,40,362,8,47,6,1.5"
    feed = read_feed(write(tmp_path, STATION, line))
    assert reasons(feed.complaints) == ["columns_swapped"]
    (row,) = [row for row in feed.rows.to_pylist() if row["pollutant"] == "o3"]
    assert (row["value"], row["quality"], row["reason"]) == (362, "suspect", "columns_swapped")


def test_the_uci_files_as_published_are_read_with_their_weather(tmp_path: Path) -> None:
    feed = read_feed(
        write(
            tmp_path,
            UCI,
            "1,2013,3,1,0,4,4,4,7,300,77,-0.7,1023.2,-18.8,0.5,NNW,4.4,Aotizhongxin",
            "2,2013,3,1,1,NA,8,4,7,NA,77,-1.1,1023.2,-18.2,0,NA,4.7,Aotizhongxin",
        )
    )
    assert feed.layout.name == "uci_beijing_station" and not feed.complaints
    assert feed.rows["start"][0].as_py() == datetime(2013, 2, 28, 15, tzinfo=UTC)
    assert values(feed, "co") == [0.3, None]
    assert values(feed, "air_pressure") == [102.32, 102.32]
    assert values(feed, "wind_from") == [337.5, None]
    assert values(feed, "dew_point") == [-18.8, -18.2] and values(feed, "wind_speed") == [4.4, 4.7]
    assert feed.published.num_rows == 0


def test_a_narrow_float_becomes_the_double_it_prints_as(tmp_path: Path) -> None:
    exact = [2.35, 0.1, 22.88, 1.87, 0.07]
    path = tmp_path / "feed.parquet"
    hours = [datetime(2019, 1, 1, hour) for hour in range(5)]  # noqa: DTZ001 - a feed's local stamps
    frame = pl.DataFrame({"time": hours, "city": pl.Series(["郑州"] * 5, dtype=pl.Categorical), "CO": exact})
    for name in ("AQI", "PM2.5", "PM10", "SO2", "NO2", "O3"):
        frame = frame.with_columns(pl.lit(10.0).alias(name))
    frame.with_columns(pl.col(pl.Float64).cast(pl.Float32)).write_parquet(path)
    assert values(read_feed(path), "co") == exact


def test_a_suspicious_unit_is_said_and_nothing_changed(tmp_path: Path) -> None:
    lines = [f"2019-02-06 0{hour}:00:00,郑州,50,35,50,17,80,12,{900 + hour}" for hour in range(5)]
    feed = read_feed(write(tmp_path, CITY, *lines))
    assert [(complaint.reason, complaint.where) for complaint in feed.complaints] == [("unit_suspect", "CO")]
    assert "ug/m3" in feed.complaints[0].detail
    assert values(feed, "co") == [900, 901, 902, 903, 904]
    assert {row["quality"] for row in feed.rows.to_pylist() if row["pollutant"] == "co"} == {"suspect"}
    assert {row["quality"] for row in feed.rows.to_pylist() if row["pollutant"] == "pm25"} == {"good"}


def test_sentinels_become_missing_with_their_reason(tmp_path: Path) -> None:
    feed = read_feed(
        write(
            tmp_path,
            CITY,
            "2019-02-06 08:00:00,郑州,50,-200,-999,9999,,NA,1.0",
            "2019-02-06 09:00:00,郑州,50,35,999,10,20,30,1.0",
        )
    )
    got = {
        (row["pollutant"], row["start"].hour): (row["value"], row["quality"], row["reason"])
        for row in feed.rows.to_pylist()
    }
    for pollutant in ("pm25", "pm10", "so2"):
        assert got[pollutant, 23] == (None, "missing", "sentinel")
    for pollutant in ("no2", "o3"):
        assert got[pollutant, 23] == (None, "missing", "no_value")
    assert got["pm10", 0] == (999, "good", "")  # a real value of the Beijing data, no sentinel
    assert {complaint.severity for complaint in feed.complaints} == {"note"}


def test_three_bad_rows_of_a_hundred_thousand_are_listed_and_the_rest_imported(tmp_path: Path) -> None:
    first = datetime(2010, 1, 1, tzinfo=UTC)
    lines = [
        f"{first + timedelta(hours=hour):%Y-%m-%d %H:00:00},郑州,50,{hour % 90},60,7,8,90,1.1"
        for hour in range(100_000)
    ]
    lines[10] = lines[10].replace("2010-01-01", "2010-13-01")
    lines[50_000] = lines[50_000].replace(",60,", ",sixty,")
    lines[99_999] += ",extra"
    feed = read_feed(write(tmp_path, CITY, *lines))
    assert [(complaint.reason, complaint.where) for complaint in feed.complaints] == [
        ("row_torn", "row 100001"),
        ("row_time", "row 12"),
        ("row_value", "row 50002"),
    ]
    assert (feed.read, feed.kept) == (100_000, 99_998)
    assert feed.rows.num_rows == 99_998 * 6
    assert "sixty" in feed.complaints[2].detail and "2010-13-01" in feed.complaints[1].detail


def test_rows_without_site_or_off_the_hour_or_repeated_are_listed(tmp_path: Path) -> None:
    feed = read_feed(
        write(
            tmp_path,
            CITY,
            "2019-02-06 08:00:00, ,50,1,1,1,1,1,1",
            "2019-02-06 08:30:00,郑州,50,2,1,1,1,1,1",
            "2019-02-06 09:00:00,郑州,50,3,1,1,1,1,1",
            "",
            "2019-02-06 09:00:00,郑州,50,4,1,1,1,1,1",
        )
    )
    assert [(complaint.reason, complaint.where) for complaint in feed.complaints] == [
        ("row_time", "row 3"),
        ("row_site", "row 2"),
        ("row_repeated", "row 4"),
    ]
    assert values(feed, "pm25") == [4]


@pytest.mark.parametrize(
    "stamp",
    [
        "2019-02-06T08:00:00",
        "2019-02-06 08:00",
        "2019/2/6 8:00",
        "2019/02/06 08:00:00",
        "20190206080000",
        "2019-02-06T00:00:00Z",
    ],
)
def test_times_are_read_in_the_forms_that_tables_have(tmp_path: Path, stamp: str) -> None:
    feed = read_feed(write(tmp_path, CITY, f"{stamp},郑州,50,3,1,1,1,1,1"))
    assert feed.rows["end"][0].as_py() == datetime(2019, 2, 6, tzinfo=UTC)


def test_hour_24_is_midnight_of_the_next_day(tmp_path: Path) -> None:
    feed = read_feed(write(tmp_path, CITY, "2019-02-28 24:00,郑州,50,3,1,1,1,1,1"))
    assert feed.rows["end"][0].as_py() == datetime(2019, 2, 28, 16, tzinfo=UTC)
    uci = read_feed(
        write(
            tmp_path,
            UCI,
            "1,2016,2,29,24,4,4,4,7,300,77,0,1023,-18,0,N,4,X",
            "2,2015,2,29,1,4,4,4,7,300,77,0,1023,-18,0,N,4,X",
        )
    )
    assert uci.rows["end"][0].as_py() == datetime(2016, 2, 29, 16, tzinfo=UTC)
    assert reasons(uci.complaints) == ["row_time"]


def test_gbk_gzip_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    lines = (CITY, "2019-02-06 08:00:00,郑州,50,35,60,7,8,90,1.1")
    chinese = read_feed(write(tmp_path, *lines, name="gbk.csv", encoding="gb18030"))
    marked = read_feed(write(tmp_path, *lines, name="bom.csv", encoding="utf-8-sig"))
    packed = tmp_path / "feed.csv.gz"
    packed.write_bytes(gzip.compress("\r\n".join(lines).encode()))
    assert chinese.rows == marked.rows == read_feed(packed).rows
    assert reasons(chinese.complaints) == ["text_gb18030"] and not marked.complaints


def test_quoted_fields_may_hold_separators(tmp_path: Path) -> None:
    lines = (
        '2022-01-05T00:00:00,"1317A",113.6,34.7,"郑纺机,东",140,80,107,28,60,47,6,1.5',
        "2022-01-05T00:00:00,1318A,1",
    )
    feed = read_feed(write(tmp_path, STATION, *lines))
    assert feed.sites[0].name == "郑纺机,东"
    assert [(complaint.reason, complaint.where) for complaint in feed.complaints] == [("row_torn", "row 3")]


MAPPING = """
title = "一个县的小站"
[time]
columns = ["when"]
stamp = "start"
zone = "{zone}"
[site]
kind = "station"
fixed = "S7"
[columns]
"dust" = {{ pollutant = "pm10", unit = "mg/m3" }}
"wind" = {{ pollutant = "wind_from", unit = "compass" }}
[missing]
values = [-1]
[csv]
decimal = ","
"""


def test_any_file_is_read_with_a_small_mapping(tmp_path: Path) -> None:
    mapping = tmp_path / "town.toml"
    mapping.write_text(MAPPING.format(zone="Europe/Berlin"), "utf-8")
    path = write(tmp_path, "when;dust;wind;colour", "2024-07-01 10:00;0,0505;sw;red", "2024-07-01 11:00;-1;XX;red")
    feed = read_feed(path, layout=mapping)
    assert values(feed, "pm10") == [50.5, None] and values(feed, "wind_from") == [225, None]
    assert feed.rows["start"][0].as_py() == datetime(2024, 7, 1, 8, tzinfo=UTC)
    assert feed.rows["site"][0].as_py() == "station:S7"
    assert reasons(feed.complaints) == ["column_unknown", "value_sentinel", "row_value"]


def test_an_hour_that_the_clock_skipped_is_a_bad_row(tmp_path: Path) -> None:
    mapping = tmp_path / "town.toml"
    mapping.write_text(MAPPING.format(zone="Europe/Berlin"), "utf-8")
    feed = read_feed(write(tmp_path, "when;dust;wind", "2024-03-31 02:00;1;N"), layout=mapping)
    assert reasons(feed.complaints) == ["row_time"] and feed.kept == 0


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("pm10", "smoke", "smoke"),
        ("mg/m3", "ppb", "ppb"),
        ('"start"', '"middle"', "middle"),
        ("fixed", "fixt", "fixt"),
        ("Europe/Berlin", "Mars/Base", "Mars"),
        ('fixed = "S7"', "", "column or fixed"),
        ('["when"]', '["a", "b"]', "one column"),
        ("[time]", "[time", "line"),
        ("wind_from", "wind_speed", "compass"),
    ],
)
def test_a_wrong_mapping_names_what_is_wrong(tmp_path: Path, old: str, new: str, word: str) -> None:
    mapping = tmp_path / "town.toml"
    mapping.write_text(MAPPING.format(zone="Europe/Berlin").replace(old, new), "utf-8")
    with pytest.raises(SettingError, match="town") as caught:
        read_feed(tmp_path / "absent.csv", layout=mapping)
    assert word in str(caught.value)


def test_two_columns_of_one_figure_are_refused(tmp_path: Path) -> None:
    mapping = tmp_path / "town.toml"
    mapping.write_text(
        MAPPING.format(zone="").replace("[missing]", 'x = { pollutant = "pm10", unit = "ug/m3" }\n[missing]')
    )
    with pytest.raises(SettingError, match="both pm10 avg"):
        read_feed(tmp_path / "absent.csv", layout=mapping)


@pytest.mark.parametrize("content", [b"", b"\n", b"a,b\n1,2\n", b"PAR1", b"\x1f\x8b\x08\x00", b"\xff\xfe\x00\x80\x81"])
def test_a_file_that_is_no_feed_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "strange.csv"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="strange"):
        read_feed(path)


def test_a_file_of_only_a_header_holds_nothing(tmp_path: Path) -> None:
    feed = read_feed(write(tmp_path, CITY))
    assert (feed.read, feed.kept, feed.rows.num_rows, feed.sites) == (0, 0, 0, ())
    assert feed.rows.schema == ROLLUP_SCHEMA


def test_a_missing_column_is_said_and_a_missing_key_refused(tmp_path: Path) -> None:
    feed = read_feed(write(tmp_path, "time,city,PM10", "2019-02-06 08:00:00,郑州,60"), layout="national_city_hour")
    assert reasons(feed.complaints) == ["column_absent"] and values(feed, "pm10") == [60]
    with pytest.raises(FormatError, match="city"):
        read_feed(write(tmp_path, "time,PM10", "2019-02-06 08:00:00,60"), layout="national_city_hour")


def test_every_built_in_layout_says_its_source_and_is_recognised(tmp_path: Path) -> None:
    for name, layout in layouts().items():
        assert layout.source and layout.title and layout.recognise
        path = write(tmp_path, ",".join(layout.recognise.columns), name=f"{name}.csv")
        assert recognise(path).name == name


cells = st.sampled_from(
    ["", "1", "35.5", "-999", "NA", "x", '"', '"a,b"', "1e400", "郑州", "2019-02-06 08:00", "24", "\x00"]
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([CITY, STATION, UCI]), st.lists(st.lists(cells, max_size=18), max_size=6), st.binary(max_size=30)
)
def test_no_file_raises_anything_but_a_word_about_its_form(
    tmp_path_factory: pytest.TempPathFactory, header: str, rows: list[list[str]], tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "feed.csv"
    path.write_bytes("\n".join([header, *(",".join(row) for row in rows), ""]).encode() + tail)
    try:
        feed = read_feed(path)
    except FormatError as problem:
        assert "feed.csv" in str(problem)
        return
    assert feed.rows.schema == ROLLUP_SCHEMA
    keys = feed.rows.select(list(ROLLUP_KEY)).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == len(keys)
    for language in ("zh", "en"):
        assert set(reasons(feed.complaints)) <= set(texts(language)["complaint"])
        assert set(feed.rows["reason"].to_pylist()) - {""} <= set(texts(language)["reason"])
