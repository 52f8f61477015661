"""How far a reading can be trusted: origin x quality x reason, and what a decoder complains of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Origin = Literal["live", "resent", "recalled", "file", "manual", "model"]
"""Where a reading came from."""

Quality = Literal["good", "suspect", "bad", "missing"]
"""``suspect`` stays in every mean; ``bad`` does not; ``missing`` has no value."""

Level = Literal["realtime", "reviewed", "dust_deducted"]
"""Data level: 实时未审核, 已审核, 扣除沙尘. Printed with every official value."""

Severity = Literal["note", "warning", "error"]
"""``error``: the data of the frame or row was not used."""

ORIGINS: tuple[Origin, ...] = get_args(Origin)
QUALITIES: tuple[Quality, ...] = get_args(Quality)
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Flag:
    """The quality of one reading and why.

    Attributes
    ----------
    quality : Quality
    reason : str
        Short code, ``""`` when good; its words stand in ``texts`` under ``[reason]``.
    """

    quality: Quality
    reason: str = ""


GOOD = Flag("good")


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something a decoder or importer could not take as it stood.

    Attributes
    ----------
    reason : str
        Short code, counted by `bihuan doctor`; its words stand in ``texts`` under ``[complaint]``.
    detail : str
        What was found and what is allowed, in English.
    where : str
        Where in the input: ``row 17``, ``byte 230``, ``item a34004-Rtd``; empty for the whole.
    severity : Severity
        Whether the data was used all the same.
    """

    reason: str
    detail: str
    where: str = ""
    severity: Severity = "warning"
