"""What the monitors of stacks show: concentrations as measured and folded, oxygen, flow, temperature, marks."""

from __future__ import annotations

import numpy as np

from bihuan.app.city.draws import Float, draws, table, wander
from bihuan.app.city.enterprises import AMBIENT_O2, normal_flow, usual_o2
from bihuan.app.city.forward import running
from bihuan.app.city.signals import Column, Ends, Marks, Report, report, tampered
from bihuan.app.city.truth import STEP, Truth
from bihuan.core import Ref, local_date
from bihuan.register import Outlet


class StackSignals:
    """The monitors of all stacks. In rough mode a wrong reported rate lies in what the monitor does not see."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        day = local_date(truth.plan.start)
        self._rhythm = int(table("defaults")["devices"]["outlet_minute"])
        self._parts = self._rhythm // int(STEP.total_seconds())
        columns = {source.ref: k for k, source in enumerate(truth.sources)}
        self._outlets = [
            (outlet, columns[Ref("outlet", outlet.id)])
            for outlet in truth.plan.register.all(Outlet, day)
            if outlet.medium == "air"
        ]

    def minutes(self, ends: Ends) -> dict[Ref, Report]:
        """Return the ten-minute reports of every stack."""
        return {Ref("outlet", outlet.id): self._report(outlet, column, ends) for outlet, column in self._outlets}

    def _report(self, outlet: Outlet, column: int, ends: Ends) -> Report:
        ref = Ref("outlet", outlet.id)
        activity = self._means(self._truth.activity[:, column])
        rng = draws(self._truth.plan.seed, "stack monitor", outlet.id)
        n, flow = len(activity), normal_flow(outlet)
        oxygen = usual_o2(outlet) + 0.25 * wander(rng, (n,), self._rhythm / 3600, 2.0)
        columns: list[Column] = []
        values: list[Float] = []
        for limit in outlet.limits:
            rate = outlet.rates[limit.pollutant] * activity + self._incidents(ref, limit.pollutant, ends)
            usual = 1000 * rate / flow * (1 + 0.02 * rng.standard_normal(n))
            folding = np.ones(n)
            if outlet.o2_reference is not None:
                usual = usual * (AMBIENT_O2 - oxygen) / (AMBIENT_O2 - usual_o2(outlet))
                folding = (AMBIENT_O2 - outlet.o2_reference) / (AMBIENT_O2 - oxygen)
            columns += [(limit.pollutant, "avg"), (limit.pollutant, "zs_avg")]
            values += [usual, usual * folding]
        columns += [("gas_flow", "avg"), ("gas_temperature", "avg")]
        values += [flow * activity**0.3, outlet.exit_temperature - 273.15 + rng.standard_normal(n)]
        if outlet.o2_reference is not None:
            columns.append(("o2", "avg"))
            values.append(oxygen)
        shown = self._falsify(ref, np.column_stack(values), ends)
        return report(tuple(columns), shown, self._mark(outlet, shown, len(outlet.limits) * 2), self._rhythm)

    def _means(self, steps: Float) -> Float:
        return np.asarray(steps.reshape(-1, self._parts).mean(axis=1))

    def _incidents(self, ref: Ref, pollutant: str, ends: Ends) -> Float:
        """Emission on top of the normal one that an honest monitor sees. [g/s]"""
        extra = np.zeros(len(self._truth.activity))
        for incident in self._truth.incidents:
            if incident.kind == "night_stack" and incident.source == ref and incident.honest:
                amount = (incident.amounts or {}).get(pollutant, 0.0)
                extra += amount * running(self._truth, incident.period.start, ends[incident.id])
        return self._means(extra)

    def _falsify(self, ref: Ref, values: Float, ends: Ends) -> Float:
        for incident in self._truth.incidents:
            if incident.kind == "falsified" and incident.subject == ref:
                values = tampered(values, incident, self._rhythm, self._truth.plan.start, ends[incident.id])
        return values

    def _mark(self, outlet: Outlet, values: Float, gases: int) -> Marks:
        """One calibration a day (C, two reports near zero); a few stacks are under maintenance for an hour (M)."""
        rng = draws(self._truth.plan.seed, "stack marks", outlet.id)
        marks = np.full(values.shape, "N")
        per_day, per_hour = 86_400 // self._rhythm, 3600 // self._rhythm
        at = int(rng.integers(per_day))
        for first in range(at, len(values), per_day):
            values[first : first + 2, :gases] *= 0.03
            marks[first : first + 2, :gases] = "C"
        if rng.random() < 0.05:
            first = int(rng.integers(max(len(values) - per_hour, 1)))
            marks[first : first + per_hour] = "M"
        return marks
