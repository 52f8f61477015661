"""What officers found moves the next ranking, fades, teaches the grid cell, and leaves everything else as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from bihuan.app.findings import FINDING_WEIGHT, HALF_LIFE, LEAST, Learned, Prior, learned
from bihuan.app.suspicion import Suspicion, own_suspect
from bihuan.app.town import Town
from bihuan.app.values import as_values
from bihuan.cases import PATROL, Action, Actor, Case, Photo, open_from_event, step
from bihuan.core import CHINA, Period, Ref, Suspects, local_date, to_json
from bihuan.register import Register
from tests.app.hamlet import HOUR, MIDNIGHT, STACK, Hamlet, at_km, facts
from tests.app.rises import rise

ON = local_date(MIDNIGHT, CHINA)
TWIN = next(replace(one, id="DA2", name="三号排口", place=at_km(0.1, 1.1)) for one in facts() if one.id == STACK)
REGISTER = Register([*facts(), TWIN])
"""Beside the stack stands another like it: they share the odds, so that a finding has room to move them."""
OFFICER = Actor("officer", ("grid_officer",), "street", "d")
SOURCE = Ref("outlet", STACK)
DAY = timedelta(days=1)
VISIT = MIDNIGHT - DAY
"""The day before everything else."""


def visited(result: str, at: datetime = VISIT, source: Ref = SOURCE, ident: str = "before") -> Case:
    """A case that an officer has seen to the end of his visit."""
    event = rise(id=ident, period=Period(at - HOUR, at))
    named = own_suspect(replace(event, subject=source), "x").ranked
    case = open_from_event(event, REGISTER, at, suspects=replace(own_suspect(event, "x"), ranked=named)).case
    case = step(case, Action("dispatch", Actor("duty", ("duty_officer",)), at))
    case = step(case, Action("sign", OFFICER, at))
    case = step(case, Action("arrive", OFFICER, at, place=case.place))
    photo = (Photo("sha256:1", "after", at, case.place),)
    return step(case, Action("handle", OFFICER, at, {"result": result, "note": "x"}, photos=photo))


def patrolled(result: str, at: datetime = VISIT, ident: str = "patrol") -> Case:
    """The same of a patrol: nobody of the list was believed."""
    case = visited(result, at, ident=ident)
    return replace(case, suspect=None, visits=(), matter=PATROL)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Two quiet hours, then an hour in which the first station rises with the stacks upwind."""
    with Hamlet(tmp_path_factory.mktemp("hamlet") / "home") as town:
        town.pass_time(2)
        town.rise = {1: {"so2": 150.0}}
        town.pass_time(1)
        rows = town.store.series.readings(interval="minute")
        return as_values(Suspicion(Town(REGISTER, ON)).with_sites(rows), "minute")


def ranked(seen: pl.DataFrame, *cases: Case) -> Suspects:
    return Suspicion(Town(REGISTER, ON)).rank(rise(), seen, MIDNIGHT + 3 * HOUR, cases)


def chance(found: Suspects) -> float:
    return next((one.probability for one in found.ranked if one.source == SOURCE), 0.0)


def test_without_a_finding_the_ranking_is_the_same_byte_for_byte(seen: pl.DataFrame) -> None:
    suspicion, event = Suspicion(Town(REGISTER, ON)), rise()
    rows = seen.filter(pl.col("end") <= MIDNIGHT + 3 * HOUR)
    bare = suspicion.tracer.rank(
        event, suspicion.series(rows, "so2"), Town(REGISTER, ON).sources, suspicion.weather(rows)
    )
    opened = open_from_event(rise(id="open"), REGISTER, VISIT).case
    later = visited("untrue", MIDNIGHT + 4 * HOUR)
    looked = visited("no_access")
    for cases in ((), (opened,), (looked,), (later,), (visited("true", VISIT - 60 * DAY),)):
        assert to_json(ranked(seen, *cases)) == to_json(bare)


@pytest.mark.parametrize("result", sorted(FINDING_WEIGHT))
def test_a_right_finding_raises_a_source_and_a_wrong_one_lowers_it(seen: pl.DataFrame, result: str) -> None:
    plain, found = chance(ranked(seen)), chance(ranked(seen, visited(result)))
    assert 0.02 < plain < 0.98, "room to move either way"
    assert (found > plain) == (FINDING_WEIGHT[result] > 1)
    assert found != plain


