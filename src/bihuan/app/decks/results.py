"""Files of a run beside its POSTFILEs: PLOTFILEs, NetCDF and GeoTIFF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.tally import MEANS, Tally, label, ordinal, post_writer, stamp
from bihuan.formats import (
    Deck,
    DeckNetwork,
    DeckOutput,
    PlotHeader,
    Variable,
    write_geotiff,
    write_netcdf,
    write_plotfile,
)
from bihuan.physics import percentile

Float = NDArray[np.float64]

EVEN = 1e-6
"""Steps of a grid may differ by this share."""


def write_maps(deck: Deck, tally: Tally, options: str, out: Path, epsg: int | None) -> list[Path]:
    """Write PLOTFILEs, POSTFILEs of means, and a GeoTIFF of each of them on each even grid; return their paths."""
    written: list[Path] = []
    for output in deck.outputs:
        if output.group not in tally.groups or (output.kind == "POSTFILE" and output.average not in MEANS):
            continue
        group, path = tally.groups.index(output.group), out / output.name
        if output.average in MEANS:
            values = tally.mean_values[output.average][group]
            what = f"{label(output.average):>6} VALUES"
            writer = post_writer(deck, path, output, what, options)
            writer.add([f"{tally.mean_hours[output.average]:08d}"], values[None])
            writer.close()
        else:
            values = tally.short[output.average].highest.values[output.rank - 1, group]
            _ranked(deck, tally, output, options, path)
        written += [path, *_rasters(deck, path, values, epsg)]
    return written


def _ranked(deck: Deck, tally: Tally, output: DeckOutput, options: str, path: Path) -> None:
    highest = tally.short[output.average].highest
    group, place, where = tally.groups.index(output.group), output.rank - 1, deck.receptors
    dates = [stamp(when) if not np.isnat(when) else "0" for when in highest.when[place, group]]
    what = f" HIGH {ordinal(output.rank):>5} HIGH {label(output.average):>5} VALUES"
    header = PlotHeader(deck.title, options, what, output.group, len(where), exponential=deck.exponential)
    write_plotfile(
        path, None if deck.headless else header, output.group, label(output.average), ordinal(output.rank),
        np.stack([where.east, where.north, where.elevation, where.hill, where.flag]), highest.values[place, group],
        dates, where.network, exponential=deck.exponential,
    )  # fmt: skip


def _rasters(deck: Deck, path: Path, values: Float, epsg: int | None) -> list[Path]:
    grids = [network for network in deck.receptors.networks if _even(network)]
    written = []
    for network in grids:
        target = path.with_name(f"{path.stem}{f'.{network.name}' if len(grids) > 1 else ''}.tif")
        rows, columns = len(network.along), len(network.across)
        grid = values[network.first : network.first + network.count].reshape(rows, columns)
        step = (network.across[1] - network.across[0], network.along[1] - network.along[0])
        west, north = network.across[0] - step[0] / 2, network.along[-1] + step[1] / 2
        write_geotiff(target, grid[::-1], west, north, step, epsg=epsg, description=f"{deck.title} [{deck.unit}]")
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
    here = {"coordinates": "x y height"}
    variables = {
        "x": Variable(("receptor",), where.east, {"standard_name": "projection_x_coordinate", "units": "m"}),
        "y": Variable(("receptor",), where.north, {"standard_name": "projection_y_coordinate", "units": "m"}),
        "height": Variable(("receptor",), where.flag, {"standard_name": "height", "units": "m", "positive": "up"}),
        "group": Variable(("group",), _letters(tally.groups), {"long_name": "group of sources"}),
        "network": Variable(("receptor",), _letters(where.network), {"long_name": "network of receptors"}),
    }
    told = {"units": deck.unit, "long_name": f"concentration of {deck.pollutant or 'the emission'}"} | here
    for name, short in tally.short.items():
        shape, key = (f"rank_{key_of(name)}", "group", "receptor"), key_of(name)
        when = short.highest.when.astype("datetime64[h]").astype(np.float64) + 1.0
        when[np.isnat(short.highest.when)] = np.nan
        times = {"units": "hours since 1970-01-01 00:00:00", "calendar": "standard", "long_name": "end of the average"}
        variables[f"highest_{key}"] = Variable(shape, short.highest.values, told | {"cell_methods": "time: mean"})
        variables[f"highest_{key}_time"] = Variable(shape, when, times | here)
        for percent in percentiles:
            found = percentile(short.highest.values, percent, short.highest.seen)
            variables[f"percentile_{percent:g}_{key}".replace(".", "_")] = Variable(("group", "receptor"), found, told)
    for name, values in tally.mean_values.items():
        variables[f"mean_{name.lower()}"] = Variable(
            ("group", "receptor"), values, told | {"cell_methods": "time: mean"}
        )
    attributes = {"title": deck.title or deck.file, "source": source, "comment": "times are local standard time"}
    if epsg is not None:
        attributes["crs"] = f"EPSG:{epsg}"
    write_netcdf(path, variables, attributes)


def key_of(average: str) -> str:
    """Name of an average in NetCDF: ``24h``."""
    return f"{average}h" if average.isdigit() else average.lower()


def _letters(names: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([name.encode("latin-1") or b" " for name in names])
