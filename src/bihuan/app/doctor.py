"""`bihuan doctor`: what is installed, where it lies, what the store holds and what is wrong, server or no server."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from bihuan import __version__
from bihuan.app.clock import Clock, WallClock
from bihuan.app.gateway import read_status
from bihuan.app.journalkeeping import age, last_check
from bihuan.app.law import check_all
from bihuan.app.opened import lake_of
from bihuan.app.settings import read_settings
from bihuan.app.state import state_of
from bihuan.app.supervision import alive
from bihuan.app.town import Town
from bihuan.core import BihuanError, Language, LedgerError, StoreLocked, local_date, parse_instant, text
from bihuan.store import FORMAT, Home, JournalReader, Position, open_store

LIBRARIES = ("duckdb", "polars", "pyarrow", "numpy", "numba", "scipy", "sqlalchemy", "msgspec", "click")
STALE = timedelta(seconds=60)
"""A server that wrote no status for so long hangs."""

LAG = timedelta(minutes=15)
"""A loop that is so far behind is said."""

LAG_COUNTED = 100_000
"""Frames behind are counted up to here."""

CHECK_OLD = timedelta(days=92)
"""A check of the journal older than this is said."""

ROOM = 1 << 30
"""Less room on the disk than this is said. [bytes]"""


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes
    ----------
    facts : dict
        ``versions paths server store sizes counts unclaimed lag`` as plain values.
    findings : list of str
        What is wrong, each with what to do.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.facts, "healthy": self.healthy, "findings": self.findings}

    def words(self, language: Language = "zh") -> str:
        """Return what a person reads, a line a fact."""
        lines = []
        for table, rows in self.facts.items():
            lines.append(f"[{table}]")
            lines += [f"  {name}: {_told(value)}" for name, value in rows.items() if value not in ({}, [], None, "")]
        if self.healthy:
            lines.append(text("cli.healthy", language))
        else:
            lines.append(text("cli.findings", language, count=len(self.findings)))
            lines += [f"  {finding}" for finding in self.findings]
        return "\n".join(lines)


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return str(value)


def examine(home: Path, clock: Clock | None = None) -> Report:
    """Look at the installation and the store of a home; nothing is changed.

    Parameters
    ----------
    home : Path
        ``BIHUAN_HOME``; need not exist.
    clock : Clock, optional
        The machine's by default.
    """
    place, report = Home(home), Report()
    report.facts["versions"] = versions()
    report.facts["paths"] = {
        "home": str(place.path),
        "python": sys.executable,
        "package": str(Path(__file__).parents[1]),
    }
    report.findings += [f"standards: {finding}" for finding in check_all()]
    if not place.exists():
        report.findings.append(f"{place.path} holds no store: start one with bihuan serve or bihuan import")
        return report
    status = _read(place.path / "status.json")
    _look_at_store(place, status, report, clock or WallClock())
    _look_at_sizes(place, report)
    _look_at_journal(place, report, clock or WallClock())
    return report


def versions() -> dict[str, Any]:
    """Return the versions of everything that matters, and how much room the installation takes. [bytes]"""
    found: dict[str, Any] = {"bihuan": __version__, "python": platform.python_version(), "system": platform.platform()}
    found |= {name: metadata.version(name) for name in LIBRARIES}
    found["sqlite"] = sqlite3.sqlite_version
    try:
        found["install_bytes"] = install_size()
    except metadata.PackageNotFoundError:  # run from its source, without being installed
        found["install_bytes"] = None
    return found


def install_size(package: str = "bihuan") -> int:
    """Return how much room a package takes with everything it needs, extras left out. [bytes]"""
    wanted, seen, total = [package], {package}, 0
    while wanted:
        name = wanted.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name == package:
                raise
            continue  # only for another system
        total += sum(file.size or 0 for file in distribution.files or ())
        for line in distribution.requires or ():
            requirement = re.match(r"[A-Za-z0-9._-]+", line)
            if requirement and "extra ==" not in line:
                needed = re.sub(r"[-_.]+", "-", requirement[0]).lower()
                wanted += [needed] if needed not in seen else []
                seen.add(needed)
    return total


def _look_at_store(place: Home, status: dict[str, Any], report: Report, clock: Clock) -> None:
    found = place.format()
    if found != FORMAT:
        what = "open it with the newer Bihuan that wrote it" if found > FORMAT else "bihuan serve brings it up to date"
        report.findings.append(f"the store has format {found}, this Bihuan has {FORMAT}: {what}")
        return
    running = alive(int(status.get("pid", 0)))
    state = status.get("store", {}) if running else _own_look(place, status.get("store", {}), clock, report)
    gateways = {path.name: read_status(place.journal, path.name) for path in _folders(place.journal)}
    report.facts["server"] = _server(place, status, running, gateways)
    report.facts["store"] = {
        "told_by": "server" if running else "doctor",
        **{name: state.get(name) for name in ("format", "watermark", "series", "records", "register", "ledger")},
    }
    report.facts["counts"] = _counts(gateways.values(), state)
    report.facts["unclaimed"] = state.get("ingest", {}).get("unclaimed", {})
    report.facts["lag"] = {"frames": _behind(place, state.get("consumed", {}))}
    if state.get("ledger", {}).get("problem"):
        report.findings.append(f"ledger: {state['ledger']['problem']}")
    _look_at_losses(state, gateways, report)
    if running:
        _look_at_server(status, state, gateways, report, clock)
    elif status.get("pid"):
        report.findings.append("the server died without stopping: start it again with bihuan serve; nothing is lost")


def _own_look(place: Home, last: dict[str, Any], clock: Clock, report: Report) -> dict[str, Any]:
    """The state of a store that no server owns; what its last server counted after its last step is not in there."""
    try:
        with open_store(place, create=False, threads=1, series=lake_of(read_settings(place.path))) as store:
            problem = ""
            try:
                store.ledger.check()
            except LedgerError as broken:
                problem = str(broken)
            on = local_date(clock.now(), read_settings(place.path).zone)
            state = state_of(store, Town(store.records.register(), on), problem)
        same = last.get("consumed") == state["consumed"]
        return state | {"ingest": last["ingest"]} if same else state
    except StoreLocked as problem:
        report.findings.append(f"the store cannot be looked at: {problem}")
    except BihuanError as problem:
        report.findings.append(str(problem))
    return {}


def _server(place: Home, status: dict[str, Any], running: bool, gateways: dict[str, dict[str, Any]]) -> dict[str, Any]:
    address = _read(place.server) if running else {}
    return {
        "running": running,
        "pid": status.get("pid") if running else None,
        "version": address.get("version"),
        "host": address.get("host"),
        "hj212_port": address.get("hj212_port"),
        "began": status.get("began") if running else None,
        "trouble": status.get("trouble") if running else None,
        "clock_jumps": status.get("clock_jumps"),
        "failures": status.get("failures"),
        "gateways": {
            name: {
                "pid": told.get("pid", 0),
                "connections": told.get("connections", 0),
                "acknowledged_seconds": told.get("acknowledged_seconds"),
            }
            for name, told in gateways.items()
        },
    }


def _counts(gateways: Iterable[dict[str, Any]], state: dict[str, Any]) -> dict[str, Any]:
    """Sums over all gateways; complaints about the line are theirs, those about what a frame says are the core's."""
    ingest = state.get("ingest", {})
    sums: Counter[str] = Counter()
    complaints = Counter({name: count for name, count in ingest.get("complaints", {}).items() if name != "garbage"})
    complaints.pop("password_wrong", None)  # counted at the gate already, like garbage, and there by its reason
    for told in gateways:
        sums.update({name: told.get(name, 0) for name in FRAMES})
        complaints.update(told.get("complaints", {}))
    return {
        **{name: sums[name] for name in FRAMES},
        "readings": state.get("series", {}).get("readings", 0),
        "complaints": dict(sorted(complaints.items())),
    }


