"""Every case of a city day walks back to journalled frames and forward to case and effect."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.alerts import Warning
from bihuan.app.city import City
from bihuan.app.explain import Chain, explain, explain_ref
from bihuan.app.rig import CityRun
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import CHINA, Effect, Event, InputError, NotCovered, Period, Ref, Verdict, from_json, to_json
from bihuan.devices.hj212 import envelope
from bihuan.store import Link, Row, Store, backup, open_store, restore
from tests.app.lived import Lived


@pytest.fixture(scope="module")
def store(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A copy of what the small city remembers, for these tests to write into."""
    folder = tmp_path_factory.mktemp("copy")
    backup(lived.run.store, folder / "backup", lived.run.city.now)
    restore(folder / "backup", folder / "home")
    with open_store(folder / "home") as copy:
        yield copy


@pytest.fixture(scope="module")
def town(lived: Lived) -> Town:
    return lived.run.loop.town


@pytest.fixture(scope="module")
def cases(lived: Lived) -> tuple[Case, ...]:
    assert lived.run.loop.desk.cases
    return lived.run.loop.desk.cases


@pytest.fixture(scope="module")
def measured(cases: tuple[Case, ...]) -> Case:
    """The first case that a rise or a limit opened; a silence has no readings to walk forward from."""
    return next(case for case in cases if case.kind == "issue")


def refs(nodes: object) -> list[str]:
    return [str(node.ref) for node in nodes]  # type: ignore[attr-defined]


def hold_case(store: Store, case: Case) -> Chain:
    """What must hold for the chain of any case that measurements opened."""
    chain = explain(store, case.ref, CHINA)
    assert {str(ref) for ref in case.sources} <= set(refs(chain.back))
    assert chain.frame_count
    for node in chain.frames:
        record = store.journal.read(node.ref.id)
        assert node.what["peer"] == record.peer
        assert envelope(record.raw).mn in node.what["raw"]
        assert envelope(record.raw).pw not in node.what["raw"]
    effects = {str(link.to_ref) for link in store.records.linked(case.ref, "forward") if link.to_ref.kind == "effect"}
    assert effects <= set(refs(chain.forward))
    if case.effective is not None:
        assert effects
    for ref in case.sources:
        assert str(case.ref) in refs(explain(store, ref, CHINA).forward)
    return chain


def test_every_case_walks_back_to_frames_and_forward(cases: tuple[Case, ...], town: Town, store: Store) -> None:
    for case in cases:
        chain = hold_case(store, case)
        mine = {device for device, site in town.site_of.items() if site == str(case.opening.subject)}
        assert {envelope(store.journal.read(node.ref.id).raw).mn for node in chain.frames} & mine


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_every_case_of_a_whole_city_day_does(tmp_path: Path) -> None:
    kinds = set()
    with CityRun(City(1, hours=24), tmp_path / "home") as run:
        for _ in run.ticks():
            pass
        for case in run.loop.desk.cases:
            hold_case(run.store, case)
            kinds |= {
                from_json(row.body, Event).kind
                for ref in case.sources
                if (row := run.store.records.get("event", ref.id)) is not None
            }
        for row in run.store.records.find("effect"):
            assert explain(run.store, Ref("effect", row.id), CHINA).frame_count
        rows = run.store.records.find("event")
        assert all(explain(run.store, Ref("event", row.id), CHINA).frame_count for row in rows)
    assert len(run.loop.desk.cases) >= 5
    assert {"pattern", "limit", "silence"} <= kinds


def test_a_verdict_rests_on_readings_and_these_on_frames(store: Store) -> None:
    rows = store.records.find("verdict", since=store.records.find("verdict", newest_first=True, limit=1)[0].start)
    verdicts = [from_json(row.body, Verdict) for row in rows]
    for verdict in [one for one in verdicts if one.value is not None][::25]:
        chain = explain(store, verdict.ref, CHINA)
        assert set(refs(chain.back)) == {str(ref) for ref in verdict.inputs}
        assert chain.frame_count
        assert not [node for node in chain.back if node.note]
        received = [node.what["received"] for node in chain.frames]
        assert min(received) > chain.asked.what["period"]["start"]
    city = next(one for one in verdicts if one.subject.kind == "city")
    chain = explain(store, city.ref, CHINA)
    stations = {ref.id.split("/")[0] for ref in city.inputs}
    assert len({envelope(store.journal.read(node.ref.id).raw).mn for node in chain.frames}) >= len(stations) > 3


