"""Run a command with nothing but the loopback, as on a closed network: ``python alone.py COMMAND...``.

Run inside an empty network (``unshare -n``) it first raises the loopback there. ``python alone.py --page BIHUAN HOME``
serves a home and prints the status and the size of the first page.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SIOCSIFFLAGS = 0x8914
UP_AND_RUNNING = 0x41


def raise_loopback() -> None:
    """Switch on ``lo``; a network that is not ours to change has it on already."""
    with contextlib.suppress(OSError), socket.socket() as door:
        fcntl.ioctl(door, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))


def first_page(bihuan: str, home: Path) -> str:
    """Serve, fetch what a browser asks for first, end the server."""
    server = subprocess.Popen(
        [bihuan, "serve", "--port", "0", "--hj212-port", "0"], env=os.environ | {"BIHUAN_HOME": str(home)}
    )
    try:
        until = time.monotonic() + 120
        while not (home / "server.json").exists():
            if server.poll() is not None or time.monotonic() > until:
                return f"the server ended with {server.poll()} or was not there in 120 s"
            time.sleep(0.2)
        address = json.loads((home / "server.json").read_text())["url"]
        with urllib.request.urlopen(address, timeout=60) as answer:
            return f"{answer.status} {len(answer.read())}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


if __name__ == "__main__":
    raise_loopback()
    if sys.argv[1] == "--page":
        print(first_page(sys.argv[2], Path(sys.argv[3])))
    else:
        os.execvp(sys.argv[1], sys.argv[1:])
