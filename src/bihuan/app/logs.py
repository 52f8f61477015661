"""JSON logs, one object a line, on stderr: a program can read them, and the terminal stays free for the loop."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter


def start_logging(level: str = "INFO", stream: object = None) -> None:
    """Send every log line of the process to `stream` (stderr by default) as JSON."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)  # type: ignore[type-var]
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )
    )
    root = logging.getLogger("bihuan")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
