"""Signs of falsification (数据造假线索) once a day: looked for, kept, dismissed or had checked by a named person.

The run concludes nothing: it keeps what it found as 核查建议 and tells the desk. Who may see signs is a right of its
own (`sign.read`), because an outlet's own people would be warned by them. Only a person makes an alarm of one, which
then goes the way of every alarm: marked, dispatched, checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.settingbook import changes_in
from bihuan.app.town import Town
from bihuan.core import (
    HOUR,
    Event,
    InputError,
    NotCovered,
    content_id,
    floor_to,
    from_json,
    iso,
    local_date,
    to_json,
)
from bihuan.observations import SIGN_SITES_SCHEMA, Block, Sign, block_of, find_signs, span_of
from bihuan.standards import lookup
from bihuan.store import Entry, Link, Records, Row, Store

RUN = "signs/run"
"""Name in `Records.state` of the last day that was looked at."""

AT = time(3, 30)
"""Local time of the daily run: the day before is whole by then, and nobody waits for the loop."""

RULE = "sign_series"
"""Rule of the alarms that a person makes of signs."""

OVER = timedelta(days=30)
"""A sign that nobody decided on is over after so long."""

GASES_OF_LAW = ("so2", "no2", "co", "o3")

State = Literal["open", "dismissed", "sent", "gone"]


@dataclass(frozen=True, slots=True)
class KeptSign:
    """A sign and what became of it.

    Attributes
    ----------
    sign : Sign
    state : State
        待处理, 已排除, 已转核查, 已过期.
    found : datetime
    by, name, reason : str
        Who decided, as the register had it then, and why.
    at : datetime or None
    event : str
        Alarm that a person made of it.
    """

    sign: Sign
    state: State
    found: datetime
    by: str = ""
    name: str = ""
    reason: str = ""
    at: datetime | None = None
    event: str = ""


class Signs:
    """The signs in the records.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, ident: str) -> KeptSign | None:
        """Return one sign with its state."""
        row = self._records.get("sign", ident)
        return from_json(row.body, KeptSign) if row else None

    def find(
        self, state: State | None = None, site: str | None = None, since: datetime | None = None
    ) -> list[KeptSign]:
        """Return signs, the newest first."""
        rows = self._records.find("sign", state=state, subject=site, since=since, newest_first=True)
        return [from_json(row.body, KeptSign) for row in rows]

    def keep(self, found: Iterable[Sign], now: datetime) -> tuple[KeptSign, ...]:
        """Keep what is new and return it.

        A sign of one kind, site and pollutant whose time overlaps that of a kept one is the same sign: what was
        dismissed does not come back the next morning because the week has moved by a day.
        """
        known: dict[tuple[str, str, str], list[KeptSign]] = {}
        for kept in self.find(since=now - OVER - timedelta(days=30)):
            known.setdefault(_key(kept.sign), []).append(kept)
        fresh = []
        for sign in found:
            if not any(sign.period.overlaps(old.sign.period) for old in known.get(_key(sign), ())):
                fresh.append(KeptSign(sign, "open", now))
        self._save(fresh)
        over = [kept for kept in self.find(state="open") if now - kept.found > OVER]
        self._save(replace(kept, state="gone") for kept in over)
        return tuple(fresh)

    def decide(
        self,
        ident: str,
        state: Literal["dismissed", "sent"],
        who: tuple[str, str],
        reason: str,
        now: datetime,
        event: str = "",
    ) -> KeptSign:
        """Dismiss a sign or say that it is being checked; the caller writes the ledger in the same transaction.

        Raises
        ------
        InputError
            If there is none, it was decided before, or a dismissal gives no reason.
        """
        kept = self.get(ident)
        if kept is None or kept.state != "open":
            was = "is not known" if kept is None else f"is {kept.state} already"
            raise InputError(f"sign {ident} {was}: only an open one is decided on")
        if state == "dismissed" and not reason.strip():
            raise InputError(f"sign {ident} is dismissed only with a reason")
        decided = replace(kept, state=state, by=who[0], name=who[1], reason=reason.strip(), at=now, event=event)
        self._save([decided])
        return decided

    def _save(self, signs: Iterable[KeptSign]) -> None:
        rows, found = [], list(signs)
        for kept in found:
            period = kept.sign.period
            rows.append(
                Row(kept.sign.id, to_json(kept), str(kept.sign.site), kept.state, start=period.start, end=period.end)
            )
        self._records.save("sign", rows)
        self._records.link([Link(ref, kept.sign.ref) for kept in found for ref in kept.sign.inputs])


def _key(sign: Sign) -> tuple[str, str, str]:
    return (sign.kind, str(sign.site), sign.pollutant)