def test_a_frame_leads_to_the_verdict_the_event_and_the_case_it_served(measured: Case, store: Store) -> None:
    case = measured
    event = next(ref for ref in case.sources if ref.kind == "event")
    frame = explain(store, event, CHINA).frames[0].ref
    chain = explain(store, frame, CHINA)
    assert {str(event), str(case.ref)} <= set(refs(chain.forward))
    assert (chain.back, chain.frame_count, refs(chain.frames)) == ((), 1, [str(frame)])
    verdict = from_json(store.records.find("verdict", limit=1)[0].body, Verdict)
    reading = verdict.inputs[0]
    assert str(verdict.ref) in refs(explain(store, reading, CHINA).forward)
    frame = explain(store, reading, CHINA).frames[0].ref
    assert str(verdict.ref) in refs(explain(store, frame, CHINA).forward)


def test_a_silence_shows_the_last_frame_that_was_heard(lived: Lived, town: Town, store: Store) -> None:
    known = from_json(store.records.find("event", limit=1)[0].body, Event)
    site = town.stations[3]
    since = lived.began + timedelta(minutes=30)
    event = replace(
        known,
        id="quiet",
        kind="silence",
        rule="silence",
        subject=Ref("station", site.id),
        period=Period(since, since + timedelta(hours=1)),
        inputs=(),
    )
    store.records.save("event", [Row(event.id, to_json(event), str(event.subject), "open", start=since)])
    chain = explain(store, event.ref, CHINA)
    assert chain.asked.note == "silence"
    last = store.series.readings(town.site_of, None, None, Period(lived.began, since))
    mine = [mn for mn, place in town.site_of.items() if place == f"station:{site.id}"]
    last = last.filter(last["device"].is_in(mine)).sort("start")
    assert refs(chain.frames) == [f"frame:{last['frame'][-1]}"]
    early = replace(event, id="never", period=Period(lived.began - timedelta(hours=2), since))
    store.records.save("event", [Row(early.id, to_json(early), str(early.subject), "open", start=since)])
    assert explain(store, early.ref, CHINA).asked.note == "never_heard"


def test_a_measured_effect_is_found_from_the_case_and_from_the_frame(measured: Case, store: Store) -> None:
    case = measured
    effect = Effect("fx", case.ref, "so2", 9.0, 1.0, -8.0, -9.0, -7.0, "effective", method="hand/1")
    store.records.save("effect", [Row(effect.id, to_json(effect), str(case.ref), effect.verdict)])
    store.records.link([Link(case.ref, effect.ref)])
    back = explain(store, effect.ref, CHINA)
    assert str(case.ref) in refs(back.back)
    assert back.frame_count
    assert str(effect.ref) in refs(explain(store, back.frames[0].ref, CHINA).forward)
    assert back.as_dict()["asked"]["what"]["verdict"] == "effective"


def test_a_drafted_warning_rests_on_the_hours_of_the_city(town: Town, store: Store) -> None:
    hours = [from_json(row.body, Verdict) for row in store.records.find("verdict", subject=str(town.ref))]
    draft = Warning(
        id="w1",
        sequence=1,
        state="proposed",
        action="issue",
        area=town.ref,
        scheme="zhengzhou-2023",
        number="",
        clause="",
        status="confirmed",
        grade="yellow",
        response="III",
        before="",
        period=hours[0].period,
        proposal=Ref("proposal", "p1"),
    )
    store.records.save("warning", [Row(draft.ref.id, to_json(draft), str(draft.area), draft.state)])
    store.records.link([Link(hours[0].ref, draft.ref)])
    chain = explain(store, draft.ref, CHINA)
    assert refs(chain.back)[0] == str(hours[0].ref)
    assert chain.frame_count > 3
    assert refs(explain(store, hours[0].ref, CHINA).forward) == [str(draft.ref)]


def test_the_words_tell_the_way_in_both_languages(cases: tuple[Case, ...], store: Store) -> None:
    chain = explain(store, cases[0].ref, CHINA)
    for language, said in (("zh", "原始报文"), ("en", "raw frames")):
        words = chain.words(language)  # type: ignore[arg-type]
        assert said in words
        assert chain.frames[0].what["received"] in words
        assert "PW=******" in words


@pytest.mark.parametrize(
    ("ref", "error", "said"),
    [
        ("case:nobody", NotCovered, "case:nobody is not stored here"),
        ("frame:g1-9/64", NotCovered, "frame:g1-9/64 is not stored here"),
        ("reading:station:1/pm25/avg/device/2020-01-01T00:00:00Z", NotCovered, "is not stored here"),
        ("reading:pm25", InputError, "write reading:site/pollutant/stat/basis/start"),
        ("station:1", InputError, "explained are verdict, event, suspects"),
        ("nonsense", InputError, "write kind:id"),
    ],
)
def test_what_cannot_be_explained_is_named(store: Store, ref: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said.replace(":", ".")):
        explain(store, Ref.parse(ref), CHINA) if ref.count(":") and not ref.startswith("station") else explain_ref(
            store.home.path, ref
        )


def test_a_home_without_a_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotCovered, match="holds no store"):
        explain_ref(tmp_path / "none", "case:1")
