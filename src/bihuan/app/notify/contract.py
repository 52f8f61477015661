"""What a channel must offer, what it answers, and what is remembered of each notice in each channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from bihuan.core import Notice, Ref

Answer = Literal["sent", "failed", "refused"]
"""``failed`` may succeed later; ``refused`` never will."""

AddressOf = Callable[[Ref], str]
"""Receiver -> address in one channel, empty when there is none."""

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Waits between attempts; after the last one a notice is given up and shown as not sent."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer of a channel.

    Attributes
    ----------
    notice : str
    channel : str
    answer : Answer
    at : datetime
    delivered : bool
        Whether the channel confirms that the receiver has it, not only that it took it.
    detail : str
        Why it failed or was refused, in English.
    """

    notice: str
    channel: str
    answer: Answer
    at: datetime
    delivered: bool = False
    detail: str = ""


class Notifier(Protocol):
    """A channel: file, e-mail, webhook, and by the same contract SMS or work-chat."""

    @property
    def channel(self) -> str:
        """Name of the channel."""
        ...

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Hand one notice over; says what went wrong in the receipt and never raises for it.

        Carries the notice's id along, so that a receiver can tell a repeat after a crash.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice in one channel, as far as it got.

    Attributes
    ----------
    notice : Notice
    channel : str
    queued : datetime
    sent, delivered, read : datetime or None
    attempts : int
    next_try : datetime or None
        None when it was sent, refused or given up.
    detail : str
        Last trouble, empty when there is none.
    """

    notice: Notice
    channel: str
    queued: datetime
    sent: datetime | None = None
    delivered: datetime | None = None
    read: datetime | None = None
    attempts: int = 0
    next_try: datetime | None = None
    detail: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same delivery."""
        return (self.notice.id, self.channel)

    @property
    def given_up(self) -> bool:
        """Whether nobody will try again although it was not sent."""
        return self.sent is None and self.next_try is None
