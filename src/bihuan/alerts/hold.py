"""Hold times and hysteresis: one small state machine for every rule.

A subject rises when n of the last m periods, the newest among them, are over the threshold. It falls after k periods
(holes skipped) below the hysteresis share of it, or after too many periods without data. Periods before the last fall
never count for the next rise, so two events of one subject are at least the hold to rise apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bihuan.alerts.rule import RuleRow
from bihuan.core import Event, Period, Place, Ref, content_id, iso

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

INPUTS_KEPT = 24
"""References an event carries at most: the first one and the newest ones."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is judged for what: one row of `Levels`."""

    ref: Ref
    pollutant: str
    place: Place | None = None

    @property
    def key(self) -> str:
        """Name in the state."""
        return f"{self.ref}|{self.pollutant}"


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What a metric says of its subjects over the last periods.

    Attributes
    ----------
    subjects : tuple of Subject, length s
    ends : tuple of datetime, length t
        Ascending.
    over, under : ndarray of bool, shape (s, t)
        Beyond the threshold; below its hysteresis share. Neither in between, and neither without data.
    value, threshold : ndarray of float64, shape (s, t)
        Unit of the pollutant; NaN in ``value`` is no data.
    inputs : mapping of (row, column) to refs, or None
        None: the readings of the subject over the event's period.
    onsets : mapping of row to datetime
        For metrics that know better than the period when it began.
    """

    subjects: tuple[Subject, ...]
    ends: tuple[datetime, ...]
    over: Bool
    under: Bool
    value: Float
    threshold: Float
    inputs: Mapping[tuple[int, int], tuple[Ref, ...]] | None = None
    onsets: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Open:
    """An event that has not fallen yet."""

    onset: datetime
    end: datetime
    value: float | None
    threshold: float | None
    quiet: int = 0
    silent: int = 0
    inputs: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class RuleState:
    """What one rule remembers between two steps.

    Attributes
    ----------
    seen : datetime or None
        End of the last period it judged.
    open : dict of str to Open
        By subject.
    closed : dict of str to datetime
        When a subject last fell, as long as that can still hold back a new rise.
    """

    seen: datetime | None = None
    open: dict[str, Open] = field(default_factory=dict)
    closed: dict[str, datetime] = field(default_factory=dict)


def advance(rule: RuleRow, state: RuleState, levels: Levels) -> tuple[RuleState, tuple[Event, ...]]:
    """Judge every period that was not judged before, in order of time, and late data of those that were.

    Returns
    -------
    RuleState
    tuple of Event
        One for each event that opened, went on or closed, as it stands after the last period; an event
        that opened and closed within one call comes once, closed.

    Notes
    -----
    A subject without an open event is looked at over all periods of `levels`: judged twice on the same data it
    rises no second time, since it is open or its fall is remembered; on data that came late it rises late.
    """
    work = _Work(rule, levels, state.seen, dict(state.open), dict(state.closed), {})
    present = set()
    for key, row in _worth_a_look(levels, state):
        present.add(key)
        work.subject(key, row)
    for key in sorted(set(state.open) - present):
        work.gone(key)
    seen = max([*levels.ends[-1:], *([state.seen] if state.seen else [])], default=None)
    oldest = levels.ends[0] - rule.period if levels.ends else seen
    held = {key: at for key, at in work.closed.items() if oldest is None or at > oldest}
    return RuleState(seen, work.open, held), tuple(work.events[key] for key in sorted(work.events))


def _worth_a_look(levels: Levels, state: RuleState) -> list[tuple[str, int]]:
    """Rows that can change anything, by key: those over in any period and those with an open event."""
    rows = {int(row) for row in np.flatnonzero(levels.over.any(axis=1))}
    if state.open:
        rows |= {row for row, subject in enumerate(levels.subjects) if subject.key in state.open}
    return sorted((levels.subjects[row].key, row) for row in rows)


@dataclass(slots=True)
class _Work:
    rule: RuleRow
    levels: Levels
    seen: datetime | None
    open: dict[str, Open]
    closed: dict[str, datetime]
    events: dict[tuple[str, datetime], Event]

    def subject(self, key: str, row: int) -> None:
        """Walk one subject through the periods."""
        levels = self.levels
        since = self.seen if key in self.open else None
        for column, end in enumerate(levels.ends):
            if since is not None and end <= since:
                continue
            held = self.open.get(key)
            if held is not None:
                self._go_on(levels.subjects[row], held, row, column)
            elif levels.over[row, column]:
                self._rise(levels.subjects[row], row, column)

    def gone(self, key: str) -> None:
        """Walk an open event through periods in which its subject is not there at all."""
        ref, _, pollutant = key.rpartition("|")
        for end in self.levels.ends:
            held = self.open.get(key)
            if held is not None and (self.seen is None or end > self.seen):
                self._fell_silent(Subject(Ref.parse(ref), pollutant, held.place), held, end)

    def _rise(self, subject: Subject, row: int, column: int) -> None:
        needed, of = self.rule.rise
        closed = self.closed.get(subject.key)
        first = max(column - of + 1, 0)
        votes = [
            at
            for at in range(first, column + 1)
            if self.levels.over[row, at] and (closed is None or self.levels.ends[at] - self.rule.period >= closed)
        ]
        if len(votes) < needed:
            return
        onset = self.levels.onsets.get(row, self.levels.ends[votes[0]] - self.rule.period)
        peak = max(votes, key=lambda at: (_ratio(self.levels, row, at), -at))
        refs = tuple(str(ref) for at in votes for ref in self._refs(row, at))
        held = Open(
            onset,
            self.levels.ends[column],
            _number(self.levels.value[row, peak]),
            _number(self.levels.threshold[row, peak]),
            inputs=_kept(refs),
            place=subject.place,
        )
        self.open[subject.key] = held
        self._tell(subject, held, True)

    def _go_on(self, subject: Subject, held: Open, row: int, column: int) -> None:
        levels, end = self.levels, self.levels.ends[column]
        if np.isnan(levels.value[row, column]):
            self._fell_silent(subject, held, end)
        elif levels.under[row, column]:
            held = replace(held, quiet=held.quiet + 1, silent=0)
            self._end_or_keep(subject, held, held.quiet >= self.rule.fall, end)
        elif levels.over[row, column]:
            refs = (*held.inputs, *(str(ref) for ref in self._refs(row, column)))
            held = replace(held, quiet=0, silent=0, end=end, inputs=_kept(refs))
            value, threshold = _number(levels.value[row, column]), _number(levels.threshold[row, column])
            if _beyond(value, threshold) > _beyond(held.value, held.threshold):
                held = replace(held, value=value, threshold=threshold)
            self._end_or_keep(subject, held, False, end)
        else:
            self._end_or_keep(subject, replace(held, quiet=0, silent=0), False, end)

    def _fell_silent(self, subject: Subject, held: Open, end: datetime) -> None:
        held = replace(held, silent=held.silent + 1)
        self._end_or_keep(subject, held, held.silent >= self.rule.forget, end)

    def _end_or_keep(self, subject: Subject, held: Open, ends: bool, at: datetime) -> None:
        if ends:
            del self.open[subject.key]
            self.closed[subject.key] = at
        else:
            self.open[subject.key] = held
        self._tell(subject, held, not ends)

    def _refs(self, row: int, column: int) -> tuple[Ref, ...]:
        return () if self.levels.inputs is None else self.levels.inputs.get((row, column), ())

    def _tell(self, subject: Subject, held: Open, still: bool) -> None:
        rule = self.rule
        period = Period(held.onset, max(held.end, held.onset + timedelta(microseconds=1)))
        inputs = tuple(Ref.parse(text) for text in held.inputs)
        if self.levels.inputs is None:
            inputs = (readings_ref(subject.ref, subject.pollutant, rule.interval, period),)
        event = Event(
            id=content_id("event", rule.id, subject.key, iso(held.onset)),
            rule=rule.id,
            kind=rule.kind,
            subject=subject.ref,
            place=subject.place or held.place,
            period=period,
            pollutant=subject.pollutant,
            grade=rule.grade,
            value=held.value,
            threshold=held.threshold,
            inputs=inputs,
            method=f"alerts/{rule.metric}/1",
            open=still,
        )
        self.events[subject.key, held.onset] = event


def readings_ref(site: Ref, pollutant: str, interval: str, period: Period) -> Ref:
    """Point at the readings of one site, pollutant and interval over a period.

    The id is ``site/pollutant/interval/start/end``; `bihuan explain` opens it in the store.
    """
    return Ref("readings", f"{site}/{pollutant}/{interval}/{iso(period.start)}/{iso(period.end)}")


def _kept(refs: tuple[str, ...]) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(refs))
    return unique if len(unique) <= INPUTS_KEPT else (unique[0], *unique[1 - INPUTS_KEPT :])


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _ratio(levels: Levels, row: int, column: int) -> float:
    return _beyond(_number(levels.value[row, column]), _number(levels.threshold[row, column]))


def _beyond(value: float | None, threshold: float | None) -> float:
    """How far beyond the threshold, for finding the peak; the value itself where no threshold is known."""
    if value is None:
        return float("-inf")
    return value - threshold if threshold is not None else value
