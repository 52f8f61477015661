"""Settings of the city for its cases: limits, hours, thresholds, escalation."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bihuan.core import SettingError

ClockName = Literal["dispatch", "explain", "review", "sign", "arrive", "decide", "done", "demanded", "check", "revisit"]
CLOCKS: tuple[ClockName, ...] = get_args(ClockName)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a clock runs.

    Attributes
    ----------
    working_days : bool
        Only on working days, statutory holidays and adjusted days counted in.
    windows : tuple of (int, int)
        Minutes of the local day, ascending. [min]
    """

    working_days: bool
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit.

    Attributes
    ----------
    minutes : int
        Counted on the hours `on`; 0 when `days` says it. [min]
    days : int
    on : str
        Name of the hours.
    status, source : str
        ``design`` for our default.
    """

    minutes: int
    days: int
    on: str
    status: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class EscalationLevel:
    """催办, 督办 or 提级: from which share of the limit on, and who is told."""

    level: str
    share: float
    tells: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CaseSettings:
    """Every setting in force; see ``settings.toml`` for what each means and where it comes from."""

    max_returns: int
    dispatch_wait_minutes: int
    dispatch_wait_on: str
    duplicate_metres: float
    duplicate_hours: float
    rebound_days: float
    photo_metres: float
    photo_hours_before: float
    clock_minutes: float
    country: str
    zone: ZoneInfo
    extra_off: frozenset[date]
    extra_working: frozenset[date]
    hours: Mapping[str, Hours]
    limits: Mapping[str, Mapping[str, Limit]]
    escalation: tuple[EscalationLevel, ...]

    def limit(self, matter_class: str, clock: ClockName) -> Limit:
        """Return the limit of a clock for a class of matters."""
        special = self.limits.get(matter_class, {}).get(clock)
        return special or self.limits["default"][clock]


@cache
def default_settings() -> CaseSettings:
    """Return the settings as they come."""
    return case_settings({})


def case_settings(overrides: Mapping[str, Any]) -> CaseSettings:
    """Return the defaults with what the city has set itself.

    Parameters
    ----------
    overrides : mapping
        In the layout of ``settings.toml``, only what differs; ``escalation`` is replaced as a whole.

    Raises
    ------
    SettingError
        If a setting is unknown, of the wrong kind or out of range.
    """
    source = resources.files("bihuan.cases").joinpath("settings.toml").read_text("utf-8")
    try:
        return _settings(_merged(tomllib.loads(source), overrides))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise SettingError(f"a setting of cases cannot be read: {problem!r}; see cases/settings.toml") from None


LIMIT_KEYS = {"minutes", "hours", "days", "on", "status", "source"}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for table, rows in over.items():
        if table not in base:
            raise SettingError(f"table {table!r} of the settings of cases is unknown; known: {', '.join(base)}")
        if table == "escalation":
            result[table] = rows
        elif table == "limit":
            named = {group: {**base[table].get(group, {}), **clocks} for group, clocks in rows.items()}
            result[table] = {**base[table], **named}
        else:
            unknown = set() if table == "hours" else set(rows) - set(base[table])
            if unknown:
                raise SettingError(
                    f"setting {table}.{min(unknown)} of cases is unknown; known: {', '.join(base[table])}"
                )
            result[table] = {**base[table], **rows}
    return result


def _settings(table: Mapping[str, Any]) -> CaseSettings:
    calendar = table["calendar"]
    try:
        zone = ZoneInfo(calendar["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingError(f"calendar.zone = {calendar['zone']!r} is no time zone; write Asia/Shanghai") from None
    hours = {name: _hours(name, row) for name, row in table["hours"].items()}
    return CaseSettings(
        max_returns=_whole("returns.max", table["returns"]["max"]),
        dispatch_wait_minutes=_whole("dispatch.wait_minutes", table["dispatch"]["wait_minutes"]),
        dispatch_wait_on=_known_hours("dispatch.wait_on", table["dispatch"]["wait_on"], hours),
        duplicate_metres=_positive("duplicates.metres", table["duplicates"]["metres"]),
        duplicate_hours=_positive("duplicates.hours", table["duplicates"]["hours"]),
        rebound_days=_positive("rebound.days", table["rebound"]["days"]),
        photo_metres=_positive("evidence.photo_metres", table["evidence"]["photo_metres"]),
        photo_hours_before=_positive("evidence.photo_hours_before", table["evidence"]["photo_hours_before"]),
        clock_minutes=_positive("evidence.clock_minutes", table["evidence"]["clock_minutes"]),
        country=calendar["country"],
        zone=zone,
        extra_off=frozenset(date.fromisoformat(day) for day in calendar["extra_off"]),
        extra_working=frozenset(date.fromisoformat(day) for day in calendar["extra_working"]),
        hours=hours,
        limits={
            group: {clock: _limit(f"limit.{group}.{clock}", row, hours) for clock, row in rows.items()}
            for group, rows in table["limit"].items()
        },
        escalation=tuple(_level(row) for row in table["escalation"]),
    )


def _hours(name: str, row: Mapping[str, Any]) -> Hours:
    if row["days"] not in {"all", "working"}:
        raise SettingError(f"hours.{name}.days = {row['days']!r} must be all or working")
    windows = tuple((_minute(name, first), _minute(name, last)) for first, last in row["windows"])
    edges = [edge for window in windows for edge in window]
    if not windows or edges != sorted(edges) or any(first >= last for first, last in windows):
        raise SettingError(f"hours.{name}.windows = {row['windows']} must ascend, not overlap and not be empty")
    return Hours(row["days"] == "working", windows)


def _minute(name: str, text: str) -> int:
    if text == "24:00":
        return 1440
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise SettingError(f"hours.{name}: {text!r} is no time of day; write 08:30 or 24:00") from None
    return at.hour * 60 + at.minute


def _limit(path: str, row: Mapping[str, Any], hours: Mapping[str, Hours]) -> Limit:
    if path.rpartition(".")[2] not in CLOCKS:
        raise SettingError(f"{path}: no such clock; known: {', '.join(CLOCKS)}")
    unknown = set(row) - LIMIT_KEYS
    amounts = {"minutes", "hours", "days"} & set(row)
    if unknown or len(amounts) != 1:
        raise SettingError(f"{path} = {dict(row)} must hold one of minutes, hours, days; and on, status, source")
    if row.get("on") not in hours:
        raise SettingError(f"{path}.on = {row.get('on')!r} is no set of hours; known: {', '.join(hours)}")
    amount = _positive(path, row[amounts.pop()])
    days = int(amount) if "days" in row else 0
    minutes = 0 if days else round(amount * (60 if "hours" in row else 1))
    return Limit(minutes, days, row["on"], row.get("status", "city"), row.get("source", ""))


def _known_hours(path: str, name: object, hours: Mapping[str, Hours]) -> str:
    if not isinstance(name, str) or name not in hours:
        raise SettingError(f"{path} = {name!r} is no set of hours; known: {', '.join(hours)}")
    return name


def _level(row: Mapping[str, Any]) -> EscalationLevel:
    if row["level"] not in {"urge", "supervise", "elevate"}:
        raise SettingError(f"escalation level {row['level']!r} must be urge, supervise or elevate")
    return EscalationLevel(row["level"], _positive("escalation.share", row["share"]), tuple(row["tells"]))


def _positive(path: str, value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
        raise SettingError(f"{path} = {value!r} must be a number above 0")
    return float(value)


def _whole(path: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SettingError(f"{path} = {value!r} must be a whole number, 0 or more")
    return value
