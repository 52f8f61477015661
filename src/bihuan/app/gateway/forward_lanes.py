"""What is under way to one target: order kept a device, a window of unanswered frames, resends, back-off. No I/O.

Every device has a lane of its own with ONE frame under way, so a device that the target does not answer waits alone.
A frame leaves its lane when the target answers it, or when it was refused so often that it is set aside and shown.
What does not fit into memory is left in the journal: the lane remembers from where on it missed frames, and they are
read again when there is room (`bihuan.app.gateway.forward_feed`).
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bihuan.app.gateway.forward_frames import Prepared
from bihuan.devices.hj212 import Frame, envelope, parse
from bihuan.store import Position

RESENDS = 3
"""HJ 212-2017 clause 9: after three resends without an answer the line counts as unusable."""

HELD = 4096
"""Frames in memory at once, of all lanes; each lane may always hold one."""

DEEP = HELD // 8
"""Frames of one lane in memory at once: a busy device must not fill it alone."""

PROBE = 4
"""Frames under way until the target has answered one of this connection."""

LANE_PAUSE = (10.0, 600.0)
"""Before a frame that a target left unanswered or refused is sent again, while others are answered. [s]"""

LINK_PAUSE = (1.0, 300.0)
"""Before a target that cannot be reached, or answers nothing, is called again. [s]"""

TAKEN = frozenset({"9013", "9014"})
REFUSING = frozenset({"9011", "9012"})


class Item(NamedTuple):
    """One frame on its way to a target.

    Attributes
    ----------
    gateway : str
    position : Position
    received : float
        When we received it. [s since 1970]
    frame : Prepared
    retried : bool
        Somebody wants a frame that was set aside sent once more; its place is kept by the file that asks for it.
    """

    gateway: str
    position: Position
    received: float
    frame: Prepared
    retried: bool = False


class Aside(NamedTuple):
    """A frame that the target refused for good, or that cannot be sent to it."""

    gateway: str
    position: Position
    lane: str
    reason: str


@dataclass(slots=True)
class Lane:
    """One device on its way to one target.

    Attributes
    ----------
    queue : deque of Item
        In memory, the first under way where `flying`.
    missed : dict of gateway to Position
        From where on frames were left in the journal.
    later : dict of gateway to Position
        The same, of what the running pass over the journal could not take either.
    missing : int
        How many frames that are.
    oldest_missed : float or None
        When the first of them was received. [s since 1970]
    faults, refusals : int
        Of the first frame.
    due : float
        When something is to be done about it.
    """

    queue: deque[Item] = field(default_factory=deque)
    missed: dict[str, Position] = field(default_factory=dict)
    later: dict[str, Position] = field(default_factory=dict)
    missing: int = 0
    oldest_missed: float | None = None
    flying: bool = False
    joined: bool = False
    faults: int = 0
    refusals: int = 0
    silent: int = 0
    sent_at: float = 0.0
    due: float = 0.0
    last_qn: str = ""

    @property
    def stuck(self) -> bool:
        """Whether the target answers others and not this one."""
        return self.faults > RESENDS or self.refusals > 0

    @property
    def behind(self) -> bool:
        """Whether frames of it were left in the journal."""
        return bool(self.missed or self.later)


def pause(tries: int, bounds: tuple[float, float], chance: random.Random) -> float:
    """Return how long to wait after a number of failures: doubled each time, with jitter, so that none march in step.

    Parameters
    ----------
    tries : int
        From 1.
    bounds : (float, float)
        First and longest. [s]
    chance : Random
    """
    first, longest = bounds
    return min(longest, first * 2.0 ** min(tries - 1, 20)) * chance.uniform(0.5, 1.0)


class Lanes:
    """All lanes of one target.

    Parameters
    ----------
    window : int
    timeout : float
        [s]
    refusals : int
    chance : Random
        For the jitter.

    Attributes
    ----------
    counts : Counter
        ``answered unconfirmed resent refused aside`` and what was wrong with answers.
    held : int
        Frames in memory.
    unusable : bool
        The target answered nothing for too long: the line is to be opened anew.
    aside : list of Aside
        Set aside since the driver last took them.
    ended, dropped : list of Item
        Of those that were sent once more: came to an end, or gave way and want to be asked for again.
    """

    def __init__(self, window: int, timeout: float, refusals: int, chance: random.Random) -> None:
        self.window, self.timeout, self.refusals = window, timeout, refusals
        self.counts: Counter[str] = Counter()
        self.held = 0
        self.unusable = False
        self.answered_here = False
        self.aside: list[Aside] = []
        self.ended: list[Item] = []
        self.dropped: list[Item] = []
        self.by_name: dict[str, Lane] = {}
        self._chance = chance
        self._flying = 0
        self._answered_at = float("-inf")
        self._ready: deque[str] = deque()
        self._alarms: list[tuple[float, str]] = []

    # -- what comes from the journal -------------------------------------------------------------------------------

    @property
    def room(self) -> bool:
        """Whether memory holds more."""
        return self.held < HELD

    def offer(self, item: Item) -> None:
        """Take a new frame, or remember that it was left in the journal."""
        lane = self.by_name.setdefault(item.frame.lane, Lane())
        if lane.behind or not self._fits(lane):
            lane.missed.setdefault(item.gateway, item.position)
            self._miss(lane, item)
        else:
            self._hold(lane, item)

    def retry(self, item: Item) -> bool:
        """Take a frame that was set aside once more, behind what is under way; say whether its lane has room now."""
        lane = self.by_name.setdefault(item.frame.lane, Lane())
        if lane.behind or lane.stuck or not self._fits(lane):
            return False
        self._hold(lane, item)
        return True

    def join_pass(self) -> dict[str, Position]:
        """Let every lane that has room take part in a pass over the journal; return from where on, by gateway."""
        begin: dict[str, Position] = {}
        for lane in self.by_name.values():
            lane.joined = bool(lane.missed) and not lane.stuck and len(lane.queue) <= DEEP // 4
            if lane.joined:
                for gateway, at in lane.missed.items():
                    begin[gateway] = min(at, begin.get(gateway, at))
        return begin

    def again(self, item: Item, following: Position) -> None:
        """Take a frame that was left in the journal, in a pass; `following` is where the next one stands."""
        lane = self.by_name.get(item.frame.lane)
        if lane is None or not lane.joined:
            return
        begin = lane.missed.get(item.gateway)
        if begin is None or item.position < begin:
            return
        if lane.later or not self._fits(lane):
            lane.later.setdefault(item.gateway, item.position)
            return
        lane.missed[item.gateway] = following
        lane.missing = max(0, lane.missing - 1)
        lane.oldest_missed = item.received if lane.missing else None
        self._hold(lane, item)

    def end_pass(self) -> None:
        """Conclude a pass that has come to where new frames are read."""
        for lane in self.by_name.values():
            if lane.joined:
                lane.joined = False
                lane.missed, lane.later = lane.later, {}
                if not lane.missed:
                    lane.missing, lane.oldest_missed = 0, None

    def _fits(self, lane: Lane) -> bool:
        return not lane.queue or (not lane.stuck and len(lane.queue) < DEEP and self.room)

    def _hold(self, lane: Lane, item: Item) -> None:
        lane.queue.append(item)
        self.held += 1
        if len(lane.queue) == 1:
            self._ready.append(item.frame.lane)

    def _miss(self, lane: Lane, item: Item) -> None:
        lane.missing += 1
        if lane.oldest_missed is None or item.received < lane.oldest_missed:
            lane.oldest_missed = item.received

    def _shed(self, lane: Lane) -> None:
        """Keep only the first frame of a stuck lane; the others wait in the journal."""
        into = lane.later if lane.joined else lane.missed
        while len(lane.queue) > 1:
            item = lane.queue.pop()
            self.held -= 1
            if item.retried:
                self.dropped.append(item)
                continue
            into[item.gateway] = min(item.position, into.get(item.gateway, item.position))
            self._miss(lane, item)

    # -- what goes out ---------------------------------------------------------------------------------------------

    def send(self, now: float) -> list[Item]:
        """Return the frames that are to be written now, each once."""
        self._ring(now)
        found = []
        window = self.window if self.answered_here else min(self.window, PROBE)
        while self._ready and self._flying < window:
            name = self._ready.popleft()
            lane = self.by_name[name]
            if lane.flying or not lane.queue or lane.due > now:
                continue
            lane.flying, lane.sent_at = True, now
            self._flying += 1
            self._wake(name, lane, now + self.timeout)
            found.append(lane.queue[0])
        return found

    def _ring(self, now: float) -> None:
        """Look after the lanes whose time has come: no answer in time, or a pause that is over."""
        while self._alarms and self._alarms[0][0] <= now:
            at, name = heapq.heappop(self._alarms)
            lane = self.by_name[name]
            if at != lane.due or not lane.queue:
                continue
            if not lane.flying:
                self._ready.append(name)
                continue
            self._land(lane)
            self.counts["resent"] += 1
            if self._answered_at >= lane.sent_at:
                self._fault(name, lane, now)
            else:
                lane.silent += 1
                lane.due = now
                self.unusable = self.unusable or lane.silent > RESENDS
                self._ready.appendleft(name)

    def _fault(self, name: str, lane: Lane, now: float) -> None:
        """The target answers others and not this one."""
        lane.faults += 1
        if lane.stuck:
            self._shed(lane)
            self._wake(name, lane, now + pause(lane.faults - RESENDS, LANE_PAUSE, self._chance))
        else:
            lane.due = now
            self._ready.append(name)

    def _wake(self, name: str, lane: Lane, at: float) -> None:
        lane.due = at
        heapq.heappush(self._alarms, (at, name))

    def _land(self, lane: Lane) -> None:
        lane.flying = False
        self._flying -= 1

    def lost(self) -> None:
        """The line broke: what was under way is sent again over the next one, in its order."""
        for name, lane in self.by_name.items():
            lane.silent = 0
            if lane.flying:
                self._land(lane)
                lane.due = 0.0
                self._ready.append(name)
        self.unusable = self.answered_here = False

    # -- what comes back -------------------------------------------------------------------------------------------

    def heard(self, frame: Frame, now: float) -> None:
        """Take what the target said; whatever it says, only an answer to a frame under way changes anything."""
        if not frame.accepted("tolerant"):
            self.counts["answer_crc"] += 1
            return
        head = envelope(frame.data)
        if head.cn not in TAKEN and head.cn not in REFUSING:
            self.counts["command"] += 1  # reverse control (反控) does not go through forwarding
            return
        lane = self.by_name.get(head.mn)
        if lane is None or not lane.flying or (lane.queue[0].frame.qn and head.qn != lane.queue[0].frame.qn):
            repeated = lane is not None and head.qn and head.qn == lane.last_qn
            self.counts["answer_repeated" if repeated else "answer_unknown"] += 1
            return
        self._answered_at, self.answered_here = now, True
        if head.cn in REFUSING:
            self._refused(head.mn, lane, parse(frame.data).first("QnRtn") or "none", now)
            return
        if head.flag is not None and head.flag & 1:
            self.counts["answer_flag"] += 1  # an answer that asks for an answer: taken, never answered
        self.counts["answered"] += 1
        self._done(head.mn, lane)

    def taken(self, name: str) -> None:
        """A frame that asks for no answer has left this machine and was taken by the other's."""
        lane = self.by_name[name]
        if lane.flying and not lane.queue[0].frame.answered:
            self.counts["unconfirmed"] += 1
            self._done(name, lane)

    def _refused(self, name: str, lane: Lane, code: str, now: float) -> None:
        if code == "1":
            self.counts["answer_other"] += 1  # a request accepted, which is no answer to data
            return
        self.counts["refused"] += 1
        self.counts[f"refused_{code[:8]}"] += 1
        lane.refusals += 1
        if lane.refusals >= self.refusals:
            item = lane.queue[0]
            self.aside.append(Aside(item.gateway, item.position, name, f"refused_{code[:8]}"))
            self.counts["aside"] += 1
            self._done(name, lane)
            return
        self._land(lane)
        self._shed(lane)
        self._wake(name, lane, now + pause(lane.refusals, LANE_PAUSE, self._chance))

    def _done(self, name: str, lane: Lane) -> None:
        self._land(lane)
        item = lane.queue.popleft()
        lane.last_qn = item.frame.qn
        self.held -= 1
        if item.retried:
            self.ended.append(item)
        lane.faults = lane.refusals = lane.silent = 0
        lane.due = 0.0
        if lane.queue:
            self._ready.append(name)

    # -- what is remembered ----------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Frames that were read and are not answered."""
        return self.held + sum(lane.missing for lane in self.by_name.values())

    @property
    def stuck(self) -> int:
        """Lanes that the target leaves without an answer, or refuses, while it answers others."""
        return sum(lane.stuck for lane in self.by_name.values())

    @property
    def oldest(self) -> float | None:
        """When the first frame that is not answered was received. [s since 1970]"""
        found = [lane.queue[0].received for lane in self.by_name.values() if lane.queue]
        found += [lane.oldest_missed for lane in self.by_name.values() if lane.oldest_missed is not None]
        return min(found, default=None)

    def unanswered(self) -> Iterator[tuple[str, dict[str, Position], int, float | None]]:
        """Yield of each lane its name, from where on it is not answered, how many frames, and since when."""
        for name, lane in self.by_name.items():
            at = dict(lane.missed)
            for gateway, position in lane.later.items():
                at[gateway] = min(position, at.get(gateway, position))
            own = [item for item in lane.queue if not item.retried]
            for item in own:
                at[item.gateway] = min(item.position, at.get(item.gateway, item.position))
            if at:
                since = [own[0].received] if own else []
                since += [lane.oldest_missed] if lane.oldest_missed is not None else []
                yield name, at, len(own) + lane.missing, min(since, default=None)

    def recall(self, name: str, at: dict[str, Position], frames: int, since: float | None) -> None:
        """Remember a lane as an earlier process left it: everything of it is still in the journal."""
        self.by_name[name] = Lane(missed=dict(at), missing=frames, oldest_missed=since)
