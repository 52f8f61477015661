"""Heavy computing: a source-receptor matrix, part by part, in this process, in others, or on a cluster.

An executor is whatever speaks `concurrent.futures`: a pool of processes, or Dask's ``Client.get_executor()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, MatrixPlan
from bihuan.physics import BoundaryLayer, Receptors, SteadyPlume, SteadySource
from bihuan.store import MatrixFolder

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MEMORY = 256 << 20
"""Most that one part may hold while it is computed. [bytes]"""


def matrix_plan(
    plume: SteadyPlume, period: Int, names: Sequence[str], *, weights: Float | None = None, floor: float = 1e-6
) -> MatrixPlan:
    """Return what the matrix of a plume is of, in parts that fit `MEMORY`.

    Parameters
    ----------
    plume : SteadyPlume
    period : ndarray of int64, shape (hours,)
        Which period an hour belongs to; below 0 it is left out.
    names : sequence of str
        Of the periods.
    weights : ndarray, shape (hours, sources), optional
        Emission factors by hour.
    floor : float
        As in `MatrixPlan`.

    Raises
    ------
    InputError
        If `names` does not fit `period`, or even one source needs more than `MEMORY`.
    """
    hours = plume.valid_hours(period)
    if len(hours) != len(names):
        raise InputError(f"{len(names)} names for {len(hours)} periods: give one each")
    each = 8 * len(names) * len(plume.receptors)
    if each > MEMORY:
        raise InputError(
            f"{len(names)} periods x {len(plume.receptors)} receptors need {each >> 20} MiB a source, "
            f"{MEMORY >> 20} are allowed: take fewer periods or receptors at a time"
        )
    together = min(max(MEMORY // each, 1), max(len(plume.sources) // 8, 1))
    there = plume.receptors
    return MatrixPlan(
        plume.method, tuple(source.name for source in plume.sources), there.east, there.north, there.height,
        tuple(names), tuple(int(count) for count in hours), plume.inputs(period, weights), floor, together,
    )  # fmt: skip


def run_matrix(
    folder: Path, plume: SteadyPlume, period: Int, names: Sequence[str], *, weights: Float | None = None,
    floor: float = 1e-6, executor: Executor | None = None, at_once: int = 2,
    progress: Callable[[float], None] = lambda share: None,
) -> MatrixFolder:  # fmt: skip
    """Compute the parts of a matrix that are not on disk yet.

    Parameters
    ----------
    folder : Path
    plume, period, names, weights, floor
        As for `matrix_plan`.
    executor : concurrent.futures.Executor, optional
        Where the parts are computed; by default here, with the threads of `plume`.
    at_once : int
        Parts under way at a time with an executor; they bound the memory.
    progress : callable
        Told the share that is done, 0 to 1.

    Raises
    ------
    InputError, StoreError, DiskFull
    """
    matrix = MatrixFolder(folder, matrix_plan(plume, period, names, weights=weights, floor=floor))
    missing = matrix.missing()
    done = matrix.plan.parts - len(missing)
    progress(done / matrix.plan.parts)
    for number, values in _computed(matrix.plan, missing, plume, period, weights, executor, at_once):
        matrix.write(number, values)
        done += 1
        progress(done / matrix.plan.parts)
    return matrix


def _computed(
    plan: MatrixPlan, missing: list[int], plume: SteadyPlume, period: Int, weights: Float | None,
    executor: Executor | None, at_once: int,
) -> Iterator[tuple[int, Float]]:  # fmt: skip
    if executor is None:
        for number in missing:
            yield number, plume.responses(period, weights=weights, sources=plan.part(number))
        return
    waiting = missing[::-1]
    running: dict[Future[Float], int] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            number = waiting.pop()
            running[_sent(executor, plume, period, weights, plan.part(number))] = number
        for ended in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(ended), ended.result()


def _sent(executor: Executor, plume: SteadyPlume, period: Int, weights: Float | None, part: slice) -> Future[Float]:
    # the plume is made anew over there: its tables would double what travels
    own = None if weights is None else np.broadcast_to(weights, (len(plume.country), len(plume.sources)))[:, part]
    return executor.submit(
        _responses, plume.country, plume.receptors, plume.sources[part], plume.cities, plume.step, period, own
    )


def _responses(
    country: BoundaryLayer, receptors: Receptors, sources: tuple[SteadySource, ...], cities: tuple[BoundaryLayer, ...],
    step: float, period: Int, weights: Float | None,
) -> Float:  # fmt: skip
    plume = SteadyPlume(country, receptors, sources, cities=cities, step=step, threads=1)
    return plume.responses(period, weights=weights)
