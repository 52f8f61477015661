"""A user's own AERMOD, timed on the sources, receptors and hours that ours is timed on.

Nothing of AERMOD is part of the project: the binary is named by the environment variable ``AERMOD``.
"""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bihuan.core import InputError
from bihuan.physics import Receptors

SIDE = 32
"""Receptors a side; AERMOD's cost of an evaluation does not depend on their number."""

_DECK = """CO STARTING
   TITLEONE timing
   MODELOPT CONC FLAT
   AVERTIME PERIOD
   POLLUTID OTHER
   RUNORNOT RUN
CO FINISHED
SO STARTING
   ELEVUNIT METERS
   {source}
   SRCGROUP ALL
SO FINISHED
RE STARTING
{receptors}RE FINISHED
ME STARTING
   SURFFILE met.sfc
   PROFFILE met.pfl
   SURFDATA 722430 1996 HOUSTON
   UAIRDATA 3937 1996 LAKE
   PROFBASE 0.0
   STARTEND {start} {end}
ME FINISHED
OU STARTING
   PLOTFILE PERIOD ALL period.plt
OU FINISHED
"""


def binary() -> Path | None:
    """Return the user's AERMOD, None when the environment names none.

    Raises
    ------
    InputError
        If what it names cannot be run.
    """
    named = os.environ.get("AERMOD", "")
    if not named:
        return None
    path = Path(named).resolve()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise InputError(f"AERMOD={named} is no program that can be run: name the binary, or leave the variable unset")
    return path


def grid(side: int, extent: float = 3100.0) -> Receptors:
    """A square of receptors of the same extent whatever their number, 200 m apart at 32 a side."""
    line = np.linspace(-extent, extent, side)
    east, north = (axis.ravel().copy() for axis in np.meshgrid(line, line))
    return Receptors(east, north, np.zeros(side * side))


def seconds(program: Path, source: Sequence[str], met: Path, days: tuple[str, str]) -> float:
    """Return what AERMOD takes for `SIDE` x `SIDE` receptors, its start-up taken off. [processor s]

    Parameters
    ----------
    program : Path
    source : sequence of str
        Lines of the deck that describe source ``S1``.
    met : Path
        ``NAME.SFC.gz``; its ``.PFL.gz`` lies beside it.
    days : tuple of str
        First and last day, ``96 04 01``.
    """
    where = grid(SIDE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for ending in ("SFC", "PFL"):
            packed = met.with_name(met.name.replace("SFC", ending))
            (folder / f"met.{ending.lower()}").write_bytes(gzip.decompress(packed.read_bytes()))
        spent = []
        for count in (1, len(where)):
            rows = zip(where.east[:count], where.north[:count], strict=True)
            receptors = "".join(f"   DISCCART {east:.2f} {north:.2f}\n" for east, north in rows)
            deck = _DECK.format(source="\n   ".join(source), receptors=receptors, start=days[0], end=days[1])
            (folder / "aermod.inp").write_text(deck, "ascii")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([program], cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=900)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            said = (folder / "aermod.out").read_text("latin-1")
            if "AERMOD Finishes Successfully" not in said:
                raise InputError(f"{program} made no result; its last words: {said[-1500:]}")
            spent.append(after.ru_utime - before.ru_utime)
    return spent[1] - spent[0]
