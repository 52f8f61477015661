"""Which edition of a standard is in force on a day at a place, and which of its rows may decide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from bihuan.core import NotCovered
from bihuan.standards.model import DECIDING, Row, Standard, parse

NOTHING: frozenset[str] = frozenset()


@cache
def standards() -> tuple[Standard, ...]:
    """Return every edition held, by code and date, with all of its rows."""
    found = [parse(path.read_text("utf-8"), path.name.removesuffix(".toml")) for path in _files()]
    return tuple(sorted(found, key=lambda standard: (standard.code, standard.effective_from, standard.id)))


def _files() -> Iterator[Traversable]:
    for folder in resources.files("bihuan.standards").iterdir():
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if path.name.endswith(".toml"))


@cache
def editions(code: str) -> tuple[Standard, ...]:
    """Return every edition of a code, oldest first, with all of its rows.

    Raises
    ------
    NotCovered
        If no edition of the code is held.
    """
    found = tuple(standard for standard in standards() if standard.code == code)
    if not found:
        known = sorted({standard.code for standard in standards()})
        raise NotCovered(f"no standard {code!r} is held; known codes: {', '.join(known)}")
    return found


@lru_cache(maxsize=4096)
def lookup(
    code: str, *, on: date, place: str = "", allow: frozenset[str] = NOTHING, allow_unconfirmed: bool = False
) -> Standard:
    """Return the edition in force, with only those rows that hold on the day and may decide.

    Parameters
    ----------
    code : str
        ``GB 3095``, ``HJ 633``, ``heavy pollution warning`` ...
    on : date
        Day of the sample, in the city's calendar.
    place : str
        Administrative code (``410100``); the edition that names it most closely wins.
    allow : frozenset of str
        Ids of editions, ``<edition>#<table>`` or ids of rows that a city has switched on although they
        are unconfirmed or held back.
    allow_unconfirmed : bool
        Let every row decide; for what-ifs, which are labelled as such.

    Raises
    ------
    NotCovered
        If no edition is in force there on that day, or the one in force is unconfirmed and not
        switched on; the message names the editions.
    """
    candidates = editions(code)
    in_force = [edition for edition in candidates if edition.holds(on) and edition.covers(place) >= 0]
    if not in_force:
        raise NotCovered(f"no edition of {code!r} is in force on {on} at {place or 'any place'}; {_listed(candidates)}")
    edition = max(in_force, key=lambda held: (held.covers(place), held.effective_from))
    if not (allow_unconfirmed or edition.status in DECIDING or edition.id in allow):
        raise NotCovered(
            f"{edition.number} is in force on {on} but {edition.status}, so it decides nothing by itself; "
            f"a setting of the city may switch it on as {edition.id!r}; {_listed(candidates)}"
        )
    everything = allow_unconfirmed or edition.id in allow
    return edition.only(
        tuple(row for row in edition.rows if row.holds(on) and (everything or _decides(row, edition, allow)))
    )


def _decides(row: Row, edition: Standard, allow: frozenset[str]) -> bool:
    if row.id in allow or f"{edition.id}#{row.table}" in allow:
        return True
    return row.status in DECIDING and not row.held


def _listed(candidates: tuple[Standard, ...]) -> str:
    spans = (f"{held.number} from {held.effective_from} to {held.effective_to or 'now'}" for held in candidates)
    return f"editions held: {'; '.join(spans)}"
