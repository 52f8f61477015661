"""Who gets a case: by matter and area, by grid cell, by device; and the duty desk when nobody answers."""

from datetime import date

import pytest

from bihuan.cases import checklist_of_case, matters, route
from bihuan.core import InputError, Place, Ref, texts
from bihuan.register import Duty, Person, Register, Unit
from tests.cases.town import YARD, facts, town

ON = date(2026, 3, 2)


def test_a_building_site_goes_to_the_unit_of_the_duty_table_and_the_officer_of_the_cell() -> None:
    way = route("construction", YARD, town(), ON)
    assert (way.lead, way.support, way.officer) == ("housing", ("ecology",), "officer")
    assert (way.cell, way.district, way.basis, way.note) == ("e1", "east", "duty:d1", "")


def test_a_cell_without_an_officer_is_answered_for_by_its_parent() -> None:
    assert route("construction", Place(113.68, 34.78), town(), ON).officer == "chief"


def test_a_row_for_the_district_beats_the_row_for_the_city_from_its_first_day() -> None:
    west = Place(113.56, 34.76)
    first = date(2026, 3, 1)
    row = Duty(id="d3", name="", matter="construction", district="west", lead="housing_west", valid_from=first)
    register = Register([*facts(), row])
    assert route("construction", west, register, date(2026, 2, 28)).lead == "housing"
    assert route("construction", west, register, ON).lead == "housing_west"
    assert route("construction", YARD, register, ON).lead == "housing"


def test_a_matter_without_a_row_takes_the_row_of_its_medium() -> None:
    assert route("black_water", YARD, town(), ON).basis == "duty:d2"


@pytest.mark.parametrize(
    ("matter", "kind"),
    [
        ("construction", "housing"),
        ("road", "urban_management"),
        ("muck_truck", "urban_management"),
        ("bare_soil", "natural_resources"),
        ("restaurant", "urban_management"),
        ("bulk_coal", "market"),
        ("industry", "environment"),
        ("black_smoke", "traffic_police"),
        ("black_water", "housing"),
        ("bank_litter", "water"),
        ("farmland", "agriculture"),
        ("solid_waste", "environment"),
    ],
)
def test_without_any_row_each_matter_goes_to_its_usual_department(matter: str, kind: str) -> None:
    kinds = {row.lead for row in matters().values()}
    register = Register([Unit(id=f"u-{name}", name=name, kind=name) for name in sorted(kinds)])
    way = route(matter, None, register, ON)
    assert (way.lead, way.basis) == (f"u-{kind}", "default")
    assert "nobody answers for matter" in way.note


def test_a_street_matter_goes_to_the_street_office_of_the_officer() -> None:
    assert route("burning", YARD, town(), ON).lead == "street"


def test_when_nobody_answers_the_duty_desk_does_and_the_hole_is_named() -> None:
    way = route("farmland", YARD, town(), ON)
    assert (way.lead, way.basis) == ("city_desk", "desk")
    assert "nobody answers for matter 'farmland' in district 'east'" in way.note
    assert "sent to the duty desk" in way.note


def test_a_register_without_a_duty_desk_still_has_an_addressee() -> None:
    assert route("farmland", None, Register(), ON).lead == "duty_desk"


def test_a_place_outside_the_grid_is_said() -> None:
    way = route("construction", Place(114.9, 34.9), town(), ON, district="east")
    assert (way.officer, way.district) == ("", "east")
    assert way.note == "the place lies outside every grid cell"


@pytest.mark.parametrize("subject", [Ref("station", "s1"), Ref("device", "MN1")])
def test_a_device_fault_goes_to_its_maintainer_and_to_no_officer(subject: Ref) -> None:
    way = route("device_fault", YARD, town(), ON, subject=subject)
    assert (way.lead, way.officer, way.basis) == ("mender", "", "device:MN1")


@pytest.mark.parametrize("subject", [Ref("station", "s9"), Ref("device", "MN9"), None])
def test_a_device_that_nobody_maintains_goes_to_the_duty_desk_never_to_an_officer(subject: Ref | None) -> None:
    way = route("device_fault", YARD, town(), ON, subject=subject)
    assert (way.lead, way.officer) == ("city_desk", "")
    assert "maintainer" in way.note


def test_regional_transport_is_talked_over_at_the_desk_and_sends_no_officer_out() -> None:
    way = route("regional", YARD, town(), ON)
    assert (way.lead, way.officer) == ("city_desk", "")


def test_an_unknown_matter_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="matter 'dragons' is unknown; known: construction, road"):
        route("dragons", YARD, town(), ON)


def test_every_matter_department_and_check_has_its_words() -> None:
    words = texts("zh")
    rows = matters().values()
    assert {row.code for row in rows} == set(words["matter"])
    assert {kind for row in rows for kind in (row.lead, *row.support)} <= set(words["department"])
    own = set(checklist_of_case("outlet", "industry"))
    assert {check for row in rows for check in row.checklist} | own == set(words["check"])


def test_someone_whose_duty_ended_gets_nothing() -> None:
    gone = [
        Person(id="officer", name="", roles=("grid_officer",), cells=("e1",), valid_to=date(2026, 3, 1))
        if fact.id == "officer"
        else fact
        for fact in facts()
    ]
    assert route("construction", YARD, Register(gone), ON).officer == "chief"
