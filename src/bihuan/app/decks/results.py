"""Files of a run beside its POSTFILEs: PLOTFILEs, NetCDF and GeoTIFF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.quantities import Quantity
from bihuan.app.decks.stamps import label, ordinal, stamp
from bihuan.app.decks.tally import MEANS, Tally, header, post_writer
from bihuan.app.decks.top import write_rankfile, write_seasonhr
from bihuan.formats import (
    Deck,
    DeckNetwork,
    DeckOutput,
    Variable,
    fortran_value,
    write_geotiff,
    write_netcdf,
    write_plotfile,
)
from bihuan.physics import percentile

Float = NDArray[np.float64]
Hours = NDArray[np.datetime64]

EVEN = 1e-6
"""Steps of a grid may differ by this share."""


def write_maps(deck: Deck, tally: Tally, options: str, out: Path, epsg: int | None) -> list[Path]:
    """Write all files that need the whole run, and GeoTIFFs of maps on even grids; return their paths."""
    written: list[Path] = []
    for output in deck.outputs:
        path = out / output.name
        if output.kind == "RANKFILE":
            top = tally.short[output.average].top
            written += [] if top is None else [write_rankfile(deck, output, top, tally.groups, options, out)]
        elif output.group not in tally.groups or output.kind == "MAXIFILE":
            continue
        elif output.kind == "SEASONHR":
            rows = tally.rows_of(output.group)
            written += [] if tally.seasons is None else [
                write_seasonhr(deck, output, tally.seasons, rows, options, out)
            ]  # fmt: skip
        elif output.average in MEANS:
            values = tally.mean_values[output.average][tally.rows_of(output.group)]
            writer = post_writer(deck, tally, path, output, f"{label(output.average):>6} VALUES", options)
            writer.add([f"{tally.mean_hours[output.average]:08d}"], values[None])
            writer.close()
            written += [path, *_rasters(deck, tally, path, values, epsg)]
        elif output.kind == "PLOTFILE":
            values = _ranked(deck, tally, output, options, path)
            written += [path, *_rasters(deck, tally, path, values, epsg)]
    return written


def _ranked(deck: Deck, tally: Tally, output: DeckOutput, options: str, path: Path) -> Float:
    """Write a PLOTFILE of one rank; return its values, shape (quantities, receptors)."""
    short, rows, where = tally.short[output.average], tally.rows_of(output.group), deck.receptors
    what = f" HIGH {ordinal(output.rank):>5} HIGH {label(output.average):>5} VALUES"
    years: list[tuple[int, Float, Hours]] = []
    if short.yearly is None:
        values, when = short.highest.values[output.rank - 1, rows], short.highest.when[output.rank - 1, rows[0]]
        dates = [_told(hour) for hour in when]
    else:  # a column a year stands where else the hour does
        values, years = short.yearly.rank(output.rank)
        values = values[rows]
        which = "MAX DAILY " if deck.design == "daily" else ""
        name = f"{ordinal(output.rank):>5}-HIGHEST {which}{label(output.average):>5}"
        what = f"{name} VALUES AVERAGED OVER {len(years):3d} YEARS"
        dates = [
            "  ".join(
                f"{fortran_value(each[rows[0], place], deck.exponential)}  {_told(hours[rows[0], place])}"
                for _, each, hours in years
            )
            for place in range(len(where))
        ]
    write_plotfile(
        path, header(deck, tally, output, what, options), output.group, label(output.average), ordinal(output.rank),
        np.stack([where.east, where.north, where.elevation, where.hill, where.flag]), values, dates, where.network,
        exponential=deck.exponential,
    )  # fmt: skip
    return values


def _told(hour: np.datetime64) -> str:
    return "0" if np.isnat(hour) else stamp(hour)


def _rasters(deck: Deck, tally: Tally, path: Path, values: Float, epsg: int | None) -> list[Path]:
    """GeoTIFFs of every quantity; that of the first has the name of the file."""
    written = []
    for quantity, own in zip(tally.quantities, values, strict=True):
        first = quantity is tally.quantities[0]
        target = path if first else path.with_name(f"{path.stem}.{quantity.option.lower()}{path.suffix}")
        written += _raster(deck, target, own, quantity, epsg)
    return written


def _raster(deck: Deck, path: Path, values: Float, quantity: Quantity, epsg: int | None) -> list[Path]:
    grids = [network for network in deck.receptors.networks if _even(network)]
    written = []
    for network in grids:
        target = path.with_name(f"{path.stem}{f'.{network.name}' if len(grids) > 1 else ''}.tif")
        rows, columns = len(network.along), len(network.across)
        grid = values[network.first : network.first + network.count].reshape(rows, columns)
        step = (network.across[1] - network.across[0], network.along[1] - network.along[0])
        west, north = network.across[0] - step[0] / 2, network.along[-1] + step[1] / 2
        write_geotiff(target, grid[::-1], west, north, step, epsg=epsg, description=f"{deck.title} [{quantity.unit}]")
        written.append(target)
    return written


def _even(network: DeckNetwork) -> bool:
    """Whether its receptors are the middles of equal cells, from west to east and south to north."""
    if network.polar or len(network.across) < 2 or len(network.along) < 2:
        return False
    return all(
        steps.min() > 0.0 and np.ptp(steps) <= EVEN * steps.max()
        for steps in map(np.diff, (network.across, network.along))
    )


def write_series(
    deck: Deck, tally: Tally, percentiles: Sequence[float], path: Path, source: str, epsg: int | None
) -> None:
    """Write highest values with their times, percentiles and means of every group as NetCDF."""
    where = deck.receptors
    variables = {
        "x": Variable(("receptor",), where.east, {"standard_name": "projection_x_coordinate", "units": "m"}),
        "y": Variable(("receptor",), where.north, {"standard_name": "projection_y_coordinate", "units": "m"}),
        "height": Variable(("receptor",), where.flag, {"standard_name": "height", "units": "m", "positive": "up"}),
        "group": Variable(("group",), _letters(tally.groups), {"long_name": "group of sources"}),
        "network": Variable(("receptor",), _letters(where.network), {"long_name": "network of receptors"}),
    }
    for number, quantity in enumerate(tally.quantities):
        rows = slice(number * len(tally.groups), (number + 1) * len(tally.groups))
        variables |= _of_quantity(deck, tally, quantity, rows, percentiles)
    attributes = {"title": deck.title or deck.file, "source": source, "comment": "times are local standard time"}
    if epsg is not None:
        attributes["crs"] = f"EPSG:{epsg}"
    write_netcdf(path, variables, attributes)


PREFIXES = {"CONC": "", "DEPOS": "deposition_", "DDEP": "dry_deposition_", "WDEP": "wet_deposition_"}
"""Of names in NetCDF."""


def _of_quantity(
    deck: Deck, tally: Tally, quantity: Quantity, rows: slice, percentiles: Sequence[float]
) -> dict[str, Variable]:
    """Variables of one quantity, which has `rows` of the tally."""
    here, prefix = {"coordinates": "x y height"}, PREFIXES[quantity.option]
    what = prefix.replace("_", " ") if quantity.total else "concentration "
    told = {"units": quantity.unit, "long_name": f"{what}of {deck.pollutant or 'the emission'}"} | here
    method = {"cell_methods": "time: sum" if quantity.total else "time: mean"}
    found: dict[str, Variable] = {}
    for name, short in tally.short.items():
        shape, key = (f"rank_{key_of(name)}", "group", "receptor"), key_of(name)
        hours = short.highest.when[:, rows]
        when = hours.astype("datetime64[h]").astype(np.float64) + 1.0
        when[np.isnat(hours)] = np.nan
        times = {"units": "hours since 1970-01-01 00:00:00", "calendar": "standard", "long_name": "end of the average"}
        found[f"{prefix}highest_{key}"] = Variable(shape, short.highest.values[:, rows], told | method)
        found[f"{prefix}highest_{key}_time"] = Variable(shape, when, times | here)
        for percent in percentiles:
            values = percentile(short.highest.values[:, rows], percent, short.highest.seen)
            name_of = f"{prefix}percentile_{percent:g}_{key}".replace(".", "_")
            found[name_of] = Variable(("group", "receptor"), values, told)
        if short.yearly is not None:
            wanted = [rank for rank in deck.ranks or (1,) if rank <= short.yearly.count]
            design = np.stack([short.yearly.rank(rank)[0][rows] for rank in wanted])
            found[f"{prefix}yearly_{key}"] = Variable((f"yearly_rank_{key}", "group", "receptor"), design, told)
    for name, means in tally.mean_values.items():
        found[f"{prefix}mean_{name.lower()}"] = Variable(("group", "receptor"), means[rows], told | method)
    return found


def key_of(average: str) -> str:
    """Name of an average in NetCDF: ``24h``."""
    return f"{average}h" if average.isdigit() else average.lower()


def _letters(names: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([name.encode("latin-1") or b" " for name in names])
