"""Settings and run states that loggers tell: changes, lines without treatment, two addresses, from frame to case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.app.explain import explain
from bihuan.app.heads import door_peer
from bihuan.app.loop import TICK
from bihuan.app.presence import doubles_of
from bihuan.app.settingbook import Change, changes_in, changes_of, differs
from bihuan.app.signing import KeptSign, Signing, Signs, alarm_of_sign, save_alarm
from bihuan.core import CHINA, HOUR, Event, Period, Ref
from bihuan.devices.hj212 import encode, write_stamp
from bihuan.register import Device, Fact
from bihuan.store import Journal, encode_entry
from tests.app.hamlet import MIDNIGHT, STACK, Hamlet, Sent
from tests.app.hamlet import facts as of_hamlet
from tests.app.test_signing import hours
from tests.observations.signs.series import air


def meters(*, control: bool) -> list[Fact]:
    """The hamlet with meters at its stack."""
    site = f"outlet:{STACK}"
    lines = ["production:kiln", *(["control:kiln"] if control else [])]
    own = [
        Device(id=f"E{k}", name="", site=site, protocol="electricity", line=line, rhythm={"minute": 300})
        for k, line in enumerate(lines)
    ]
    return [*of_hamlet(), *own]


def tell(town: Hamlet, cn: str, groups: list[list[tuple[str, str]]], mn: str = "MNA") -> None:
    """A frame of another command than data goes into the journal."""
    device = town.device(mn)
    stamp = write_stamp(town.now, CHINA)
    raw = encode(cn, mn, [[("DataTime", stamp)], *groups], qn=f"{stamp}000", st="31", pw=device.password)
    town.hear([Sent(raw, town.now)])


def power(town: Hamlet, *kilowatts: float) -> None:
    """What the meters measured in the last five minutes, in their own JSON."""
    local = (town.now - TICK).astimezone(CHINA).isoformat()
    meters = ",".join(f'{{"id":"E{k}","power":{value}}}' for k, value in enumerate(kilowatts))
    body = f'{{"device":"E0","time":"{local}","meters":[{meters}]}}'.encode()
    with closing(Journal(town.home / "journal", "g2")) as journal:
        journal.append([encode_entry(body, town.now, door_peer("mqtt", "broker", "E0"), "known")])


def lives(town: Hamlet, *kilowatts: float, ticks: int = 1, states: tuple[str, ...] = ()) -> list[Event]:
    """Steps of five minutes with the same power, and what the rules told."""
    told: list[Event] = []
    for _ in range(ticks):
        town.now += TICK
        power(town, *kilowatts)
        if states:
            tell(town, "2021", [[(f"SB{k}-RS", value)] for k, value in enumerate(states, 1)])
        told += town.loop.step(town.now).events
    return [event for event in told if event.rule in ("uncontrolled_line", "double_peer")]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Hamlet]:
    with Hamlet(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("code", "before", "after", "changed"),
    [
        ("i13008", "1.00", "1.0", False),
        ("i13008", "1.00", "0.62", True),
        ("i13007", "0", "0.02", True),
        ("i13004", "165.0", "167.1", False),
        ("i13004", "165.0", "120.0", True),
        ("i12001", "1", "3", True),
        ("i11001", "door shut", "door open", True),
        ("i13008", "NaN", "0.62", True),
    ],
)
def test_numbers_differ_as_numbers_and_a_temperature_by_more_than_it_wanders(
    code: str, before: str, after: str, changed: bool
) -> None:
    assert differs(code, before, after) is changed
    assert differs(code, after, before) is changed


def test_the_first_telling_is_no_change_and_the_next_one_names_its_frame(town: Hamlet) -> None:
    for slope in ("1.00", "1.0", "0.62"):
        tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", slope)]])
        outcome = town.step()
    (change,) = outcome.watched.changes
    assert (change.pollutant, change.name, change.before, change.after) == ("so2", "slope", "1.00", "0.62")
    assert change.site == f"outlet:{STACK}"
    assert b"i13008-Info=0.62" in town.store.journal.read(change.frame).raw
    assert changes_of(town.store.records, "MNA") == [change]


def test_another_process_knows_what_was_told_and_old_news_changes_nothing(town: Hamlet) -> None:
    tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", "1.00")]])
    town.step()
    late = town.now
    town.reopen()
    tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", "0.80")]])
    assert [one.after for one in town.step().watched.changes] == ["0.80"]
    town.now = late
    tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", "1.00")]])  # kept back on the way
    town.now += 3 * TICK
    assert town.step().watched.changes == ()


def test_a_change_in_a_frame_becomes_a_sign_an_alarm_and_walks_back_to_the_frame(town: Hamlet) -> None:
    """One id from the frame to the sign page: the change is named by the sign, the sign by the alarm."""
    end = MIDNIGHT + 100 * HOUR
    value = air(15)[0]
    limit = float(np.quantile(value[-96:-72], 0.9))
    value[-72:] = np.round(value[-72:] * 0.55)
    outlet = next(fact for fact in town.facts if fact.id == STACK)
    permit = replace(outlet.limits[0], limit=limit)  # type: ignore[attr-defined]
    town.store.records.save_facts([replace(outlet, o2_reference=None, limits=(permit,))])  # type: ignore[call-arg]
    town.loop.renew_register()
    rows = hours(value[None, :], "outlet", "so2").with_columns(site=pl.lit(f"outlet:{STACK}"))
    shift = end - rows["end"].max()  # type: ignore[operator]
    town.store.series.append(hours=rows.with_columns(start=_moved("start", shift), end=_moved("end", shift)))
    town.now = end - 72 * HOUR - timedelta(minutes=20)
    tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", "1.00")]])
    town.step(end - 72 * HOUR - timedelta(minutes=15))
    tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", "0.55")]])
    (change,) = town.step(end - 72 * HOUR - timedelta(minutes=10)).watched.changes
    found = [kept for kept in Signing(town.store, CHINA).due(town.loop.town, end + HOUR) if _is_change(kept)]
    (kept,) = found
    assert kept.sign.inputs == (change.ref,)
    assert (kept.sign.figures["before"], kept.sign.figures["after"]) == (1.0, 0.55)
    event = alarm_of_sign(kept, town.loop.town)
    save_alarm(town.store, event, kept.sign)
    chain = explain(town.store, event.ref, CHINA)
    assert {kept.sign.ref, change.ref} <= {node.ref for node in chain.back}
    assert f"frame:{change.frame}" in {str(node.ref) for node in chain.frames}
    forward = explain(town.store, change.ref, CHINA).forward
    assert {kept.sign.ref, event.ref} <= {node.ref for node in forward}
    assert Signs(town.store.records).get(kept.sign.id) == kept


def _moved(name: str, by: timedelta) -> pl.Expr:
    return (pl.col(name) + by).dt.cast_time_unit("us")


def _is_change(kept: KeptSign) -> bool:
    return kept.sign.kind == "parameter_change"


def test_an_executed_order_is_a_change_with_its_person_and_its_echo_is_none(town: Hamlet) -> None:
    device, book = town.device("MNA"), town.loop.watch.settings
    given = {"analyser": "a21026", "info": "i13008", "value": "0.90"}
    made = book.ordered(device, "o1", given, ("engineer", "span check"), town.now)
    assert (made.person, made.reason, made.before, made.first) == ("engineer", "span check", "", False)
    town.now += TICK
    tell(town, "3020", [[("PolId", "a21026"), ("i13008-Info", "0.9")]])
    assert town.step().watched.changes == ()
    table = changes_in(town.store.records, Period(MIDNIGHT, town.now))
    assert table.select("site", "pollutant", "parameter", "before", "after", "ref").rows() == [
        (f"outlet:{STACK}", "so2", "slope", None, 0.9, str(made.ref))
    ]


def test_times_of_calibration_and_states_are_kept_and_no_reason_for_a_sign(town: Hamlet) -> None:
    for day, state in (("20260301080000", "0"), ("20260311000000", "3")):
        tell(town, "3020", [[("PolId", "a21026"), ("i13006-Info", day)], [("PolId", "a21026"), ("i12001-Info", state)]])
        town.step()
    kinds: list[Change] = changes_of(town.store.records, "MNA")
    assert {(one.kind, one.after) for one in kinds} == {("parameter", "20260311000000"), ("state", "3")}
    assert changes_in(town.store.records, Period(MIDNIGHT, town.now)).is_empty()


def test_production_without_treatment_raises_once_it_has_held_and_opens_an_issue_for_the_department(
    tmp_path: Path,
) -> None:
    with Hamlet(tmp_path, facts=meters(control=True)) as town:
        assert not lives(town, 40.0, 6.0, ticks=3)
        assert not lives(town, 40.0, 0.1, ticks=2), "two reports are no quarter of an hour"
        (event,) = lives(town, 40.0, 0.1)
        assert (event.kind, str(event.subject), event.pollutant, event.open) == (
            "pattern",
            f"outlet:{STACK}",
            "power",
            True,
        )
        assert event.period.start == MIDNIGHT + 3 * TICK
        assert event.value == pytest.approx(40.0)
        (case,) = town.loop.desk.open_cases
        assert (case.kind, case.matter, case.lead) == ("issue", "industry", "ecology")
        chain = explain(town.store, event.ref, CHINA)
        assert chain.frame_count >= 3
        closed = lives(town, 40.0, 6.0, ticks=3)
        assert [one.open for one in closed] == [True, True, False]
        assert {one.id for one in closed} == {event.id}


def test_a_line_that_nobody_measures_is_never_said_to_be_untreated(tmp_path: Path) -> None:
    with Hamlet(tmp_path, facts=meters(control=False)) as town:
        assert not lives(town, 40.0, ticks=8)


def test_where_the_treatment_has_no_meter_the_run_states_of_the_logger_speak(tmp_path: Path) -> None:
    with Hamlet(tmp_path, facts=meters(control=False)) as town:
        assert not lives(town, 40.0, ticks=4, states=("1", "0")), "one of two runs"
        assert not lives(town, 40.0, ticks=4, states=("0", "3")), "in maintenance is not off"
        told = lives(town, 40.0, ticks=4, states=("0", "0"))
        assert told and told[-1].open
        refs = {ref.kind for ref in told[-1].inputs}
        assert refs == {"readings", "presence"}
        assert explain(town.store, told[-1].ref, CHINA).frame_count >= 4


def test_run_states_that_are_no_longer_told_say_nothing(tmp_path: Path) -> None:
    with Hamlet(tmp_path, facts=meters(control=False)) as town:
        lives(town, 40.0, states=("0",))
        assert not lives(town, 0.0, ticks=5)
        assert not lives(town, 40.0, ticks=8), "what was told half an hour ago may have changed"


def test_a_restart_in_the_middle_raises_the_same_event(tmp_path: Path) -> None:
    events = []
    for cut in (False, True):
        with Hamlet(tmp_path / str(cut), facts=meters(control=False)) as town:
            lives(town, 40.0, ticks=3, states=("0",))
            if cut:
                town.reopen()
            events.append(lives(town, 40.0, ticks=2, states=("0",)))
    assert events[0] == events[1] != []


def by_turns(town: Hamlet, ticks: int) -> list[Event]:
    """Two addresses speak under one MN, one after the other."""
    told: list[Event] = []
    for number in range(ticks):
        town.now += TICK
        peer = "10.0.0.1:4001" if number % 2 else "10.0.0.2:4002"
        raw = town.frame("MN1", "minute", town.now - TICK, {"pm10": 60.0 + number})
        with closing(Journal(town.home / "journal", "g2")) as journal:
            journal.append([encode_entry(raw, town.now, peer, "known")])
        told += [one for one in town.loop.step(town.now).events if one.rule == "double_peer"]
    return told


def test_two_addresses_under_one_mn_raise_one_alert_that_names_both_and_ends_half_an_hour_after(town: Hamlet) -> None:
    told = by_turns(town, 6)
    assert {one.id for one in told} == {told[0].id}
    assert (str(told[0].subject), told[-1].value) == ("station:s1", 4.0)
    (double,) = doubles_of(town.store.records)
    assert told[-1].inputs == (Ref("presence", double.id),)
    (case,) = town.loop.desk.open_cases
    assert (case.kind, case.matter) == ("issue", "data_quality")
    town.reopen()
    ended = [one for _ in range(8) for one in town.step().events if one.rule == "double_peer"]
    assert [one.open for one in ended].count(False) == 1
    assert ended[-1].period.start == told[0].period.start
