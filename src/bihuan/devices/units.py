"""The one door for units of devices and feeds: what they send to what Bihuan keeps."""

from __future__ import annotations

from typing import NamedTuple

from bihuan.core import SettingError

_SCALES: tuple[dict[str, float], ...] = (
    {"ng/m3": 1e-3, "ug/m3": 1.0, "mg/m3": 1e3, "g/m3": 1e6},
    {"ng/L": 1e-6, "ug/L": 1e-3, "mg/L": 1.0, "g/L": 1e3},
    {"L/s": 1e-3, "m3/s": 1.0, "m3/h": 1 / 3600, "L/min": 1e-3 / 60, "m3/min": 1 / 60, "10km3/h": 1e4 / 3600},
    {"Pa": 1e-3, "hPa": 0.1, "kPa": 1.0, "MPa": 1e3},
    {"m/s": 1.0, "km/h": 1 / 3.6},
    {"uS/cm": 1.0, "mS/cm": 1e3, "mS/m": 10.0, "S/m": 1e4},
    {"1": 1.0},
    {"%": 1.0, "1/1": 100.0},
    {"NTU": 1.0},
    {"deg": 1.0},
    {"mm": 1.0, "cm": 10.0},
    {"ug/kg": 1e-3, "mg/kg": 1.0, "g/kg": 1e3},
    {"W": 1e-3, "kW": 1.0, "MW": 1e3},
    {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3},
    {"mA": 1e-3, "A": 1.0, "kA": 1e3},
    {"V": 1.0, "kV": 1e3},
    {"dB": 1.0},
    {"g/m2": 1.0},
)
"""Families of units that turn into each other by a factor."""

_DEGREES = {"degC": 0.0, "K": -273.15}
_FAHRENHEIT = "degF"

UNITS = frozenset().union(*_SCALES, _DEGREES, {_FAHRENHEIT})


DECIMALS = 12
"""Places kept by a conversion; a double of any reading holds no more."""


class Conversion(NamedTuple):
    """``kept = sent * factor / divisor + offset``, rounded to `DECIMALS` places.

    The rounding keeps decimals what they were: 16.4 L/s is 0.0164 m3/s and not 0.016399999999999998.
    """

    factor: float
    divisor: float
    offset: float

    @property
    def same(self) -> bool:
        """Whether nothing changes."""
        return self.factor == 1 and self.divisor == 1 and self.offset == 0

    def __call__(self, value: float) -> float:
        return round(value * self.factor / self.divisor + self.offset, DECIMALS)

    def back(self, value: float) -> float:
        """Turn a kept value into what the device sends."""
        return round((value - self.offset) * self.divisor / self.factor, DECIMALS)


SAME = Conversion(1.0, 1.0, 0.0)


def conversion(sent: str, kept: str) -> Conversion:
    """Return how values sent in one unit become values of another.

    Raises
    ------
    SettingError
        If either unit is unknown, or they measure different things. Shares of a gas (ppb, ppm) depend
        on its molar mass and the temperature and are refused: set the device to report mass.
    """
    if sent == kept:
        return SAME
    if sent in _DEGREES and kept in _DEGREES:
        return Conversion(1.0, 1.0, round(_DEGREES[sent] - _DEGREES[kept], 2))
    if sent == _FAHRENHEIT and kept == "degC":
        return Conversion(5.0, 9.0, -160.0 / 9.0)
    if sent == "degC" and kept == _FAHRENHEIT:
        return Conversion(9.0, 5.0, 32.0)
    for scale in _SCALES:
        if sent in scale and kept in scale:
            ratio = scale[sent] / scale[kept]
            return Conversion(_whole(ratio), 1.0, 0.0) if ratio >= 1 else Conversion(1.0, _whole(1 / ratio), 0.0)
    raise SettingError(f"unit {sent!r} cannot become {kept!r}; units known: {', '.join(sorted(UNITS))}")


def _whole(ratio: float) -> float:
    """Undo the rounding of the tables: factors between units that are whole numbers stay whole."""
    nearest = round(ratio)
    return float(nearest) if abs(ratio - nearest) < 1e-9 * ratio else ratio
