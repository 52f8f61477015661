"""What is wrong with a cell, a row or a header, said so that a clerk can mend it."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.core import Complaint, Language, RowError, Severity, text


class BadCell(RowError):
    """A cell cannot be read; never leaves this room, a reader turns it into a `RowFault`.

    Attributes
    ----------
    reason : str
        Key of ``texts`` table ``register`` without ``fault_``.
    allowed : str
        What may stand there; language-neutral (a range, a list of words, an example).
    """

    def __init__(self, reason: str, allowed: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing that is wrong, where it stands, and what is allowed.

    Attributes
    ----------
    sheet : str
        Sheet of the workbook, file of the folder, or kind of the feature.
    row : int
        As the spreadsheet counts, the header's row included; a feature's place in its collection; 0 for the whole.
    column : str
        Header, empty for the row as a whole.
    value : str
        What was found.
    reason : str
        Short code; its words stand in ``texts`` under ``register.fault_<reason>``.
    allowed : str
        What may stand there.
    severity : Severity
        ``error``: the row was not imported; ``warning``: it was, but look.
    """

    sheet: str
    row: int
    column: str
    value: str
    reason: str
    allowed: str = ""
    severity: Severity = "error"

    def say(self, language: Language = "zh") -> str:
        """Return the sentence a person reads."""
        where = text("register.at_row" if self.row else "register.at_sheet", language, sheet=self.sheet, row=self.row)
        what = text(
            f"register.fault_{self.reason}", language, column=self.column, value=self.value, allowed=self.allowed
        )
        return f"{where}{what}"

    @property
    def complaint(self) -> Complaint:
        """The same for counters and logs."""
        where = f"{self.sheet} row {self.row}" + (f" column {self.column}" if self.column else "")
        return Complaint(f"register_{self.reason}", self.say("en"), where, self.severity)
