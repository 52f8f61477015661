"""Metrics as definitions: what is counted, what of it meets, and the formula printed under the figure.

Names follow GB/T 30428 (按期处置率 结案率 返工率 ...; its text is 待核) and the hand-over table of the inspectors.
A case that is overdue and still open counts in every denominator: leaving it out would make any share 100 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bihuan.cases.actions import Step
from bihuan.cases.clocks import Calendar, Clock, clocks
from bihuan.cases.model import Case
from bihuan.core import Language, Period, Ref, text

GroupBy = Literal["city", "district", "unit", "officer"]
"""By area, department or post, as digital city management evaluates."""


@dataclass(frozen=True, slots=True)
class View:
    """One case as a metric looks at it."""

    case: Case
    period: Period
    now: datetime
    clocks: tuple[Clock, ...]

    def steps(self, *kinds: str) -> list[Step]:
        """Return its steps of some kinds within the period."""
        return [entry for entry in self.case.steps if entry.action.kind in kinds and entry.at in self.period]

    def due(self, name: str) -> list[Clock]:
        """Return its clocks of a name that fell due within the period, done or not."""
        return [
            clock for clock in self.clocks if clock.name == name and clock.due in self.period and clock.due <= self.now
        ]


Count = Callable[[View], Sequence[bool | None]]
"""One answer for each thing counted: met, not met, or (None) set apart."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One share with what it was made of.

    Attributes
    ----------
    metric : str
    group : str
        District, unit or officer; empty for the city.
    period : Period
    numerator, denominator, apart : int
        `apart` were looked at and belong to neither.
    counted, met : tuple of Ref
        Cases in the denominator and in the numerator; a case stands as often as it counted.
    """

    metric: str
    group: str
    period: Period
    numerator: int
    denominator: int
    apart: int
    counted: tuple[Ref, ...]
    met: tuple[Ref, ...]

    @property
    def value(self) -> float | None:
        """The share 0-1, None when nothing was counted."""
        return self.numerator / self.denominator if self.denominator else None

    def name(self, language: Language = "zh") -> str:
        """Return its name."""
        return text(f"case.metric_{self.metric}", language)

    def formula(self, language: Language = "zh") -> str:
        """Return how it was made, with its numbers."""
        words = text(f"case.formula_{self.metric}", language, apart=self.apart)
        return f"{words} = {self.numerator} / {self.denominator}"


def measure(
    cases: Iterable[Case], period: Period, now: datetime, calendar: Calendar, by: GroupBy = "city"
) -> tuple[Figure, ...]:
    """Return every metric for every group.

    Parameters
    ----------
    cases : iterable of Case
    period : Period
    now : datetime
        What falls due later is not counted yet.
    calendar : Calendar
    by : GroupBy

    Returns
    -------
    tuple of Figure
        By metric, then by group.
    """
    views = [View(case, period, now, clocks(case, now, calendar)) for case in cases]
    groups = sorted({_group(view.case, by) for view in views}) or [""]
    return tuple(
        _figure(metric, count, group, period, [view for view in views if _group(view.case, by) == group])
        for metric, count in METRICS.items()
        for group in groups
    )


def _group(case: Case, by: GroupBy) -> str:
    return {"city": "", "district": case.district, "unit": case.lead, "officer": case.officer}[by]


def _figure(metric: str, count: Count, group: str, period: Period, views: list[View]) -> Figure:
    answers = [(view.case.ref, answer) for view in views for answer in count(view)]
    counted = tuple(ref for ref, answer in answers if answer is not None)
    met = tuple(ref for ref, answer in answers if answer)
    return Figure(metric, group, period, len(met), len(counted), len(answers) - len(counted), counted, met)


def _left_out(case: Case) -> bool:
    """Void and merged cases are somebody else's figures."""
    return case.state in {"void", "merged"} or bool(case.merged_into)


def _on_time(view: View) -> Sequence[bool]:
    if _left_out(view.case):
        return []
    return [not clock.overdue for clock in view.due("done")[-1:]]


def _closing(view: View) -> Sequence[bool]:
    return [view.case.ended for _ in _on_time(view)]


def _closing_on_time(view: View) -> Sequence[bool]:
    late = any(clock.overdue for clock in view.clocks if clock.name == "check")
    return [on_time and view.case.ended and not late for on_time in _on_time(view)]


def _rework(view: View) -> Sequence[bool]:
    return [view.case.reworks > 0 for _ in view.steps("report")[:1]]


