"""The data of a frame as ordered groups of name and value (HJ 212-2017 clause 6.3.3).

``;`` parts groups, ``,`` parts the pairs of a group. Groups are kept because names repeat across them
(``PolId=w01019,i12001-Info=0;PolId=w21001,i12001-Info=0``). What the standard's own annex prints wrongly
(C.19 no ``;`` before CP, C.22 a comma after QN, a ``;`` before the closing ``&&``) is read all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.core import Complaint
from bihuan.devices.hj212.envelope import Envelope, envelope

Pair = tuple[str, str]
Group = tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A data segment read.

    Attributes
    ----------
    head : Envelope
    groups : tuple of Group
        What stands between ``CP=&&`` and ``&&``, in its order.
    complaints : tuple of Complaint
        Severity ``note`` where meaning is not touched.
    text : str
        The same as text, for what a split message cut in two.
    """

    head: Envelope
    groups: tuple[Group, ...]
    complaints: tuple[Complaint, ...]
    text: str = ""

    def first(self, name: str) -> str:
        """Return the value of the first pair of this name, empty where there is none."""
        return next((value for group in self.groups for key, value in group if key == name), "")


def parse(data: bytes) -> Segment:
    """Read a data segment; whatever cannot be read is left out and complained of."""
    said: list[Complaint] = []
    before, mark, rest = data.partition(b"CP=")
    if not mark:
        said.append(Complaint("cp_missing", "the segment has no CP=&&...&&", "", "error"))
    if b"," in before or (mark and not before.endswith(b";")):
        said.append(
            Complaint("head_grammar", "fields of the head are parted by ; and a ; stands before CP", "", "note")
        )
    text = _content(rest, said) if mark else ""
    return Segment(envelope(data), groups_of(text, said), tuple(said), text)


def rejoined(segment: Segment, text: str) -> Segment:
    """Return a segment with other data in place of its own."""
    said = [complaint for complaint in segment.complaints if complaint.reason != "item_unreadable"]
    return Segment(segment.head, groups_of(text, said), tuple(said), text)


def _content(rest: bytes, said: list[Complaint]) -> str:
    opened, closed = rest.startswith(b"&&"), rest.endswith(b"&&") and len(rest) >= 4
    if not (opened and closed):
        said.append(Complaint("cp_unclosed", "the data of CP must stand between && and &&"))
    inner = rest[2 if opened else 0 : len(rest) - 2 if closed else len(rest)]
    try:
        return inner.decode()
    except UnicodeDecodeError:
        pass
    try:
        text = inner.decode("gb18030")
    except UnicodeDecodeError:
        said.append(Complaint("text_unreadable", "the data is neither UTF-8 nor GB18030; what is ASCII was read"))
        return inner.decode("ascii", "replace")
    said.append(Complaint("text_gb18030", "the data is GB18030; the standard has UTF-8", "", "note"))
    return text


def groups_of(text: str, said: list[Complaint]) -> tuple[Group, ...]:
    """Return the groups of a text; what is no pair is said."""
    groups = []
    lost: list[str] = []
    for item in text.split(";"):
        if item:
            pairs = []
            for part in item.split(","):
                name, equals, value = part.partition("=")
                if equals:
                    pairs.append((name, value))
                elif part:
                    lost.append(part)
            groups.append(tuple(pairs))
    if lost:
        said.append(Complaint("item_unreadable", f"{len(lost)} items are no name=value, first {lost[0][:40]!r}", "CP"))
    return tuple(groups)
