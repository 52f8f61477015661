"""The watched folder: files that FTP and the like drop are imported once they are complete, and then moved away.

``inbox/FORMAT/DEVICE/file`` says what a file is and whose; ``inbox/FORMAT/file`` is of a device that the file names;
``inbox/file`` is recognised as `bihuan import` recognises it. What was taken goes to ``done/DAY/``, what was not to
``failed/DAY/`` with a ``.why.txt`` beside it. A file is complete when it has not changed for a while; names that
uploaders give to unfinished ones are let be, so that a rename at the end is enough.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from bihuan.app.clock import Clock
from bihuan.app.receipts import Report
from bihuan.core import BihuanError, DiskFull, StoreError, local_date

log = logging.getLogger("bihuan.folder")

DONE, FAILED = "done", "failed"
UNFINISHED = (".part", ".tmp", ".temp", ".filepart", ".crdownload", ".upload", ".swp", ".why.txt")
"""Endings of files that are still being written, or that are ours."""

LOOK = 1.0
"""How often the folder is looked through. [s]"""

DEEP = 3
"""Levels: format, device, file."""

Take = Callable[[Path, str, str], Report]
"""``take(path, format, device)``; both empty where the folder does not say."""


@dataclass(slots=True)
class Inbox:
    """One watched folder.

    Attributes
    ----------
    folder : Path
    quiet : float
        A file that did not change for so long is complete. [s]
    clock : Clock
    zone : ZoneInfo
        Of the days in ``done`` and ``failed``.
    take : callable
    """

    folder: Path
    quiet: float
    clock: Clock
    zone: ZoneInfo
    take: Take
    _seen: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)

    def look(self) -> int:
        """Take every file that is complete, the oldest name first, and return how many that were.

        Raises
        ------
        DiskFull
            The file stays where it is and is taken when there is room.
        """
        now, taken = self.clock.monotonic(), 0
        there = sorted(self._files())
        self._seen = {path: seen for path, seen in self._seen.items() if path in set(there)}
        for path in there:
            if self._complete(path, now):
                self._one(path)
                taken += 1
        return taken

    def _files(self) -> Iterator[Path]:
        for path in self.folder.rglob("*"):
            parts = path.relative_to(self.folder).parts
            hidden = any(part.startswith(".") for part in parts) or path.name.lower().endswith(UNFINISHED)
            if parts[0] in (DONE, FAILED) or hidden or len(parts) > DEEP:
                continue
            if path.is_file() and not any(one.is_symlink() for one in (path, *path.parents[: len(parts) - 1])):
                yield path

    def _complete(self, path: Path, now: float) -> bool:
        try:
            stat = path.stat()
        except FileNotFoundError:
            return False
        state = (stat.st_size, stat.st_mtime_ns)
        known = self._seen.get(path)
        if known is None or known[0] != state:
            self._seen[path] = (state, now)
            return self.quiet <= 0
        return now - known[1] >= self.quiet

    def _one(self, path: Path) -> None:
        parts = path.relative_to(self.folder).parts
        layout, device = (*parts[:-1], "", "")[:2]
        try:
            report = self.take(path, layout, device)
            why = report.failed and report.words("zh") + "\n" + report.words("en")
            said = "\n".join(report.words(language) for language in ("zh", "en")) if report.faults and not why else ""
        except (DiskFull, StoreError):
            raise
        except (BihuanError, OSError) as problem:
            why, said = str(problem), ""
        target = self._moved(path, FAILED if why else DONE, parts)
        if why or said:
            target.with_name(target.name + ".why.txt").write_text((why or said) + "\n", "utf-8")
        log.info("%s: %s", "/".join(parts), why or "taken")
        self._seen.pop(path, None)

    def _moved(self, path: Path, where: str, parts: tuple[str, ...]) -> Path:
        """Move a file below ``done`` or ``failed``; one of the same name and day is never written over."""
        day = f"{local_date(self.clock.now(), self.zone):%Y-%m-%d}"
        folder = self.folder.joinpath(where, day, *parts[:-1])
        folder.mkdir(parents=True, exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists():
            number += 1
            target = folder / f"{path.stem}.{number}{path.suffix}"
        return path.rename(target)


class InboxThread:
    """Looks through a folder again and again, until it is stopped; nothing that fails in it ends the server.

    Parameters
    ----------
    inbox : Inbox
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bihuan-inbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._inbox.folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the file at hand and end."""
        self._ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ended.wait(LOOK):
            try:
                self._inbox.look()
            except (BihuanError, OSError) as problem:
                log.error("the watched folder waits: %s", problem)
            except Exception:
                log.exception("the watched folder met a fault of ours and goes on")