def _misdirected(view: View) -> Sequence[bool]:
    way = [entry for entry in view.case.steps if entry.action.kind in {"dispatch", "reassign", "return"}]
    followed = zip(way, [*way[1:], None], strict=False)
    return [
        after is not None and after.action.kind == "return"
        for entry, after in followed
        if entry.action.kind != "return" and entry.at in view.period
    ]


def _signed_on_time(view: View) -> Sequence[bool]:
    return [] if _left_out(view.case) else [not clock.overdue for clock in view.due("sign")]


def _revisited(view: View) -> Sequence[bool]:
    closed = view.steps("pass", "settle") if view.case.kind == "complaint" else []
    return [view.case.revisit is not None for _ in closed[-1:]]


def _satisfied(view: View) -> Sequence[bool | None]:
    answers = [entry.action.get("satisfaction") for entry in view.steps("revisit")]
    return [None if answer == "unreachable" else answer in {"satisfied", "fair"} for answer in answers]


def _rebound(view: View) -> Sequence[bool]:
    closed = view.steps("pass")[:1]
    again = [entry for entry in view.case.steps if entry.action.kind == "reopen"]
    return [any(entry.at >= one.at for entry in again) for one in closed]


def _effective(view: View) -> Sequence[bool | None]:
    verdicts = [entry.action.get("verdict") for entry in view.steps("assess_effect")[-1:]]
    return [None if verdict == "cannot_tell" else verdict == "effective" for verdict in verdicts]


def _flagged(view: View) -> Sequence[bool]:
    odd = any(complaint.severity != "note" for complaint in view.case.complaints)
    return [odd for _ in view.steps("report")[:1]]


METRICS: dict[str, Count] = {
    "on_time": _on_time,
    "closing": _closing,
    "closing_on_time": _closing_on_time,
    "rework": _rework,
    "misdirected": _misdirected,
    "signed_on_time": _signed_on_time,
    "revisited": _revisited,
    "satisfied": _satisfied,
    "rebound": _rebound,
    "effective": _effective,
    "flagged": _flagged,
}
"""按期处置率 结案率 按期结案率 返工率 差错率 按时签收率 回访率 满意率 反弹率 见效率 佐证存疑率."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One row of the hand-over table (交办表): how the inspectors ask for it each day.

    Attributes
    ----------
    group : str
    today, total : int
        当日交办, 累计交办: cases first dispatched on the day, and up to its end.
    done : int
        办结 of the total.
    on_time : int
        Of `due`, those handed in by their due time.
    due : int
        Of the total, those whose time limit has run out, and those handed in.
    """

    group: str
    today: int
    total: int
    done: int
    on_time: int
    due: int

    @property
    def done_share(self) -> float | None:
        """办结率, None when nothing was handed over."""
        return self.done / self.total if self.total else None

    @property
    def on_time_share(self) -> float | None:
        """按时办结率, None when nothing was due."""
        return self.on_time / self.due if self.due else None


def handover(
    cases: Iterable[Case], day: Period, now: datetime, calendar: Calendar, by: GroupBy = "district"
) -> tuple[Handover, ...]:
    """Return the hand-over table of a day.

    Parameters
    ----------
    cases : iterable of Case
        Those of the campaign or period that the table is about.
    day : Period
        Of the city, see `bihuan.core.local_day`.
    now : datetime
    calendar : Calendar
    by : GroupBy
    """
    rows: dict[str, list[tuple[datetime, Clock | None, bool]]] = {}
    for case in cases:
        first = next((entry.at for entry in case.steps if entry.action.kind == "dispatch"), None)
        if first is None or first >= day.end or _left_out(case):
            continue
        last = next((clock for clock in reversed(clocks(case, now, calendar)) if clock.name == "done"), None)
        rows.setdefault(_group(case, by), []).append((first, last, case.done is not None))
    return tuple(_handover(group, rows[group], day) for group in sorted(rows))


def _handover(group: str, rows: list[tuple[datetime, Clock | None, bool]], day: Period) -> Handover:
    due = [clock for _, clock, done in rows if clock and (done or clock.overdue)]
    return Handover(
        group=group,
        today=sum(first in day for first, _, _ in rows),
        total=len(rows),
        done=sum(done for _, _, done in rows),
        on_time=sum(not clock.overdue for clock in due),
        due=len(due),
    )
