"""Signs once a day: kept once, dismissed for good, made an alarm only by a person, and cheap to look for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.app.signing import Signing, Signs, alarm_of_sign, last_run, save_alarm, signs_of
from bihuan.app.town import Town
from bihuan.core import CHINA, Event, InputError, Place, Ref, from_json
from bihuan.register import Outlet, PermitLimit, Station
from bihuan.store import Store, open_store
from tests.observations.signs.series import HOURS, WEEK, air

NOW = datetime(2026, 3, 2, 20, tzinfo=UTC)  # 04:00 of 3 March
END = NOW - timedelta(hours=1)
PLACE = Place(113.6, 34.7)


def hours(value: np.ndarray, kind: str, pollutant: str, stat: str = "avg") -> pl.DataFrame:
    start = [END - timedelta(hours=HOURS - k) for k in range(HOURS)]
    parts = [
        pl.DataFrame({"site": [f"{kind}:{n}"] * HOURS, "start": start, "value": row}) for n, row in enumerate(value)
    ]
    words = {"pollutant": pollutant, "stat": stat, "basis": "device", "mark": "", "quality": "good", "reason": ""}
    return pl.concat(parts).with_columns(
        pl.col("start").dt.cast_time_unit("us"),
        pl.lit(0, pl.Int32).alias("count"),
        end=(pl.col("start") + timedelta(hours=1)).dt.cast_time_unit("us"),
        level=pl.lit("realtime"),
        **{name: pl.lit(word) for name, word in words.items()},
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Eight national stations of which one copies another, and three stacks of which one is cut off at its limit."""
    with open_store(tmp_path, threads=1) as opened:
        stations = [Station(id=str(k), name=f"S{k}", kind="national", place=PLACE, district="410102") for k in range(8)]
        limits = (PermitLimit("so2", 80.0, "hour"),)
        outlets = [
            Outlet(
                id=str(k),
                name="",
                enterprise="E",
                place=PLACE,
                district="410102",
                medium="air",
                limits=limits,
                o2_reference=9.0,
            )
            for k in range(3)
        ]
        opened.records.save_facts([*stations, *outlets])
        value = air(1)
        value[2, -60:-30] = value[5, -60:-30]
        stacks = air(21, 3, level=4.2)
        stacks[0, -WEEK:] = np.where(stacks[0, -WEEK:] > 78, 78 - np.arange(WEEK) % 2, stacks[0, -WEEK:])
        opened.series.append(hours=hours(value, "station", "pm10"))
        opened.series.append(hours=hours(stacks, "outlet", "so2", "zs_avg"))
        yield opened


def town(store: Store) -> Town:
    return Town(store.records.register(), NOW.date())


def test_a_run_finds_what_stands_in_the_store_and_writes_nothing(store: Store) -> None:
    found = signs_of(store, town(store), END)
    kinds = {(sign.kind, str(sign.site)) for sign in found}
    assert {("copied_site", "station:2"), ("copied_site", "station:5")} <= kinds
    assert ("clipped_limit", "outlet:0") in kinds
    assert store.records.count("sign") == 0


def test_the_daily_run_waits_for_its_hour_and_goes_once_a_day(store: Store) -> None:
    signing = Signing(store, CHINA)
    assert signing.due(town(store), NOW - timedelta(hours=2)) == ()
    assert last_run(store.records) is None
    first = signing.due(town(store), NOW)
    assert {kept.state for kept in first} == {"open"}
    assert signing.due(town(store), NOW + timedelta(hours=1)) == ()
    assert Signing(store, CHINA).due(town(store), NOW + timedelta(hours=2)) == (), "another process knows as well"
    assert last_run(store.records) == datetime(2026, 3, 3, tzinfo=UTC).date()


def test_a_dismissed_sign_does_not_come_back_the_next_morning(store: Store) -> None:
    signs, signing = Signs(store.records), Signing(store, CHINA)
    found = signing.due(town(store), NOW)
    for kept in found:
        signs.decide(kept.sign.id, "dismissed", ("P1", "duty"), "one instrument", NOW)
    assert signing.due(town(store), NOW + timedelta(days=1)) == ()
    assert {kept.state for kept in signs.find()} == {"dismissed"}


def test_a_sign_that_nobody_decided_on_is_over_after_a_month(store: Store) -> None:
    signing = Signing(store, CHINA)
    signing.due(town(store), NOW)
    signing.due(town(store), NOW + timedelta(days=31))
    assert {kept.state for kept in Signs(store.records).find()} == {"gone"}


def test_a_dismissal_needs_a_reason_and_is_the_last_word(store: Store) -> None:
    signs = Signs(store.records)
    ident = Signing(store, CHINA).due(town(store), NOW)[0].sign.id
    with pytest.raises(InputError, match="only with a reason"):
        signs.decide(ident, "dismissed", ("P1", "duty"), " ", NOW)
    assert signs.decide(ident, "dismissed", ("P1", "duty"), "shared logger", NOW).reason == "shared logger"
    with pytest.raises(InputError, match="dismissed already"):
        signs.decide(ident, "sent", ("P1", "duty"), "", NOW)
    with pytest.raises(InputError, match="is not known"):
        signs.decide("nothing", "sent", ("P1", "duty"), "", NOW)


def test_the_run_itself_makes_no_alarm_and_a_person_makes_one_of_the_lowest_grade(store: Store) -> None:
    kept = Signing(store, CHINA).due(town(store), NOW)[0]
    assert store.records.count("event") == 0
    event = alarm_of_sign(kept, town(store))
    save_alarm(store, event, kept.sign)
    assert (event.kind, event.grade, event.rule, event.value) == ("pattern", "note", "sign_series", None)
    assert from_json(store.records.find("event")[0].body, Event) == event
    assert [link.from_ref for link in store.records.linked(event.ref, "back")] == [Ref("sign", kept.sign.id)]
