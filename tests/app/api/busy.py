"""A morning with work on every desk: cases of each door in each state, so that there is something to look at and do."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

from PIL import Image, ImageDraw

from bihuan.app.api import Office
from bihuan.app.api.photos import Kept
from bihuan.cases import Action, Actor, Case, FieldReport, Order, Photo, PublicComplaint
from bihuan.core import Place, to_json
from bihuan.register import Cell, Person


def actor(person: Person) -> Actor:
    return Actor(person.id, person.roles, person.unit, person.district)


def picture(text: str, size: tuple[int, int] = (1200, 900), colour: str = "#8fa7ad") -> bytes:
    """A JPEG of our own: a gate under a grey sky with a word on it."""
    image = Image.new("RGB", size, "#c9d4d8")
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0, height * 0.55, width, height), fill="#8b8378")
    draw.rectangle((width * 0.2, height * 0.25, width * 0.8, height * 0.72), fill=colour, outline="#33424a", width=6)
    for part in range(9):
        x = width * (0.2 + 0.6 * part / 8)
        draw.line((x, height * 0.25, x, height * 0.72), fill="#33424a", width=4)
    draw.text((width * 0.22, height * 0.78), text, fill="#f5f0e6", font_size=height // 18)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def shown(office: Office, text: str, by: str, at: datetime, place: Place, role: str = "scene") -> Photo:
    """Keep a picture as an upload does."""
    digest = office.store.blobs.put(picture(text))
    office.store.records.set_state(f"photo/{digest}", to_json(Kept(by, at, at, place)))
    return Photo(digest, role, at, place)  # type: ignore[arg-type]


def person(office: Office, login: str) -> Person:
    account = office.accounts.get(login)
    assert account is not None
    found = office.register.get(Person, account.person, office.today)
    assert found is not None
    return found


def reported(office: Office, matter: str, number: int, minutes: float) -> Case:
    """A report in the cell of the grid officer's login, so many minutes ago."""
    officer = person(office, "grid_officer")
    at = office.now - timedelta(minutes=minutes)
    cell = next(cell for cell in office.register.all(Cell, office.today) if cell.id == officer.cells[0])
    assert cell.centre is not None
    place = Place(cell.centre.lon + 0.0015 * (number % 3 - 1), cell.centre.lat + 0.0015 * (number // 3 - 1))
    photo = shown(office, f"SYNTHETIC {matter} {number}", officer.id, at, place)
    report = FieldReport(by=actor(officer), matter=matter, place=place, photos=(photo,), created=at)
    return office.desk.from_report(report, at).case


def advance(office: Office, case: Case, upto: str, minutes: float = 5) -> Case:
    """Let the people of the case take it on to a state."""
    officer = actor(person(office, "grid_officer"))
    way = ("sign", "arrive", "handle", "report")
    after = {"signed": 1, "on_site": 2, "handling": 3, "reported": 4}[upto]
    at = case.opened
    for kind in way[:after]:
        at += timedelta(minutes=minutes)
        place = case.place or Place(0, 0)
        proof = {"handle": {"result": "true", "note": "covers put back"}, "report": {"note": "covered and watered"}}
        photos = (shown(office, f"{kind} {case.id[:6]}", officer.person, at, place, "after"),) if kind in proof else ()
        fields = proof.get(kind, {})
        action = Action(kind, officer, at, fields, photos, place=place if kind == "arrive" else None)
        case = office.desk.act(case.id, action)
    return case


def busy(office: Office) -> dict[str, Case]:
    """Give every desk something to do."""
    now = office.now
    cases = {
        "dispatched": reported(office, "bare_soil", 0, 22),
        "new": reported(office, "muck_truck", 1, 6),
        "signed": advance(office, reported(office, "road", 2, 48), "signed"),
        "on_site": advance(office, reported(office, "construction", 3, 95), "on_site"),
        "handling": advance(office, reported(office, "restaurant", 4, 180), "handling"),
        "reported": advance(office, reported(office, "burning", 5, 240), "reported"),
        "late": reported(office, "bulk_coal", 6, 400),
    }
    officer, leader, duty = (person(office, name) for name in ("grid_officer", "duty_leader", "duty_officer"))
    place = cases["dispatched"].place
    complaint = PublicComplaint(
        number="SYN-12345-0007",
        received=now - timedelta(hours=3),
        matter="odour",
        content="Smell of paint at night, synthetic, call 13800001234",
        place=place,
        reporter="合成反映人",
        phone="13800001234",
        due=now + timedelta(days=3),
    )
    cases["complaint"] = office.desk.from_complaint(complaint, now - timedelta(hours=2)).case
    order = Order(
        number="SYN-2026-31",
        issuer="合成督察组",
        title="核查裸土覆盖情况",
        matter="bare_soil",
        issued=now - timedelta(hours=20),
        by=actor(duty),
        place=place,
        district=officer.district,
        lead=officer.unit,
        due=now + timedelta(hours=6),
    )
    cases["order"] = office.desk.from_order(order, now - timedelta(hours=19)).case
    held = advance(office, reported(office, "solid_waste", 7, 300), "signed")
    fields = {"reason": "road closed", "until": (now + timedelta(days=1)).isoformat()}
    cases["suspended"] = office.desk.act(held.id, Action("suspend", actor(leader), now - timedelta(hours=2), fields))
    office.desk.run_clocks(now)
    return cases
