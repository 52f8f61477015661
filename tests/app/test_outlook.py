"""The heavy-pollution ladder in the loop: it drafts, a person signs, and it remembers over a restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.alerts import Warning
from bihuan.app.outlook import Outlook
from bihuan.app.town import Town
from bihuan.core import CHINA, InputError, Period, Ref, Verdict, WarningRefused, from_json, local_date, to_json
from bihuan.register import Person, Register
from bihuan.standards import standards
from bihuan.store import Row, Store, open_store
from tests.app.hamlet import HOUR, MIDNIGHT, facts

REGISTER = Register(facts())
TOWN = Town(REGISTER, local_date(MIDNIGHT, CHINA))
SIGNATORY = next(fact for fact in facts() if isinstance(fact, Person) and fact.id == "signatory")
CLERK = next(fact for fact in facts() if isinstance(fact, Person) and fact.id == "clerk")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, threads=1) as made:
        yield made


def allowed() -> frozenset[str]:
    """Every plan for warnings, switched on although it waits for its check (待核)."""
    return frozenset(edition.id for edition in standards() if edition.code == "heavy pollution warning")


def hour(start: datetime, aqi: float) -> Verdict:
    period = Period(start, start + HOUR)
    return Verdict(f"v{start:%d%H}", "aqi_hour", TOWN.ref, period, aqi, "1", "heavy", "HJ 633-2026", "x", "confirmed")


def pass_hours(outlook: Outlook, store: Store, count: int, aqi: float, begin: datetime = MIDNIGHT) -> list[Warning]:
    drafts: list[Warning] = []
    for number in range(count):
        verdict = hour(begin + number * HOUR, aqi)
        row = Row(
            verdict.id, to_json(verdict), str(verdict.subject), start=verdict.period.start, end=verdict.period.end
        )
        store.records.save("verdict", [row])
        drafts += outlook.step(TOWN, [verdict], verdict.period.end + timedelta(minutes=10))
    return drafts


def test_clean_air_drafts_nothing(store: Store) -> None:
    assert pass_hours(Outlook(store, CHINA, allowed()), store, 96, 80.0) == []
    assert store.records.count("warning") == 0


def test_without_a_plan_that_may_decide_here_nothing_is_drafted(store: Store) -> None:
    """On this day only the national guidance of 2018 is in force, and it waits for its check."""
    before = datetime(2019, 1, 9, 16, tzinfo=UTC)
    assert pass_hours(Outlook(store, CHINA), store, 96, 260.0, before) == []
    assert pass_hours(Outlook(store, CHINA, allowed()), store, 96, 260.0, before)


@pytest.fixture
def drafted(store: Store) -> tuple[Outlook, list[Warning]]:
    outlook = Outlook(store, CHINA, allowed())
    return outlook, pass_hours(outlook, store, 72, 260.0)


def test_days_of_heavy_pollution_draft_a_warning_and_nothing_leaves_unsigned(
    store: Store, drafted: tuple[Outlook, list[Warning]]
) -> None:
    _, drafts = drafted
    assert drafts
    first = drafts[0]
    assert (first.state, first.action, first.signed, first.signed_by) == ("proposed", "issue", False, None)
    assert first.area == TOWN.ref
    assert {row.state for row in store.records.find("warning")} == {"proposed"}


def test_a_person_with_the_role_signs_and_answers_for_it_by_name(
    store: Store, drafted: tuple[Outlook, list[Warning]]
) -> None:
    outlook, drafts = drafted
    at = MIDNIGHT + 73 * HOUR
    signed = outlook.sign(drafts[-1].ref.id, SIGNATORY, at)
    assert (signed.state, signed.signed_by, signed.signed_name) == ("issued", Ref("person", "signatory"), "签发人")
    row = store.records.get("warning", signed.ref.id)
    assert row is not None and from_json(row.body, Warning) == signed
    with pytest.raises(WarningRefused, match="already"):
        outlook.sign(drafts[-1].ref.id, SIGNATORY, at)


def test_nobody_else_signs_and_the_draft_stays_a_draft(store: Store, drafted: tuple[Outlook, list[Warning]]) -> None:
    outlook, drafts = drafted
    with pytest.raises(WarningRefused, match="clerk may not sign"):
        outlook.sign(drafts[-1].ref.id, CLERK, MIDNIGHT + 73 * HOUR)
    assert {row.state for row in store.records.find("warning")} == {"proposed"}
    with pytest.raises(InputError, match="'w0' does not exist"):
        outlook.sign("w0", SIGNATORY, MIDNIGHT)


def test_another_process_goes_on_with_the_hours_of_the_first(tmp_path: Path) -> None:
    """A restart in the middle of an episode must not begin its count anew."""
    drafts = []
    for number, restart in enumerate((False, True)):
        with open_store(tmp_path / str(number), threads=1) as store:
            outlook = Outlook(store, CHINA, allowed())
            found = pass_hours(outlook, store, 40, 260.0)
            outlook = Outlook(store, CHINA, allowed()) if restart else outlook
            drafts.append(found + pass_hours(outlook, store, 32, 260.0, MIDNIGHT + 40 * HOUR))
    assert drafts[0]
    assert to_json(drafts[0]) == to_json(drafts[1])


def test_an_hour_that_comes_later_than_the_ladder_looks_back_is_passed_over(store: Store) -> None:
    """After a long stop the first verdicts may be a week old; the loop must go on."""
    outlook = Outlook(store, CHINA, allowed())
    assert outlook.step(TOWN, [hour(MIDNIGHT, 300.0)], MIDNIGHT + timedelta(days=7)) == ()
    assert pass_hours(outlook, store, 3, 80.0, MIDNIGHT + timedelta(days=7)) == []


def test_a_signed_warning_is_in_force_after_a_restart(store: Store, drafted: tuple[Outlook, list[Warning]]) -> None:
    outlook, drafts = drafted
    signed = outlook.sign(drafts[-1].ref.id, SIGNATORY, MIDNIGHT + 73 * HOUR)
    again = Outlook(store, CHINA, allowed())
    later = pass_hours(again, store, 60, 60.0, MIDNIGHT + 72 * HOUR)
    assert later
    assert (later[-1].id, later[-1].action, later[-1].sequence) == (signed.id, "lift", 1)
