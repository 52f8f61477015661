"""Frames that are sent: the platform's answers, and what a logger sends (for simulators and the synthetic city)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Interval, NotCovered, Stat, pollutant
from bihuan.devices.hj212.codes import DATA_COMMANDS, FIELDS, HEARTBEAT, wire_unit
from bihuan.devices.hj212.crc import checksum
from bihuan.devices.hj212.envelope import Envelope
from bihuan.devices.hj212.frame import STANDARD_DATA
from bihuan.devices.hj212.parse import Group
from bihuan.devices.hj212.stamps import write_stamp
from bihuan.devices.plausible import Kind
from bihuan.devices.units import conversion
from bihuan.register import Device

LONGEST_CP = 950
"""Characters of CP in one frame, ``CP=&&`` and ``&&`` included (HJ 212-2017 table 3)."""

NOTICES = frozenset({"1013", "1014"})
"""Commands of a device that are answered by 9013, notice received, instead of 9014, data received: it asks for the
time, or (2025, by analogy: how that text answers it is not known) for a new key."""

_ROUND_DATA = len("##0000") + len("0000\r\n")
_ANSWER = 1
_SPLIT = 2
VERSION_BITS = {"hj212-2005": 0, "hj212-2017": 4, "hj212-2025": 8}
"""Version bits of the flag by protocol (HJ 212-2017 table 3; 8 of 2025)."""

_COMMANDS: dict[Interval, str] = {interval: command for command, interval in DATA_COMMANDS.items()}
_FIELD_OF: dict[Stat, str] = {stat: name for name, stat in FIELDS.items()}


def wrap(data: bytes) -> bytes:
    """Put a data segment into a frame: length before it, checksum and CR LF behind it."""
    return b"##%04d%b%04X\r\n" % (len(data), data, checksum(data))


def acknowledgement(head: Envelope) -> bytes:
    """Return the answer to an uplink frame, ready to send.

    ``ST=91``, the sender's own QN, PW and MN, version bits kept, no answer wanted (HJ 212-2017
    clause 6.5.2 and table C.49); CN 9014 for data and heartbeats, 9013 for a request of the clock.
    """
    answer = "9013" if head.cn in NOTICES else "9014"
    flag = (head.flag or 0) & ~(_ANSWER | _SPLIT)
    number = f"QN={head.qn};" if head.qn else ""
    return wrap(f"{number}ST=91;CN={answer};PW={head.pw};MN={head.mn};Flag={flag};CP=&&&&".encode("latin-1"))


def reply(head: Envelope, result: int | None) -> bytes:
    """Return what a device answers a request: 9011 with QnRtn, or 9013 to a notice where `result` is None."""
    groups: tuple[Group, ...] = () if result is None else ((("QnRtn", str(result)),),)
    return _interaction(head, "9013" if result is None else "9011", groups)


def executed(head: Envelope, result: int) -> bytes:
    """Return how a device carried a request out: 9012 with ExeRtn."""
    return _interaction(head, "9012", ((("ExeRtn", str(result)),),))


def _interaction(head: Envelope, cn: str, groups: Iterable[Group]) -> bytes:
    flag = (head.flag or 0) & ~(_ANSWER | _SPLIT)
    return encode(cn, head.mn, groups, qn=head.qn, st="91", pw=head.pw, flag=flag)


def encode(
    cn: str,
    mn: str,
    groups: Iterable[Group] = (),
    *,
    qn: str,
    st: str,
    pw: str = "123456",
    flag: int | None = 5,
    pnum: int | None = None,
    pno: int | None = None,
    refilled: bool = False,
) -> bytes:
    """Return one frame of a device.

    Parameters
    ----------
    cn, mn, qn, st, pw : str
        Fields of the head; an empty `qn` is left out, as devices of 2005 do.
    groups : iterable of groups of (name, value)
        Data of CP in its order.
    flag, pnum, pno : int or None
        None leaves the field out.
    refilled : bool
        Adds ``RF=1`` of 2025.
    """
    fields = [f"QN={qn}"] if qn else []
    fields += [f"ST={st}", f"CN={cn}", f"PW={pw}", f"MN={mn}"]
    fields += [f"{name}={value}" for name, value in (("Flag", flag), ("PNUM", pnum), ("PNO", pno)) if value is not None]
    if refilled:
        fields.append("RF=1")
    return wrap(f"{';'.join(fields)};CP=&&{_cp(groups)}&&".encode())


def heartbeat(device: Device, sent: datetime, *, system: str = "22", zone: ZoneInfo = CHINA) -> bytes:
    """Return a heartbeat (CN 9015) that asks for an answer."""
    flag = VERSION_BITS.get(device.protocol, 4) | _ANSWER
    qn = write_stamp(sent, zone, milliseconds=True)
    return encode(HEARTBEAT, device.id, qn=qn, st=system, pw=device.password, flag=flag)


def uplink(
    device: Device,
    interval: Interval,
    start: datetime,
    values: Mapping[str, Mapping[Stat, float | None]],
    *,
    sent: datetime,
    kind: Kind = "environment",
    system: str = "22",
    marks: Mapping[str, str] | None = None,
    answer: bool = True,
    refilled: bool = False,
    zone: ZoneInfo = CHINA,
) -> list[bytes]:
    """Return the frames in which a device reports one period; decoding them gives the values back.

    Parameters
    ----------
    device : Device
        Its MN, password, protocol and the units it sends.
    interval, start
        Period reported; `start` of a mean, the instant of ``rt``.
    values : mapping of pollutant to mapping of stat to value
        In the unit Bihuan keeps; None is sent as an empty value.
    sent : datetime
        By the device's clock: QN, one millisecond later for each further part.
    kind, system
        Kind of the site, and ST: 21 surface water, 22 air, 31 stack, 32 waste water, 39 dust.
    marks : mapping of pollutant to mark, optional
        ``N`` where none is given.
    answer : bool
        Ask for an acknowledgement.

    Returns
    -------
    list of bytes
        One frame, or several with PNUM and PNO where CP would be too long.

    Raises
    ------
    NotCovered
        If a pollutant is unknown or has no code in HJ 212.
    """
    stamp = ("DataTime", write_stamp(start, zone))
    items = [_item(device, kind, code, figures, (marks or {}).get(code, "N")) for code, figures in values.items()]
    bits = VERSION_BITS.get(device.protocol, 4) | (_ANSWER if answer else 0)

    def frame(part: Iterable[Group], number: int, of: int) -> bytes:
        split = of > 1
        return encode(
            _COMMANDS[interval],
            device.id,
            ((stamp,), *part),
            qn=write_stamp(sent + timedelta(milliseconds=number - 1), zone, milliseconds=True),
            st=system,
            pw=device.password,
            flag=bits | (_SPLIT if split else 0),
            pnum=of if split else None,
            pno=number if split else None,
            refilled=refilled,
        )

    bare = len(frame((), 99, 99)) - _ROUND_DATA
    parts = _parts(items, min(STANDARD_DATA - bare, LONGEST_CP - len("CP=&&DataTime=YYYYMMDDhhmmss;&&")))
    return [frame(part, number, len(parts)) for number, part in enumerate(parts, 1)]


def _item(device: Device, kind: Kind, code: str, figures: Mapping[Stat, float | None], mark: str) -> Group:
    found = pollutant(code)
    kept = found.unit if kind == "environment" else found.outlet_unit
    convert = conversion(device.units.get(code) or wire_unit(found, kept), kept)
    names = found.hj212_2017 + found.hj212_2005
    if not names:
        raise NotCovered(f"{code} has no code in HJ 212; it cannot be sent")
    name = found.hj212_2005[0] if device.protocol == "hj212-2005" and found.hj212_2005 else names[0]
    pairs = []
    for stat, value in figures.items():
        shown = value if value is None or stat == "cou" else convert.back(value)
        pairs.append((f"{name}-{_FIELD_OF[stat]}", "" if shown is None else _plain(shown)))
    return (*pairs, (f"{name}-Flag", mark))


def _parts(items: Sequence[Group], room: int) -> list[list[Group]]:
    """Deal items out to parts of at most `room` characters; an item is never cut."""
    parts: list[list[Group]] = [[]]
    used = 0
    for item in items:
        size = len(_cp((item,))) + 1
        if parts[-1] and used + size > room:
            parts.append([])
            used = 0
        parts[-1].append(item)
        used += size
    return parts


def _cp(groups: Iterable[Group]) -> str:
    return ";".join(",".join(f"{name}={value}" for name, value in group) for group in groups)


def _plain(value: float) -> str:
    """Write a number without an exponent, every digit it has."""
    text = f"{value!r}"
    return f"{value:.12f}".rstrip("0") if "e" in text else text.removesuffix(".0")
