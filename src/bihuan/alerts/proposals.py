"""From the outlook to a proposal (拟发布建议): what the ladder would have a person issue, change or lift.

The program never issues. It proposes once, says which hours speak for it, and waits; `alerts.act` takes the signature.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.alerts.ladder import Hours, Scheme, above, hour_orders, ladder_settings, runs, window_means
from bihuan.core import CHINA, HOUR, Period, Ref, Status, content_id, iso

Action = Literal["issue", "upgrade", "downgrade", "lift"]
"""发布, 升级, 降级, 解除."""


@dataclass(frozen=True, slots=True)
class Order:
    """A grade ordered by a superior; it overrides what the ladder would say while it holds, upwards only.

    Attributes
    ----------
    id : str
    grade : str
    by : str
        Who ordered it: office, document number.
    period : Period
    """

    id: str
    grade: str
    by: str
    period: Period


@dataclass(frozen=True, slots=True)
class Speaks:
    """Hours that speak for a proposal: above a threshold, with the highest 24-hour mean among them."""

    period: Period
    above: float
    highest: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person is asked to decide.

    Attributes
    ----------
    id : str
        From content: scheme, action, grade, first hour, warning in force.
    action : Action
    scheme, number, clause : str
        The plan it follows.
    status : Status
        Of the plan's grades; all but ``confirmed`` print 待核.
    grade, response : str
        Grade to be in force afterwards; for a lift the one that ends.
    before : str
        Grade in force now, empty for none.
    period : Period or None
        The episode; None for a lift.
    speaks : tuple of Speaks
    ordered : tuple of str
        Ids of the orders that hold; empty when the ladder alone speaks.
    made : datetime
        As of when.
    """

    id: str
    action: Action
    scheme: str
    number: str
    clause: str
    status: Status
    grade: str
    response: str
    before: str
    period: Period | None
    speaks: tuple[Speaks, ...]
    ordered: tuple[str, ...]
    made: datetime

    @property
    def ref(self) -> Ref:
        """Points at this proposal."""
        return Ref("proposal", self.id)


@dataclass(frozen=True, slots=True)
class LadderState:
    """What the ladder remembers.

    Attributes
    ----------
    in_force : str
        Grade of the signed warning that holds, empty for none; only `alerts.act` changes it.
    warning : str
        Id of that warning.
    lower_since : datetime or None
        Since when only a lower grade has been due.
    proposed : str
        Action and grade last proposed, so that nothing is proposed twice.
    """

    in_force: str = ""
    warning: str = ""
    lower_since: datetime | None = None
    proposed: str = ""


def step(
    state: LadderState,
    scheme: Scheme,
    outlook: pl.DataFrame,
    now: datetime,
    orders: Sequence[Order] = (),
    dust_days: Collection[date] = (),
    zone: ZoneInfo = CHINA,
) -> tuple[LadderState, tuple[Proposal, ...]]:
    """Look at what was measured and what is forecast, and propose what is due.

    Parameters
    ----------
    state : LadderState
    scheme : Scheme
    outlook : DataFrame
        ``start`` (UTC) and ``aqi`` of the city: at least the last five days as measured, then the forecast.
    now : datetime
    orders : sequence of Order
    dust_days : collection of date
        Days of sand and dust, where the plan leaves them out.

    Returns
    -------
    LadderState
    tuple of Proposal
        None or one; a proposal that still stands is not repeated.
    """
    hours = Hours.of(outlook, dust_days if scheme.leaves_out_dust else (), zone)
    ranks = hour_orders(hours, scheme, zone)
    place = max((now - hours.first) // HOUR, 0)
    ahead = [(start, end) for start, end in runs(ranks > 0) if end > place]
    holding = tuple(sorted((order for order in orders if now in order.period), key=lambda order: order.id))
    due = max((int(ranks[max(s, place) : e].max()) for s, e in ahead[:1]), default=0)
    due = max([due, *(scheme.order(order.grade) for order in holding)])
    action, state = _action(state, scheme, due, _clears(hours, place, scheme), now)
    if action is None:
        return state, ()
    grade = state.in_force if action == "lift" else scheme.code(due)
    wanted = f"{action}:{grade}"
    if wanted == state.proposed:
        return state, ()
    span = ahead[0] if ahead and action != "lift" else None
    proposal = _proposal(state, scheme, (hours, span), holding, (action, grade, now))
    return replace(state, proposed=wanted), (proposal,)


def _action(
    state: LadderState, scheme: Scheme, due: int, clears: bool, now: datetime
) -> tuple[Action | None, LadderState]:
    """What is to be done about the grade in force, and since when a lower one has been due."""
    force = scheme.order(state.in_force)
    if due > force:
        return ("upgrade" if force else "issue"), replace(state, lower_since=None)
    if due == force:
        return None, replace(state, lower_since=None, proposed="")
    since = state.lower_since or now
    state = replace(state, lower_since=since)
    if due == 0:
        return ("lift" if clears else None), state
    # a forecast that swings between grades takes the higher: the lower one has to last
    return ("downgrade" if now - since >= int(ladder_settings()["swing_hours"]) * HOUR else None), state


def _clears(hours: Hours, place: int, scheme: Scheme) -> bool:
    """Whether enough of the hours that must stay low are known at all."""
    length, settings = scheme.lift_hours, ladder_settings()
    known = np.isfinite(hours.aqi[place : place + length]).sum()
    return bool(known >= length * int(settings["window_valid"]) / int(settings["window_hours"]))


def _proposal(
    state: LadderState,
    scheme: Scheme,
    where: tuple[Hours, tuple[int, int] | None],
    holding: tuple[Order, ...],
    what: tuple[Action, str, datetime],
) -> Proposal:
    (hours, span), (action, grade, now) = where, what
    period = None if span is None else hours.period(*span)
    if period is None and holding:
        period = Period(min(order.period.start for order in holding), max(order.period.end for order in holding))
    speaks = () if span is None else speaks_for(window_means(hours.aqi), hours, span, scheme)
    begins = now if period is None else period.start
    return Proposal(
        id=content_id("proposal", scheme.id, action, grade, iso(begins), state.warning),
        action=action,
        scheme=scheme.id,
        number=scheme.number,
        clause=scheme.clause,
        status=scheme.status,
        grade=grade,
        response=scheme.grade(grade).response,
        before=state.in_force,
        period=period,
        speaks=speaks,
        ordered=tuple(order.id for order in holding),
        made=now,
    )


def speaks_for(means: NDArray[np.float64], hours: Hours, span: tuple[int, int], scheme: Scheme) -> tuple[Speaks, ...]:
    """Runs above each threshold of the ladder inside an episode."""
    thresholds = {c.above for grade in scheme.grades for conditions in grade.alternatives for c in conditions}
    length = int(ladder_settings()["window_hours"])
    found = []
    for threshold in sorted(thresholds):
        for start, end in runs(above(means, threshold)):
            if start < span[1] and end > span[0]:
                highest = float(np.nanmax(means[start + length - 1 : end]))
                found.append(Speaks(hours.period(start, end), threshold, round(highest, 1)))
    return tuple(found)