FRAMES = ("frames_received", "frames_acknowledged", "frames_quarantined")


def _behind(place: Home, consumed: dict[str, Any]) -> int:
    """Frames that are journalled and not yet in the series."""
    reader = JournalReader(place.journal, salvage=True)
    try:
        return sum(
            len(reader.tail(gateway, Position(*consumed.get(gateway, (0, 0))), LAG_COUNTED)[0])
            for gateway in reader.gateways()
        )
    finally:
        reader.close()


def _look_at_server(
    status: dict[str, Any], state: dict[str, Any], gateways: dict[str, dict[str, Any]], report: Report, clock: Clock
) -> None:
    now = clock.now()
    told = parse_instant(status["at"])
    if now - told > STALE:
        report.findings.append(f"the server wrote no status since {status['at']}: it hangs; look at its log")
    if status.get("trouble"):
        report.findings.append(f"the loop stands still: {status['trouble']}; devices are still journalled")
    watermark = state.get("watermark")
    began = parse_instant(status["began"])
    if now - max(began, parse_instant(watermark) if watermark else began) > LAG:
        report.findings.append(f"the loop is behind, its last step was {watermark}: look at the server's log")
    for child in status.get("gateways", []):
        name = child["gateway"]
        if not alive(int(gateways.get(name, {}).get("pid", 0))):
            report.findings.append(f"gateway {name} does not run: the server starts it again; look at its log")


def _look_at_losses(state: dict[str, Any], gateways: dict[str, dict[str, Any]], report: Report) -> None:
    """Say what the loop has left out of a damaged journal, and where a gateway found damage when it started."""
    skipped = state.get("skipped", [])
    if skipped:
        report.facts["skipped"] = {one["name"]: f"{one['frames']} frames, {one['bytes']} bytes" for one in skipped}
    for one in skipped:
        report.findings.append(
            f"journal segment {one['name']} is damaged: at least {one['frames']} frames ({one['bytes']} bytes) were "
            "left out, everything else was taken in; loggers are asked for the gap by themselves. Restore the segment "
            "from a backup and run bihuan rebuild, or, where there is none, bihuan rebuild --salvage"
        )
    for name, told in gateways.items():
        if told.get("journal_problem"):
            report.findings.append(f"gateway {name} went on in a new segment: {told['journal_problem']}")


def _look_at_sizes(place: Home, report: Report) -> None:
    free = shutil.disk_usage(place.path).free
    report.facts["sizes"] = {
        "journal_bytes": _size(place.journal),
        "series_bytes": _size(place.series),
        "records_bytes": _size(place.records),
        "blobs_bytes": _size(place.blobs),
        "free_bytes": free,
    }
    if free < ROOM:
        report.findings.append(f"only {free >> 20} MiB are free on the disk of {place.path}: free some")


def _look_at_journal(place: Home, report: Report, clock: Clock) -> None:
    """Tell what the last check of the journal found, and when that was; a whole check may take an hour."""
    told = last_check(place.path)
    report.facts["journal"] = {name: told[name] for name in ("at", "segments", "frames") if name in told}
    for one in told.get("damaged", ()):
        losses = "; ".join(f"bytes {loss['start']}-{loss['end']}: {loss['problem']}" for loss in one["losses"])
        report.findings.append(
            f"journal segment {one['gateway']}/{one['segment']:08d} is damaged ({losses}): restore it from a backup, "
            "then run bihuan journal check again"
        )
    if (since := age(told, clock.now())) is not None and since > CHECK_OLD:
        report.findings.append(f"the journal was checked last at {told['at']}: run bihuan journal check")


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir()) if path.is_dir() else []


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
