"""Which limit an outlet is held to: of its permit, by outlet and day, or of a table of a standard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

from bihuan.assessment.index import least_sure
from bihuan.core import Language, NotCovered, Status, exact
from bihuan.register import Outlet, PermitLimit, Register
from bihuan.standards import DECIDING, Row, Standard, lookup, standards

PERMIT = "permit"
"""Basis of a limit of which nobody told what the permit quotes."""


@dataclass(frozen=True, slots=True)
class HeldTo:
    """One limit.

    Attributes
    ----------
    limit : Decimal
        In the pollutant's outlet unit.
    averaging : str
        ``hour day instant``.
    o2_reference : Decimal or None
        None where nothing is folded. [%]
    basis : str
        What the permit quotes, or the standard.
    edition, clause : str
        Of a standard's table; empty for a permit.
    status : Status
        Of the least sure row used.
    open_reason : str
        Why it decides nothing: ``limit_to_check``, ``reference_oxygen_to_check``; empty when it decides.
    row : str
        Id of the row of law, to be switched on; empty for a permit.
    """

    limit: Decimal
    averaging: str
    o2_reference: Decimal | None
    basis: str
    edition: str = ""
    clause: str = ""
    status: Status = "confirmed"
    open_reason: str = ""
    row: str = ""


@cache
def limit_codes() -> Mapping[str, str]:
    """Return the codes of the standards that hold limits of outlets, by the ways they are written."""
    held = [one for one in standards() if one.table("regimes")]
    names = {name: one.code for one in held for name in (one.code, one.number, one.id)}
    return {_plain(name): code for name, code in names.items()}


def _plain(name: str) -> str:
    return name.replace(" ", "").replace("_", "").replace("-", "").casefold()


def standard_code(named: str) -> str | None:
    """Return the code that a file's standard means, None when no such table is held."""
    return limit_codes().get(_plain(named))


@lru_cache(maxsize=4096)
def whole_edition(code: str, on: date, place: str = "") -> Standard:
    """Return the edition in force with every row, deciding or not.

    Raises
    ------
    NotCovered
        If none is in force there on that day.
    """
    return lookup(code, on=on, place=place, allow_unconfirmed=True)


def decides(row: Row, edition: Standard, allow: frozenset[str]) -> bool:
    """Say whether a row may decide by itself, or because a city has switched on it, its table or its edition."""
    if {edition.id, f"{edition.id}#{row.table}", row.id} & allow:
        return True
    return row.status in DECIDING and edition.status in DECIDING and not row.held


@lru_cache(maxsize=65_536)
def limits_of_standard(
    code: str, regime: str, item: str, on: date, place: str, allow: frozenset[str], o2_reference: Decimal | None
) -> tuple[HeldTo, ...]:
    """Return the limits of an item in one table of a standard, one for each averaging.

    Parameters
    ----------
    code, regime, item : str
        ``GB 13271``, ``coal_new``, ``nox``.
    on : date
    place : str
        Administrative code.
    allow : frozenset of str
        What a city has switched on.
    o2_reference : Decimal or None
        Said by the file; the regime's own when None. [%]

    Raises
    ------
    NotCovered
        If no edition is in force, it has no such regime, or the regime does not limit the item.
    """
    edition = whole_edition(code, on, place)
    head = edition.row("regimes", regime)
    rows = [row for row in edition.table(regime) if row.item == item and "limit" in row.fields]
    rows = [row for row in rows if "averaging" in row.fields]
    if not rows:
        raise NotCovered(f"{edition.number} limits no hour or day of {item!r} in {regime!r}")
    return tuple(_held_to(row, head, edition, allow, o2_reference) for row in rows)


def _held_to(row: Row, head: Row, edition: Standard, allow: frozenset[str], said: Decimal | None) -> HeldTo:
    own = head.fields.get("o2_reference")
    oxygen = said if said is not None else None if own is None else Decimal(own)
    doubtful = said is None and own is not None and not decides(head, edition, allow)
    open_reason = "reference_oxygen_to_check" if doubtful else ""
    if not decides(row, edition, allow):
        open_reason = "limit_to_check"
    uses_head = said is None and own is not None
    return HeldTo(
        limit=Decimal(row["limit"]),
        averaging=row["averaging"],
        o2_reference=oxygen,
        basis=edition.number,
        edition=edition.number,
        clause=f"{edition.number} {row.clause}",
        status=least_sure(row.status, *([head.status] if uses_head else [])),
        open_reason=open_reason,
        row=row.id,
    )


def regime_of(edition: Standard, named: str) -> str:
    """Return the table of an edition that a name or code means, empty when it has none of that name."""
    regimes = edition.table("regimes")
    if named in {one.item for one in regimes}:
        return named
    names = {one[f"name_{language}"]: one.item for one in regimes for language in ("zh", "en")}
    return names.get(named, "")


def regime_words(outlet: Outlet, on: date, language: Language = "zh") -> str:
    """Return the name of the table that holds beside the permit of an outlet, as told where no table bears it."""
    code = standard_code(outlet.standard) if outlet.standard else None
    try:
        edition = whole_edition(code, on, outlet.district) if code else None
    except NotCovered:
        edition = None
    known = regime_of(edition, outlet.regime) if edition else ""
    return str(edition.row("regimes", known)[f"name_{language}"]) if edition and known else outlet.regime


def limits_of_outlet(
    outlet: Outlet, on: date, place: str = "", allow: frozenset[str] = frozenset()
) -> tuple[tuple[str, HeldTo], ...]:
    """Return every limit that an outlet is held to on a day, by pollutant: of its permit first, then of its standard.

    Parameters
    ----------
    outlet : Outlet
        Its `standard` and `regime` name a table that holds beside the permit; a name that no table bears holds nothing.
    on : date
    place : str
        Administrative code; that of the outlet's district when empty.
    allow : frozenset of str
        What a city has switched on.
    """
    oxygen = None if outlet.o2_reference is None or outlet.medium != "air" else exact(outlet.o2_reference)
    permit = _of_permit(outlet.limits, oxygen)
    return (*permit, *_of_its_standard(outlet.standard, outlet.regime, on, place or outlet.district, allow))


@lru_cache(maxsize=16_384)
def _of_permit(limits: tuple[PermitLimit, ...], oxygen: Decimal | None) -> tuple[tuple[str, HeldTo], ...]:
    return tuple(
        (one.pollutant, HeldTo(exact(one.limit), one.averaging, oxygen, one.basis or PERMIT)) for one in limits
    )


@lru_cache(maxsize=16_384)
def _of_its_standard(
    standard: str, regime: str, on: date, place: str, allow: frozenset[str]
) -> tuple[tuple[str, HeldTo], ...]:
    code = standard_code(standard) if standard else None
    if code is None:
        return ()
    try:
        edition = whole_edition(code, on, place)
    except NotCovered:
        return ()
    known = regime_of(edition, regime)
    items = dict.fromkeys(row.item for row in edition.table(known) if known and "averaging" in row.fields)
    return tuple(
        (item, held) for item in items for held in limits_of_standard(code, known, item, on, place, allow, None)
    )


def limits_in_register(
    register: Register, ident: str, item: str, on: date, place: str = "", allow: frozenset[str] = frozenset()
) -> tuple[HeldTo, ...]:
    """Return the limits of an item that an outlet of the register had on a day: permit first, then standard.

    Empty when the register knows no such outlet on that day, or nothing limits the item.
    """
    outlet = register.get(Outlet, ident, on)
    if outlet is None:
        return ()
    return tuple(held for code, held in limits_of_outlet(outlet, on, place, allow) if code == item)
