"""Which suspected source a case is sent to, and who answers for it: by the ranking, or by the duty officer's choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from bihuan.cases.actions import SYSTEM, Action, Fields
from bihuan.cases.intake import leading_suspect, matter_of_event
from bihuan.cases.machine import step
from bihuan.cases.model import Case
from bihuan.cases.routing import Route, route
from bihuan.cases.settings import CaseSettings, default_settings
from bihuan.core import Event, Place, Ref, Suspects, local_date
from bihuan.register import Outlet, Register, WorkSite

PATROL = "unknown_source"
"""Matter of a patrol: nobody of the list is believed, so somebody looks around upwind of the station."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A source to be visited, or a patrol, and who answers for it.

    Attributes
    ----------
    suspect : Ref or None
        None for a patrol.
    place : Place or None
    matter : str
    way : Route
    """

    suspect: Ref | None
    place: Place | None
    matter: str
    way: Route

    def fields(self, unit: str = "", note: str = "") -> Fields:
        """Return what a step that sends the case there says.

        Parameters
        ----------
        unit : str
            Another unit than the duty table names: no officer of its own then.
        note : str
        """
        own = not unit or unit == self.way.lead
        named: dict[str, str | tuple[str, ...]] = {
            "suspect": str(self.suspect) if self.suspect else "",
            "matter": self.matter,
            "unit": self.way.lead if own else unit,
            "support": self.way.support if own else (),
            "officer": self.way.officer if own else "",
            "district": self.way.district,
            "cell": self.way.cell,
        }
        return named | ({"note": note, "reason": note} if note else {})


def choose(source: Ref | None, place: Place | None, register: Register, on: date, matter: str = PATROL) -> Choice:
    """Return who answers for a source, by the duty table.

    Parameters
    ----------
    source : Ref or None
        None for a patrol (none of the listed).
    place : Place or None
        Of the source, of the station for a patrol.
    register : Register
    on : date
    matter : str
        Of a source whose kind says none; a patrol keeps `PATROL`.
    """
    fact = register.resolve(source, on) if source else None
    if isinstance(fact, Outlet):
        matter = "waste_water" if fact.medium == "water" else "industry"
    elif isinstance(fact, WorkSite):
        matter = fact.matter
    elif source is None:
        matter = PATROL
    return Choice(source, place, matter, route(matter, place, register, on))


def choose_for(event: Event, source: Ref | None, place: Place | None, register: Register, on: date) -> Choice:
    """Return who answers for what an event amounts to when it is sent to a source, or on patrol.

    A fault of an instrument stays one and goes to the maintainer, a limit at an outlet or a section speaks for itself;
    only a rise takes the kind of the source that is chosen.
    """
    matter = matter_of_event(event, None, None, register, on)
    if matter == PATROL:
        return choose(source, place, register, on)
    return Choice(source, place, matter, route(matter, place, register, on, subject=event.subject))


def next_suspect(
    case: Case, suspects: Suspects, register: Register, now: datetime, settings: CaseSettings | None = None
) -> Case:
    """Send a case whose suspected source was not it to the next of the ranking (转查).

    Parameters
    ----------
    case : Case
        Its officer found the suspect untrue, not there or not to be entered.
    suspects : Suspects
        The ranking as it stands now, perhaps after the finding was taken as a prior.
    register : Register
    now : datetime
    settings : CaseSettings, optional

    Returns
    -------
    Case
        The same object when no suspect with a place is left, or the next one is less likely than every answer that
        names nobody: the officer's report is the end of the search then.

    Raises
    ------
    StepRefused
        If the visit did not rule the suspect out.
    """
    settings = settings or default_settings()
    seen = {visit.suspect for visit in case.visits}
    left = [one for one in suspects.ranked if one.source not in seen and one.place is not None]
    following = leading_suspect(replace(suspects, ranked=tuple(left)))
    if following is None or following.place is None:
        return case
    on = local_date(now, settings.zone)
    choice = choose(following.source, following.place, register, on, case.matter)
    fields: Fields = {**choice.fields(), "sources": (str(suspects.ref),)}
    return step(case, Action("redirect", SYSTEM, now, fields, place=following.place), settings)
