"""What people read about a sign: one sentence with its figures, never a finding."""

from __future__ import annotations

from bihuan.core import Language, NotCovered, pollutant, printed_unit, text
from bihuan.observations.signs.sign import Sign


def describe_sign(sign: Sign, name: str, against: str = "", language: Language = "zh") -> str:
    """Return one sentence.

    Parameters
    ----------
    sign : Sign
    name : str
        What the site is called.
    against : str
        What the other site is called, where there is one.
    """
    figures = {key: f"{value:.10g}" for key, value in sign.figures.items()}
    said = {"name": name, "pollutant": _pollutant(sign.pollutant, language), "against": against or sign.against}
    said["unit"] = _unit(sign.pollutant)
    return text(f"signs.said_{sign.kind}", language, **said, **figures)


def _pollutant(code: str, language: Language) -> str:
    try:
        about = pollutant(code)
    except NotCovered:
        return code
    return about.zh if language == "zh" else about.en


def _unit(code: str) -> str:
    try:
        return printed_unit(pollutant(code).unit)
    except NotCovered:
        return ""