def alarm_of_sign(kept: KeptSign, town: Town) -> Event:
    """Return the alarm (核查建议) that a person makes of a sign: of the lowest grade, with the sign as its input."""
    sign = kept.sign
    return Event(
        id=content_id(RULE, sign.site, sign.id),
        rule=RULE,
        kind="pattern",
        subject=sign.site,
        place=town.register.place_of(sign.site, town.on),
        period=sign.period,
        pollutant=sign.pollutant,
        grade="note",
        value=None,
        threshold=None,
        inputs=(sign.ref,),
        method=f"{sign.method}/{sign.kind}",
        open=True,
    )


def save_alarm(store: Store, event: Event, sign: Sign) -> None:
    """Put the alarm beside the others, linked with its sign."""
    period = event.period
    row = Row(event.id, to_json(event), str(event.subject), "open", start=period.start, end=period.end)
    store.records.save("event", [row])
    store.records.link([Link(sign.ref, event.ref)])


class Signing:
    """The daily run within the loop.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
    """

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store, self._zone = store, zone
        self._signs = Signs(store.records)

    def due(self, town: Town, now: datetime) -> tuple[KeptSign, ...]:
        """Look once a day, after `AT`; return what is new. Belongs into the transaction of the step."""
        today = local_date(now, self._zone)
        if now.astimezone(self._zone).time() < AT or last_run(self._store.records) == today:
            return ()
        self._store.records.set_state(RUN, to_json(today.isoformat()))
        end = floor_to(now, HOUR) - HOUR
        changes = changes_in(self._store.records, span_of(end))
        return self._signs.keep(signs_of(self._store, town, end, changes), now)


def last_run(records: Records) -> date | None:
    """Return the last day that was looked at."""
    body = records.state(RUN)
    return date.fromisoformat(from_json(body, str)) if body else None


def signs_of(store: Store, town: Town, end: datetime, changes: pl.DataFrame | None = None) -> tuple[Sign, ...]:
    """Return the signs of the week before an instant; stores nothing.

    Parameters
    ----------
    store : Store
    town : Town
    end : datetime
        A whole hour.
    changes : DataFrame of `CHANGES_SCHEMA`, optional
        Settings of instruments that were changed, as logs of the devices tell.
    """
    sites = _sites(town)
    plain = (_block(store, code, "avg", end, sites, _plain_limits(town, code)) for code in _codes(store, "avg", end))
    folded = (_block(store, code, "zs_avg", end, sites, _limits(town, code)) for code in _codes(store, "zs_avg", end))
    return find_signs(plain, changes, folded)


def _codes(store: Store, stat: str, end: datetime) -> Iterator[str]:
    span = span_of(end)
    query = "SELECT DISTINCT pollutant FROM hours WHERE stat = ? AND start >= ? AND start < ? ORDER BY pollutant"
    yield from store.series.query(query, [stat, span.start, span.end])["pollutant"].to_list()


def _block(store: Store, code: str, stat: str, end: datetime, sites: pl.DataFrame, limits: dict[str, float]) -> Block:
    """Usable hours of record of one pollutant; the first basis that has a value, as `of_record` takes it."""
    span = span_of(end)
    rows = store.series.query(
        "SELECT site, start, arg_min(value, CASE basis WHEN 'device' THEN 0 WHEN 'file' THEN 1 ELSE 2 END) AS value "
        "FROM hours WHERE pollutant = ? AND stat = ? AND start >= ? AND start < ? AND value IS NOT NULL "
        "AND quality NOT IN ('bad', 'missing') GROUP BY site, start",
        [code, stat, span.start, span.end],
    )
    return block_of(rows, code, end, sites, limits)


def _sites(town: Town) -> pl.DataFrame:
    rows = [
        (str(s.ref), s.kind, s.place.lon if s.place else None, s.place.lat if s.place else None) for s in town.sites
    ]
    return pl.DataFrame(rows, schema=SIGN_SITES_SCHEMA, orient="row")


def _limits(town: Town, code: str) -> dict[str, float]:
    """Hourly limits of permits for folded values."""
    return {str(site.ref): site.limits[code] for site in town.sites if code in site.limits}


def _plain_limits(town: Town, code: str) -> dict[str, float]:
    """Hourly limits of what is not folded: of official stations by GB 3095, of outlets without reference oxygen."""
    found = {}
    if code in GASES_OF_LAW:
        try:
            limit = float(lookup("GB 3095", on=town.on).row("limits", code, averaging="hour")["grade2"])
        except NotCovered:
            limit = float("nan")
        found = dict.fromkeys(town.official, limit)
    for outlet in town.outlets:
        own = (one for one in outlet.limits if one.pollutant == code and one.averaging == "hour")
        if outlet.o2_reference is None:
            found |= {f"outlet:{outlet.id}": one.limit for one in own}
    return found


def decision(kept: KeptSign, person: str, now: datetime) -> Entry:
    """Return the row of the ledger that a decision on a sign writes."""
    body = {"kind": kept.sign.kind, "state": kept.state, "reason": kept.reason, "event": kept.event, "at": iso(now)}
    return Entry(now, person, f"sign.{kept.state}", str(kept.sign.ref), to_json(body))
