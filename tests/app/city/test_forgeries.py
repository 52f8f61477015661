"""Forged series are planted only where asked for, one of each kind, and change nothing of the city beside them."""

import numpy as np
import pytest

from bihuan.app.city import FORGERY_KINDS, City
from bihuan.app.city.forgeries import draw_forgeries
from bihuan.app.city.incidents import draw_truth
from bihuan.app.city.plan import plan_city
from bihuan.core import Ref, local_date
from bihuan.register import Device, Outlet, Section, Station


@pytest.fixture(scope="module")
def cities() -> tuple[City, City]:
    return City(3, 24), City(3, 24, forged=True)


def test_a_city_with_forgeries_has_the_plan_and_the_incidents_of_the_city_without(cities: tuple[City, City]) -> None:
    honest, forged = cities
    assert honest.reveal_forgeries() == ()
    day = local_date(honest.start)
    for kind in (Station, Outlet, Device, Section):
        assert honest.plan.register.all(kind, day) == forged.plan.register.all(kind, day)
    mine, theirs = honest.reveal(), forged.reveal()
    assert [(one.incident.id, one.incident.period, one.incident.subject, one.ended) for one in mine] == [
        (one.incident.id, one.incident.period, one.incident.subject, one.ended) for one in theirs
    ]


def test_the_draws_of_forgeries_shift_no_draw_of_an_incident() -> None:
    plan = plan_city(1, 24, False)
    before = [(one.id, one.period, one.place, one.subject, one.mode) for one in draw_truth(plan).incidents]
    draw_forgeries(plan)
    assert [(one.id, one.period, one.place, one.subject, one.mode) for one in draw_truth(plan).incidents] == before


def test_one_of_each_kind_is_planted_at_a_site_of_its_own_and_only_there(cities: tuple[City, City]) -> None:
    honest, forged = (city.hourly() for city in cities)
    told = cities[1].reveal_forgeries()
    assert {one.kind for one in told} == set(FORGERY_KINDS)
    assert len({one.subject for one in told if one.subject.kind == "outlet"}) == 2
    changed: set[Ref] = set()
    for key, values in honest.items():
        if not np.array_equal(values, forged[key], equal_nan=True):
            changed.add(key[0])
    assert changed <= {one.subject for one in told}
    assert len(changed) >= 8


def test_a_forgery_keeps_to_its_time(cities: tuple[City, City]) -> None:
    honest, forged = (city.hourly() for city in cities)
    first = {one.subject: min(o.period.start for o in cities[1].reveal_forgeries() if o.subject == one.subject)
             for one in cities[1].reveal_forgeries()}  # fmt: skip
    for key, values in honest.items():
        if key[0] in first:
            hours = int((first[key[0]] - cities[0].start).total_seconds() // 3600)
            assert np.array_equal(values[:hours], forged[key][:hours], equal_nan=True)
