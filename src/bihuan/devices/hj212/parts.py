"""Parts of a split message: each is used at once, what was cut in two is joined, and what is missing is said.

Parts of one message have a number each of their own (C.49, C.50), so they are matched by command, DataTime and number
of parts. The standard cuts between items; loggers that fill a part to its last byte cut inside one. Whether an item was
cut shows at the seam: a pair needs its ``=`` on both sides. The end of a part that may go on waits for the next part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from bihuan.core import Complaint
from bihuan.devices.hj212.parse import Segment, rejoined

PATIENCE = timedelta(seconds=60)
"""How long the other parts are waited for; three repeats of a lost part take 30 s."""

MOST_PARTS = 99
_MOST = 32

_FULL_CODE = re.compile(r"[A-Za-z]\d{5}-\w+=")
"""A code of 2017 at its full length is no tail of another."""

Key = tuple[str, str, int]


class _Seam(NamedTuple):
    """First and last item of a part, and whether each was left out until its neighbour comes."""

    first: str
    last: str
    first_held: bool
    last_held: bool


@dataclass(slots=True)
class _Message:
    """Parts of one message that came, and when the first did."""

    began: datetime
    seams: dict[int, _Seam] = field(default_factory=dict)


class Parts:
    """Split messages of one device that are not over."""

    def __init__(self) -> None:
        self._messages: dict[Key, _Message] = {}

    def __bool__(self) -> bool:
        return bool(self._messages)

    def take(self, segment: Segment, received: datetime) -> tuple[Segment, list[Complaint]]:
        """Note a frame; return what is to be used of it now, and what is wrong with it and with earlier messages.

        Returns
        -------
        Segment
            The frame's own; of a part without what waits for its neighbours, with what these had waiting for it.
        list of Complaint
        """
        said = self.expire(received)
        head = segment.head
        if head.pnum is None or head.pnum < 2:
            return segment, said
        if head.pno is None or not 1 <= head.pno <= min(head.pnum, MOST_PARTS):
            said.append(Complaint("parts_wrong", f"part {head.pno} of {head.pnum} cannot be", "PNO"))
            return segment, said
        key = self._key(segment, head.pnum, head.pno)
        message = self._messages.setdefault(key, _Message(received))
        text = _joined(segment, key[1], head.pno, head.pnum, message.seams)
        if len(self._messages) > _MOST:
            said += self._close(next(iter(self._messages)))
        return (segment if text == segment.text else rejoined(segment, text)), said

    def expire(self, received: datetime) -> list[Complaint]:
        """Close the messages whose time is over and say which of their parts never came."""
        over = [key for key, message in self._messages.items() if received - message.began > PATIENCE]
        return [complaint for key in over for complaint in self._close(key)]

    def _key(self, segment: Segment, of: int, number: int) -> Key:
        """Which message a part belongs to; one without DataTime to the one that waits for it."""
        cn, stamp = segment.head.cn, segment.first("DataTime")
        if not stamp:
            for key, message in self._messages.items():
                if key[0] == cn and key[2] == of and key[1] and number not in message.seams:
                    return key
        return cn, stamp, of

    def _close(self, key: Key) -> list[Complaint]:
        seen = self._messages.pop(key).seams
        missing = [number for number in range(1, min(key[2], MOST_PARTS) + 1) if number not in seen][:20]
        if not missing:
            return []
        detail = f"CN={key[0]} DataTime={key[1]}: of {key[2]} parts {missing} did not come within {PATIENCE.seconds} s"
        return [Complaint("parts_missing", detail, "PNUM")]


def _joined(segment: Segment, stamp: str, number: int, of: int, seams: dict[int, _Seam]) -> str:
    """Return the text of a part as it is to be read, and remember its seams."""
    pieces = segment.text.split(";")
    if pieces[0].startswith("DataTime="):
        pieces.pop(0)
    items = [item for item in pieces if item]
    if not items:
        seams[number] = _Seam("", "", False, False)
        return segment.text
    before, after = seams.get(number - 1), seams.get(number + 1)
    first, last = pieces[0], pieces[-1]  # empty where the part begins or ends with the ; between two items
    lead, trail, first_held, last_held = [], [], False, False
    if before is not None:
        one = _joint(before.last, first)
        if one is not None:
            items[0] = one
            last = one if len(pieces) == 1 else last  # one item all through: what was before it goes on
        elif before.last_held:
            lead = [before.last]
    elif number > 1 and first and not _FULL_CODE.match(first):
        first_held, items[0] = True, ""  # perhaps the tail of what the part before began: 04-Avg of a34004-Avg
    if after is not None:
        one = _joint(last, after.first)
        if one is not None:
            items[-1] = one
        elif after.first_held:
            trail = [after.first]
    elif number < of and last and not _certain(items):
        last_held, items[-1] = True, ""
    seams[number] = _Seam(first, last, first_held, last_held)
    stamped = [f"DataTime={stamp}"] if stamp else []
    return ";".join([*stamped, *lead, *(item for item in items if item), *trail])


def _joint(left: str, right: str) -> str | None:
    """Return the one item that stands on both sides of a seam, None where the cut is between two."""
    if not left or not right:
        return None
    last, first = left.rpartition(",")[2], right.split(",", maxsplit=1)[0]
    if "=" not in last or "=" not in first or first.startswith("="):
        return left + right
    name, code = first.partition("=")[0], last.partition("=")[0].rpartition("-")[0]
    if not code or code != name.rpartition("-")[0] or any(name == pair.partition("=")[0] for pair in left.split(",")):
        return None
    return f"{left},{right}"


def _certain(items: list[str]) -> bool:
    """Say whether the last item is whole: its last pair is not torn, and has its mark where the others have theirs."""
    name, _, value = items[-1].rpartition(",")[2].partition("=")
    if name.endswith("Flag"):
        return bool(value)
    return bool(value) and not any("-Flag=" in item for item in items[:-1])
