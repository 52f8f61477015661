"""The one tree of errors.

    BihuanError
    |-- InputError            what a person or a file gave us cannot be used (exit code 2)
    |   |-- FormatError       the file or layout is not one we know, or is torn
    |   |-- RowError          one row of a table is wrong; the others stand
    |   `-- SettingError      a setting is unknown or out of its range
    |-- NotCovered            a place, period, pollutant or standard we hold nothing for
    |-- RegisterError         a fact of the register is missing or contradicts another
    |   `-- DutyError         nobody answers for this matter at this place on this day
    |-- CaseError             a step of a case that is not allowed
    |   |-- StepRefused       the state does not allow it
    |   |   `-- CaseChanged   someone else acted first
    |   `-- RightRefused      the role does not allow it
    |-- WarningRefused       an act of warning (预警) that is not allowed: not signed, no right, out of order
    |-- StoreError            what remembers cannot be read or written
    |   |-- CatalogAway       the database server of a lake does not answer
    |   |-- StoreLocked       another process owns the file
    |   |-- StoreVersionError written by a newer Bihuan
    |   |-- JournalError      a segment does not hold what its checksums promise
    |   `-- DiskFull          nothing can be made durable, so nothing is acknowledged
    `-- LedgerError           the hash chain is broken

A message says what was wrong, where, what is allowed, and what to do, in this order.
Frames of devices never raise: a bad frame gives complaints (`bihuan.core.Complaint`).
"""


class BihuanError(Exception):
    """Root of every error that Bihuan raises on purpose."""


class InputError(BihuanError):
    """What a person or a file gave us cannot be used."""


class FormatError(InputError):
    """The file or layout is not one we know, or is torn."""


class RowError(InputError):
    """One row of a table is wrong; the others stand."""


class SettingError(InputError):
    """A setting is unknown or out of its range."""


class NotCovered(BihuanError):
    """A place, period, pollutant or standard we hold nothing for."""


class RegisterError(BihuanError):
    """A fact of the register is missing or contradicts another."""


class DutyError(RegisterError):
    """Nobody answers for this matter at this place on this day."""


class CaseError(BihuanError):
    """A step of a case that is not allowed."""


class StepRefused(CaseError):
    """The state of the case does not allow the step."""


class CaseChanged(StepRefused):
    """Someone else acted on the case since it was looked at; the message says what changed."""


class RightRefused(CaseError):
    """The role of the person does not allow the step."""


class WarningRefused(BihuanError):
    """An act of warning (预警) that is not allowed: not signed, no right, out of order."""


class StoreError(BihuanError):
    """What remembers cannot be read or written."""


class CatalogAway(StoreError):
    """The database server of a lake does not answer: what waits in the journal is stored when it does."""


class StoreLocked(StoreError):
    """Another process owns the file."""


class StoreVersionError(StoreError):
    """The store was written by a newer Bihuan."""


class JournalError(StoreError):
    """A segment does not hold what its checksums promise."""


class DiskFull(StoreError):
    """Nothing can be made durable, so nothing is acknowledged."""


class LedgerError(BihuanError):
    """The hash chain is broken."""
