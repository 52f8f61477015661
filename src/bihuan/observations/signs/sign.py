"""What a sign of falsification is: what was seen, against what, how unlikely, and what would explain it innocently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from tomllib import loads
from typing import Any, Literal, get_args

from bihuan.core import Period, Ref, content_id

SignKind = Literal[
    "copied_site",
    "copied_earlier",
    "reworked_site",
    "reworked_earlier",
    "clipped_limit",
    "noise_low",
    "noise_regular",
    "digits",
    "repetition",
    "o2_dilution",
    "divergence",
    "parameter_change",
]
SIGN_KINDS: tuple[SignKind, ...] = get_args(SignKind)

INNOCENT: Mapping[SignKind, tuple[str, ...]] = {
    "copied_site": ("one_instrument", "shared_logger", "filled_in"),
    "copied_earlier": ("sent_again", "filled_in", "clock_set"),
    "reworked_site": ("one_instrument", "shared_logger", "filled_in", "clock_set"),
    "reworked_earlier": ("sent_again", "filled_in", "clock_set", "periodic_process"),
    "clipped_limit": ("control_loop", "range_end", "few_hours"),
    "noise_low": ("longer_averaging", "new_firmware", "filled_in"),
    "noise_regular": ("periodic_process", "sampling_cycle", "test_signal"),
    "digits": ("rounding_changed", "unit_changed", "new_instrument"),
    "repetition": ("rounding_changed", "batch_process", "filled_in"),
    "o2_dilution": ("load_changed", "leak", "fuel_changed"),
    "divergence": ("street_washed", "works_ended", "inlet_blocked"),
    "parameter_change": ("calibration_due", "repaired", "weather_changed"),
}
"""What else would look the same; words under ``[signs]`` as ``innocent_...``. Each is asked about on the spot."""

METHOD = "signs/1"


@cache
def sign_settings() -> Mapping[str, Any]:
    """Return the numbers of this folder, `signs.toml`."""
    return loads(resources.files("bihuan.observations.signs").joinpath("signs.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One row of what was compared.

    Attributes
    ----------
    start : datetime
        Hour, UTC.
    value : float or None
        Of the site. [unit of the pollutant]
    other : float or None
        What it was held against: the other site, the earlier day, the limit, the neighbours.
    """

    start: datetime
    value: float | None
    other: float | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason for a visit (核查建议); never a verdict.

    Attributes
    ----------
    id : str
        From content: kind, site, pollutant, begin of the week that was asked.
    kind : SignKind
    site : Ref
    pollutant : str
    period : Period
        What looks odd.
    statistic : float
        Its meaning is the kind's; words under ``[signs]`` as ``statistic_...``.
    p : float
        Chance of at least this by itself, all comparisons of the run counted; 1 at most.
    tests : int
        Comparisons of this kind in the run.
    against : str
        Who or what it was held against: a site, ``earlier``, ``limit``, ``own``, ``neighbours``.
    figures : mapping of str to float
        Named in the sentence of the kind.
    evidence : tuple of EvidenceRow
    method : str
    inputs : tuple of Ref
        Records beside the hours themselves that it rests on: the change of a setting.
    """

    id: str
    kind: SignKind
    site: Ref
    pollutant: str
    period: Period
    statistic: float
    p: float
    tests: int
    against: str
    figures: dict[str, float] = field(default_factory=dict)
    evidence: tuple[EvidenceRow, ...] = ()
    method: str = METHOD
    inputs: tuple[Ref, ...] = ()

    @property
    def ref(self) -> Ref:
        """Points at this sign."""
        return Ref("sign", self.id)

    @property
    def innocent(self) -> tuple[str, ...]:
        """Codes of what would explain it without anybody's fault."""
        return INNOCENT[self.kind]


def sign_id(kind: SignKind, site: str, pollutant: str, week: datetime) -> str:
    """Return the id of a sign: the same finding in the same week is one sign."""
    return content_id("sign", kind, site, pollutant, week)