def test_a_finding_fades_with_its_half_life_and_is_over_when_it_says() -> None:
    case = visited("true")
    fresh = learned([case], VISIT, REGISTER).of_source[SOURCE]
    assert fresh.factor == FINDING_WEIGHT["true"]
    half = learned([case], VISIT + HALF_LIFE, REGISTER).of_source[SOURCE]
    assert half.factor == pytest.approx(3.0**0.5)
    last = learned([case], fresh.until - timedelta(seconds=1), REGISTER).of_source[SOURCE]
    assert last.factor == pytest.approx(1.05, abs=1e-5)
    assert learned([case], fresh.until, REGISTER) == Prior(fresh.until)


def test_a_finding_says_who_found_it_when_and_in_which_case() -> None:
    case = visited("untrue")
    (one,) = learned([case], MIDNIGHT, REGISTER).findings
    assert (one.source, one.role, one.at, one.case, one.cell) == (SOURCE, "grid_officer", VISIT, case.id, "v")


def test_the_last_finding_at_a_source_counts() -> None:
    cases = [visited("true", VISIT - HOUR, ident="a"), visited("not_found", VISIT, ident="b")]
    for order in (cases, cases[::-1]):
        assert learned(order, VISIT, REGISTER).weights == {SOURCE: FINDING_WEIGHT["not_found"]}


def test_what_reached_us_later_does_not_count_yet() -> None:
    """An officer without network told it in the evening: whoever looks at noon must see what the loop saw at noon."""
    case = visited("untrue")
    told = case.steps[-1]
    late = replace(case, steps=(*case.steps[:-1], replace(told, logged=VISIT + 6 * HOUR)))
    assert learned([late], VISIT + 5 * HOUR, REGISTER).weights == {}
    assert SOURCE in learned([late], VISIT + 6 * HOUR, REGISTER).weights


def test_a_mended_logger_caught_nobody() -> None:
    case = visited("fixed_on_site")
    mended = replace(case, opening=replace(case.opening, kind="maintenance"))
    assert learned([mended], VISIT, REGISTER).findings == ()


def test_a_source_found_outside_the_list_raises_that_row_in_its_cell_and_nowhere_else(seen: pl.DataFrame) -> None:
    taught = ranked(seen, patrolled("true"))
    assert taught.none_of_listed > ranked(seen).none_of_listed
    known = learned([patrolled("true")], VISIT, REGISTER)
    cell = known.of_cell("v", 0.12)
    assert cell is not None
    assert (cell.outside, cell.listed) == (1, 0)
    assert cell.share == pytest.approx((4 * 0.12 + 1) / 5)
    assert known.of_cell("elsewhere", 0.12) is None
    assert known.weights == {}


def test_sources_caught_on_the_list_lower_that_row_down_to_a_floor() -> None:
    cases = [visited("true", VISIT - n * HOUR, ident=f"c{n}") for n in range(20)]
    few = learned(cases[:1], VISIT, REGISTER).of_cell("v", 0.12)
    many = learned(cases, VISIT, REGISTER).of_cell("v", 0.12)
    assert few is not None and many is not None
    assert 0.12 > few.share > many.share == pytest.approx(LEAST * 0.12)


def test_a_patrol_that_found_nothing_teaches_nothing() -> None:
    assert learned([patrolled("not_found")], VISIT, REGISTER).findings == ()


def test_a_cell_without_findings_gives_back_the_same_tracer() -> None:
    tracer = Suspicion(Town(REGISTER, ON)).tracer
    assert Prior(VISIT).fitted(tracer, "v") is tracer
    taught = learned([patrolled("true")], VISIT, REGISTER).fitted(tracer, "v")
    assert taught.settings.hidden_share > tracer.settings.hidden_share
    assert tracer.settings.hidden_share == type(tracer.settings)().hidden_share


def test_a_result_without_weight_still_tells_the_cell() -> None:
    one = learned([_transferred()], VISIT, REGISTER).findings[0]
    assert isinstance(one, Learned)
    assert one.factor == 1.0


def _transferred() -> Case:
    case = visited("true")
    (visit,) = case.visits
    return replace(case, visits=(replace(visit, result="transferred"),))
