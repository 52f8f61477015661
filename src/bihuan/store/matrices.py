"""Source-receptor matrices on disk: one folder a matrix, one Parquet file a part, values near nothing left out.

``matrix.json`` says what the matrix is of; ``part-00007.parquet`` holds rows of (receptor, period, source, value) of
some sources, sorted in this order. A part is put in place as a whole, so a run that was cut short goes on with the
parts that are missing. Changed emissions cost one multiplication; the model does not run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bihuan.core import InputError, MatrixPlan, StoreError
from bihuan.store.files import REAL_FILES, Files, write_whole

Float = NDArray[np.float64]

HEAD = "matrix.json"
UNIT = "ug/m3 per g/s"
_FORM = 1
_SCHEMA = pa.schema([("receptor", pa.int32()), ("period", pa.int32()), ("source", pa.int32()), ("value", pa.float32())])


class MatrixFolder:
    """One matrix on disk.

    Parameters
    ----------
    folder : Path
    plan : MatrixPlan, optional
        What it shall be of: the folder is made, or must hold the same already. Without it the folder must exist.
    files : Files

    Raises
    ------
    StoreError
        If there is no matrix, it is of another form, or of something else than `plan`.
    """

    def __init__(self, folder: Path, plan: MatrixPlan | None = None, files: Files = REAL_FILES) -> None:
        self.folder, self._files = folder, files
        head = folder / HEAD
        if not files.exists(head):
            if plan is None:
                raise StoreError(f"{folder} holds no source-receptor matrix: {HEAD} is not there; make one first")
            files.make_folder(folder)
            write_whole(head, json.dumps(_told(plan), ensure_ascii=False, indent=1).encode(), files)
        self.plan = _read(head)
        if plan is not None:
            _same(self.plan, plan, folder)

    def missing(self) -> list[int]:
        """Return the numbers of the parts that are not there yet."""
        return [number for number in range(self.plan.parts) if not self._files.exists(self._path(number))]

    def write(self, number: int, values: Float) -> None:
        """Put a part in place.

        Parameters
        ----------
        number : int
        values : ndarray, shape (sources of the part, periods, receptors)
            [ug/m3 per g/s]; NaN in a period without a valid hour

        Raises
        ------
        InputError
            If the shape is not that of the part.
        DiskFull, StoreError
        """
        sources = self.plan.part(number)
        shape = (sources.stop - sources.start, len(self.plan.periods), len(self.plan.east))
        if values.shape != shape:
            raise InputError(f"part {number} of {self.folder} has shape {shape}, not {values.shape}")
        known = np.nan_to_num(values, nan=0.0)
        kept = np.abs(known) > self.plan.floor * np.abs(known).max(axis=2, keepdims=True)
        source, period, receptor = np.nonzero(kept)
        order = np.lexsort((source, period, receptor))
        columns = [receptor[order], period[order], source[order] + sources.start, known[kept][order]]
        table = pa.table([pa.array(column) for column in columns], names=_SCHEMA.names).cast(_SCHEMA)
        whole = float(np.abs(known).sum())
        left_out = float(np.abs(known[~kept]).sum()) / whole if whole else 0.0
        packed = BytesIO()
        pq.write_table(
            table.replace_schema_metadata({"left_out": repr(left_out)}),
            packed,
            compression="zstd",
            row_group_size=1 << 20,
        )
        write_whole(self._path(number), packed.getvalue(), self._files)

    def concentrations(self, rates: Float) -> Float:
        """Return what emissions cause.

        Parameters
        ----------
        rates : ndarray, shape (sources,) or (periods, sources)
            [g/s]

        Returns
        -------
        ndarray, shape (periods, receptors)
            [ug/m3]; NaN in a period without a valid hour

        Raises
        ------
        InputError
            If the shape does not fit.
        StoreError
            If a part is missing or cannot be read.
        """
        plan = self.plan
        shape = (len(plan.periods), len(plan.sources))
        rates = np.asarray(rates, dtype=np.float64)
        if rates.shape not in ((shape[1],), shape):
            raise InputError(f"rates of shape {rates.shape}: give ({shape[1]},) or {shape}")
        each = np.broadcast_to(rates, shape)
        found = np.zeros(len(plan.periods) * len(plan.east))
        for table in self._tables():
            receptor, period, source, value = _columns(table)
            place = period * len(plan.east) + receptor
            found += np.bincount(place, weights=value * each[period, source], minlength=len(found))
        return self._known(found.reshape(len(plan.periods), len(plan.east)))

    def contributions(self, receptor: int, rates: Float | None = None) -> Float:
        """Return who causes how much at one receptor.

        Parameters
        ----------
        receptor : int
            Its number in the plan.
        rates : ndarray, shape (sources,), optional
            [g/s]; 1 by default

        Returns
        -------
        ndarray, shape (periods, sources)
            [ug/m3]; NaN in a period without a valid hour

        Raises
        ------
        InputError
            If there is no such receptor.
        StoreError
            If a part is missing or cannot be read.
        """
        plan = self.plan
        if not 0 <= receptor < len(plan.east):
            raise InputError(f"receptor {receptor}: the matrix has receptors 0 to {len(plan.east) - 1}")
        found = np.zeros((len(plan.periods), len(plan.sources)))
        for table in self._tables([("receptor", "=", receptor)]):
            _, period, source, value = _columns(table)
            found[period, source] = value
        return self._known(found if rates is None else found * np.asarray(rates, dtype=np.float64))

    def left_out(self) -> float:
        """Return the largest share of a part's values that the floor cost."""
        metadata = [pq.read_schema(self._path(number)).metadata for number in self._there()]
        return max(float(found[b"left_out"]) for found in metadata)

    def _known(self, found: Float) -> Float:
        found[np.asarray(self.plan.hours) == 0] = np.nan
        return found

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.parquet"

    def _there(self) -> range:
        missing = self.missing()
        if missing:
            raise StoreError(
                f"{self.folder}: {len(missing)} of {self.plan.parts} parts are not computed yet; run the same again, "
                "it goes on where it stopped"
            )
        return range(self.plan.parts)

    def _tables(self, only: list[tuple[str, str, int]] | None = None) -> Iterator[pa.Table]:
        for number in self._there():
            path = self._path(number)
            try:
                yield pq.read_table(path, filters=only)
            except (OSError, pa.ArrowException) as problem:
                raise StoreError(f"{path} cannot be read ({problem}): delete it and run the same again") from problem


