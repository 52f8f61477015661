"""The warning (预警) as an act of government: drafted by the program, signed by a named person, changed by reference.

States: proposed (拟发布) - issued (已发布) - updated (已升级) / downgraded (已降级) - lifted (已解除).
A draft never leaves the house; only a signature makes it a warning, and only somebody with the role may sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bihuan.alerts.proposals import Action, LadderState, Proposal
from bihuan.core import Language, Period, Ref, Status, WarningRefused, content_id, text
from bihuan.register import Person

WarningState = Literal["proposed", "issued", "updated", "downgraded", "lifted"]

SIGNER_ROLE = "signatory"
"""Role that may sign a warning: 预警签发人."""

_AFTER: dict[Action, WarningState] = {
    "issue": "issued",
    "upgrade": "updated",
    "downgrade": "downgraded",
    "lift": "lifted",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that left: its number in the warning and when it was signed."""

    sequence: int
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Warning:
    """One message of a warning; the next one refers to it.

    Attributes
    ----------
    id : str
        Of the whole warning, from the proposal that began it and the area.
    sequence : int
        0 for the first message.
    state : WarningState
    action : Action
        What this message does once it is signed.
    area : Ref
    scheme, number, clause : str
    status : Status
    grade, response : str
    before : str
    period : Period or None
    proposal : Ref
    ordered : tuple of str
    earlier : tuple of Sent
        Messages it follows, oldest first.
    signed_by : Ref or None
    signed_name : str
    signed_at : datetime or None
    """

    id: str
    sequence: int
    state: WarningState
    action: Action
    area: Ref
    scheme: str
    number: str
    clause: str
    status: Status
    grade: str
    response: str
    before: str
    period: Period | None
    proposal: Ref
    ordered: tuple[str, ...] = ()
    earlier: tuple[Sent, ...] = ()
    signed_by: Ref | None = None
    signed_name: str = ""
    signed_at: datetime | None = None

    @property
    def ref(self) -> Ref:
        """Points at this message."""
        return Ref("warning", f"{self.id}.{self.sequence}")

    @property
    def signed(self) -> bool:
        """Whether a person answers for it."""
        return self.signed_by is not None and self.state != "proposed"


def draft(proposal: Proposal, area: Ref, before: Warning | None = None) -> Warning:
    """Draft the message that a proposal asks for.

    Parameters
    ----------
    proposal : Proposal
    area : Ref
        ``city:410100``.
    before : Warning, optional
        Last signed message of the warning in force.

    Raises
    ------
    WarningRefused
        If a first message has something in force before it, or a following one has not.
    """
    open_before = before is not None and before.signed and before.state != "lifted"
    if (proposal.action == "issue") == open_before:
        found = "none is in force" if before is None else f"{before.ref} is {before.state}"
        raise WarningRefused(
            f"a proposal to {proposal.action} does not fit: {found}; issue begins a warning, "
            "upgrade, downgrade and lift follow a signed one that is not lifted"
        )
    earlier: tuple[Sent, ...] = ()
    ident, sequence = content_id("warning", proposal.id, area), 0
    if open_before and before is not None and before.signed_at is not None:
        ident, sequence = before.id, before.sequence + 1
        earlier = (*before.earlier, Sent(before.sequence, before.signed_at))
    return Warning(
        id=ident,
        sequence=sequence,
        state="proposed",
        action=proposal.action,
        area=area,
        scheme=proposal.scheme,
        number=proposal.number,
        clause=proposal.clause,
        status=proposal.status,
        grade=proposal.grade,
        response=proposal.response,
        before=proposal.before,
        period=proposal.period,
        proposal=proposal.ref,
        ordered=proposal.ordered,
        earlier=earlier,
    )


def sign(warning: Warning, person: Person, at: datetime) -> Warning:
    """Sign a draft (签发): from here on the named person answers for it.

    Raises
    ------
    WarningRefused
        If it is signed already or the person may not sign.
    """
    if warning.state != "proposed":
        raise WarningRefused(f"{warning.ref} is {warning.state} already; draft the next message to change it")
    if SIGNER_ROLE not in person.roles or not person.name:
        raise WarningRefused(
            f"person {person.id} may not sign {warning.ref}: the role {SIGNER_ROLE!r} is needed, "
            f"this person has {', '.join(person.roles) or 'none'}"
        )
    return replace(
        warning,
        state=_AFTER[warning.action],
        signed_by=Ref("person", person.id),
        signed_name=person.name,
        signed_at=at,
    )


def in_force(state: LadderState, warning: Warning) -> LadderState:
    """Tell the ladder which grade holds now that a message was signed.

    Raises
    ------
    WarningRefused
        If it was not.
    """
    if not warning.signed:
        raise WarningRefused(f"{warning.ref} is not signed, so nothing is in force by it; have it signed first")
    if warning.state == "lifted":
        return LadderState()
    return LadderState(in_force=warning.grade, warning=warning.id)


def headline(warning: Warning, area: str, language: Language = "zh") -> str:
    """Return the headline of a message; a draft says that it is one."""
    words = text(
        f"warning.headline_{warning.action}",
        language,
        area=area,
        grade=text(f"warning.{warning.grade}", language),
        before=text(f"warning.{warning.before}", language) if warning.before else "",
        response=warning.response,
    )
    if not warning.signed:
        words = text("warning.draft_headline", language, headline=words)
    return words


def basis(warning: Warning, language: Language = "zh") -> str:
    """Return by which plan, clause or order the message speaks; an unconfirmed plan says 待核."""
    words = text("warning.basis", language, number=warning.number, clause=warning.clause)
    if warning.ordered:
        words = text("warning.basis_order", language, orders=", ".join(warning.ordered), basis=words)
    if warning.status not in ("confirmed", "single_source"):
        words = f"{words} ({text('warning.unconfirmed', language)})"
    return words
