"""Metrics with their denominators: what is open and overdue counts."""

from dataclasses import replace
from datetime import timedelta

from bihuan.cases import METRICS, Calendar, Case, Figure, handover, measure, step
from bihuan.core import Period, local_date, local_day, texts
from tests.cases.test_machine import walked
from tests.cases.town import HOUR, NOON, act, fresh

CALENDAR = Calendar()
WEEK = Period(NOON - 12 * HOUR, NOON + 7 * 24 * HOUR)
LATER = NOON + 60 * HOUR


def figures(*cases: Case, now: object = LATER, by: str = "city") -> dict[tuple[str, str], Figure]:
    found = measure(cases, WEEK, now, CALENDAR, by)  # type: ignore[arg-type]
    return {(figure.metric, figure.group): figure for figure in found}


def share(metric: str, *cases: Case, now: object = LATER) -> tuple[int, int]:
    figure = figures(*cases, now=now)[metric, ""]
    return figure.numerator, figure.denominator


def another(number: int) -> Case:
    return fresh(at=NOON + number * timedelta(minutes=1))


def late(case: Case) -> Case:
    """Signed in time, handed in two hours after its due time."""
    case = walked("handle", case)
    return step(case, act("report", "grid_officer", case.opened + 26 * HOUR))


def test_what_is_overdue_and_still_open_counts_as_not_on_time() -> None:
    in_time, too_late, still_open = walked("report"), late(another(1)), another(2)
    assert share("on_time", in_time, too_late, still_open) == (1, 3)


def test_what_falls_due_later_is_not_counted_yet() -> None:
    assert share("on_time", walked("report"), another(1), now=NOON + HOUR) == (0, 0)
    assert figures(walked("report"), now=NOON + HOUR)["on_time", ""].value is None


def test_void_and_merged_cases_count_for_nobody() -> None:
    void = step(another(1), act("void", "dispatcher", NOON + HOUR))
    merged = step(another(2), act("merge", "dispatcher", NOON + HOUR))
    assert share("on_time", void, merged, walked("report")) == (1, 1)


def test_a_hand_in_without_a_check_is_no_closing() -> None:
    assert share("closing", walked("report"), walked("pass", another(1))) == (1, 2)


def test_an_on_time_closing_needs_hand_in_and_check_in_time() -> None:
    slow = step(walked("check", another(1)), act("pass", "verifier", NOON + 24 * 6 * HOUR))
    assert share("closing_on_time", walked("pass"), slow, now=NOON + 24 * 6 * HOUR + HOUR) == (1, 2)


def test_rework_misdirection_rebound_and_signing() -> None:
    again = step(walked("check"), act("rework", "verifier", NOON + HOUR))
    returned = step(walked("dispatch", another(1)), act("return", "grid_officer", NOON + HOUR))
    back = step(walked("pass", another(2)), act("reopen", "system", NOON + 20 * HOUR))
    assert share("rework", again, walked("report", another(3))) == (1, 2)
    assert share("misdirected", again, returned) == (1, 2)
    assert share("rebound", back, walked("pass", another(3))) == (1, 2)
    unsigned = walked("dispatch", another(4))
    assert share("signed_on_time", again, unsigned) == (1, 2)


def complaint(number: int, answer: str) -> Case:
    case = another(number)
    case = walked("pass", replace(case, opening=replace(case.opening, kind="complaint")))
    return step(case, act("revisit", "duty_officer", NOON + 3 * HOUR, satisfaction=answer)) if answer else case


def test_reporters_that_could_not_be_reached_are_set_apart() -> None:
    cases = [complaint(i, answer) for i, answer in enumerate(("satisfied", "fair", "dissatisfied", "unreachable", ""))]
    found = figures(*cases)
    assert (found["satisfied", ""].numerator, found["satisfied", ""].denominator, found["satisfied", ""].apart) == (
        2,
        3,
        1,
    )
    assert (found["revisited", ""].numerator, found["revisited", ""].denominator) == (4, 5)


def test_effects_that_cannot_be_told_are_printed_apart() -> None:
    verdicts = ("effective", "effective", "not_effective", "cannot_tell")
    cases = [
        step(walked("pass", another(i)), act("assess_effect", "system", NOON + 9 * HOUR, verdict=verdict))
        for i, verdict in enumerate(verdicts)
    ]
    figure = figures(*cases)["effective", ""]
    assert (figure.numerator, figure.denominator, figure.apart) == (2, 3, 1)
    assert figure.formula() == "见效数 ÷ (见效数 + 未见效数),另有 1 件无法评估 = 2 / 3"


def test_odd_evidence_is_counted() -> None:
    far = replace(act("report", "grid_officer", NOON + HOUR), photos=())
    shown = replace(far, photos=(replace(act("x", "system").photos[0], taken=NOON - 90 * HOUR),))
    odd = step(walked("handle", another(1)), shown)
    assert share("flagged", odd, walked("report")) == (1, 2)


def test_figures_come_by_district_unit_and_officer_with_their_cases() -> None:
    west = replace(another(1), district="west", lead="ecology", officer="")
    for by, groups in (("district", ["east", "west"]), ("unit", ["ecology", "housing"]), ("officer", ["", "officer"])):
        found = figures(walked("report"), west, by=by)
        assert sorted(group for metric, group in found if metric == "on_time") == groups
    figure = figures(walked("report"), west)["on_time", ""]
    assert len(figure.counted) == 2
    assert figure.met == (walked("report").ref,)


def test_every_metric_prints_its_name_and_formula() -> None:
    words = texts("zh")["case"]
    assert {f"metric_{metric}" for metric in METRICS} <= set(words)
    for figure in measure([walked("report")], WEEK, LATER, CALENDAR):
        assert figure.name()
        assert figure.formula("en").endswith(f"= {figure.numerator} / {figure.denominator}")


def test_no_case_gives_no_share() -> None:
    assert {figure.value for figure in measure([], WEEK, LATER, CALENDAR)} == {None}


def test_the_hand_over_table_of_the_inspectors() -> None:
    """Worked example: east got three today, one handed in in time and one late; west got one the day before."""
    old = replace(walked("dispatch", fresh(at=NOON - 24 * HOUR)), district="west")
    old = replace(old, steps=(old.steps[0], replace(old.steps[1], at=NOON - 24 * HOUR)))
    cases = [walked("report"), late(another(1)), walked("dispatch", another(2)), old]
    rows = handover(cases, local_day(local_date(NOON)), NOON + 23 * HOUR, CALENDAR)
    assert [(row.group, row.today, row.total, row.done, row.on_time, row.due) for row in rows] == [
        ("east", 3, 3, 2, 1, 2),
        ("west", 0, 1, 0, 0, 1),
    ]
    assert (rows[0].done_share, rows[0].on_time_share) == (2 / 3, 1 / 2)
    assert handover([another(1)], local_day(local_date(NOON)), LATER, CALENDAR) == ()
