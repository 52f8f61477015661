"""The city as a whole: the same seed and cases give the same bytes; a stopped source is heard of in the frames."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bihuan.app.city import City
from bihuan.cases import SYSTEM, Action, Opening, open_case, route, step
from bihuan.core import InputError, Message, Ref, local_date
from bihuan.devices.hj212 import Hj212Adapter
from bihuan.register import Outlet


def digest(city: City, hours: float, minutes: int) -> str:
    found, end = hashlib.sha256(), city.start + timedelta(hours=hours)
    while city.now < end:
        for mn, sent, data in city.advance(min(city.now + timedelta(minutes=minutes), end)).frames:
            found.update(f"{mn} {sent.isoformat()} ".encode() + data)
    return found.hexdigest()


@pytest.mark.parametrize("rough", [False, True])
def test_the_same_seed_gives_the_same_bytes_however_often_it_is_asked(rough: bool) -> None:
    assert digest(City(4, 10, rough), 10, 5) == digest(City(4, 10, rough), 10, 60)


def test_another_seed_gives_other_bytes() -> None:
    assert digest(City(4, 2), 2, 60) != digest(City(5, 2), 2, 60)


def test_time_does_not_go_back() -> None:
    city = City(4, 2)
    city.advance(city.start + timedelta(hours=1))
    with pytest.raises(InputError, match="cannot go back"):
        city.advance(city.start)
    with pytest.raises(InputError, match="at least 1"):
        City(4, 0)


def test_a_visit_ends_an_incident_in_the_signals_from_that_moment_on() -> None:
    city = City(1, 30)
    planned = {key: told.values.copy() for key, told in city._reports.items()}
    incident = next(f.incident for f in city.reveal() if f.incident.kind == "night_stack" and f.incident.honest)
    day = local_date(city.start)
    outlet = city.plan.register.need(Outlet, incident.source.id, day)
    opened = incident.period.start + timedelta(minutes=30)
    way = route("industry", outlet.place, city.plan.register, day)
    opening = Opening(
        id="case-0",
        kind="issue",
        door="alarm",
        matter="industry",
        title=Message("case.title_limit", {}, {}),
        opened=opened,
        created=opened,
        by=SYSTEM,
        place=outlet.place,
        suspect=incident.source,
        district=way.district,
        lead=way.lead,
        officer=way.officer,
    )
    cases = (open_case(replace(opening, id=f"case-{n}")) for n in range(50))
    case = next(step(c, Action("dispatch", SYSTEM, opened)) for c in cases if not city._officers._cheats(c))
    city.advance(opened)
    logger = next(logger for logger in city._loggers if logger.site == Ref("outlet", outlet.id))
    adapter = Hj212Adapter(logger.device, logger.kind)
    own = next(limit for limit in outlet.limits if limit.pollutant in incident.amounts)
    shown = {}
    while city.now < incident.period.end:
        now = city.now + timedelta(minutes=5)
        told = city.advance(now, [case])
        for _, action in told.actions:
            case = step(case, action)
        for mn, sent, data in told.frames:
            if mn == logger.device.id:
                for reading in adapter.decode(data, sent, "f").readings:
                    if (reading.pollutant, reading.stat, reading.interval) == (own.pollutant, "zs_avg", "minute"):
                        shown[reading.start] = reading.value
    fate = next(f for f in city.reveal() if f.incident is incident)
    assert fate.stopped
    assert case.result == "fixed_on_site"
    changed = set()
    for key, told in city._reports.items():
        known = int((fate.ended - city.start).total_seconds()) // told.rhythm
        assert np.array_equal(told.values[:known], planned[key][:known], equal_nan=True)
        if not np.array_equal(told.values, planned[key], equal_nan=True):
            changed.add(key[0])
    assert Ref("outlet", outlet.id) in changed
    assert {site.kind for site in changed} == {"outlet", "station"}
    before = [v for t, v in shown.items() if t + timedelta(minutes=10) <= fate.ended]
    after = [v for t, v in shown.items() if t >= fate.ended]
    assert min(before[3:]) > own.limit
    assert max(after) < own.limit
    assert city.officer_hours > 0


def test_the_fates_are_as_planned_when_nobody_goes(easy: City) -> None:
    assert all(fate.ended == fate.incident.period.end and not fate.stopped for fate in easy.reveal())
    assert easy.officer_hours == 0
