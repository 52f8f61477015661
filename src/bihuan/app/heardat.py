"""Which other host of a lake hears a logger: the one whose gateway brought its newest reading."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from bihuan.store import LakeStore, Store


def heard_elsewhere(store: Store, devices: Iterable[str] | None = None) -> dict[str, str]:
    """Return the host of each logger that another host hears; those heard here, or by nobody, are left out.

    Parameters
    ----------
    store : Store
    devices : iterable of str, optional
        MNs; all unless given.

    Raises
    ------
    CatalogAway
    """
    series = store.series
    if not isinstance(series, LakeStore):
        return {}
    own = set(store.journal.gateways())
    others = {gateway: host for gateway, host in series.gateways().items() if gateway not in own and host}
    if not others:
        return {}
    newest = series.latest(devices).filter(pl.col("frame") != "").sort("end").unique("device", keep="last")
    found = newest.select("device", gateway=pl.col("frame").str.split("-").list.first())
    rows = found.filter(pl.col("gateway").is_in(list(others))).iter_rows()
    return {device: others[gateway] for device, gateway in rows}
