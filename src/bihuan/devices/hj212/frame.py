"""Bytes of a connection to frames: whatever a line can do to them, at bounded memory and without a clock.

A frame is ``##``, four digits of length, the data segment, four digits of checksum, CR LF (HJ 212-2017,
clause 6.3). Because the checksum is weak (one random change in 256 passes), it is never searched for:
a frame ends where its length says, or else where a line of the right shape ends. From a header, the
earliest of these ends it:

========== ============================================================================================
declared   the length is satisfied and ``&&`` and a checksum stand there (right, other algorithm or wrong)
tail       ``&&`` and a checksum that is right stand elsewhere: the length was wrong
newer      CR LF and a new header follow, or a whole newer frame stands inside: this one was cut off
line       the length is satisfied, no checksum stands there, and the line has ended
sealed     the data is SM4 ciphertext of 2025: by its length alone, since anything may stand in it
limit      none of these within `SEARCHED` bytes: the header was no header
========== ============================================================================================

Each end is decided by the bytes before it alone, so the same bytes give the same frames however they
are cut into reads, and a wrong length never holds up the frames behind it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple

from bihuan.core import Complaint
from bihuan.devices.hj212.crc import CrcClass, checksum, classify

STANDARD_DATA = 1024
"""Longest data segment of the standard; longer ones, up to 9,999, are taken and said."""

SEARCHED = 1100
"""How far past a header a frame with a wrong length is looked for. [bytes]"""

_HEADER = re.compile(rb"##(\d{2,4})(?=[A-Za-z])")
_BEGUN = re.compile(rb"(?:##\d{0,4}|#)\Z")
_NEWER = re.compile(rb"\r\n##\d{2,4}[A-Za-z]")
_SHAPE = re.compile(rb"&&([0-9A-Fa-f]{3,4})\Z")
_TAIL = re.compile(rb"&&([0-9A-Fa-f]{4}|[0-9A-Fa-f]{3}(?=[\r\n#]))")
_LAST_TAIL = re.compile(rb"&&([0-9A-Fa-f]{3,4})(?=[\r\n#]|\Z)")
_SEALED = re.compile(rb"[^&]{0,200}?Flag=(?:8|9|10|11)[;,][^&]{0,40}?CP=&&[\x20-\x7e]{0,15}[^\x20-\x7e]", re.DOTALL)
"""Head of a frame whose data is no text (`bihuan.devices.hj212.cipher`)."""
_LINE_END = b"\r\n"
_BLANK = b"\r\n\t \x00"
_SAMPLE = 40
_HEADER_BYTES = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it stood on the line.

    Attributes
    ----------
    raw : bytes
        From ``##`` to the last digit of the checksum; CR LF left out. This is what the journal keeps.
    data : bytes
        The data segment, as a part of `raw`.
    crc : CrcClass
    complaints : tuple of Complaint
        What in the frame itself is not as the standard has it.
    """

    raw: bytes
    data: bytes
    crc: CrcClass
    complaints: tuple[Complaint, ...] = ()

    @property
    def crc_ok(self) -> bool:
        """Whether the checksum is right, in whatever case."""
        return self.crc == "ok"

    def accepted(self, strictness: Literal["strict", "tolerant"]) -> bool:
        """Say whether a station of this setting may be believed and acknowledged.

        ``strict`` takes only what the standard has; ``tolerant`` takes every frame whose checksum can
        be explained. A wrong checksum is never taken.
        """
        if strictness == "strict":
            return self.crc == "ok" and all(complaint.severity == "note" for complaint in self.complaints)
        return self.crc != "bad"


