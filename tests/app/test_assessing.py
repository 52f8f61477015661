"""What `bihuan assess` says of stored air, sections and outlets, against figures made another way."""

import json
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from bihuan.app.assessing import assess
from bihuan.app.opened import open_alone
from bihuan.app.receipts import Report
from bihuan.app.sheets import Assessment
from bihuan.core import CHINA, NATIONAL_SIX, InputError, NotCovered, Place, StoreLocked, parse_instant
from bihuan.formats import write_register
from bihuan.register import District, Enterprise, Outlet, PermitLimit, Section, Station
from tests.app.homes import HEADER, take

TODAY = date(2026, 3, 10)


def printed(found: Assessment, language: str = "zh") -> str:
    console = Console(width=240, file=StringIO())
    for table in found.tables(language):  # type: ignore[arg-type]
        console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """February of two years in two cities; the second year is cleaner in one of them."""
    rows = []
    for year, city, pm25 in ((2018, "甲市", 90), (2018, "乙市", 60), (2019, "甲市", 45), (2019, "乙市", 60)):
        for hour in range(1, 28 * 24 + 1):
            stamp = datetime(year, 2, 1) + timedelta(hours=hour)  # noqa: DTZ001  # local time, as the feed writes it
            rows.append(f"{stamp},{city},,{pm25 + hour % 2},70,12,30,80,1.0")
    (tmp_path / "two.csv").write_text("\n".join([HEADER, *rows]), "utf-8")
    take(tmp_path / "home", [tmp_path / "two.csv"])
    return tmp_path / "home"


FEBRUARY = {"start": parse_instant("2019-02-01"), "end": parse_instant("2019-03-01")}


def test_days_stand_under_the_law_of_the_day_and_beside_it_under_that_of_today(home: Path) -> None:
    found = assess(home, "air", site="city:甲市", today=TODAY, **FEBRUARY)  # type: ignore[arg-type]
    days = found.sheet("days").rows
    assert [row["day"] for row in days] == [date(2019, 2, d) for d in range(1, 29)]
    first = days[0]
    # PM2.5 45.5 -> 46 (tie to even): 2012 50 + 50 * (46 - 35) / 40, 2026 the step ends at 60 instead of 75
    assert (first["pm25"], first["aqi"], first["standard"]) == (45.5, 64, "HJ 633-2012")
    assert (first["aqi_today"], first["standard_today"]) == (72, "HJ 633-2026")
    assert first["primary"] == "pm25"


def test_a_month_is_ranked_among_all_cities_and_set_beside_the_year_before(home: Path) -> None:
    found = assess(home, "air", site="city:甲市", today=TODAY, **FEBRUARY)  # type: ignore[arg-type]
    (index,) = found.sheet("index").rows
    assert (index["rank"], index["of"], index["stamp"]) == (1, 2, "own_calculation")
    # HJ 663: C / S of six items; PM2.5 46 of 35 then, 90 (tie 90.5 to even) of 35 the year before
    assert index["index"] == pytest.approx(12 / 60 + 30 / 40 + 70 / 70 + 46 / 35 + 1 / 4 + 80 / 160, abs=0.006)
    assert index["index_before"] - index["index"] == pytest.approx((90 - 46) / 35, abs=0.011)
    (counts,) = found.sheet("day_counts").rows
    assert (counts["good_days"], counts["good_days_before"], counts["good_days_change"]) == (28, 0, 28)
    both = assess(home, "air", today=TODAY, **FEBRUARY).sheet("index").rows  # type: ignore[arg-type]
    assert [(row["site"], row["rank"]) for row in both] == [("city:甲市", 1), ("city:乙市", 2)]


def test_what_is_left_for_a_target_is_said_plainly(home: Path) -> None:
    targets = {"pm25": 40.0, "pm10": 5.0}
    found = assess(home, "air", site="city:甲市", targets=targets, today=TODAY, **FEBRUARY)  # type: ignore[arg-type]
    ozone, fine = sorted(found.sheet("remaining").rows, key=lambda row: row["item"])
    assert (fine["days"], fine["days_left"], fine["outcome"]) == (28, 306, "attainable")
    assert fine["control_value"] == pytest.approx((40 * 334 - 28 * 45.5) / 306, abs=0.05)
    assert (ozone["item"], ozone["outcome"]) == ("pm10", "unattainable")
    assert ozone["said"] == "剩余 306 天即使为零也不能达到目标 5.0 μg/m³"


def test_it_prints_in_both_languages_and_as_json(home: Path) -> None:
    found = assess(home, "air", targets={"pm25": 40}, today=TODAY, **FEBRUARY)  # type: ignore[arg-type]
    chinese, english = printed(found), printed(found, "en")
    assert "自算,非官方" in chinese
    assert "not official" in english
    assert "细颗粒物" in chinese
    assert {"days", "statistics", "index", "day_counts", "remaining", "medium"} <= set(found.as_dict())
    assert json.loads(json.dumps(found.as_dict()))["days"][0]["day"] == "2019-02-01"


