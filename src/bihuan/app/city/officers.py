"""The people of the city at work: they read cases, go where the ranking says, and find what is there, or do not.

They see a case and what is attached to it, never the science behind it; the truth answers only where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from bihuan.app.city.draws import between, draws, table
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.truth import Incident
from bihuan.cases import EXPLAINED, Action, Actor, Case, Photo
from bihuan.core import CHINA, Place, Ref, Suspects, digest, iso, local_date, text
from bihuan.register import Person

PATROL = Ref("patrol", "around")
"""A look around the place of the case for something nobody listed."""

NOBODY = Ref("patrol", "nobody")
"""Where the ranking says that the air came from outside: nobody goes further."""

DEVICE_MATTERS = frozenset({"device_fault", "data_quality"})
"""Matters for which the measured site itself is what is visited."""

ADMITS, MARKS_IT = 0.3, 0.35
"""Shares of enterprises that admit what goes on at their outlet, and of the others that set a mark after the alarm."""

Active = Callable[[Incident, datetime], bool]
Stop = Callable[[Incident, datetime], None]


@dataclass(frozen=True, slots=True)
class Visit:
    """One place on an officer's way.

    Attributes
    ----------
    target : Ref
        Source or site, or `PATROL`.
    arrives, leaves : datetime
    """

    target: Ref
    arrives: datetime
    leaves: datetime


@dataclass(slots=True)
class Officers:
    """Officers, handlers, maintainers and verifiers.

    Everything they do follows from the seed, the case and the city's time: asked again, they answer the same.

    Parameters
    ----------
    plan : CityPlan
    incidents : tuple of Incident
    active : callable
        Whether an incident goes on at an instant.
    stop : callable
        Called when a visit ends an incident.
    """

    plan: CityPlan
    incidents: tuple[Incident, ...]
    active: Active
    stop: Stop
    hours: dict[str, float] = field(default_factory=dict)
    """Hours on the way and on the spot, by case and round. [h]"""

    def act(
        self, cases: Iterable[Case], now: datetime, attached: Mapping[Ref, Suspects] | None = None
    ) -> list[tuple[str, Action]]:
        """Return what the people do up to now, at most one step a case, by time and case.

        Parameters
        ----------
        cases : iterable of Case
        now : datetime
            UTC.
        attached : mapping of Ref to Suspects, optional
            Rankings that cases refer to: the paper the officer reads. Without it only the case's own suspect and the
            sources attached to it are known.
        """
        steps: dict[str, Callable[[Case, datetime, Mapping[Ref, Suspects]], Action | None]] = {
            "dispatched": self._sign,
            "signed": self._go,
            "on_site": self._look,
            "explaining": self._declare,
            "concluded": self._after_finding,
            "handling": self._report,
            "reported": self._check,
            "checking": self._conclude,
        }
        done = []
        for case in cases:
            action = steps[case.state](case, now, attached or {}) if case.state in steps else None
            if action is not None and action.at <= now:
                done.append((case.id, action))
        return sorted(done, key=lambda row: (row[1].at, row[0]))

    # ---- the one who goes ----

    def _sign(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        person = self._goer(case)
        return None if person is None else Action("sign", _actor(person), self._after(case, "sign"))

    def _go(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        person = self._goer(case)
        if person is None:
            return None
        visits = self._visits(case, attached, case.since)
        place = self._place(visits[0].target, case)
        return Action("arrive", _actor(person), visits[0].arrives, place=place)

    def _look(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        """Walk the visits that are over by now; what is found ends the way and the incident."""
        person = self._goer(case)
        signed = next((s.at for s in reversed(case.steps) if s.after == "signed"), case.opened)
        visits = self._visits(case, attached, signed)
        if person is None:
            return None
        if self._cheats(case):
            return self._handled(case, person, visits[0].leaves, "fixed_on_site", signed)
        for visit in visits:
            if visit.leaves > now:
                return None
            guilty = self._guilty(case, visit)
            if guilty is not None:
                self.stop(guilty, visit.leaves)
                return self._handled(case, person, visit.leaves, "fixed_on_site", signed)
        return self._handled(case, person, visits[-1].leaves, "not_found", signed)

    def _handled(self, case: Case, person: Person, at: datetime, result: str, signed: datetime) -> Action:
        self.hours[f"{case.id}/{case.reworks}"] = (at - signed).total_seconds() / 3600
        if case.kind == "outlet":
            finding = "over" if result == "fixed_on_site" else self._excuse(case)
            told = {"finding": finding, "note": text(f"law_outlet.finding_{finding}", "zh")}
            return Action("conclude", _actor(person), at, told, photos=self._photos(case, "scene", at))
        fields = {"result": result, "note": text(f"result.{result}", "zh")}
        return Action("handle", _actor(person), at, fields, photos=self._photos(case, "after", at))

    def _report(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        person, at = self._goer(case), self._after(case, "next")
        if person is None:
            return None
        fields = {"note": text(f"result.{case.result}", "zh") if case.result else text("demo.note_mended", "zh")}
        return Action("report", _actor(person), at, fields, photos=self._photos(case, "after", at))

    # ---- an alarm of an outlet itself ----

    def _declare(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        """The enterprise answers: some admit it, the others name a fault or a condition, one in three with a mark."""
        person, at, rng = self._manager(case), self._after(case, "answer"), self._draw(case, "declares")
        if person is None:
            return None
        admits = self._guilty(case, Visit(self._own_outlet(case), at, at)) is not None and rng.random() < ADMITS
        cause = "over" if admits else self._excuse(case)
        fields = {"cause": cause, "note": text(f"law_outlet.cause_{cause}", "zh")}
        if not admits and rng.random() < MARKS_IT:
            told = at - timedelta(minutes=round(between(rng, table("defaults")["officers"]["next"])))
            fields |= {"mark": "monitor_fault" if cause == "device_fault" else "fault", "marked_at": iso(told)}
        return Action("declare", _actor(person), at, fields)

    def _after_finding(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        """What a fault or a condition explains is handed in; the rest waits for the desk."""
        return self._report(case, now, attached) if case.finding in EXPLAINED else None

    def _excuse(self, case: Case) -> str:
        return "device_fault" if self._draw(case, "excuse").random() < 0.5 else "condition"

    def _own_outlet(self, case: Case) -> Ref:
        return case.suspect or case.opening.subject or PATROL

    def _manager(self, case: Case) -> Person | None:
        mine = case.opening.enterprise
        people = (p for p in self.plan.register.all(Person, local_date(case.since)) if mine and p.unit == mine)
        return next((p for p in people if "enterprise_manager" in p.roles), None)

    # ---- the one who checks ----

    def _check(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        person = self._verifier(case)
        return None if person is None else Action("check", _actor(person), self._after(case, "verify"))

    def _conclude(self, case: Case, now: datetime, attached: Mapping[Ref, Suspects]) -> Action | None:
        person, at = self._verifier(case), self._after(case, "look")
        if person is None:
            return None
        caught = self._draw(case, "caught").random() < table("defaults")["officers"]["catches_false"]
        photos = self._photos(case, "check", at)
        if self._cheats(case) and caught:
            return Action("rework", _actor(person), at, {"reason": text("demo.note_nothing_done", "zh")}, photos=photos)
        return Action(
            "pass", _actor(person), at, {"note": text("demo.note_seen", "zh")}, photos=photos, place=case.place
        )

    def guilty(self, case: Case, at: datetime) -> Incident | None:
        """Return what goes on where a case sends its visitor, if anything."""
        return self._guilty(case, Visit(case.suspect or PATROL, at, at))

    # ---- what they know and draw ----

    def _visits(self, case: Case, attached: Mapping[Ref, Suspects], start: datetime) -> list[Visit]:
        """The way an officer takes from signing on: travel and look at each place in turn."""
        settings, rng = table("defaults")["officers"], self._draw(case, "way")
        visits, at = [], start
        for number, target in enumerate(self._targets(case, attached)):
            slow = _slowness(at)
            pause = between(rng, settings["next"]) if number else 0.0
            arrives = at + timedelta(minutes=round(slow * (pause + between(rng, settings["travel"]))))
            at = arrives + timedelta(minutes=round(slow * between(rng, settings["look"])))
            visits.append(Visit(target, arrives, at))
        return visits

    def _targets(self, case: Case, attached: Mapping[Ref, Suspects]) -> list[Ref]:
        """Places in the order of the ranking; a patrol stands where "none of the listed" stands in it."""
        if case.matter in DEVICE_MATTERS and case.opening.subject is not None:
            return [case.opening.subject]
        ranking = next((attached[ref] for ref in reversed(case.sources) if ref in attached), None)
        if ranking is not None:
            rows = [(suspect.probability, suspect.source) for suspect in ranking.ranked]
            rows += [(ranking.none_of_listed, PATROL), (ranking.regional, NOBODY)]
            ordered = [ref for _, ref in sorted(rows, key=lambda row: (-row[0], row[1]))]
            wanted = ordered[: ordered.index(NOBODY)] or [PATROL]
        else:
            named = [ref for ref in case.sources if ref.kind in {"outlet", "worksite"}]
            first = [case.opening.suspect] if case.opening.suspect else []
            if not first and case.opening.subject and case.opening.subject.kind == "outlet":
                first = [case.opening.subject]
            wanted = list(dict.fromkeys([*first, *named])) or [PATROL]
        return wanted[: table("defaults")["officers"]["places"]]

    def _guilty(self, case: Case, visit: Visit) -> Incident | None:
        """What goes on where an officer stands, if anything; behind a gate every stack of the enterprise is seen."""
        for incident in self.incidents:
            if not self.active(incident, visit.arrives):
                continue
            if visit.target == incident.subject:
                return incident
            if incident.source and self.plan.gate_of(visit.target) == self.plan.gate_of(incident.source):
                return incident
            if visit.target == PATROL and incident.hidden and self._meets(case, incident):
                return incident
        return None

    def _meets(self, case: Case, incident: Incident) -> bool:
        """Whether a patrol about the place of a case comes across an unlisted source."""
        settings = table("defaults")["officers"]
        if case.place is None or case.place.distance(incident.place) > settings["search"] * 1000:
            return False
        return bool(self._draw(case, "patrol", incident.id).random() < settings["finds_hidden"])

    def _cheats(self, case: Case) -> bool:
        """Whether this round of a case is only said to be done; nobody does so twice, nor at a device."""
        if case.reworks or case.kind == "maintenance":
            return False
        return bool(self._draw(case, "cheats").random() < table("defaults")["officers"]["false_done"])

    def _after(self, case: Case, delay: str) -> datetime:
        minutes = between(self._draw(case, delay), table("defaults")["officers"][delay]) * _slowness(case.since)
        return case.since + timedelta(minutes=round(minutes))

    def _draw(self, case: Case, *what: object) -> np.random.Generator:
        return draws(self.plan.seed, "officers", case.id, case.reworks, case.rebounds, *what)

    def _goer(self, case: Case) -> Person | None:
        day = local_date(case.since)
        if case.officer and case.kind != "maintenance":
            return self.plan.register.get(Person, case.officer, day)
        people = (p for p in self.plan.register.all(Person, day) if p.unit == case.lead)
        return next((p for p in people if {"handler", "maintainer"} & set(p.roles)), None)

    def _verifier(self, case: Case) -> Person | None:
        people = [
            p
            for p in self.plan.register.all(Person, local_date(case.since))
            if "verifier" in p.roles and p.district in ("", case.district or p.district) and p.id not in case.handlers
        ]
        return people[int(self._draw(case, "verifier").integers(len(people)))] if people else None

    def _place(self, target: Ref, case: Case) -> Place:
        found = None if target == PATROL else self.plan.register.place_of(target, local_date(case.since))
        return found or case.place or self.plan.centre

    def _photos(self, case: Case, role: str, at: datetime) -> tuple[Photo, ...]:
        data = f"{self.plan.seed} {case.id} {case.revision} {role}".encode()
        return (Photo(digest(data), role, at, case.place),)  # type: ignore[arg-type]  # one of the roles


def _actor(person: Person) -> Actor:
    return Actor(person.id, person.roles, person.unit, person.district)


def _slowness(at: datetime) -> float:
    hour = at.astimezone(CHINA).hour
    return float(table("defaults")["officers"]["night_slow"]) if hour >= 22 or hour < 6 else 1.0
