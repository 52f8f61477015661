"""What loggers told of the settings and states of their instruments, and when one of these changed.

Frames 3020 tell parameters and states of analysers, 2021 the run states of treatment equipment; an order 3021 of ours
changes a parameter. Each change is one record: it names the frame (or the order) that told it, and its id is what a
sign of falsification, an alarm and `bihuan explain` point at. The first thing told of a setting is kept as well, so
that the next has something to differ from; it is no change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

import msgspec
import polars as pl

from bihuan.core import DeviceNote, Period, Ref, content_id, from_json, to_json
from bihuan.devices.hj212 import parameters, pollutant_named
from bihuan.observations import CHANGES_SCHEMA
from bihuan.register import Device
from bihuan.store import Link, Records, Row

KIND = "presence"
"""Kind of the records: what a logger says of itself stands beside when it was there."""

STATE = "setting"

KEPT_KINDS = frozenset({"parameter", "state", "run_state"})
"""Notes that are looked at."""

TOLD = "settings/run_states"
"""Name in `Records.state`: what each logger told last of its equipment, and when."""

REMEMBERED = timedelta(hours=6)
"""Run states older than this say nothing about now."""

NO_SETTING = frozenset({"calibrated_at"})
"""Parameters that tell of the past: shown, and no reason for a sign."""


class Change(msgspec.Struct, frozen=True):
    """A setting or state that differs from what was told before.

    Attributes
    ----------
    id : str
        From content.
    device, site : str
    kind : str
        ``parameter``, ``state`` or ``run_state``.
    about : str
        Factor as the device named it, empty for the logger itself.
    pollutant : str
        Our code of it, empty where it is none.
    code, name : str
        Code of annex B.10 or ``SBn-RS``; our name of it (texts ``[parameter]``), the code where there is none.
    before, after : str
        As told; `before` is empty for what was told for the first time.
    at : datetime
        When the device says it was so; when it was heard where it does not say.
    frame : str
        Id in the journal, empty for an order.
    order, person, reason : str
        The order that changed it, and who asked for it and why.
    """

    id: str
    device: str
    site: str
    kind: str
    about: str
    pollutant: str
    code: str
    name: str
    before: str
    after: str
    at: datetime
    frame: str = ""
    order: str = ""
    person: str = ""
    reason: str = ""

    @property
    def ref(self) -> Ref:
        """Points at it."""
        return Ref(KIND, self.id)

    @property
    def first(self) -> bool:
        """Whether nothing had been told before, so that nothing is known to have changed."""
        return not self.before and not self.order


class RunState(msgspec.Struct, frozen=True):
    """What a logger told of one piece of treatment equipment."""

    at: datetime
    value: str


class SettingBook:
    """Keeps what was told in the records.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._last: dict[str, dict[tuple[str, str, str], Change]] = {}
        known = records.state(TOLD)
        self._told = from_json(known, dict[str, dict[str, RunState]]) if known else {}

    def step(
        self, devices: Mapping[str, Device], notes: Iterable[tuple[str, DeviceNote]], now: datetime
    ) -> list[Change]:
        """Take notes in whatever order; return the changes, what was told for the first time not among them."""
        wanted = [(note.at or now, mn, note) for mn, note in notes if note.kind in KEPT_KINDS and mn in devices]
        if not wanted:
            return []
        fresh: list[Change] = []
        for at, mn, note in sorted(wanted, key=lambda one: (one[0], one[1], one[2].frame, one[2].about)):
            for code, value in note.values:
                self._one(devices[mn], note, at, (code, value.strip()), fresh)
        if any(note.kind == "run_state" for _, _, note in wanted):
            late = now - REMEMBERED
            self._told = {mn: told for mn, told in self._told.items() if max(o.at for o in told.values()) > late}
            self._records.set_state(TOLD, to_json(self._told))
        keep_changes(self._records, fresh)
        return [one for one in fresh if not one.first]

    def ordered(
        self, device: Device, order: str, given: Mapping[str, str], who: tuple[str, str], at: datetime, frame: str = ""
    ) -> Change:
        """Keep the change that an executed order 3021 made: of a factor, its parameter and the new value.

        Parameters
        ----------
        device : Device
        order : str
            Id of the order.
        given : mapping of str to str
            Its arguments ``analyser info value``.
        who : (str, str)
            Who asked, and why.
        at : datetime
        frame : str
            Id of the device's answer.
        """
        about, code, value = given.get("analyser", ""), given.get("info", ""), given.get("value", "")
        key = ("parameter", about, code)
        before = self._known(device.id).get(key)
        change = Change(
            id=content_id("setting", device.id, order),
            device=device.id,
            site=device.site,
            kind="parameter",
            about=about,
            pollutant=pollutant_named(about),
            code=code,
            name=parameters()[code][0] if code in parameters() else code,
            before=before.after if before else "",
            after=value,
            at=at,
            frame=frame,
            order=order,
            person=who[0],
            reason=who[1],
        )
        self._known(device.id)[key] = change
        keep_changes(self._records, [change])
        return change

    def run_states(self, mn: str) -> Mapping[str, RunState]:
        """Return what a logger told last of each piece of equipment, by ``SBn-RS``."""
        return self._told.get(mn, {})

    def _one(self, device: Device, note: DeviceNote, at: datetime, told: tuple[str, str], fresh: list[Change]) -> None:
        code, value = told
        if not value or (note.kind == "run_state" and not code.endswith("-RS")):
            return
        if note.kind == "run_state":
            own = self._told.setdefault(device.id, {})
            if code not in own or own[code].at <= at:
                own[code] = RunState(at, value)
        known = self._known(device.id)
        key = (note.kind, note.about, code)
        before = known.get(key)
        if before is not None and (at <= before.at or not differs(code, before.after, value)):
            return
        change = Change(
            id=content_id("setting", device.id, *key, value, at),
            device=device.id,
            site=device.site,
            kind=note.kind,
            about=note.about,
            pollutant=pollutant_named(note.about),
            code=code,
            name=parameters()[code][0] if code in parameters() else code,
            before=before.after if before else "",
            after=value,
            at=at,
            frame=note.frame,
        )
        known[key] = change
        fresh.append(change)

    def _known(self, mn: str) -> dict[tuple[str, str, str], Change]:
        """What was told last of each setting of a logger; read once."""
        if mn not in self._last:
            rows = self._records.find(KIND, subject=f"device:{mn}", state=STATE)
            found = sorted((from_json(row.body, Change) for row in rows), key=lambda one: (one.at, one.id))
            self._last[mn] = {(one.kind, one.about, one.code): one for one in found}
        return self._last[mn]