class Framer:
    """Cuts the bytes of ONE connection into frames.

    Notes
    -----
    Holds at most one unfinished frame (about 10 KB). Call `flush` when the connection was idle for
    its time-out or has ended: it decides what a complete stream would have decided.
    """

    def __init__(self) -> None:
        self._held = b""
        self._line_end = b""
        self._noise = 0
        self._sample = b""
        self._torn = 0
        self._torn_sample = b""
        self._said: list[Complaint] = []

    @property
    def pending(self) -> int:
        """Bytes held of a frame that has not ended."""
        return len(self._held)

    def feed(self, chunk: bytes) -> tuple[list[Frame], list[Complaint]]:
        """Take one read of any size.

        Returns
        -------
        list of Frame
            Every frame that ended in it, in order.
        list of Complaint
            About bytes that belong to no frame; those about a frame stand in the frame.
        """
        return self._cut(self._held + chunk, ended=False)

    def flush(self) -> tuple[list[Frame], list[Complaint]]:
        """Decide on everything still held, as no more bytes will come."""
        return self._cut(self._held, ended=True)

    def _cut(self, buffer: bytes, *, ended: bool) -> tuple[list[Frame], list[Complaint]]:
        frames: list[Frame] = []
        whole = _Whole(buffer)
        at, size = 0, len(buffer)
        while at < size:
            if self._line_end:
                at = self._past_line_end(buffer, at)
            elif stop := _plain(buffer, at):  # nearly every frame of nearly every device
                frames.append(Frame(buffer[at:stop], buffer[at + 6 : stop - 4], "ok"))
                at = self._after(buffer, stop)
            else:
                after = self._odd(whole, at, ended, frames)
                if after is None:
                    break
                at = after
        self._held = buffer[at:]
        if ended:
            self._say_line_end()
            self._say_between()
        said, self._said = self._said, []
        return frames, said

    def _odd(self, whole: _Whole, at: int, ended: bool, frames: list[Frame]) -> int | None:
        """Take whatever is no plain frame; return where to go on, or None to wait for more bytes."""
        buffer = whole.buffer
        found = _HEADER.search(buffer, at)
        if found is None:
            begun = None if ended else _BEGUN.search(buffer, max(at, len(buffer) - 6))
            start = begun.start() if begun else len(buffer)
        else:
            start = found.start()
        if start > at:
            self._skip(buffer[at:start])
            return start
        if found is None:
            return None
        end = _end(whole, found, ended)
        if end is None:
            return None
        if end.frame is None:
            self._torn += 1
            self._torn_sample = self._torn_sample or buffer[at : at + _HEADER_BYTES]
            return end.at
        frames.append(end.frame)
        return self._after(buffer, end.at)

    def _after(self, buffer: bytes, stop: int) -> int:
        if self._noise or self._torn:
            self._say_between()
        if buffer.startswith(_LINE_END, stop):
            return stop + 2
        self._line_end = _LINE_END
        return stop

    def _past_line_end(self, buffer: bytes, at: int) -> int:
        """Step over the CR LF of the last frame, which may come in another read or not at all."""
        if buffer.startswith(self._line_end[:1], at):
            self._line_end = self._line_end[1:]
            return at + 1
        self._say_line_end()
        return at

    def _say_line_end(self) -> None:
        if self._line_end:
            self._line_end = b""
            self._said.append(Complaint("crlf_missing", "a frame is not followed by CR LF", "", "note"))

    def _skip(self, gap: bytes) -> None:
        """Count what stands between frames; line ends, blanks and zero bytes are no noise."""
        rest = gap.translate(None, _BLANK)
        self._noise += len(rest)
        self._sample = (self._sample + rest)[:_SAMPLE]

    def _say_between(self) -> None:
        """Say what stood before a frame or the end, in one complaint of each kind however much it was."""
        if self._noise:
            detail = f"{self._noise} bytes belong to no frame, beginning {self._sample!r}; a frame begins with ##"
            self._said.append(Complaint("noise", detail))
        if self._torn:
            detail = f"{self._torn} frames have no end, the first begins {self._torn_sample!r}"
            self._said.append(Complaint("frame_torn", detail, "", "error"))
        self._noise, self._sample = 0, b""
        self._torn, self._torn_sample = 0, b""


