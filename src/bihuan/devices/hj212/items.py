"""Items of a data frame to values in the units Bihuan keeps, with the marks beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from bihuan.core import Complaint, SettingError, Stat, pollutants
from bihuan.devices.hj212.codes import (
    FIELDS,
    KEPT_IN_JOURNAL,
    NOISE_FIELDS,
    OF_DAY_AND_NIGHT,
    PLAIN_NAMES,
    SENTINEL,
    UNCLEAR_UNITS,
    by_code,
    right_code,
    right_field,
    wire_unit,
)
from bihuan.devices.hj212.parse import Group
from bihuan.devices.plausible import NEVER, Kind, Plausible, plausible
from bihuan.devices.units import SAME, Conversion, conversion
from bihuan.register import Device

MARK = "Flag"

_MISSING = frozenset({"", "-", "--", "---", "/", "*", "null", "none", "na", "n/a", "nan", "invalid"})
_MEAN_OF: dict[Stat, Stat] = {"rtd": "avg", "zs_rtd": "zs_avg"}


class Channel(NamedTuple):
    """What one name of one device means, ready for its values."""

    pollutant: str
    stat: Stat | None
    convert: Conversion
    bounds: Plausible


@dataclass(slots=True)
class Gathered:
    """What the items of a frame say.

    Attributes
    ----------
    values : dict of (pollutant, stat) to (value or None, reason why there is none or it is doubted)
    marks : dict of pollutant to str
    complaints : list of Complaint
    """

    values: dict[tuple[str, Stat], tuple[float | None, str]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    """Codes already complained of."""

    def say(self, reason: str, detail: str, where: str) -> None:
        """Add a complaint about one item."""
        self.complaints.append(Complaint(reason, detail, f"item {where[:40]}"))


class Items:
    """The names one device sends.

    Raises
    ------
    SettingError
        If a unit of the device's register row is unknown or does not fit its pollutant.
    """

    def __init__(self, device: Device, kind: Kind) -> None:
        self._strict = device.strictness == "strict"
        self._kind = kind
        self._named_units = frozenset(device.units)
        try:
            self._converted = _conversions(kind, tuple(sorted(device.units.items())))
        except SettingError as problem:
            raise SettingError(f"device {device.id}{problem}") from None
        self._channels: dict[str, Channel] = {}

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Names met so far that are spelled as the standard has them."""
        return self._channels

    def gather(self, groups: Sequence[Group], *, instant: bool) -> Gathered:
        """Read the items of one frame; `instant` says whether they are momentary values (CN 2011)."""
        gathered = Gathered()
        values, channels = gathered.values, self._channels
        last = ""
        for group in groups:
            for name, text in group:
                channel = channels.get(name) or self._odd(name, text, group, last, gathered)
                if channel is None:
                    continue
                last, stat, convert, bounds = channel
                if stat is None:
                    gathered.marks[last] = text
                    continue
                if not instant and stat in _MEAN_OF:
                    if not self._repair(gathered, "rtd_in_mean", "a mean carries Avg; Rtd was taken as Avg", name):
                        continue
                    stat = _MEAN_OF[stat]
                if (last, stat) in values:
                    gathered.say("code_repeated", "the name stands twice in one frame; the first was kept", name)
                    continue
                try:
                    value = float(text)
                except ValueError:
                    value = math.nan
                if not math.isfinite(value) or value == SENTINEL or "_" in text:
                    values[last, stat] = (None, _no_value(gathered, name, text, value))
                    continue
                if convert is not SAME:
                    value = convert(value)
                if bounds is not NEVER and (unit := bounds.doubt(value)):
                    gathered.say("unit_suspect", f"{value:g} looks like {unit}; set the unit of the device", name)
                    values[last, stat] = (value, "unit_suspect")
                else:
                    values[last, stat] = (value, "")
        return gathered

    def _odd(self, name: str, text: str, group: Group, last: str, gathered: Gathered) -> Channel | None:
        """Meet a name for the first time, or one that is no name of the standard."""
        if name == MARK and last:
            if last not in gathered.marks and self._repair(
                gathered, "flag_without_factor", f"Flag={text[:8]} names no factor; taken for the one before it", name
            ):
                gathered.marks[last] = text
            return None
        meaning = _meaning(name, group, gathered)
        if meaning is None:
            return None
        code = meaning[0]
        if code in UNCLEAR_UNITS and by_code()[code].code not in self._named_units:
            if code not in gathered.unknown:
                gathered.unknown.add(code)
                gathered.say(
                    "unit_unset", f"the unit of {code} is not clear; name it in the register row's units", name
                )
            return None
        channel = self._channel(*meaning)
        if f"{meaning[0]}-{meaning[1]}" == name:
            self._channels[name] = channel
        elif not self._repair(gathered, "code_repaired", f"read as {meaning[0]}-{meaning[1]}", name):
            return None
        return channel

    def _channel(self, code: str, figure: str) -> Channel:
        found = by_code()[code].code
        stat = FIELDS.get(figure) or NOISE_FIELDS.get(figure) or ("avg" if figure in OF_DAY_AND_NIGHT else None)
        if stat is None or stat == "cou":  # a total is in kg or m3 whatever the unit of the concentration
            return Channel(found, stat, SAME, NEVER)
        judged = plausible(self._kind, found) if stat in ("rtd", "avg") else NEVER
        return Channel(found, stat, self._converted[found], judged)

    def _repair(self, gathered: Gathered, reason: str, detail: str, where: str) -> bool:
        """Say that an item was mended; a strict station's item is left out instead."""
        where = f"item {where[:40]}"
        if self._strict:
            gathered.complaints.append(Complaint(reason, f"{detail}; left out, the station is strict", where, "error"))
        else:
            gathered.complaints.append(Complaint(reason, detail, where))
        return not self._strict


