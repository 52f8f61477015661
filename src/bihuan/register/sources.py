"""The register as tracing and dispersion see it: stacks and dusty areas with their reported rates."""

from __future__ import annotations

import math
from datetime import date

from bihuan.core import Ref, Source
from bihuan.register.facts import Outlet, WorkSite
from bihuan.register.register import Register

INDUSTRY = "industry"
"""Matter of every outlet, as in the duty table."""

RELEASE_HEIGHT = 2.0
"""Height at which wheels, wind and loading raise the dust of a site. [m]"""

DEFAULT_SIDE = 50.0
"""Side of a site whose area nobody told. [m]"""


def sources(register: Register, on: date, *matters: str) -> tuple[Source, ...]:
    """Return every known source of air pollution on a day, by kind and id.

    Parameters
    ----------
    register : Register
    on : date
    *matters : str
        Only these (``industry``, ``construction``, ``road`` ...); all when none is named.

    Returns
    -------
    tuple of Source
        Air outlets as stacks; sites and roads as square areas of the reported size. `ref` is that of the
        register (``outlet:...``, ``worksite:...``), `rates` are the reported ones [g/s], empty when unknown.
    """
    wanted = frozenset(matters)
    stacks = [_stack(outlet) for outlet in register.all(Outlet, on) if outlet.medium == "air"]
    areas = [_area(site) for site in register.all(WorkSite, on)]
    return tuple(source for source in (*stacks, *areas) if not wanted or source.kind in wanted)


def _stack(outlet: Outlet) -> Source:
    return Source(
        ref=Ref("outlet", outlet.id),
        name=outlet.name,
        place=outlet.place,
        shape="stack",
        rates=dict(outlet.rates),
        height=outlet.height,
        diameter=outlet.diameter,
        exit_velocity=outlet.exit_velocity,
        exit_temperature=outlet.exit_temperature,
        kind=INDUSTRY,
    )


def _area(site: WorkSite) -> Source:
    return Source(
        ref=Ref("worksite", site.id),
        name=site.name,
        place=site.place,
        shape="area",
        rates=dict(site.rates),
        height=RELEASE_HEIGHT,
        side=math.sqrt(site.area) if site.area > 0 else DEFAULT_SIDE,
        kind=site.matter,
    )
