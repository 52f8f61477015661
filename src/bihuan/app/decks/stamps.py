"""How AERMOD's files name averages, ranks and times."""

from __future__ import annotations

import numpy as np


def label(average: str) -> str:
    """Return the name of an average in AERMOD's files: ``24-HR``."""
    return f"{average}-HR" if average.isdigit() else average


def ordinal(rank: int) -> str:
    """``1ST``, ``22ND``, as AERMOD writes them."""
    ending = "TH" if rank % 100 in (11, 12, 13) else {1: "ST", 2: "ND", 3: "RD"}.get(rank % 10, "TH")
    return f"{rank}{ending}"


def stamp(last: np.datetime64) -> str:
    """Return ``yymmddhh`` of an average by its last hour, which counts from 01 to 24."""
    told = str(last)
    return f"{told[2:4]}{told[5:7]}{told[8:10]}{int(told[11:13]) + 1:02d}"
