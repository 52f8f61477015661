"""Every fact is stored as JSON and comes back the same."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import from_json, to_json
from bihuan.register import ALWAYS, KINDS, Fact, Station, Unit
from tests.strategies import of

FOREVER = date.max


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=st.data())
def test_every_fact_reads_back_byte_for_byte(kind: str, data: st.DataObject) -> None:
    fact = data.draw(of(KINDS[kind]))
    written = to_json(fact)
    again = from_json(written, KINDS[kind])
    assert again == fact
    assert to_json(again) == written


@given(of(Fact), st.dates())
def test_a_fact_holds_from_its_first_day_up_to_the_day_it_no_longer_does(fact: Fact, day: date) -> None:
    assert fact.holds(day) == (fact.valid_from <= day < (fact.valid_to or FOREVER))


def test_a_fact_without_dates_holds_since_always() -> None:
    unit = Unit(id="u1", name="城管局")
    assert unit.holds(ALWAYS)
    assert not unit.holds(date(1899, 12, 31))


@given(of(Station))
def test_only_national_and_provincial_stations_are_read_only(station: Station) -> None:
    assert station.official == (station.kind in ("national", "provincial"))