def read_frame(raw: bytes) -> Frame:
    """Read one frame alone, for instance from the journal.

    Bytes that hold no frame give one with an empty segment, a bad checksum and a complaint.
    """
    stop = _plain(raw, 0)
    if stop and not raw[stop:].strip(_LINE_END):
        return Frame(raw[:stop], raw[6 : stop - 4], "ok")
    framer = Framer()
    frames, said = framer.feed(raw)
    more, last = framer.flush()
    for frame in frames + more:
        return frame
    return Frame(raw, b"", "bad", tuple(said + last))


def plain_end(raw: bytes) -> int:
    """Return the end of the one frame that some bytes are, as the standard has it in every way; 0 for any other."""
    stop = _plain(raw, 0)
    return stop if len(raw) == stop or not raw[stop:].strip(_LINE_END) else 0


def _plain(buffer: bytes, at: int) -> int:
    """Return the end of a frame that is as the standard has it in every way, 0 for any other."""
    if not buffer.startswith(b"##", at):
        return 0
    digits = buffer[at + 2 : at + 6]
    if len(digits) != 4 or not digits.isdigit():
        return 0
    stop = at + int(digits) + 10
    data = buffer[at + 6 : stop - 4]
    if (
        stop > len(buffer)
        or len(data) > STANDARD_DATA
        or b"##" in data
        or not data.endswith(b"&&")
        or data.count(b"&&") > 2
        or not data[:1].isalpha()
        or b"%04X" % checksum(data) != buffer[stop - 4 : stop]
    ):
        return 0
    return stop


class _End(NamedTuple):
    """How a frame ended: complete at byte `known`, next byte to look at, and the frame if it is one."""

    known: int
    at: int
    frame: Frame | None


class _Whole:
    """Whole frames of the length they say that stand anywhere in a buffer, looked for once at need."""

    def __init__(self, buffer: bytes) -> None:
        self.buffer = buffer
        self._starts: list[int] = []
        self._first: list[tuple[int, int]] | None = None

    def from_(self, at: int) -> tuple[int, int] | None:
        """Return (end, begin) of the one that ends first among those that begin at or after `at`."""
        if self._first is None:
            self._first = self._search()
        index = bisect_left(self._starts, at)
        return self._first[index] if index < len(self._first) else None

    def _search(self) -> list[tuple[int, int]]:
        buffer = self.buffer
        found = []
        for header in _HEADER.finditer(buffer):
            stop = header.end() + int(header[1]) + 4
            if stop <= len(buffer) and _SHAPE.match(buffer[stop - 6 : stop].rstrip(_LINE_END)):
                found.append((stop, header.start()))
        self._starts = [start for _, start in found]
        return list(accumulate(reversed(found), min))[::-1]


def _end(whole: _Whole, header: re.Match[bytes], ended: bool) -> _End | None:
    """Return the earliest end of the frame that begins at `header`, None while more bytes may decide."""
    buffer = whole.buffer
    start, body = header.start(), header.end()
    size = len(buffer)
    stop = body + int(header[1]) + 4
    limit = max(start + SEARCHED, stop)
    if stop - start <= SEARCHED and _SEALED.match(buffer, body):
        if stop > size and not ended:
            return None
        if stop <= size and (sealed := _declared(buffer, header, stop)):
            return sealed
    ends = [
        _newer(buffer, start, body, limit),
        _inner(whole, start, body),
        _tail(buffer, header, stop, ended),
    ]
    if stop <= size:
        ends.append(_declared(buffer, header, stop) or _line(buffer, start, body, stop, limit))
    if limit <= size:
        ends.append(_End(limit, start + 2, None))
    known = [end for end in ends if end is not None]
    if known:
        return min(known, key=lambda end: end.known)
    return _give_up(buffer, start, body, size, size) if ended else None