@lru_cache(maxsize=1024)
def _conversions(kind: Kind, units: tuple[tuple[str, str], ...]) -> Mapping[str, Conversion]:
    """Return how each pollutant comes into the unit kept; most loggers of a city send alike.

    Raises
    ------
    SettingError
        With words that go behind the name of a device.
    """
    own = dict(units)
    unknown = sorted(set(own) - set(pollutants()))
    if unknown:
        raise SettingError(f": units name {', '.join(unknown)}, not in core/pollutants.toml")
    found: dict[str, Conversion] = {}
    for code, pollutant in pollutants().items():
        if pollutant.medium == "soil":
            continue  # no logger sends it
        kept = pollutant.unit if kind == "environment" else pollutant.outlet_unit
        try:
            found[code] = conversion(own.get(code) or wire_unit(pollutant, kept), kept)
        except SettingError as problem:
            raise SettingError(f", {code}: {problem}") from None
    return MappingProxyType(found)


def _meaning(name: str, group: Group, gathered: Gathered) -> tuple[str, str] | None:
    """Return code and field of a name in the standard's spelling, or None with a complaint."""
    code, dash, tail = name.rpartition("-")
    if not dash:
        if name not in PLAIN_NAMES:
            gathered.say("name_unknown", "the name is in no annex of the standard; kept in the journal only", name)
        return None
    known, figure = right_code(code), right_field(tail)
    if known not in by_code():
        known = _sibling(code, group)
    if known not in by_code():
        if code not in gathered.unknown:
            gathered.unknown.add(code)
            _say_unknown(code, name, gathered)
        return None
    if figure in FIELDS or figure == MARK:
        return known, figure
    if by_code()[known].medium == "noise" and (figure in NOISE_FIELDS or OF_DAY_AND_NIGHT.get(figure) == known):
        return known, figure
    if figure not in KEPT_IN_JOURNAL:
        gathered.say("field_unknown", f"field {tail[:20]!r} is none of the standard; kept in the journal only", name)
    return None


def _say_unknown(code: str, name: str, gathered: Gathered) -> None:
    """Name the list that an unknown code belongs to, where its first letter tells."""
    kept = "the frame is kept"
    if re.fullmatch(r"d\d{5}", code):
        gathered.say(
            "code_electricity", f"{code}: the codes of electricity use (ST 44, 2025) were not at hand; {kept}", name
        )
    elif re.fullmatch(r"p\d{5}", code):
        gathered.say(
            "code_condition", f"{code}: the codes of production conditions (ST 45, 2025) were not at hand; {kept}", name
        )
    elif re.fullmatch(r"[eg]\d{5}", code):
        gathered.say(
            "code_process",
            f"{code} says how a plant ran (ST 51, 52, annex B.5 and B.7); no reading is made of it, {kept}",
            name,
        )
    else:
        gathered.say("code_unknown", f"code {code[:20]!r} is not in core/pollutants.toml; {kept}", name)


def _sibling(code: str, group: Group) -> str:
    """Find the code whose letter was lost (C.14 prints ``01018-Rtd`` beside ``w01018-Flag``)."""
    for name, _ in group:
        other, dash, _ = name.rpartition("-")
        if dash and len(code) == 5 and len(other) == 6 and other[1:] == code:
            return other
    return code


def _no_value(gathered: Gathered, name: str, text: str, value: float) -> str:
    if value == SENTINEL:
        gathered.complaints.append(Complaint("value_sentinel", f"{text} means no value", f"item {name[:40]}", "note"))
        return "sentinel"
    if text.strip().lower() not in _MISSING:
        gathered.say("value_unreadable", f"{text[:40]!r} is no number", name)
        return "unreadable"
    return "no_value"
