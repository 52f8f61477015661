"""Which parts of a split message came. Each part is stored at once; this only says what is missing."""

from __future__ import annotations

from datetime import datetime, timedelta

from bihuan.core import Complaint
from bihuan.devices.hj212.envelope import Envelope

PATIENCE = timedelta(seconds=60)
"""How long the other parts are waited for; three repeats of a lost part take 30 s."""

_MOST = 64

Key = tuple[str, str, int]


class Parts:
    """Parts of one device, by command, DataTime and number of parts: each part has its own QN (C.49, C.50)."""

    def __init__(self) -> None:
        self._groups: dict[Key, tuple[datetime, set[int]]] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, head: Envelope, data_time: str, received: datetime) -> list[Complaint]:
        """Note a part and return what is wrong with it and with groups whose time is over."""
        said = self.expire(received)
        if head.pnum is None or head.pnum < 2:
            return said
        if head.pno is None or not 1 <= head.pno <= head.pnum:
            said.append(Complaint("parts_wrong", f"part {head.pno} of {head.pnum} cannot be", "PNO"))
            return said
        key = (head.cn, data_time, head.pnum)
        self._groups.setdefault(key, (received, set()))[1].add(head.pno)
        if len(self._groups) > _MOST:
            said += self._close(next(iter(self._groups)))
        return said

    def expire(self, received: datetime) -> list[Complaint]:
        """Close the groups whose time is over and say which of their parts never came."""
        over = [key for key, (first, _) in self._groups.items() if received - first > PATIENCE]
        return [complaint for key in over for complaint in self._close(key)]

    def _close(self, key: Key) -> list[Complaint]:
        _, seen = self._groups.pop(key)
        missing = [number for number in range(1, key[2] + 1) if number not in seen][:20]
        if not missing:
            return []
        detail = f"CN={key[0]} DataTime={key[1]}: of {key[2]} parts {missing} did not come within {PATIENCE.seconds} s"
        return [Complaint("parts_missing", detail, "PNUM")]
