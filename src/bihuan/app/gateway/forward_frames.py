"""A journalled frame as a target wants it: the original bytes, or MN, PW, version, factors and units put right."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bihuan.app.gateway.forward_plan import Peer, TargetPlan
from bihuan.core import Pollutant, SettingError, pollutants
from bihuan.devices.hj212 import Envelope, Group, encode, envelope, parse, read_frame, wire_unit, write_stamp
from bihuan.devices.units import Conversion, conversion
from bihuan.store import Record

VERSIONS = MappingProxyType({"hj212-2005": 0, "hj212-2017": 4, "hj212-2025": 8})
"""Protocol of a target -> version bits of Flag."""

_ANSWER, _SPLIT = 1, 2
_CONVERTED = frozenset({"Rtd", "Min", "Avg", "Max", "ZsRtd", "ZsMin", "ZsAvg", "ZsMax"})
"""Fields in the unit of their pollutant; Cou is a total in kg or m3 whatever that is."""


class Prepared(NamedTuple):
    """A frame ready to be sent.

    Attributes
    ----------
    lane : str
        MN at the target: frames of one lane go in their order.
    qn : str
        What the answer must repeat.
    data : bytes
    answered : bool
        Whether the target is asked for an answer; original bytes may not ask for one.
    """

    lane: str
    qn: str
    data: bytes
    answered: bool


class Unfit(NamedTuple):
    """A frame that is for the target and cannot be sent to it as it wants it.

    Attributes
    ----------
    lane : str
    reason : str
        Code of the texts.
    """

    lane: str
    reason: str


class Preparer:
    """Prepares frames for one target.

    Parameters
    ----------
    target : TargetPlan
    zone : ZoneInfo
        Local time of a QN that had to be made.
    """

    def __init__(self, target: TargetPlan, zone: ZoneInfo) -> None:
        self._target, self._zone = target, zone
        self._kinds = frozenset(target.kinds)
        self._factors = frozenset(target.factors)
        self._converters: dict[tuple[str, str], Conversion | None] = {}

    def prepare(self, record: Record) -> Prepared | Unfit | None:
        """Return the frame as the target wants it, why it cannot be, or None where it is not for this target."""
        target = self._target
        if record.status in ("garbage", "wrong_password") or not record.raw.startswith(b"##"):
            return None
        if record.received < target.since or (target.until is not None and record.received >= target.until):
            return None
        head = envelope(record.raw)
        peer = target.devices.get(head.mn)
        if peer is None or head.cn not in self._kinds:
            return None
        if target.mode == "raw":
            return Prepared(head.mn, head.qn, record.raw + b"\r\n", head.answer_wanted)
        return self._rewritten(record, head, peer)

    def _rewritten(self, record: Record, head: Envelope, peer: Peer) -> Prepared | Unfit | None:
        taken = read_frame(record.raw)
        if taken.crc == "bad":
            return Unfit(peer.mn, "encrypted")
        segment = parse(taken.data)
        if any(complaint.severity == "error" for complaint in segment.complaints):
            return Unfit(peer.mn, "unreadable")
        groups = list(self._groups(segment.groups, head.mn, peer))
        if not any("-" in name for group in groups for name, _ in group):
            return None  # none of its factors is for this target
        qn = head.qn or write_stamp(record.received, self._zone, milliseconds=True)
        split = head.split
        frame = encode(
            head.cn,
            peer.mn,
            groups,
            qn=qn,
            st=head.st,
            pw=peer.password or head.pw,
            flag=VERSIONS[self._target.protocol] | _ANSWER | (_SPLIT if split else 0),
            pnum=head.pnum if split else None,
            pno=head.pno if split else None,
            refilled=head.refilled and self._target.protocol == "hj212-2025",
        )
        return Prepared(peer.mn, qn, frame, True)

    def _groups(self, groups: tuple[Group, ...], mn: str, peer: Peer) -> Iterator[Group]:
        for group in groups:
            kept = tuple(pair for name, text in group for pair in self._pair(name, text, mn, peer))
            if kept:
                yield kept

    def _pair(self, name: str, text: str, mn: str, peer: Peer) -> Iterator[tuple[str, str]]:
        code, dash, field = name.rpartition("-")
        if not dash:
            yield name, text
            return
        found = _by_code().get(code)
        if self._factors and (found is None or found.code not in self._factors):
            return
        if found is None:
            yield name, text
            return
        if field in _CONVERTED:
            text = self._converted(text, found, mn, peer)
        yield f"{self._code(code, found)}-{field}", text

    def _code(self, code: str, found: Pollutant) -> str:
        """Return the code of the target's version; the logger's own where that version has none."""
        wanted = found.hj212_2005 if self._target.protocol == "hj212-2005" else found.hj212_2017
        return code if code in wanted or not wanted else wanted[0]

    def _converted(self, text: str, found: Pollutant, mn: str, peer: Peer) -> str:
        key = (mn, found.code)
        if key not in self._converters:
            self._converters[key] = self._converter(found, peer)
        convert = self._converters[key]
        if convert is None:
            return text
        try:
            value = float(text)
        except ValueError:
            return text  # no number: it goes as the logger wrote it
        return format(Decimal(repr(convert(value))).normalize(), "f")

    def _converter(self, found: Pollutant, peer: Peer) -> Conversion | None:
        wanted = self._target.units.get(found.code)
        if wanted is None:
            return None
        sent = peer.units.get(found.code) or wire_unit(
            found, found.unit if peer.kind == "environment" else found.outlet_unit
        )
        change = conversion(sent, wanted)
        return None if change.same else change


def check_units(target: TargetPlan) -> None:
    """See that every value can be turned into the unit that the target wants.

    Raises
    ------
    SettingError
        Names the logger, the pollutant and both units.
    """
    preparer = Preparer(target, ZoneInfo("UTC"))
    known = pollutants()
    for code in target.units:
        if code not in known:
            raise SettingError(f"target {target.id}: unit of {code!r}, which is not in core/pollutants.toml")
        for mn, peer in target.devices.items():
            try:
                preparer._converter(known[code], peer)
            except SettingError as problem:
                raise SettingError(f"target {target.id}, device {mn}, {code}: {problem}") from None


@cache
def _by_code() -> MappingProxyType[str, Pollutant]:
    return MappingProxyType(
        {code: found for found in pollutants().values() for code in (*found.hj212_2005, *found.hj212_2017)}
    )