def differs(code: str, before: str, after: str) -> bool:
    """Say whether a setting was changed: as numbers where both are, by more than a reading of it would wander."""
    if before == after:
        return False
    try:
        one, other = Decimal(before), Decimal(after)
    except InvalidOperation:
        return True
    if not (one.is_finite() and other.is_finite()):
        return True
    least = parameters()[code][1] if code in parameters() else 0.0
    return one != other and abs(one - other) > Decimal(str(least)) * max(abs(one), abs(other))


def keep_changes(records: Records, changes: Iterable[Change]) -> None:
    """Store changes, each linked with the frame or order that told it; belongs into a transaction."""
    found = list(changes)
    records.save(KIND, [Row(one.id, to_json(one), f"device:{one.device}", STATE, start=one.at) for one in found])
    told = [(Ref("frame", one.frame) if one.frame else Ref("order", one.order), one) for one in found]
    records.link([Link(ref, one.ref) for ref, one in told if ref.id])


def changes_of(records: Records, device: str, limit: int = 100) -> list[Change]:
    """Return what is known to have changed at a logger, the newest first."""
    rows = records.find(KIND, subject=f"device:{device}", state=STATE, limit=4 * limit, newest_first=True)
    return [one for row in rows if not (one := from_json(row.body, Change)).first][:limit]


def run_changes(records: Records, devices: Sequence[str], since: datetime) -> list[Change]:
    """Return the run states that changed at some loggers since an instant, what was told first among them."""
    subjects = [f"device:{mn}" for mn in devices]
    rows = records.find(KIND, subject=subjects, state=STATE, since=since) if subjects else []
    return [one for row in rows if (one := from_json(row.body, Change)).kind == "run_state"]


def change_of(records: Records, ident: str) -> Change | None:
    """Return one change, None where there is none of that id."""
    row = records.get(KIND, ident)
    return from_json(row.body, Change) if row is not None and row.state == STATE else None


def changes_in(records: Records, period: Period) -> pl.DataFrame:
    """Return the parameters of analysers that changed in a period, as the signs of falsification read them."""
    rows = records.find(KIND, state=STATE, since=period.start, until=period.end)
    found = [from_json(row.body, Change) for row in rows]
    table = [
        (one.site, one.pollutant, one.at, one.name, _number(one.before), _number(one.after), str(one.ref))
        for one in found
        if one.kind == "parameter" and one.pollutant and not one.first and one.name not in NO_SETTING
    ]
    return pl.DataFrame(table, schema=CHANGES_SCHEMA, orient="row")


def _number(text: str) -> float | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return float(value) if value.is_finite() else None
