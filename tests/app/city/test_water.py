"""The rivers: what enters must come out, later and thinner."""

import math
from datetime import timedelta

import numpy as np
import pytest

from bihuan.app.city import City
from bihuan.app.city.draws import table
from bihuan.app.city.enterprises import water_flow
from bihuan.app.city.ground import travel_time, way_along
from bihuan.app.city.water import WaterSignals
from bihuan.core import Ref, local_date
from bihuan.register import Outlet, Section


@pytest.fixture(scope="module")
def water(easy: City) -> WaterSignals:
    return WaterSignals(easy._truth)


def test_a_place_is_found_again_along_its_river(easy: City) -> None:
    river = easy.plan.rivers[0]
    place = easy.plan.plane.place(*river.at(9000.0))
    assert way_along(river, easy.plan.plane, place) == pytest.approx(9000.0, abs=20.0)


def test_above_all_outlets_only_decay_acts(easy: City, water: WaterSignals) -> None:
    river, settings = easy.plan.rivers[0], table("defaults")["rivers"]
    way = 0.04 * river.length
    carried = water._carried(river, way, "nh3n", easy._ends)
    kept = math.exp(-settings["decay"]["nh3n"] / 86_400 * way / river.velocity)
    assert carried == pytest.approx(settings["upstream"]["nh3n"] * kept)


def test_at_the_mouth_the_flow_is_the_sum_of_all_inflows(easy: City, water: WaterSignals) -> None:
    outlets = [o for o in easy.plan.register.all(Outlet, local_date(easy.start)) if o.medium == "water"]
    main = easy.plan.rivers[0]
    load, flow = water._load(main, main.length, "tn", easy._ends, 0.0)
    assert flow == pytest.approx(sum(r.flow for r in easy.plan.rivers) + sum(water_flow(o) for o in outlets))
    settings = table("defaults")["rivers"]
    entered = sum(r.flow for r in easy.plan.rivers) * settings["upstream"]["tn"]
    entered += sum(o.rates.get("tn", 0.0) for o in outlets)
    assert 0.9 * entered < load[0] < entered


def test_an_outfall_over_its_limits_is_seen_downstream_later_and_nowhere_upstream(easy: City) -> None:
    incident = next(f.incident for f in easy.reveal() if f.incident.kind == "water_outfall")
    day = local_date(easy.start)
    outlet = easy.plan.register.need(Outlet, incident.source.id, day)
    river = next(r for r in easy.plan.rivers if r.name == outlet.river)
    enters = way_along(river, easy.plan.plane, outlet.place)
    first = int((incident.period.start - easy.start) / timedelta(hours=1))
    seen = []
    for section in easy.plan.register.all(Section, day):
        if section.river != river.name:
            continue
        told = easy._reports[(Ref("section", section.id), "hour")]
        column = told.values[:, told.columns.index(("nh3n", "avg"))]
        way = way_along(river, easy.plan.plane, section.place)
        late = first + (way - enters) / river.velocity / 3600
        if way < enters:
            assert column.max() < 1.15 * np.median(column)
        elif late + 2 <= easy.plan.hours - 1:
            assert column[int(late) + 2] > np.median(column[:first]) + 0.4
            seen.append(section.id)
    assert seen


def test_the_rivers_reach_their_class_when_nothing_happens(easy: City) -> None:
    for section in easy.plan.register.all(Section, local_date(easy.start)):
        told = easy._reports[(Ref("section", section.id), "hour")]
        quiet = told.values[:5]
        columns = [name for name, _ in told.columns]
        for name, limit in (("codmn", 6.0), ("nh3n", 1.0), ("tp", 0.2)):  # class III of GB 3838-2002
            assert quiet[:, columns.index(name)].max() < limit
        assert quiet[:, columns.index("do")].min() > 5.0


def test_water_reaches_only_what_lies_downstream(easy: City) -> None:
    main, tributary = easy.plan.rivers[0], easy.plan.rivers[1]
    from_tributary = travel_time(easy.plan.rivers, (tributary.name, 0.0), (main.name, tributary.mouth + 900.0))
    assert from_tributary == pytest.approx(tributary.length / tributary.velocity + 900.0 / main.velocity)
    assert travel_time(easy.plan.rivers, (main.name, 5000.0), (main.name, 4000.0)) is None
    assert travel_time(easy.plan.rivers, (main.name, 0.0), (tributary.name, 10.0)) is None
    assert travel_time(easy.plan.rivers, (tributary.name, 0.0), (main.name, tributary.mouth - 1.0)) is None
