"""The four doors: alarm or trace, grid officer's report, public complaint, superior's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from bihuan.cases.actions import SYSTEM, Actor, Photo
from bihuan.cases.duplicates import Intake, admit
from bihuan.cases.evidence import NOTHING_SEEN, examine
from bihuan.cases.masking import mask_name, mask_numbers, mask_phone
from bihuan.cases.matters import matter_of, matter_of_rule
from bihuan.cases.model import Case, CaseKind, Opening
from bihuan.cases.routing import FAULT, Route, route
from bihuan.cases.settings import CaseSettings, default_settings
from bihuan.core import (
    Complaint,
    Event,
    Evidence,
    Message,
    Place,
    Ref,
    Suspect,
    Suspects,
    content_id,
    iso,
    local_date,
    pollutant,
    to_json,
)
from bihuan.core import digest as digest_of
from bihuan.register import Outlet, Register, WorkSite


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReport:
    """A grid officer's report: photo, kind, place.

    Attributes
    ----------
    by : Actor
    matter : str
    place : Place
    photos : tuple of Photo
    created : datetime
        On the officer's phone, maybe without signal. UTC
    note : str
    """

    by: Actor
    matter: str
    place: Place
    photos: tuple[Photo, ...]
    created: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicComplaint:
    """A 12345 work order as its CSV or API gives it; names and numbers are masked before a case keeps them.

    Attributes
    ----------
    number : str
        工单编号; the case keeps it.
    received : datetime
        By the hotline. UTC
    matter : str
    content : str
    place : Place or None
    address, district : str
    reporter, phone : str
        In clear; never stored.
    due : datetime or None
        Time limit of the hotline.
    """

    number: str
    received: datetime
    matter: str
    content: str
    place: Place | None = None
    address: str = ""
    district: str = ""
    reporter: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A superior's order (上级交办/批示).

    Attributes
    ----------
    number : str
        Document number.
    issuer, title : str
    matter : str
    issued : datetime
    by : Actor
        Who registered it.
    content : str
    place : Place or None
    district : str
    lead : str
        Unit named by the order; empty leaves it to the duty table.
    due : datetime or None
    """

    number: str
    issuer: str
    title: str
    matter: str
    issued: datetime
    by: Actor
    content: str = ""
    place: Place | None = None
    district: str = ""
    lead: str = ""
    due: datetime | None = None


def open_from_event(
    event: Event,
    register: Register,
    now: datetime,
    *,
    suspects: Suspects | None = None,
    existing: Iterable[Case] = (),
    matter: str = "",
    settings: CaseSettings | None = None,
) -> Intake:
    """Open a case from what the loop detected, at the first suspect's place if there is one.

    Parameters
    ----------
    event : Event
    register : Register
    now : datetime
    suspects : Suspects, optional
    existing : iterable of Case
        Those the event may belong to already: it is known, recurs (反弹重开) or repeats another.
    matter : str
        Overrides what event and suspect say.
    settings : CaseSettings, optional

    Returns
    -------
    Intake
    """
    settings = settings or default_settings()
    on = local_date(now, settings.zone)
    suspect = leading_suspect(suspects)
    matter = matter or matter_of_event(event, suspects, suspect, register, on)
    subject = event.subject
    place = (suspect.place if suspect else None) or event.place or register.place_of(subject, on)
    way = route(matter, place, register, on, subject=subject)
    outlet = register.resolve(suspect.source if suspect else subject, on)
    evidence = [Evidence(event.ref, "evidence.event", "application/json", digest_of(to_json(event)))]
    if suspects:
        evidence.append(Evidence(suspects.ref, "evidence.suspects", "application/json", digest_of(to_json(suspects))))
    opening = Opening(
        id=content_id("case", "alarm", event.id),
        kind=kind_of(event, matter),
        door="alarm",
        matter=matter,
        title=_event_title(event, suspect, matter, register, on),
        opened=now,
        created=min(event.period.start, now),
        by=SYSTEM,
        place=place,
        subject=subject,
        suspect=suspect.source if suspect else None,
        enterprise=outlet.enterprise if isinstance(outlet, Outlet) else "",
        sources=(event.ref, *((suspects.ref,) if suspects else ())),
        evidence=tuple(evidence),
        **_routed(way),
    )
    return admit(opening, existing, now, settings)


def open_from_report(
    report: FieldReport,
    register: Register,
    now: datetime,
    *,
    existing: Iterable[Case] = (),
    settings: CaseSettings | None = None,
    used: Mapping[str, Ref] = NOTHING_SEEN,
) -> Intake:
    """Open a case from an officer's three taps; `now` is when the report reached us.

    A photo that is odd and a phone whose clock is ahead are flagged in the case, never refused.
    """
    settings = settings or default_settings()
    way = route(report.matter, report.place, register, local_date(now, settings.zone))
    odd = examine(report.photos, report.place, report.created, settings, used)
    if (report.created - now).total_seconds() > settings.clock_minutes * 60:
        odd += (Complaint("time_ahead", f"said to be made {report.created - now} after it reached us"),)
    shown = (iso(report.created), report.place.lon, report.place.lat, *(photo.digest for photo in report.photos))
    opening = Opening(
        id=content_id("case", "officer", report.by.person, report.matter, *shown),
        kind="issue",
        door="officer",
        matter=report.matter,
        title=Message("case.title_officer", {}, {"matter": f"matter.{report.matter}"}),
        opened=now,
        created=min(report.created, now),
        by=report.by,
        place=report.place,
        photos=report.photos,
        content=mask_numbers(report.note),
        complaints=odd,
        **_routed(way),
    )
    return admit(opening, existing, now, settings)


