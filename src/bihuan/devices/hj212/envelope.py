"""The head of a frame: who sends what and whether an answer is wanted, without reading the data.

The gateway journals and acknowledges from the envelope alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REPLIES = frozenset({"9011", "9012", "9013", "9014", "9021"})
"""Commands that answer another one; answering them would loop (9021 is a platform's own invention)."""

_FIELD = re.compile(rb"(QN|ST|CN|PW|MN|Flag|PNUM|PNO|RF)=([^;,&]*)")
_USUAL = re.compile(
    rb"(?:##\d{4})?QN=([^;,&=]*);ST=([^;,&=]*);CN=([^;,&=]*);PW=([^;,&=]*);MN=([^;,&=]*);Flag=(\d{1,4});"
    rb"(?:PNUM=(\d{1,4});PNO=(\d{1,4});)?CP="
)
"""The head in the order of the standard, as nearly every frame has it: read at once, half as dear as field by field."""

_ANSWER = 1
_SPLIT = 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """Fields of the head (HJ 212-2017 clause 6.3.2), by name, since their order varies in the field.

    Attributes
    ----------
    qn, st, cn, pw, mn : str
        Empty where the frame has none.
    flag : int or None
        None in many frames of 2005.
    pnum, pno : int or None
        Parts of a split message and number of this one.
    refilled : bool
        ``RF=1`` of 2025: the device says that it makes up for a gap.
    """

    qn: str
    st: str
    cn: str
    pw: str
    mn: str
    flag: int | None = None
    pnum: int | None = None
    pno: int | None = None
    refilled: bool = False

    @property
    def answer_wanted(self) -> bool:
        """Whether the sender waits for an answer; never for an answer, whatever its flag says."""
        return self.flag is not None and bool(self.flag & _ANSWER) and self.cn not in REPLIES

    @property
    def split(self) -> bool:
        """Whether this is one part of several."""
        return self.pnum is not None and self.pnum > 1

    @property
    def version(self) -> int | None:
        """Version bits of the flag: 0 = 2005, 1 = 2017, 2 = 2025 or surface water; only a hint."""
        return None if self.flag is None else self.flag >> 2


def envelope(frame: bytes) -> Envelope:
    """Read the head of a frame or of its data segment; what is absent or no number is left empty.

    Bytes are read as Latin-1, so that they come back unchanged in the answer.
    """
    usual = _USUAL.match(frame)
    if usual is not None:
        qn, st, cn, pw, mn, flag, pnum, pno = usual.groups()
        return Envelope(
            qn.decode("latin-1"),
            st.decode("latin-1"),
            cn.decode("latin-1"),
            pw.decode("latin-1"),
            mn.decode("latin-1"),
            int(flag),
            int(pnum) if pnum else None,
            int(pno) if pno else None,
        )
    head, _, _ = frame.partition(b"CP=")
    found = dict(_FIELD.findall(head))
    text = found.get
    return Envelope(
        text(b"QN", b"").decode("latin-1"),
        text(b"ST", b"").decode("latin-1"),
        text(b"CN", b"").decode("latin-1"),
        text(b"PW", b"").decode("latin-1"),
        text(b"MN", b"").decode("latin-1"),
        _number(text(b"Flag")),
        _number(text(b"PNUM")),
        _number(text(b"PNO")),
        text(b"RF") == b"1",
    )


def _number(text: bytes | None) -> int | None:
    return int(text) if text and len(text) < 5 and text.isdigit() else None