def _declared(buffer: bytes, header: re.Match[bytes], stop: int) -> _End | None:
    body = header.end()
    data, digits = buffer[body : stop - 4], buffer[stop - 4 : stop].rstrip(_LINE_END + b"#")
    crc = classify(data, digits)
    if crc != "ok" and not _SHAPE.match(data[-2:] + digits):
        return None
    said = _about_header(header, len(data)) + _about_crc(crc, digits, data)
    end = stop - 4 + len(digits)
    return _End(stop, end, Frame(buffer[header.start() : end], data, crc, said))


def _tail(buffer: bytes, header: re.Match[bytes], stop: int, ended: bool) -> _End | None:
    """A right checksum where a segment closes, elsewhere than the length says."""
    body = header.end()
    opened = buffer.find(b"CP=&&", body)
    if opened < 0:
        return None
    pattern = _LAST_TAIL if ended else _TAIL
    for found in pattern.finditer(buffer, opened + 5, min(len(buffer), header.start() + SEARCHED)):
        data = buffer[body : found.start() + 2]
        if found.end() != stop and int(found[1], 16) == checksum(data):
            crc = classify(data, found[1])
            said = (*_about_header(header, len(data)), *_about_crc(crc, found[1], data))
            frame = Frame(buffer[header.start() : found.end()], data, crc, said)
            return _End(found.end() + (len(found[1]) == 3), found.end(), frame)
    return None


def _newer(buffer: bytes, start: int, body: int, limit: int) -> _End | None:
    """A line ended and a new header follows it."""
    found = _NEWER.search(buffer, body, limit)
    return _give_up(buffer, start, body, found.start(), found.end()) if found else None


def _inner(whole: _Whole, start: int, body: int) -> _End | None:
    """A whole newer frame, of the length it says, stands inside."""
    found = whole.from_(body)
    return _give_up(whole.buffer, start, body, found[1], found[0]) if found else None


def _line(buffer: bytes, start: int, body: int, stop: int, limit: int) -> _End | None:
    """The length is satisfied at no end of a segment, and the line has ended."""
    at = buffer.find(_LINE_END, max(body, stop - 2), limit)
    return None if at < 0 else _give_up(buffer, start, body, at, at + 2)


def _give_up(buffer: bytes, start: int, body: int, at: int, known: int) -> _End:
    """End a frame at `at` because nothing better is left: a bad frame if it has the shape, else torn."""
    inner = _HEADER.search(buffer, body, at)
    if inner:
        return _End(known, inner.start(), None)
    piece = buffer[start:at].rstrip(_BLANK)
    found = _SHAPE.search(piece)
    if found is None:
        return _End(known, at, None)
    data = piece[body - start : found.start() + 2]
    crc = classify(data, found[1])
    header = _HEADER.match(piece)
    said = (*(_about_header(header, len(data)) if header else ()), *_about_crc(crc, found[1], data))
    return _End(known, start + len(piece), Frame(piece, data, crc, said))


def _about_header(header: re.Match[bytes], length: int) -> tuple[Complaint, ...]:
    said = []
    if len(header[1]) != 4:
        said.append(Complaint("length_digits", f"the length {header[1]!r} has not four digits", "byte 2"))
    if int(header[1]) != length:
        said.append(
            Complaint("length_wrong", f"the length says {int(header[1])}, the segment has {length} bytes", "byte 2")
        )
    if length > STANDARD_DATA:
        said.append(Complaint("length_over", f"the segment has {length} bytes; the standard allows {STANDARD_DATA}"))
    return tuple(said)


def _about_crc(crc: CrcClass, digits: bytes, data: bytes) -> tuple[Complaint, ...]:
    if crc == "ok" and not any(byte > 0x60 for byte in digits):
        return ()
    reason = "crc_lower" if crc == "ok" else f"crc_{crc}"
    detail = f"the checksum is {digits.decode('ascii', 'replace')}, right is {checksum(data):04X}"
    return (Complaint(reason, detail, "", "error" if crc == "bad" else "warning"),)
