"""Which limit a test of a vehicle is held to, and when a vehicle fails by remote sensing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bihuan.assessment.outlet_limits import decides, whole_edition
from bihuan.core import NotCovered, Status
from bihuan.standards import Row, Standard

STANDARD_OF: Mapping[str, str] = {
    **dict.fromkeys(
        ("two_speed_idle_low", "two_speed_idle_high", "asm5025", "asm2540", "short_transient", "transient"), "GB 18285"
    ),
    **dict.fromkeys(("free_acceleration", "lugdown", "ringelmann"), "GB 3847"),
    "nonroad": "GB 36886",
    "remote_sensing": "HJ 845",
}
"""Standard of each kind of test."""

FUEL_OF: Mapping[str, str] = {"GB 18285": "petrol", "GB 3847": "diesel", "GB 36886": "diesel", "HJ 845": "diesel"}
"""Fuel for which each standard holds."""

SETS = frozenset({"GB 18285", "GB 3847"})
"""Standards with a limit a, and a limit b where a province has taken it over."""


@dataclass(frozen=True, slots=True)
class ItemLimit:
    """One limit of a test.

    Attributes
    ----------
    least : Decimal or None
        Lower end where a span is allowed (lambda).
    limit : Decimal
    unit, edition, clause : str
    status : Status
    decides : bool
        Whether it may decide; else 待核.
    screening : bool
        It finds high emitters and fails nobody.
    row : str
        Id of the row of law.
    items : tuple of str
        What the whole test has to measure.
    """

    least: Decimal | None
    limit: Decimal
    unit: str
    edition: str
    clause: str
    status: Status
    decides: bool
    screening: bool
    row: str
    items: tuple[str, ...]


def table_of(test: str, limit_set: str, machine_class: str) -> str:
    """Return the name of the table of a test."""
    if test == "nonroad":
        return f"nonroad_{machine_class}"
    return f"{test}_{limit_set}" if STANDARD_OF[test] in SETS else test


def limit_of_test(
    test: str, item: str, on: date, place: str, allow: frozenset[str], *, table: str, power: Decimal | None = None
) -> ItemLimit:
    """Return the limit of an item in a test.

    Parameters
    ----------
    test, item : str
    on : date
    place : str
        Administrative code.
    allow : frozenset of str
        What a city has switched on.
    table : str
        Name of the table, see `table_of`.
    power : Decimal or None
        Rated net power of a machine. [kW]

    Raises
    ------
    NotCovered
        If no edition is in force, or the test does not limit the item, or the power lies in none of its bands.
    """
    edition = whole_edition(STANDARD_OF[test], on, place)
    rows = edition.table(table)
    fit = [row for row in rows if row.fields.get("quantity", row.item) == item and _in_band(row, power)]
    if len(fit) != 1:
        held = ", ".join(row.id for row in rows) or "no such table"
        raise NotCovered(f"{edition.number} limits no {item!r} at {power} kW in {table!r}: {held}")
    return _limit(fit[0], edition, allow, tuple(dict.fromkeys(str(r.fields.get("quantity", r.item)) for r in rows)))


def _in_band(row: Row, power: Decimal | None) -> bool:
    if "power_from" not in row.fields:
        return True
    if power is None or power < row["power_from"]:
        return False
    last = row.fields.get("power_up_to")
    return power < row.fields.get("power_to", Decimal("Infinity")) and (last is None or power <= last)


def _limit(row: Row, edition: Standard, allow: frozenset[str], items: tuple[str, ...]) -> ItemLimit:
    least = row.fields.get("from")
    return ItemLimit(
        least=None if least is None else Decimal(least),
        limit=Decimal(row["limit"]),
        unit=row["in"],
        edition=edition.number,
        clause=f"{edition.number} {row.clause}",
        status=row.status,
        decides=decides(row, edition, allow),
        screening=bool(row.fields.get("screening", False)),
        row=row.id,
        items=items,
    )


def months_after(day: date, months: int) -> date:
    """Return the same day some natural months later, the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError(day)


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of a vehicle by a remote-sensing site, for one pollutant.

    Attributes
    ----------
    row : int
        Of the table.
    day : date
        Local.
    over : bool or None
        None where nothing was decided.
    """

    row: int
    day: date
    over: bool | None


def failed_by_passages(passages: Iterable[Passage], rule: Row) -> frozenset[int]:
    """Return the rows at which a vehicle fails: over the limit so many times running within so many natural months.

    Parameters
    ----------
    passages : iterable of Passage
        Of one vehicle and pollutant, in the order of time.
    rule : Row
        ``times``, ``months`` and ``running`` of HJ 845.

    Notes
    -----
    A passage within the limit ends a run where the rule wants them running. Natural months are counted from the day of
    the earliest passage of the run, that day of the last month included: a reading of ours, the text is not at hand.
    """
    run: list[Passage] = []
    failed = set()
    for one in passages:
        if one.over is None:
            continue
        if not one.over:
            run = [] if rule["running"] else run
            continue
        run = [*run, one][-int(rule["times"]) :]
        if len(run) == rule["times"] and one.day <= months_after(run[0].day, int(rule["months"])):
            failed.add(one.row)
    return frozenset(failed)
