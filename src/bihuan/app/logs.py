"""JSON logs, one object a line, on stderr: a program can read them, and the terminal stays free for the loop.

A server keeps them in files of a day as well: who came in and what failed has to be there for half a year.
"""

from __future__ import annotations

import logging
import sys
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

LEAST_DAYS = 183
"""Six months: the least that the Cybersecurity Law (article 21) asks of network logs; nothing younger is deleted."""


def start_logging(
    level: str = "INFO", stream: TextIO | None = None, folder: Path | None = None, days: int = LEAST_DAYS
) -> None:
    """Send every log line of the process to `stream` (stderr by default) as JSON.

    Parameters
    ----------
    level : str
    stream : text stream, optional
    folder : Path, optional
        Where files of a day are kept besides.
    days : int
        For how long; never less than `LEAST_DAYS`.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stderr)]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        kept = max(days, LEAST_DAYS)
        handlers.append(
            TimedRotatingFileHandler(folder / "bihuan.log", when="midnight", backupCount=kept, encoding="utf-8")
        )
    shape = JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
    )
    root = logging.getLogger("bihuan")
    for old in root.handlers:
        if isinstance(old, TimedRotatingFileHandler):
            old.close()
    root.handlers[:] = handlers
    for handler in handlers:
        handler.setFormatter(shape)
    root.setLevel(level)
    root.propagate = False