def _columns(table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Float]:
    receptor, period, source, value = (table[name].to_numpy() for name in _SCHEMA.names)
    return receptor.astype(np.int64), period.astype(np.int64), source.astype(np.int64), value.astype(np.float64)


def _told(plan: MatrixPlan) -> dict[str, Any]:
    return {
        "form": _FORM, "method": plan.method, "unit": UNIT, "inputs": plan.inputs, "floor": plan.floor,
        "together": plan.together, "sources": plan.sources, "periods": plan.periods, "hours": plan.hours,
        "east": plan.east.tolist(), "north": plan.north.tolist(), "height": plan.height.tolist(),
    }  # fmt: skip


def _read(head: Path) -> MatrixPlan:
    try:
        told = json.loads(head.read_bytes())
        form = told.pop("form")
        del told["unit"]
    except (OSError, ValueError, KeyError) as problem:
        raise StoreError(f"{head} cannot be read ({problem}): restore it, or delete the folder and run again") from None
    if form != _FORM:
        raise StoreError(f"{head} has form {form}; this version reads form {_FORM}: compute the matrix again")
    for axis in ("east", "north", "height"):
        told[axis] = np.asarray(told[axis], dtype=np.float64)
    for axis in ("sources", "periods", "hours"):
        told[axis] = tuple(told[axis])
    return MatrixPlan(**told)


def _same(held: MatrixPlan, wanted: MatrixPlan, folder: Path) -> None:
    there, now = _told(held), _told(wanted)
    other = [name for name in there if json.dumps(there[name]) != json.dumps(now[name])]
    if other:
        raise StoreError(
            f"{folder} holds a matrix of other {', '.join(other)}: choose another folder, or delete this one"
        )
