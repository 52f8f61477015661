"""Whole commands from the shell, first without bytecode, then the best of five with it, beside a bare Python."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bulletin import made

ROUNDS = 5
COMMAND = "from bihuan.app.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Took:
    """One run. [s]"""

    wall: float
    processor: float


def run(words: list[str], environment: dict[str, str], said: str = "") -> Took:
    """Run a command to its end and measure it.

    Raises
    ------
    SystemExit
        If it failed.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(said.encode())
    process.stdin.close()
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words} ended with {process.returncode}: {told.decode()}")
    return Took(time.perf_counter() - began, used.ru_utime + used.ru_stime)


def main(*asked: str) -> None:
    """Print a line a command; ``python -m benchmarks.starting HOME DAY SITE`` takes a home of yours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = Path(asked[0]) if asked else made(folder)
        day, site = asked[1:3] if asked else ("2019-02-06", "city:郑州")
        ours = [sys.executable, "-c", COMMAND]
        lines = {
            "python -c pass": ([sys.executable, "-c", "pass"], ""),
            "bihuan --version": ([*ours, "--version"], ""),
            "bihuan user add": (
                [*ours, "user", "add", "{}", "--role", "duty_officer", "--password-stdin"],
                "a long one 26",
            ),
            "bihuan report daily": ([*ours, "report", "daily", "--date", day, "--site", site, "--out", name], ""),
        }
        kept = dict(os.environ)
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = 0.0
        print(f"{'':24}{'first wall':>11}{'processor':>11}{'then wall':>11}{'processor':>11}{'to bare':>9}   [s]")
        for title, (words, said) in lines.items():
            environment = kept | {"BIHUAN_HOME": str(folder / "people" if "user" in words else home)}
            environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode" / title)
            told = [run([word.format(f"one{turn}") for word in words], environment, said) for turn in range(ROUNDS + 1)]
            wall, processor = min(took.wall for took in told[1:]), min(took.processor for took in told[1:])
            bare = bare or processor
            first = f"{told[0].wall:11.2f}{told[0].processor:11.2f}"
            print(f"{title:24}{first}{wall:11.2f}{processor:11.2f}{processor / bare:9.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
