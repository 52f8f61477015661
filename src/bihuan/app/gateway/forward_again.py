"""Frames that were set aside and are wanted once more: one small file each, there until the frame came to an end.

The server writes the files, the forwarding process takes them up and takes them away. What became of each frame stands
in the target's ``aside.jsonl``, in order of time: the last row of a frame is how it stands.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from bihuan.app.gateway.forward_lanes import Aside, Item
from bihuan.core import FormatError, from_json, iso, to_json
from bihuan.store import REAL_FILES, frame_id, write_whole

SENT = "sent"
"""Why of the row that ends a frame well."""

AT_ONCE = 200
"""Files taken up in one look."""


def aside_path(folder: Path) -> Path:
    """File of what became of the frames of a target that were set aside."""
    return folder / "aside.jsonl"


def again_folder(folder: Path) -> Path:
    """Folder of the frames that a target is to get once more."""
    return folder / "again"


def ask_again(folder: Path, frames: Iterable[str], now: datetime) -> list[str]:
    """Write down that frames are to be sent once more; those asked for already stay. Return the ids written.

    Raises
    ------
    DiskFull, StoreError
    """
    wanted = []
    again_folder(folder).mkdir(parents=True, exist_ok=True)
    for frame in frames:
        path = again_folder(folder) / f"{frame.replace('/', '_')}.json"
        if not path.exists():
            write_whole(path, to_json({"frame": frame, "at": iso(now)}))
            wanted.append(frame)
    return wanted


def asked_again(folder: Path) -> dict[str, Path]:
    """Return the frames that are to be sent once more, with the file of each."""
    found: dict[str, Path] = {}
    with contextlib.suppress(OSError):
        for path in sorted(again_folder(folder).glob("*.json")):
            with contextlib.suppress(OSError, FormatError):
                found[str(from_json(path.read_bytes(), dict)["frame"])] = path
    return found


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return every row of what became of frames, in order of time."""
    try:
        lines = aside_path(folder).read_bytes().splitlines()
    except OSError:
        return []
    return [from_json(line, dict) for line in lines if line]


def write_rows(folder: Path, aside: Iterable[Aside], sent: Iterable[Item], now: datetime) -> None:
    """Add rows, durable: of frames that were set aside, and of those that were sent after all.

    Raises
    ------
    DiskFull, StoreError
    """
    rows = [
        {"at": iso(now), "frame": frame_id(one.gateway, one.position), "mn": one.lane, "why": one.reason}
        for one in aside
    ]
    rows += [
        {"at": iso(now), "frame": frame_id(one.gateway, one.position), "mn": one.frame.lane, "why": SENT}
        for one in sent
    ]
    if not rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle = REAL_FILES.open(aside_path(folder), write=True)
    try:
        for row in rows:
            handle.append(to_json(row) + b"\n")
        handle.sync()
    finally:
        handle.close()
