"""The synthetic city that lives: ask it to go on to an instant, and it gives frames and the deeds of its people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from bihuan.app.city.air import make_air
from bihuan.app.city.answers import Answers
from bihuan.app.city.devices import Frame, frames_between, loggers_of, silences_of, timetable
from bihuan.app.city.forgeries import Forgery, draw_forgeries
from bihuan.app.city.forward import AIR
from bihuan.app.city.incidents import draw_truth
from bihuan.app.city.instruments import Instruments
from bihuan.app.city.officers import Officers
from bihuan.app.city.plan import CityPlan, plan_city
from bihuan.app.city.truth import Incident
from bihuan.cases import Action, Case
from bihuan.core import HOUR, InputError, Period, Ref, Suspects, Weather, iso
from bihuan.devices import hj212


@dataclass(frozen=True, slots=True)
class Step:
    """What happened while the city went on.

    Attributes
    ----------
    frames : list of (MN, sent, bytes)
        Frames that loggers sent, by time of sending.
    actions : list of (case id, Action)
        What people did to cases, by time; the loop applies each with `bihuan.cases.step`.
    """

    frames: list[Frame]
    actions: list[tuple[str, Action]]


@dataclass(frozen=True, slots=True)
class Fate:
    """An incident and how long it really lasted, for the scorer.

    Attributes
    ----------
    incident : Incident
    ended : datetime
        Planned end, or the visit that stopped it.
    stopped : bool
        Whether a visit stopped it.
    """

    incident: Incident
    ended: datetime
    stopped: bool


class City:
    """A city from a seed.

    Parameters
    ----------
    seed : int
    hours : int
        How long it lives.
    rough : bool
        Whether its air is moved by puffs in a wind that the loop knows badly (`rough.toml`).
    forged : bool
        Whether a series of each kind of forgery is planted beside the incidents; signs need four weeks of hours.

    Attributes
    ----------
    plan : CityPlan
        Everything the loop may see.

    Notes
    -----
    Same seed and same cases give the same bytes. The truth stays inside; `reveal` is for the scorer, after the run.
    """

    def __init__(self, seed: int, hours: int = 48, rough: bool = False, forged: bool = False) -> None:
        if hours < 1:
            raise InputError(f"a city of {hours} hours: give at least 1, usually 48")
        self.plan: CityPlan = plan_city(seed, hours, rough)
        self._truth = draw_truth(self.plan)
        self._ends = {incident.id: incident.period.end for incident in self._truth.incidents}
        self._air = make_air(self._truth)
        self._forgeries = draw_forgeries(self.plan) if forged else ()
        self._instruments = Instruments(self._truth, self._air, self._forgeries)
        self._reports = self._instruments.reports(self._ends)
        self._loggers = loggers_of(self.plan)
        self._times = timetable(self.plan, self._loggers)
        self._answers = Answers(self.plan, self._loggers)
        self._officers = Officers(self.plan, self._truth.incidents, self._active, self._stop)
        self._now = self.plan.start
        self._changed = False

    @property
    def start(self) -> datetime:
        """First instant of the city, UTC."""
        return self.plan.start

    @property
    def end(self) -> datetime:
        """First instant after it, UTC."""
        return self.plan.end

    @property
    def now(self) -> datetime:
        """How far the city has lived."""
        return self._now

    @property
    def weather(self) -> Weather:
        """Hourly weather that the loop may believe."""
        return self.plan.weather

    @property
    def officer_hours(self) -> float:
        """Hours that people spent on the way and on the spot. [h]"""
        return sum(self._officers.hours.values())

    def advance(
        self, now: datetime, cases: Iterable[Case] = (), attached: Mapping[Ref, Suspects] | None = None
    ) -> Step:
        """Live on until `now`.

        Parameters
        ----------
        now : datetime
            UTC, not before the last one.
        cases : iterable of Case
            As they stand; the city reads nothing else of the loop.
        attached : mapping of Ref to Suspects, optional
            Rankings that the cases refer to, as officers read them.

        Returns
        -------
        Step
            Frames sent since the last call and before `now`, and what people did meanwhile.

        Raises
        ------
        InputError
            If time would go back.
        """
        if now < self._now:
            raise InputError(f"the city lives at {iso(self._now)} and cannot go back to {iso(now)}")
        actions = self._officers.act(cases, now, attached)
        if self._changed:
            self._reports = self._instruments.reports(self._ends)
            self._changed = False
        silences = silences_of(self._truth.incidents, self._ends)
        frames = frames_between(self.plan, self._loggers, self._times, self._reports, silences, self._now, now)
        self._now = now
        return Step(frames, actions)

    def answer(self, head: hj212.Envelope, frame: hj212.Frame) -> list[bytes]:
        """Return what a logger of the city answers an order; one that is silent does not answer."""
        silences = silences_of(self._truth.incidents, self._ends)
        return self._answers.to(head, frame, self._reports, silences, self._now)

    def visited(self, case: Case, at: datetime) -> bool:
        """Let somebody who is no officer of the city stand where a case sends them; return whether that ended anything.

        A person at the screen of a demo takes the case over; what goes on at its suspect, or around its place where
        it names none, is stopped as by any visit.
        """
        guilty = self._officers.guilty(case, at)
        if guilty is not None:
            self._stop(guilty, at)
        return guilty is not None

    def reveal(self) -> tuple[Fate, ...]:
        """Return every planted incident and when it really ended: for the scorer and for people after the run."""
        return tuple(
            Fate(incident, self._ends[incident.id], self._ends[incident.id] < incident.period.end)
            for incident in self._truth.incidents
        )

    def reveal_forgeries(self) -> tuple[Forgery, ...]:
        """Return every forged series: for who measures the signs, after the run."""
        return self._forgeries

    def hourly(self) -> dict[tuple[Ref, str, str], list[float]]:
        """Return what every logger's own hours tell by (site, pollutant, stat), NaN where not marked as good.

        For who measures the signs over weeks without sending every frame.
        """
        found = {}
        for (site, rhythm), told in self._reports.items():
            for k, (name, stat) in enumerate(told.columns if rhythm == "hour" else ()):
                found[site, name, str(stat)] = np.where(told.marks[:, k] == "N", told.values[:, k], np.nan).tolist()
        return found

    def raised_by(self, incident: Incident, site: Ref, pollutant: str, period: Period) -> float:
        """Greatest hourly mean that an incident added at a station around a period: for the scorer. [unit]"""
        stations = [Ref("station", station.id) for station in self._air.stations]
        if incident.id not in self._air.extra or site not in stations or pollutant not in AIR:
            return 0.0
        added = self._air.extra[incident.id][:, stations.index(site), AIR.index(pollutant)]
        hours = added.reshape(self.plan.hours, -1).mean(axis=1)
        first, last = ((t - self.plan.start) // HOUR for t in (period.start, period.end))
        return float(hours[max(first - 1, 0) : last + 1].max(initial=0.0))

    def _active(self, incident: Incident, at: datetime) -> bool:
        return incident.period.start <= at < self._ends[incident.id]

    def _stop(self, incident: Incident, at: datetime) -> None:
        """End an incident; never earlier than what the city has told already."""
        at = max(at, self._now)
        if at < self._ends[incident.id] and incident.kind != "regional":
            self._ends[incident.id] = at
            self._air.stop(incident, at)
            self._changed = True
