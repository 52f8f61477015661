"""Events that ask for a source: for the tests of suspicion and of findings."""

from __future__ import annotations

from bihuan.core import Event, Period, Ref
from tests.app.hamlet import HOUR, MIDNIGHT, at_km

ONSET = MIDNIGHT + 2 * HOUR


def rise(**changes: object) -> Event:
    """A rise of SO2 at the first station of the hamlet; the tracer has to say whose."""
    fields: dict[str, object] = {
        "id": "ev1",
        "rule": "local_rise",
        "kind": "pattern",
        "subject": Ref("station", "s1"),
        "place": at_km(0.0, 0.0),
        "period": Period(ONSET, ONSET + HOUR),
        "pollutant": "so2",
        "grade": "minor",
        "value": 160.0,
        "threshold": 40.0,
        "method": "alerts/excess/1",
        **changes,
    }
    return Event(**fields)  # type: ignore[arg-type]
