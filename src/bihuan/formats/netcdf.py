"""NetCDF in its classic form (64-bit offsets), by the conventions CF-1.11: what a plume run found at its receptors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import netcdf_file

from bihuan.core import FormatError, InputError

Array = NDArray[np.generic]

LARGEST = 2**31 - 4
"""Bytes of one variable in the classic form."""

HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """A variable of a NetCDF file.

    Attributes
    ----------
    dimensions : tuple of str
    values : ndarray
        Numbers, or fixed-width text (dtype ``S``), which takes one dimension more of its own.
    attributes : mapping of str to str or float
    """

    dimensions: tuple[str, ...]
    values: Array
    attributes: Mapping[str, str | float] = field(default_factory=dict)


def write_netcdf(path: Path, variables: Mapping[str, Variable], attributes: Mapping[str, str]) -> None:
    """Write variables; dimensions take the lengths of the values.

    Raises
    ------
    InputError
        If a variable is larger than the form allows, or two give a dimension different lengths.
    """
    lengths: dict[str, int] = {}
    for name, variable in variables.items():
        if variable.values.nbytes > LARGEST:
            raise InputError(f"{path.name}: {name} has {variable.values.nbytes:,} bytes, {LARGEST:,} are allowed")
        for dimension, length in zip(variable.dimensions, variable.values.shape, strict=True):
            if lengths.setdefault(dimension, length) != length:
                raise InputError(f"{path.name}: {name} has {length} of {dimension}, others {lengths[dimension]}")
    with netcdf_file(path, "w", version=2) as file:
        for key, value in {"Conventions": "CF-1.11", **attributes}.items():
            setattr(file, key, value)
        for dimension, length in lengths.items():
            file.createDimension(dimension, length)
        for name, variable in variables.items():
            values, dimensions = variable.values, variable.dimensions
            if values.dtype.kind == "S":
                width = max(values.dtype.itemsize, 1)
                file.createDimension(f"{name}_letters", width)
                values = np.ascontiguousarray(values.astype(f"S{width}")).view("S1").reshape(*values.shape, width)
                dimensions = (*dimensions, f"{name}_letters")
            made = file.createVariable(name, "c" if values.dtype.kind == "S" else values.dtype, dimensions)
            made[...] = values
            for key, told in variable.attributes.items():
                setattr(made, key, told)


def read_netcdf(path: Path, names: Sequence[str] = ()) -> dict[str, Variable]:
    """Read variables of a classic file; scale, offset and missing values are applied, so missing is NaN.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Wanted; all of them by default.

    Raises
    ------
    FormatError
        If the file is none of the classic form, or lacks a wanted variable.
    """
    with path.open("rb") as begin:
        head = begin.read(8)
    if head == HDF5:
        raise FormatError(f"{path.name} is NetCDF-4 (HDF5); the classic form is read: nccopy -k nc6 {path.name} NEW.nc")
    if head[:3] != b"CDF":
        raise FormatError(f"{path.name} is no NetCDF file")
    found: dict[str, Variable] = {}
    with netcdf_file(path, "r", mmap=False) as file:
        for name in names or list(file.variables):
            if name not in file.variables:
                raise FormatError(f"{path.name} has no variable {name}; it has {', '.join(file.variables)}")
            raw = file.variables[name]
            told = {key: _attribute(value) for key, value in raw._attributes.items()}
            found[name] = Variable(tuple(raw.dimensions), _unpacked(raw[...].copy(), told), told)
    return found


def _attribute(value: object) -> str | float:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return float(np.asarray(value).ravel()[0])


def _unpacked(values: Array, told: Mapping[str, str | float]) -> Array:
    if values.dtype.kind not in "iuf":
        return values
    if not {"scale_factor", "add_offset", "_FillValue", "missing_value"} & set(told):
        return values.astype(values.dtype.newbyteorder("="))
    plain = values.astype(np.float64)
    missing = np.zeros(plain.shape, dtype=bool)
    for key in ("_FillValue", "missing_value"):
        if key in told:
            missing |= plain == float(told[key])
    plain = plain * float(told.get("scale_factor", 1.0)) + float(told.get("add_offset", 0.0))
    plain[missing] = np.nan
    return plain
