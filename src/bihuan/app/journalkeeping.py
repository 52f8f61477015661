"""How long the journal is kept: a dated setting of the city over the legal floor, and letting go of the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bihuan.core import Language, SettingError, iso, parse_instant, plain, text, to_json
from bihuan.standards import lookup
from bihuan.store import (
    CitySetting,
    Entry,
    Pruned,
    SegmentState,
    Store,
    check_journal,
    days_kept,
    prunable,
    prune,
    write_whole,
)

SETTING = "journal.years"
"""Name of the city's setting: whole years for which frames are kept."""

CODE = "record keeping"
CHECKED = "journal-check.json"
"""File of a home that holds what the last check of the journal found."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long frames are kept, and what the law wants.

    Attributes
    ----------
    years, floor : int
    clause, status : str
        Of the floor.
    """

    years: int
    floor: int
    clause: str
    status: str

    def before(self, now: datetime) -> datetime:
        """Return the instant before which frames may go."""
        return now - days_kept(max(self.years, self.floor))


def retention(store: Store, on: date) -> Retention:
    """Return what holds on a day; the floor itself where nothing is set.

    Raises
    ------
    SettingError
        If the stored value is no whole number of years, or below the floor.
    """
    row = lookup(CODE, on=on).row("kept", "raw_frames")
    floor = int(row["at_least"])
    years = store.settings.get(SETTING, on, floor)
    return Retention(_checked(years, floor, row.clause), floor, row.clause, row.status)


def keep_for(store: Store, years: int, author: str, reason: str, now: datetime, on: date) -> Retention:
    """Set for how long frames are kept, with a row in the ledger.

    Raises
    ------
    SettingError
        If it is below the floor, or nobody says why.
    """
    row = lookup(CODE, on=on).row("kept", "raw_frames")
    _checked(years, int(row["at_least"]), row.clause)
    with store.records.transaction():
        store.settings.set(CitySetting(SETTING, years, on, author, reason, now))
        body = to_json({"years": years, "reason": reason})
        store.ledger.add(Entry(now, author, "journal.keep", f"setting:{SETTING}", body))
    return retention(store, on)


def prune_journal(store: Store, author: str, now: datetime, on: date, before: datetime | None = None) -> list[Pruned]:
    """Let go of old segments and return them; what goes stands in the ledger before it goes.

    Parameters
    ----------
    store : Store
    author : str
    now : datetime
    on : date
        The city's day.
    before : datetime, optional
        Keep more than the setting says.

    Raises
    ------
    SettingError
        If `before` lies within what the setting or the law wants kept.
    """
    kept = retention(store, on)
    edge = kept.before(now)
    if before is not None and before > edge:
        raise SettingError(
            f"frames received after {iso(edge)} are kept for {kept.years} years (floor {kept.floor}, {kept.clause}, "
            f"{kept.status}): give an earlier instant than {iso(before)}"
        )
    old = may_go(store, before or edge)
    if old:
        body = {"before": iso(before or edge), "years": kept.years, "segments": [plain(one) for one in old]}
        store.ledger.add(Entry(now, author, "journal.prune", "journal:segments", to_json(body)))
        prune(store.home.journal, old)
    return old


def may_go(store: Store, before: datetime) -> list[Pruned]:
    """Return the segments that may go: sealed, read, and received before an instant."""
    return prunable(store.home.journal, store.series.consumed(), before)


def check_home(home: Path, journal: Path, now: datetime) -> list[SegmentState]:
    """Check the whole journal and leave what was found for `bihuan doctor`."""
    found = check_journal(journal)
    told = {
        "at": iso(now),
        "segments": len(found),
        "frames": sum(one.frames for one in found),
        "damaged": [plain(one) for one in found if not one.whole],
    }
    write_whole(home / CHECKED, to_json(told), durable=False)
    return found


def last_check(home: Path) -> dict[str, Any]:
    """Return what the last check found; nothing where there was none."""
    try:
        found = json.loads((home / CHECKED).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def segment_words(one: SegmentState, language: Language) -> str:
    """Say how one segment is."""
    name = f"{one.gateway}/{one.segment:08d}"
    if one.whole:
        kind = "sealed" if one.sealed else "open"
        return text(f"journal.whole_{kind}", language, name=name, frames=one.frames)
    losses = "; ".join(f"{loss.start}-{loss.end}: {loss.problem}" for loss in one.losses)
    return text("journal.damaged", language, name=name, frames=one.frames, losses=losses)


def _checked(years: object, floor: int, clause: str) -> int:
    if not isinstance(years, int) or isinstance(years, bool) or years < floor:
        raise SettingError(
            f"{SETTING} = {years!r} cannot be: frames are kept for whole years, at least {floor} ({clause})"
        )
    return years


def age(told: dict[str, Any], now: datetime) -> timedelta | None:
    """Return how long ago the journal was checked; None where it never was."""
    return now - parse_instant(told["at"]) if told.get("at") else None
