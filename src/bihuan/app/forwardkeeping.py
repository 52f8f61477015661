"""`bihuan forward`: targets from the command line, in the store of a home or in the live server that owns it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bihuan.app.clock import Clock
from bihuan.app.forwarding import KINDS, Target, describe, pause_target, renew_plan, save_target
from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.core import InputError, iso, local_date, parse_instant
from bihuan.store import Store

BY = "command line"
"""Who acts, as the ledger has it: whoever may read the files of the store."""


def add_target(home: Path, options: Mapping[str, Any], password: str, clock: Clock) -> dict[str, Any]:
    """Add a target and return it as plain values, without its password.

    Raises
    ------
    InputError
        If an option cannot be used.
    """
    settings, now = read_settings(home), clock.now()
    since = options.get("since")
    text = partial(_text, options)
    try:
        target = Target(
            id=str(options["target"]),
            name=text("name"),
            host=text("host"),
            port=int(options["port"]),
            since=parse_instant(since, settings.zone) if isinstance(since, str) else since or now,
            mode="raw" if options.get("raw") else "rewritten",
            protocol=str(options.get("protocol") or "hj212-2017"),
            devices=_mapping(options, "devices"),
            password=password,
            kinds=tuple(options.get("kinds") or KINDS),
            factors=tuple(options.get("factors") or ()),
            units=_mapping(options, "units"),
            window=int(options.get("window") or 32),
            timeout=float(options.get("timeout") or 10.0),
            tls=bool(options.get("tls")),
            tls_ca=text("tls_ca"),
            tls_name=text("tls_name"),
        )
    except KeyError as missing:
        raise InputError(f"option {missing} is missing: give target, host and port") from None
    with opened(home, create=True) as store:
        save_target(store, target, BY, now, new=True)
        _renew(store, now, home)
        return target.told()


def switch_target(home: Path, ident: str, paused: bool, clock: Clock) -> dict[str, Any]:
    """Let a target rest or go on, and return it as plain values.

    Raises
    ------
    NotCovered
        If there is none of this id.
    """
    now = clock.now()
    with opened(home) as store:
        target = pause_target(store, ident, paused, BY, now)
        _renew(store, now, home)
        return target.told()


def list_targets(home: Path, clock: Clock) -> list[dict[str, Any]]:
    """Return every target with how it stands, as plain values."""
    with opened(home) as store:
        return describe(store, clock.now())


def listed(row: Mapping[str, Any]) -> str:
    """Return a target as a line for people."""
    many = len(row["devices"])
    parts = [row["id"], f"{row['host']}:{row['port']}", row["mode"], row["protocol"], row["is"]]
    parts += [f"{many} devices" if many else "all devices", ",".join(row["kinds"]), ",".join(row["factors"])]
    return "  ".join(filter(None, parts))


def stands(row: Mapping[str, Any], now: datetime) -> str:
    """Return how a target stands as a line for people."""
    status = row["status"] or {}
    counts = status.get("counts", {})
    oldest = status.get("oldest")
    lag = max(0.0, (now - datetime.fromisoformat(oldest)).total_seconds()) if oldest else 0.0
    parts = [
        row["id"],
        row["is"],
        status.get("state", "waiting") if row["running"] else "stopped",
        f"lag {lag:.0f} s",
        f"waiting {status.get('waiting', 0)}",
        f"answered {counts.get('answered', 0)}",
        f"last {status.get('answered') or '-'}",
        f"refused {counts.get('refused', 0)}",
        f"aside {counts.get('aside', 0)}",
        status.get("trouble", ""),
    ]
    return "  ".join(filter(None, parts))


def stand_at(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return how a target stands as plain values."""
    return {"id": row["id"], "is": row["is"], "running": row["running"], "at": iso(now)} | (row["status"] or {})


def _renew(store: Store, now: datetime, home: Path) -> None:
    zone = read_settings(home).zone
    renew_plan(store, store.records.register(), local_date(now, zone), zone.key)


def _text(options: Mapping[str, Any], name: str) -> str:
    return str(options.get(name) or "")


def _mapping(options: Mapping[str, Any], name: str) -> dict[str, str]:
    given = options.get(name) or {}
    if not isinstance(given, Mapping):
        raise InputError(f"option {name} must be a mapping")
    return {str(key): str(value) for key, value in given.items()}
