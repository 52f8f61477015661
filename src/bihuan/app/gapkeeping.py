"""Gaps of the city: what every logger owes, which of it is missing, kept in the records step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.town import Town
from bihuan.core import DAY, INTERVALS, Interval, from_json, iso, local_day, parse_instant, to_json
from bihuan.observations import GRACE, KEPT, REPORTS_SCHEMA, Gap, GapTable, Heard, Learner, Owed
from bihuan.register import Device
from bihuan.store import Records, Row, SeriesStore, Store

JUDGED, BEGAN, LEARNT = "gaps/judged", "gaps/began", "gaps/learnt"
"""Names in `Records.state`: up to where gaps were looked for by interval; first step ever heard; learnt rhythms."""

FIRST_LOOK = DAY
"""A store that has lived before is looked through for gaps this far back. What lies before is found by a rebuild."""

INSTANTS = 2
"""Instants of a device come when they come: of two steps one may hold two of them, so both are taken together."""

_CHUNK = 500

_BEGAN = 'SELECT device, "interval", min(start) AS first FROM readings GROUP BY device, "interval"'

_AWAITED = """
SELECT DISTINCT device, "interval", start, 'live' AS origin FROM readings WHERE "interval" = ? AND start >= ?
"""


def owed_of(device: Device, zone: ZoneInfo, now: datetime, learner: Learner) -> Iterator[Owed]:
    """Yield what one logger owes: minutes, hours and days by its rhythm; instants where it owes no minutes.

    Of a rhythm that stands in the register nothing is learnt.
    """
    told = {name: seconds for name, seconds in device.rhythm.items() if seconds > 0}
    rhythm = told or learner.rhythm(device.id)
    local = now.astimezone(zone).utcoffset() or timedelta(0)
    since = local_day(device.valid_from, zone).start
    for interval in INTERVALS:
        if interval in rhythm and (interval != "rt" or "minute" not in rhythm):
            seconds = rhythm[interval] * (INSTANTS if interval == "rt" else 1)
            offset = -int(local.total_seconds())
            yield Owed(device.id, device.site, interval, seconds, since, offset, learnt=not told)


def reports_of(readings: pl.DataFrame) -> pl.DataFrame:
    """Return which reports came, one row a device, interval and start."""
    return readings.select(REPORTS_SCHEMA.names()).unique(["device", "interval", "start"], keep="last")


class GapKeeper:
    """Keeps the gap table in the records.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
        Local time of the city: days begin at its midnight.
    """

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._records, self._series, self._zone = store.records, store.series, zone
        self._town: Town | None = None
        self._table: GapTable | None = None
        self.learner = learner_of(store.records)

    @property
    def held(self) -> Iterator[Gap]:
        """Gaps that may still be asked for or filled."""
        return self._table.gaps if self._table else iter(())

    @property
    def judged(self) -> dict[Interval, datetime]:
        """Up to where gaps were looked for, by interval."""
        return self._table.judged if self._table else judged_of(self._records)

    def step(self, town: Town, readings: pl.DataFrame, now: datetime) -> list[Gap]:
        """Take what came by an instant, and keep and return the gaps that are new or changed.

        Belongs into the transaction that holds the rest of the step.
        """
        reports = reports_of(readings)
        untold = [mn for mn, device in town.devices.items() if not any(device.rhythm.values())]
        believed = self.learner.take(reports, untold)
        table = self._table_of(town, now, believed)
        table.hold(self._old(reports, now))
        changed = table.step(reports, now)
        self.save(changed)
        self._records.set_state(JUDGED, to_json({name: iso(at) for name, at in table.judged.items()}))
        if table.new_devices:
            table.new_devices = False
            self._records.set_state(BEGAN, _began_json(table.began))
        if untold:
            self._records.set_state(LEARNT, to_json(self.learner.heard))
        return changed

    def save(self, gaps: Iterable[Gap]) -> None:
        """Keep gaps as they stand."""
        self._records.save("gap", [row_of(gap) for gap in gaps])

    def _table_of(self, town: Town, now: datetime, believed: bool) -> GapTable:
        fresh = self._table is None
        if self._table is None:
            self._table = _load(self._records, self._series, now)
        if fresh or believed or town is not self._town:
            self._town = town
            devices = town.devices.values()
            self._table.owe([one for device in devices for one in owed_of(device, self._zone, now, self.learner)])
        if fresh:
            self._table.wait_for(_awaited(self._series, self._table.judged))
        return self._table

    def _old(self, reports: pl.DataFrame, now: datetime) -> list[Gap]:
        """Gaps given up long ago of which something came now."""
        late = reports.filter(pl.col("start") < now - KEPT)["device"].unique().sort().to_list()
        found = []
        for at in range(0, len(late), _CHUNK):
            subjects = [f"device:{mn}" for mn in late[at : at + _CHUNK]]
            rows = self._records.find("gap", subject=subjects, state="given_up", until=now - KEPT)
            found += [from_json(row.body, Gap) for row in rows]
        return found


def row_of(gap: Gap) -> Row:
    """Return a gap as it is kept."""
    return Row(gap.id, to_json(gap), f"device:{gap.device}", gap.state, start=gap.start, end=gap.end)


def gaps_of(
    records: Records,
    devices: Iterable[str] | None = None,
    *,
    states: Iterable[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    reaching: datetime | None = None,
) -> list[Gap]:
    """Return kept gaps, the newest first.

    Parameters
    ----------
    devices : iterable of str, optional
        Every device without it.
    states : iterable of str, optional
    since, until : datetime, optional
        Of their start.
    limit : int, optional
    reaching : datetime, optional
        Only those that end behind it.
    """
    subjects = None if devices is None else [f"device:{mn}" for mn in devices]
    rows = records.find(
        "gap",
        subject=subjects,
        state=None if states is None else list(states),
        since=since,
        until=until,
        limit=limit,
        newest_first=True,
    )
    reached = (row for row in rows if reaching is None or (row.end is not None and row.end > reaching))
    return [from_json(row.body, Gap) for row in reached]


def learner_of(records: Records) -> Learner:
    """Return the rhythms that were learnt."""
    body = records.state(LEARNT)
    return Learner(from_json(body, dict[str, dict[str, Heard]]) if body else None)


def judged_of(records: Records) -> dict[Interval, datetime]:
    """Return up to where gaps were looked for, by interval; nothing before the first step."""
    body = records.state(JUDGED)
    return {name: parse_instant(at) for name, at in from_json(body, dict[Interval, str]).items()} if body else {}


def began_of(records: Records) -> dict[tuple[str, str], int]:
    """Return the first step ever heard of each device and interval. [s since 1970]"""
    body = records.state(BEGAN)
    kept = from_json(body, dict[str, dict[str, int]]) if body else {}
    return {(mn, interval): at for mn, mine in kept.items() for interval, at in mine.items()}


def first_heard(records: Records) -> dict[str, datetime]:
    """Return when each device was heard first, whatever it sent; who was never heard is not in it."""
    found: dict[str, int] = {}
    for (mn, _), at in began_of(records).items():
        found[mn] = min(at, found.get(mn, at))
    return {mn: datetime.fromtimestamp(at, UTC) for mn, at in found.items()}


def _began_json(began: dict[tuple[str, str], int]) -> bytes:
    kept: dict[str, dict[str, int]] = {}
    for (mn, interval), at in began.items():
        kept.setdefault(mn, {})[interval] = at
    return to_json(kept)


def _load(records: Records, series: SeriesStore, now: datetime) -> GapTable:
    """Bring the table back as the last step left it, or begin one over a store that has lived without."""
    judged, began = judged_of(records), began_of(records)
    fresh = not judged
    if fresh:
        judged = {interval: now - grace - FIRST_LOOK for interval, grace in GRACE.items()}
        rows = series.query(_BEGAN).iter_rows()
        began = {(mn, interval): int(first.timestamp()) for mn, interval, first in rows}
    kept = gaps_of(records, states=("open", "recalled"))
    kept += gaps_of(records, states=("given_up",), since=now - KEPT)
    table = GapTable(judged, began, kept)
    table.new_devices = fresh and bool(began)
    return table


def _awaited(series: SeriesStore, judged: dict[Interval, datetime]) -> pl.DataFrame:
    """What the store holds of steps that are not judged yet."""
    found = [
        series.query(_AWAITED, [interval, at - DAY if interval == "day" else at - timedelta(hours=1)])
        for interval, at in sorted(judged.items())
    ]
    return pl.concat([pl.DataFrame(schema=REPORTS_SCHEMA), *(part.match_to_schema(REPORTS_SCHEMA) for part in found)])
