"""Collocations (比对) in the records: kept with every step in the ledger, judged on stored hours, applied on read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from bihuan.core import NotCovered, Period, Ref, from_json, to_json
from bihuan.observations import (
    PAIRS_SCHEMA,
    Collocation,
    begin,
    calibrated,
    judge_collocation,
    plan_collocation,
    withdraw,
)
from bihuan.store import Entry, Row, Store


class Collocations:
    """The collocations of one store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, ident: str) -> Collocation:
        """Return one.

        Raises
        ------
        NotCovered
            If there is none.
        """
        row = self._store.records.get("collocation", ident)
        if row is None:
            raise NotCovered(f"collocation {ident!r} does not exist: plan it first")
        return from_json(row.body, Collocation)

    def of(self, devices: Iterable[str]) -> tuple[Collocation, ...]:
        """Return those of some devices, oldest first."""
        names = [str(Ref("device", device)) for device in devices]
        rows = self._store.records.find("collocation", subject=names) if names else []
        return tuple(from_json(row.body, Collocation) for row in rows)

    def plan(
        self, device: str, pollutant: str, reference: Ref, start: datetime, person: str, now: datetime
    ) -> Collocation:
        """Plan one; see `bihuan.observations.plan_collocation`."""
        return self._keep(plan_collocation(device, pollutant, reference, start, person, now), person, now)

    def begin(self, ident: str, person: str, now: datetime) -> Collocation:
        """Say that the sensor stands beside its reference."""
        return self._keep(begin(self.get(ident), person, now), person, now)

    def withdraw(self, ident: str, person: str, now: datetime, reason: str) -> Collocation:
        """End one, or its calibration, with a reason."""
        return self._keep(withdraw(self.get(ident), person, now, reason), person, now, reason)

    def judge(self, ident: str, site: str, person: str, now: datetime) -> Collocation:
        """Judge one on the stored hours of the sensor's site and of its reference.

        Parameters
        ----------
        ident : str
        site : str
            Where the sensor's hours are kept: ``station:...``.
        person : str
        now : datetime
            From when a passed calibration applies.
        """
        held = self.get(ident)
        return self._keep(judge_collocation(held, self.pairs(held, site), person, now), person, now)

    def pairs(self, held: Collocation, site: str) -> pl.DataFrame:
        """Return the hours of both side by side, with humidity and temperature of the sensor's site where known."""
        wanted = {"raw": (site, held.pollutant), "reference": (str(held.reference), held.pollutant)}
        wanted |= {"humidity": (site, "humidity"), "temperature": (site, "air_temperature")}
        table: pl.DataFrame | None = None
        for name, (where, code) in wanted.items():
            rows = self._store.series.hours([where], [code], held.period, stat="avg", of_record=True)
            usable = rows.filter(~pl.col("quality").is_in(["bad", "missing"])).select("start", value="value")
            part = usable.rename({"value": name})
            table = part if table is None else table.join(part, on="start", how="left", maintain_order="left")
        assert table is not None
        return table.select(PAIRS_SCHEMA.names()).cast(PAIRS_SCHEMA).sort("start")

    def read(self, readings: pl.DataFrame, period: Period) -> pl.DataFrame:
        """Return readings with the calibrations laid over them that held when they began; nothing stored changes."""
        held = self.of(readings["device"].unique().to_list())
        return calibrated(readings, [one for one in held if one.valid is not None and one.valid.overlaps(period)])

    def _keep(self, held: Collocation, person: str, now: datetime, reason: str = "") -> Collocation:
        """State and ledger in one transaction."""
        body = {"device": held.device, "pollutant": held.pollutant, "state": held.state, "reason": reason}
        with self._store.step, self._store.records.transaction():
            name, period = str(Ref("device", held.device)), held.period
            row = Row(held.id, to_json(held), name, held.state, start=period.start, end=period.end)
            self._store.records.save("collocation", [row])
            entry = Entry(now, person, f"collocation.{held.state}", str(held.ref), to_json(body))
            self._store.ledger.add(entry)
        return held
