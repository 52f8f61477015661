"""The register as the loop needs it on one day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bihuan.app.town import NOWHERE, Town
from bihuan.core import Place, Ref
from bihuan.register import Device, Register, Section, Station
from tests.app.hamlet import CENTRE, STACK, at_km, facts

ON = date(2026, 3, 11)


def town(*more: object, on: date = ON) -> Town:
    return Town(Register([*facts(), *more]), on)  # type: ignore[list-item]


def test_the_city_is_its_grid_cell_of_the_first_level() -> None:
    assert (town().ref, town().centre) == (Ref("city", "410100"), CENTRE)


def test_without_a_grid_the_centre_is_that_of_the_stations() -> None:
    stations = [Station(id=f"s{n}", name="", kind="city", place=Place(113.0 + n, 34.0), district="d") for n in (0, 2)]
    found = Town(Register(stations), ON)
    assert (found.ref, found.centre) == (Ref("city", "local"), Place(114.0, 34.0))
    assert Town(Register([]), ON).centre == NOWHERE


def test_the_citys_value_is_the_mean_of_its_most_official_stations_only() -> None:
    assert set(town().city_stations) == {f"station:s{n}" for n in range(1, 7)}
    national = Station(id="n1", name="", kind="national", place=CENTRE, district="d")
    assert town(national).city_stations == ("station:n1",)


def test_national_and_provincial_series_are_read_only_to_our_flags() -> None:
    national = Station(id="n1", name="", kind="national", place=CENTRE, district="d")
    provincial = Station(id="p1", name="", kind="provincial", place=CENTRE, district="d")
    section = Section(id="x9", name="", place=CENTRE, district="d", river="r", official=True)
    assert town().official == frozenset()
    assert town(national, provincial, section).official == {"station:n1", "station:p1", "section:x9"}


def test_wind_is_taken_from_weather_stations_or_else_from_all() -> None:
    assert len(town().weather_sites) == 6
    mast = Station(id="w1", name="", kind="weather", place=CENTRE, district="d")
    assert town(mast).weather_sites == {"station:w1"}
    assert "w1" not in {station.id for station in town(mast).stations}


def test_a_fact_counts_on_its_days_only() -> None:
    gone = Station(id="old", name="", kind="city", place=CENTRE, district="d", valid_to=ON)
    assert "station:old" not in town(gone).city_stations
    assert "station:old" in town(gone, on=date(2026, 3, 10)).city_stations


def test_every_logger_has_its_site_with_kind_and_place() -> None:
    rows = {row["device"]: row for row in town().device_sites.iter_rows(named=True)}
    assert rows["MN1"]["site"] == "station:s1"
    assert rows["MNA"]["kind"] == "outlet"
    assert (rows["MNA"]["lon"], rows["MNA"]["lat"]) == (at_km(0.0, 1.0).lon, at_km(0.0, 1.0).lat)
    astray = replace(Device(id="MN99", name="", site="station:nowhere"), name="")
    assert town(astray).site_of["MN99"] == "station:nowhere"


def test_sources_are_stacks_and_sites_and_no_waste_water() -> None:
    assert {str(source.ref) for source in town().sources} == {f"outlet:{STACK}", "worksite:y1"}


def test_days_are_judged_of_the_city_waste_water_and_sections() -> None:
    assert town().day_sites == ("city:410100", "outlet:DW1", "section:X1")
