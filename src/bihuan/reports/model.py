"""A bulletin as data: what is printed, in one language, before anybody decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bihuan.core import Language

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; cells are printed text, numbers with their unit in the head."""

    title: str
    head: Cells
    rows: tuple[Cells, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture with its caption and what it shows in words (`alt`)."""

    title: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One numbered part of a bulletin.

    Attributes
    ----------
    title : str
    sentences : tuple of str
        What is concluded, first things first.
    tables : tuple of Table
    figures : tuple of Figure
    notes : tuple of str
        Formulas, law with clause, data level: small print below.
    """

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is known: it then prints 暂无数据 alone."""
        return not (self.sentences or self.tables or self.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a bulletin says of one day, frozen when its draft is made.

    Attributes
    ----------
    day : date
        Of the city's calendar.
    city : str
        As people call it.
    as_of : datetime or None
        End of the last hour it rests on, UTC; None without data.
    level : str
        Data level of the city's values, empty without data.
    sections : tuple of Section
    language : Language
    title : str
        Printed in place of that of a daily bulletin.
    banner : str
        Stands at the head of every page.
    """

    day: date
    city: str
    as_of: datetime | None
    level: str
    sections: tuple[Section, ...]
    language: Language = "zh"
    title: str = ""
    banner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What stands around the content: who issues, who answers for it, and since when.

    Attributes
    ----------
    issuer : str
        发文单位; empty until the setting ``issuing_unit`` names it.
    year, number : int or None
        〔year〕第 number 期; None before it is signed.
    prepared, checked, signed : str
        Names; empty until it was done.
    dated : date or None
        成文日期: the day it was signed.
    copies : str
        抄送.
    advice : str
        Free text that a person added to section 10.
    corrects, reason : str
        Number of the issue that this one corrects, and why.
    """

    issuer: str = ""
    year: int | None = None
    number: int | None = None
    prepared: str = ""
    checked: str = ""
    signed: str = ""
    dated: date | None = None
    copies: str = ""
    advice: str = ""
    corrects: str = ""
    reason: str = ""