def test_what_cannot_be_assessed_is_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="air, water, outlet"):
        assess(home, "soil")
    with pytest.raises(InputError, match="so2, no2"):
        assess(home, "air", targets={"cod": 1})
    with pytest.raises(InputError, match="city"):
        assess(home, "air", site="outlet:DA001")
    with pytest.raises(NotCovered, match="city:丙市"):
        assess(home, "air", site="city:丙市")
    with pytest.raises(NotCovered, match="section"):
        assess(home, "water")
    with pytest.raises(NotCovered, match="bihuan import"):
        assess(tmp_path / "nowhere", "air")
    with pytest.raises(InputError, match="must follow"):
        assess(home, "air", start=FEBRUARY["end"], end=FEBRUARY["start"])
    with open_alone(home), pytest.raises(StoreLocked, match="Stop the server"):
        assess(home, "air")


# -- stations of a city, sections and outlets: a register and files of our own ----------------------------------------

PLACE = Place(113.6, 34.75)
FACTS = (
    District(id="410105", name="合成区", source="test"),
    *(
        Station(id=f"S{k}", name=f"合成{k}", kind="national", place=PLACE, district="410105", source="t")
        for k in (1, 2)
    ),
    Section(
        id="W1", name="合成断面", place=PLACE, district="410105", river="合成河", target_class="III", source="test"
    ),
    Enterprise(id="E1", name="合成企业", place=PLACE, district="410105", source="test"),
    Outlet(
        id="DA001",
        name="合成烟囱",
        enterprise="E1",
        place=PLACE,
        district="410105",
        medium="air",
        height=45.0,
        diameter=2.0,
        o2_reference=6.0,
        limits=(PermitLimit("so2", 35.0, "hour", "permit 1"),),
        source="test",
    ),
)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    write_register(FACTS, tmp_path / "台账.xlsx")
    assert not take(tmp_path / "town", [tmp_path / "台账.xlsx"])[0].errors
    return tmp_path / "town"


def test_the_city_is_the_mean_of_its_stations(town: Path, tmp_path: Path) -> None:
    header = "timepoint,stationcode,aqi,pm2_5,pm10,so2,no2,o3,co"
    rows = []
    for hour in range(1, 25):
        stamp = datetime(2026, 1, 5) + timedelta(hours=hour)  # noqa: DTZ001  # local time, as the feed writes it
        rows += [f"{stamp},S{k},,{40 + 20 * k},90,9,30,60,0.7" for k in (1, 2)]
    (tmp_path / "stations.csv").write_text("\n".join([header, *rows]), "utf-8")
    take(town, [tmp_path / "stations.csv"])
    found = assess(town, "air", today=TODAY)
    (day,) = found.sheet("days").rows
    assert (day["site"], day["pm25"]) == ("city:local", 70.0)
    alone = assess(town, "air", site="station:S2", today=TODAY).sheet("days").rows
    assert [row["pm25"] for row in alone] == [80.0]


def test_a_section_has_its_class_by_month_and_a_trend(town: Path, tmp_path: Path) -> None:
    """Ammonia falls from 1.4 to 0.4 mg/L in a year: class IV, then better than the target."""
    rows = []
    for day in range(365):
        stamp = datetime(2025, 1, 1) + timedelta(days=day)  # noqa: DTZ001  # local time
        level = 1.4 - day / 365
        rows += [f"{stamp + timedelta(hours=hour)},W1,{level:.3f},4.0,8.0" for hour in range(24)]
    (tmp_path / "water.csv").write_text("\n".join(["time,section,nh3,codmn,do", *rows]), "utf-8")
    (tmp_path / "water.toml").write_text(
        'title = "sections"\n[time]\ncolumns = ["time"]\nstamp = "start"\n'
        '[site]\nkind = "section"\ncolumn = "section"\n'
        '[columns]\nnh3 = { pollutant = "nh3n", unit = "mg/L" }\ncodmn = { pollutant = "codmn", unit = "mg/L" }\n'
        "do = { pollutant = 'do', unit = 'mg/L' }\n",
        "utf-8",
    )
    report = take(town, [tmp_path / "water.csv"], str(tmp_path / "water.toml"))[0]
    assert not report.errors
    found = assess(town, "water")
    months = found.sheet("sections").rows
    assert len(months) == 12
    assert (months[0]["label"], months[0]["worst"], months[0]["reason"]) == ("IV", "nh3n", "worse_than_target")
    assert (months[-1]["label"], months[-1]["reason"]) == ("II", "part_of_the_items")
    (ammonia,) = [row for row in found.sheet("trends").rows if row["item"] == "nh3n"]
    assert ammonia["direction"] == "falling"
    assert ammonia["slope"] == pytest.approx(-1.0, abs=0.03)
    assert "Ⅳ类" in printed(found)


