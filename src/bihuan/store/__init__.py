"""What remembers: the journal of raw frames, the series, the records, the blobs and the ledger."""

from bihuan.store.files import Files, Handle, Lock, write_whole
from bihuan.store.journal import Journal
from bihuan.store.records import Direction, Link, Records, Row
from bihuan.store.segments import START, FrameStatus, Position, Record, encode_entry
from bihuan.store.series import SeriesStore, Written
from bihuan.store.tail import JournalReader

__all__ = [
    "START",
    "Direction",
    "Files",
    "FrameStatus",
    "Handle",
    "Journal",
    "JournalReader",
    "Link",
    "Lock",
    "Position",
    "Record",
    "Records",
    "Row",
    "SeriesStore",
    "Written",
    "encode_entry",
    "write_whole",
]
