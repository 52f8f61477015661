"""One order and its answers as a state machine: request, 9011, data, 9012; or notice, 9013 (HJ 212-2017, 6.5).

It knows no socket and no clock: whoever drives it says what came and what time it is, sends what it is told to send
and finds in it how far the order is. States::

    waiting --begin--> sent --9011 QnRtn=1--> accepted --9012 ExeRtn=1--> done
                        |  \\--9011 other--> refused        \\--9012 other--> failed
                        |--no answer: sent again, then--> timeout
                                              accepted, nothing more--> timeout

An answer is the order's own when it repeats its QN; everything else leaves it as it is. A 9012 whose 9011 was lost is
taken. An end is an end: nothing that comes later changes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

ExchangeState = Literal["waiting", "sent", "accepted", "done", "refused", "failed", "timeout"]

OPEN: frozenset[ExchangeState] = frozenset({"waiting", "sent", "accepted"})
"""States an order can still leave."""

RETURNED_OK = 1
"""QnRtn and ExeRtn of success (HJ 212-2017 tables 10 and 11)."""

NO_DATA = 100
"""ExeRtn of a device that has none of the data asked for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits of one exchange (clause 9; CN 1000 sets the device's own).

    Attributes
    ----------
    timeout : float
        Until an unanswered order is sent again. [s]
    resends : int
        How often; then the link counts as unusable.
    execution : float
        From 9011, or from the last data, until 9012. [s]
    """

    timeout: float = 10.0
    resends: int = 3
    execution: float = 60.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """How far one order is.

    Attributes
    ----------
    qn : str
        Its number.
    notice : bool
        Whether 9013 is all that answers.
    answer : str
        Command of the data that answers, empty for none.
    patience : Patience
    state : ExchangeState
    attempts : int
        How often it was sent.
    deadline : float
        When the next thing is due, by whatever clock `now` is of. [s]
    returned : int or None
        QnRtn.
    executed : int or None
        ExeRtn.
    frames : int
        Data frames that came in answer.
    """

    qn: str
    notice: bool = False
    answer: str = ""
    patience: Patience = Patience()
    state: ExchangeState = "waiting"
    attempts: int = 0
    deadline: float = 0.0
    returned: int | None = None
    executed: int | None = None
    frames: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing can change it any more."""
        return self.state not in OPEN


def begin(exchange: Exchange, now: float) -> Exchange:
    """Note that the order goes out for the first time."""
    if exchange.state != "waiting":
        return exchange
    return replace(exchange, state="sent", attempts=1, deadline=now + exchange.patience.timeout)


def hear(exchange: Exchange, cn: str, qn: str, result: int | None, now: float) -> Exchange:
    """Take one frame of the device.

    Parameters
    ----------
    exchange : Exchange
    cn, qn : str
        Of the frame.
    result : int or None
        Its QnRtn or ExeRtn.
    now : float
        [s]
    """
    if exchange.state not in ("sent", "accepted"):
        return exchange
    if cn == exchange.answer and cn:
        later = now + exchange.patience.execution if exchange.state == "accepted" else exchange.deadline
        return replace(exchange, frames=exchange.frames + 1, deadline=max(later, exchange.deadline))
    return _answered(exchange, cn, result, now) if qn == exchange.qn else exchange


def _answered(exchange: Exchange, cn: str, result: int | None, now: float) -> Exchange:
    if exchange.notice:
        return replace(exchange, state="done") if cn == "9013" else exchange
    if cn == "9012":
        return replace(exchange, state="done" if result == RETURNED_OK else "failed", executed=result)
    if cn == "9011" and exchange.state == "sent":
        if result == RETURNED_OK:
            return replace(exchange, state="accepted", returned=result, deadline=now + exchange.patience.execution)
        return replace(exchange, state="refused", returned=result)
    return exchange


def tick(exchange: Exchange, now: float) -> tuple[Exchange, bool]:
    """Let time pass; return how far it is, and whether the order is to be sent once more."""
    if exchange.state not in ("sent", "accepted") or now < exchange.deadline:
        return exchange, False
    if exchange.state == "sent" and exchange.attempts <= exchange.patience.resends:
        again = replace(exchange, attempts=exchange.attempts + 1, deadline=now + exchange.patience.timeout)
        return again, True
    return replace(exchange, state="timeout"), False


def give_up(exchange: Exchange) -> Exchange:
    """End an order whose time is over."""
    return exchange if exchange.over else replace(exchange, state="timeout")