def open_from_complaint(
    complaint: PublicComplaint,
    register: Register,
    now: datetime,
    *,
    existing: Iterable[Case] = (),
    settings: CaseSettings | None = None,
) -> Intake:
    """Open a case from a 12345 work order; the same number a second time changes nothing."""
    settings = settings or default_settings()
    on = local_date(now, settings.zone)
    way = route(complaint.matter, complaint.place, register, on, district=complaint.district)
    where = complaint.address or complaint.district or way.district or "-"
    title = Message(
        "case.title_complaint",
        {"number": complaint.number, "where": mask_numbers(where)},
        {"matter": f"matter.{complaint.matter}"},
    )
    opening = Opening(
        id=content_id("case", "complaint", complaint.number),
        kind="complaint",
        door="complaint",
        matter=complaint.matter,
        title=title,
        opened=now,
        created=min(complaint.received, now),
        by=SYSTEM,
        place=complaint.place,
        number=complaint.number,
        reporter=" ".join(filter(None, (mask_name(complaint.reporter), mask_phone(complaint.phone)))),
        content=mask_numbers(complaint.content),
        demanded=complaint.due,
        **_routed(way),
    )
    return admit(opening, existing, now, settings)


def open_from_order(
    order: Order,
    register: Register,
    now: datetime,
    *,
    existing: Iterable[Case] = (),
    settings: CaseSettings | None = None,
) -> Intake:
    """Open a case from a superior's order; an order is never merged into another case."""
    settings = settings or default_settings()
    way = route(order.matter, order.place, register, local_date(now, settings.zone), district=order.district)
    if order.lead:
        way = Route(order.lead, way.support, way.officer, way.cell, way.district, f"order:{order.number}", way.note)
    title = Message(
        "case.title_order", {"issuer": order.issuer, "title": order.title}, {"matter": f"matter.{order.matter}"}
    )
    opening = Opening(
        id=content_id("case", "order", order.issuer, order.number or order.title, iso(order.issued)),
        kind="order",
        door="order",
        matter=order.matter,
        title=title,
        opened=now,
        created=min(order.issued, now),
        by=order.by,
        place=order.place,
        number=order.number,
        content=mask_numbers(order.content),
        demanded=order.due,
        **_routed(way),
    )
    return admit(opening, existing, now, settings)


def leading_suspect(suspects: Suspects | None) -> Suspect | None:
    """Return the first suspect if it is likelier than every answer that names nobody, else None."""
    if suspects is None or suspects.cannot_tell or not suspects.ranked:
        return None
    first = suspects.ranked[0]
    return first if first.probability >= max(suspects.none_of_listed, suspects.regional) else None


def matter_of_event(
    event: Event, suspects: Suspects | None, suspect: Suspect | None, register: Register, on: date
) -> str:
    """Return the matter that an event and its suspect amount to.

    Silence is a device fault, and a rule about instruments or data names its own matter; a limit at an outlet or a
    section speaks for itself; a rise takes the kind of its first suspect, ``regional`` when that is likelier, and
    ``unknown_source`` otherwise.
    """
    named = FAULT if event.kind == "silence" else matter_of_rule(event.rule)
    if named:
        return named
    source = suspect.source if suspect else event.subject
    fact = register.resolve(source, on)
    if isinstance(fact, Outlet | WorkSite):
        return matter_of_site(fact)
    if event.subject.kind == "section":
        return "section"
    if suspects and suspects.regional > suspects.none_of_listed and not suspects.cannot_tell:
        return "regional"
    return "unknown_source"


def kind_of(event: Event, matter: str) -> CaseKind:
    """Return the kind of case that an event becomes: a fault is mended, a limit of an outlet is for its enterprise."""
    if matter == FAULT:
        return "maintenance"
    return "outlet" if event.kind == "limit" and event.subject.kind == "outlet" else "issue"


def matter_of_site(site: Outlet | WorkSite) -> str:
    """Return the matter that trouble at an outlet or a work site amounts to; the table of duties says whose it is."""
    if isinstance(site, Outlet):
        return "waste_water" if site.medium == "water" else "industry"
    return matter_of(site.matter).code


def _event_title(event: Event, suspect: Suspect | None, matter: str, register: Register, on: date) -> Message:
    fact = register.resolve(event.subject, on)
    values = {
        "site": fact.name if fact else str(event.subject),
        "pollutant": pollutant(event.pollutant).en if event.pollutant else "",
        "suspect": suspect.name if suspect else "",
    }
    key = f"case.title_{event.kind}" + ("_suspect" if suspect and event.kind != "silence" else "")
    return Message(key, values, {"matter": f"matter.{matter}"})


def _routed(way: Route) -> dict[str, Any]:
    """Return the fields of an `Opening` that the route decides."""
    return {
        "cell": way.cell,
        "district": way.district,
        "lead": way.lead,
        "support": way.support,
        "officer": way.officer,
        "routing": f"{way.basis} {way.note}".strip(),
    }
