"""All ten sections of a daily bulletin."""

from __future__ import annotations

from bihuan.core import Language
from bihuan.reports.air import day_section, ranks_section, so_far_section
from bihuan.reports.cases import advice_section, cases_section, weather_section
from bihuan.reports.material import Material
from bihuan.reports.model import Content
from bihuan.reports.streams import dust_section, episode_section, outlets_section, water_section

SECTIONS = (
    day_section,
    so_far_section,
    ranks_section,
    episode_section,
    water_section,
    outlets_section,
    dust_section,
    cases_section,
    weather_section,
    advice_section,
)
"""In the order in which they are printed."""


def compose(given: Material, language: Language = "zh") -> Content:
    """Return what the bulletin of a day says in one language."""
    levels = given.hours["level"].unique().to_list() if "level" in given.hours.columns else []
    level = "" if not levels else levels[0] if len(levels) == 1 else "realtime" if "realtime" in levels else "reviewed"
    return Content(
        day=given.day,
        city=given.city,
        as_of=given.as_of,
        level=level,
        sections=tuple(section(given, language) for section in SECTIONS),
        language=language,
    )
