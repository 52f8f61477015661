"""What an import says about each file: what it was, what it changed, and every row that could not be taken."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bihuan.core import Complaint, Language, NotCovered, Period, Severity, plain, text
from bihuan.devices.csv import Feed
from bihuan.formats import Imported, RowFault
from bihuan.register import Person

SHOWN = 20
"""Rows that words list one by one; all of them stand in `Report.as_dict`."""

LANGUAGES: tuple[Language, Language] = ("zh", "en")

_WHERE = re.compile(r"(?:(?P<sheet>.*) )?row (?P<row>\d+)(?: column (?P<column>.+))?|(?P<other>.+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file.

    Attributes
    ----------
    reason : str
        Short code.
    detail : str
        What was found and what is allowed, in English.
    row : int or None
        As the editor or spreadsheet counts; None for the whole file or column.
    column : str
    sheet : str
    severity : Severity
        ``error``: the row, or this cell, was left out.
    spoken : str
        The sentence in Chinese where one is made already.
    value : str
        What stood in the cell, where the reader says so.
    allowed : str
        What may stand there, where the reader says so.
    """

    reason: str
    detail: str
    row: int | None = None
    column: str = ""
    sheet: str = ""
    severity: Severity = "warning"
    spoken: str = ""
    value: str = ""
    allowed: str = ""

    @classmethod
    def of_register(cls, fault: RowFault) -> Fault:
        """Make one of what the register's reader says."""
        return cls(
            reason=f"register_{fault.reason}",
            detail=fault.say("en"),
            row=fault.row or None,
            column=fault.column,
            sheet=fault.sheet,
            severity=fault.severity,
            spoken=fault.say("zh"),
            value=fault.value,
            allowed=fault.allowed,
        )

    def words(self, language: Language = "zh") -> str:
        """Return one line."""
        if self.spoken:
            return self.spoken if language == "zh" else self.detail
        try:
            reason = text(f"complaint.{self.reason}", language)
        except NotCovered:
            reason = self.reason
        where = [self.sheet, "" if self.row is None else text("cli.import_row", language, row=self.row), self.column]
        return " ".join(filter(None, [*where, f"{reason} ({self.detail})"]))


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one file.

    Attributes
    ----------
    file : str
    kind : str
        ``feed``, ``register``, ``complaints``, or ``unknown``.
    layout : str
        Of a feed.
    read : int
        Rows of the file.
    new, revised, unchanged : int
        Of a feed hourly values; of the register facts; of work orders cases (revised: joined to one that was there).
    sites : tuple of str
    period : Period or None
        What a feed covers.
    digest : str
        Of the file.
    faults : tuple of Fault
    failed : str
        Why nothing of the file could be taken; empty when something was.
    """

    file: str
    kind: str
    layout: str = ""
    read: int = 0
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    sites: tuple[str, ...] = ()
    period: Period | None = None
    digest: str = ""
    faults: tuple[Fault, ...] = ()
    failed: str = ""

    @property
    def errors(self) -> tuple[Fault, ...]:
        """What was left out; never empty when the whole file was."""
        found = tuple(fault for fault in self.faults if fault.severity == "error")
        return (Fault("file_unreadable", self.failed, severity="error"), *found) if self.failed else found

    @property
    def complaints(self) -> tuple[Fault, ...]:
        """What was taken all the same, but somebody should look at."""
        return tuple(fault for fault in self.faults if fault.severity != "error")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("file", "kind", "layout", "read", "new", "revised", "unchanged", "sites", "digest", "failed")
        }
        found["period"] = None if self.period is None else [plain(self.period.start), plain(self.period.end)]
        for name in ("errors", "complaints"):
            found[name] = [
                {key: getattr(fault, key) for key in ("sheet", "row", "column", "reason", "detail", "severity")}
                for fault in getattr(self, name)
            ]
        return found

    def words(self, language: Language = "zh") -> str:
        """Return what a person reads: one line, then the rows that were left out and what to look at."""
        if self.failed:
            return text("cli.import_failed", language, file=self.file, problem=self.failed)
        head = text(
            f"cli.import_{self.kind}",
            language,
            file=self.file,
            layout=self.layout,
            read=self.read,
            new=self.new,
            revised=self.revised,
            unchanged=self.unchanged,
            sites=len(self.sites),
        )
        lines = [head]
        for key, faults in (("errors", self.errors), ("notes", self.complaints)):
            if faults:
                lines.append(text(f"cli.import_{key}", language, count=len(faults)))
                lines += [f"  {fault.words(language)}" for fault in faults[:SHOWN]]
                if len(faults) > SHOWN:
                    lines.append(text("cli.import_more", language, count=len(faults) - SHOWN))
        return "\n".join(lines)


def fault_of(complaint: Complaint) -> Fault:
    """Make one of a reader's complaint; its `where` names sheet, row and column."""
    found = _WHERE.fullmatch(complaint.where) if complaint.where else None
    row = found["row"] if found else None
    return Fault(
        reason=complaint.reason,
        detail=complaint.detail,
        row=int(row) if row else None,
        column=((found["column"] or found["other"]) if found else "") or "",
        sheet=(found["sheet"] if found else "") or "",
        severity=complaint.severity,
    )


def roles_refused(imported: Imported, persons: Collection[str]) -> list[Fault]:
    """Return a fault for each row that would have given a person other roles, with where it stands."""
    found = []
    for fact in imported.facts:
        if not isinstance(fact, Person) or fact.id not in persons:
            continue
        record = imported.rows["person", fact.id, fact.valid_from]
        fault = record.fault("roles", ", ".join(fact.roles), "roles")
        zh, en = (
            text("register.at_row", language, sheet=fault.sheet, row=fault.row)
            + text("account.roles_refused", language, person=fact.id)
            for language in LANGUAGES
        )
        found.append(Fault("register_roles", en, fault.row, fault.column, fault.sheet, "error", zh, fault.value))
    return found


def faults_of_feed(feed: Feed) -> tuple[Fault, ...]:
    """Return what is wrong in the file of a feed, each with the column it concerns."""
    layout = feed.layout
    of_reason = {"row_time": ", ".join(layout.time.columns), "row_site": layout.site.column}
    found = []
    for complaint in feed.complaints:
        fault = fault_of(complaint)
        column = fault.column or of_reason.get(fault.reason, "")
        if fault.reason == "row_value":
            column = next((name for name in layout.columns if fault.detail.startswith(f"{name} is no number")), column)
        found.append(Fault(fault.reason, fault.detail, fault.row, column, fault.sheet, fault.severity))
    return tuple(found)
