"""`bihuan send`: the frames of a file over one connection, as a logger sends them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bihuan.app.gateway import SendReport, send_frames
from bihuan.core import InputError
from bihuan.devices.hj212 import Framer

_PIECE = 1 << 16
_LINE_END = b"\r\n"


def frames_of(file: Path) -> list[bytes]:
    """Return the frames of a file, each with its CR LF: one a line, or a stream as it stood on the wire.

    Raises
    ------
    InputError
        If the file cannot be read or holds no frame.
    """
    framer, found = Framer(), []
    try:
        with file.open("rb") as stream:
            while piece := stream.read(_PIECE):
                found += framer.feed(piece)[0]
    except OSError as problem:
        raise InputError(f"{file} cannot be read: {problem.strerror}; check its name and rights") from None
    found += framer.flush()[0]
    if not found:
        raise InputError(f"{file} holds no frame of HJ 212: a frame begins with ## and four digits of length")
    return [frame.raw + _LINE_END for frame in found]


def send_file(file: Path, target: str, window: int = 16, timeout: float = 10.0) -> SendReport:
    """Send every frame of a file and wait for the answers, sending again what is not answered.

    Parameters
    ----------
    file : Path
    target : str
        ``HOST:PORT``; an IPv6 address in brackets.
    window : int
        Unanswered frames at once.
    timeout : float
        Until a frame is sent again. [s]

    Returns
    -------
    SendReport
        `sent`, `acknowledged`, `resent` and the frames that stayed `unanswered`.

    Raises
    ------
    InputError
        If the file holds no frame, the target cannot be read, or nobody listens there.
    """
    host, port = parse_target(target)
    frames = frames_of(file)
    try:
        return asyncio.run(send_frames(host, port, frames, window=window, timeout=timeout))
    except OSError as problem:
        raise InputError(
            f"nobody listens on {target}: {problem.strerror or problem}; start one with bihuan serve, "
            "whose port doctor tells"
        ) from None


def parse_target(target: str) -> tuple[str, int]:
    """Read ``HOST:PORT``.

    Raises
    ------
    InputError
    """
    host, colon, port = target.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise InputError(f"target {target!r} cannot be read: write HOST:PORT, for instance 127.0.0.1:9212")
    return host.strip("[]"), int(port)
