"""Personal data of a case: who reported, where people stood, how to reach them; masked by role, readings audited."""

from __future__ import annotations

from bihuan.app.access import Session, is_clear, masked
from bihuan.app.api.case_shapes import Contact, Personal, Position, Spot
from bihuan.app.api.case_words import Words
from bihuan.app.api.office import Office
from bihuan.cases import Case
from bihuan.core import Language
from bihuan.register import Person


def personal_of(case: Case, session: Session, office: Office, language: Language) -> Personal:
    """Return the personal data of a case as the session may read it, and write the reading into the ledger."""
    words = Words(office, language, office.now)
    told = Personal(
        reporter=str(masked(session.roles, "case", {"reporter": case.opening.reporter})["reporter"]),
        contacts=contacts_of(case, session, office),
        positions=_positions(case, session, words),
    )
    office.audit(session, "case.read_personal", case.ref, {"clear": _clear(told, session)})
    return told


def has_personal(case: Case, office: Office) -> bool:
    """Say whether there is anything of the kind."""
    placed = any(step.action.place for step in case.steps)
    return bool(case.opening.reporter) or placed or any(one.phone or one.email for one in _people(case, office))


def contacts_of(case: Case, session: Session, office: Office) -> list[Contact]:
    """Return how to reach the officer and the handlers of a case; one's own stands clear."""
    found = []
    for person in _people(case, office):
        told = {"phone": person.phone, "email": person.email}
        if person.id != session.person.id:
            told = masked(session.roles, "person", told)
        if told["phone"] or told["email"]:
            found.append(Contact(person=person.id, name=person.name, **told))
    return found


def _people(case: Case, office: Office) -> list[Person]:
    idents = dict.fromkeys(filter(None, (case.officer, *case.handlers)))
    found = (office.register.get(Person, ident, office.today) for ident in idents)
    return [person for person in found if person is not None]


def _positions(case: Case, session: Session, words: Words) -> list[Position]:
    """Where people stood, for those who may read it; where one stood oneself is no secret."""
    clear, found = is_clear(session.roles, "step", "place"), []
    for step in case.steps:
        by, place = step.action.by.person, step.action.place
        if place and (clear or by == session.person.id):
            spot = Spot(lon=place.lon, lat=place.lat)
            found.append(Position(step=step.id, who_name=words.name("person", by), at=step.at, place=spot))
    return found


def _clear(told: Personal, session: Session) -> list[str]:
    """Name what was read as it is, so that the ledger tells a masked reading from a clear one."""
    roles = session.roles
    parts = {
        "reporter": bool(told.reporter) and is_clear(roles, "case", "reporter"),
        "positions": bool(told.positions),
        "phone": any(one.phone for one in told.contacts) and is_clear(roles, "person", "phone"),
        "email": any(one.email for one in told.contacts) and is_clear(roles, "person", "email"),
    }
    return [name for name, clear in parts.items() if clear]
