"""Every instrument of the city at once: what each logger has to tell, as things stand."""

from __future__ import annotations

import numpy as np

from bihuan.app.city.air import Air
from bihuan.app.city.forgeries import Forgery, forged
from bihuan.app.city.signals import Ends, Report, StationSignals, hourly, silent_mask
from bihuan.app.city.stacks import StackSignals
from bihuan.app.city.truth import Truth
from bihuan.app.city.water import WaterSignals
from bihuan.core import Ref


class Instruments:
    """All signals of the city; noise is drawn once, so that a stopped source changes only what comes after."""

    def __init__(self, truth: Truth, air: Air, forgeries: tuple[Forgery, ...] = ()) -> None:
        self._truth, self._forgeries = truth, forgeries
        self._stations = StationSignals(truth, air)
        self._stacks = StackSignals(truth)
        self._water = WaterSignals(truth)

    def reports(self, ends: Ends) -> dict[tuple[Ref, str], Report]:
        """Return what every logger has to tell, by site and ``minute`` or ``hour``."""
        minutes = self._stations.minutes(ends) | self._stacks.minutes(ends) | self._water.outlets(ends)
        for incident in self._truth.incidents:
            if incident.kind == "silent" and incident.subject in minutes:
                told = minutes[incident.subject]
                away = silent_mask(len(told.values), told.rhythm, self._truth.plan.start, incident, ends[incident.id])
                told.values[away] = np.nan
        if self._forgeries:
            minutes = forged(minutes, self._forgeries, self._truth.plan.start)
        found = {(site, "minute"): told for site, told in minutes.items()}
        found |= {(site, "hour"): hourly(told) for site, told in minutes.items()}
        found |= {(site, "hour"): told for site, told in self._water.sections(ends).items()}
        return found