def test_an_outlet_is_judged_by_its_permit_folded_to_reference_oxygen(town: Path, tmp_path: Path) -> None:
    """Measured 28 at 9 % oxygen is 35 at 6 %: not over; 28.1 is."""
    (tmp_path / "stack.csv").write_text(
        "time,so2,o2\n2026-01-05 08:00,28,9\n2026-01-05 09:00,28.1,9\n2026-01-05 10:00,40,21\n", "utf-8"
    )
    (tmp_path / "stack.toml").write_text(
        'title = "stack"\n[time]\ncolumns = ["time"]\nstamp = "start"\n[site]\nkind = "outlet"\nfixed = "DA001"\n'
        '[columns]\nso2 = { pollutant = "so2", unit = "mg/m3" }\no2 = { pollutant = "o2", unit = "%" }\n',
        "utf-8",
    )
    assert not take(town, [tmp_path / "stack.csv"], str(tmp_path / "stack.toml"))[0].errors
    found = assess(town, "outlet")
    (sums,) = found.sheet("outlets").rows
    counted = [sums[name] for name in ("judged", "suspected_over", "within", "no_value", "limit")]
    assert counted == [3, 1, 1, 1, 35.0]
    (over,) = found.sheet("over").rows
    assert over["start"] == parse_instant("2026-01-05T09:00")
    assert over["value"] == pytest.approx(28.1 * 15 / 12)
    assert "疑似超标" in printed(found)
    assert "违法" not in printed(found)


# -- real data --------------------------------------------------------------------------------------------------------


@pytest.mark.reference
def test_the_beijing_stations_are_ranked_as_a_plain_calculation_ranks_them(
    beijing: tuple[Path, list[Report]],
) -> None:
    home, _ = beijing
    year = {"start": parse_instant("2014-01-01"), "end": parse_instant("2015-01-01")}
    found = assess(home, "air", by="year", today=TODAY, **year)  # type: ignore[arg-type]
    ours = {row["site"]: row for row in found.sheet("index").rows}
    assert len(ours) == 8
    with open_alone(home) as store:
        hours = store.series.hours(None, NATIONAL_SIX, stat="avg")
    local = pl.col("start").dt.convert_time_zone(CHINA.key)
    divisors = {"so2": 60, "no2": 40, "pm10": 70, "pm25": 35, "co": 4}
    expected = {}
    for (site,), part in hours.filter(local.dt.year() == 2014).drop_nulls("value").group_by(["site"]):
        days = part.group_by(local.dt.date().alias("day"), "pollutant").agg(pl.col("value").mean(), pl.len().alias("n"))
        days = days.filter(pl.col("n") >= 20)
        value = {code: days.filter(pl.col("pollutant") == code)["value"].to_numpy() for code in divisors}
        figures = {code: np.round(values.mean()) for code, values in value.items()}
        figures["co"] = np.round(np.percentile(value["co"], 95), 1)
        expected[str(site)] = sum(figures[code] / divisor for code, divisor in divisors.items())
    for site, row in ours.items():
        assert row["index"] - row["index_o3"] == pytest.approx(expected[site], abs=0.011)
    assert sorted(row["rank"] for row in ours.values()) == list(range(1, 9))
    assert {row["stamp"] for row in ours.values()} == {"own_calculation"}
    daily = found.sheet("days").rows
    assert len(daily) == 8 * 365
    assert sum(row["aqi"] is not None for row in daily) > 2_800


@pytest.mark.reference
def test_the_stuck_ozone_of_dongsi_stays_in_the_day_and_is_seen(beijing: tuple[Path, list[Report]]) -> None:
    """An official value is never taken out by us: 1,026-1,071 ug/m3 on 16 August 2013 is an AQI of its own."""
    span = {"start": parse_instant("2013-08-16"), "end": parse_instant("2013-08-17")}
    found = assess(beijing[0], "air", site="station:Dongsi", today=TODAY, **span)  # type: ignore[arg-type]
    (day,) = found.sheet("days").rows
    assert day["o3_1h"] > 1_026
    assert day["primary"] == "o3"


@pytest.mark.reference
def test_february_2019_in_zhengzhou(cities: tuple[Path, list[Report]]) -> None:
    span = {"start": parse_instant("2019-02-01"), "end": parse_instant("2019-03-01")}
    found = assess(cities[0], "air", site="city:郑州", targets={"pm25": 60.0}, today=TODAY, **span)  # type: ignore[arg-type]
    (index,) = found.sheet("index").rows
    assert index["of"] == 61
    (counts,) = found.sheet("day_counts").rows
    assert (counts["days"], counts["heavy_days"]) == (28, 8)
    (left,) = found.sheet("remaining").rows
    assert (left["days"], left["days_left"]) == (59, 306)
    assert left["control_value"] == pytest.approx((60 * 365 - 59 * left["so_far"]) / 306, abs=0.1)
