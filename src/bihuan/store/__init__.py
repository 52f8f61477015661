"""What remembers: the journal of raw frames, the series, the records, the blobs, the ledger and matrices."""

from bihuan.store.backup import Manifest, backup, read_manifest, restore
from bihuan.store.batches import Written
from bihuan.store.blobs import Blobs
from bihuan.store.city import CitySetting, CitySettings
from bihuan.store.corrections import Correction, apply_corrections, load_corrections, save_corrections
from bihuan.store.digests import ALGORITHMS, Algorithm, named_digest
from bihuan.store.files import REAL_FILES, Files, Handle, Lock, write_whole
from bihuan.store.frameindex import FrameIndex, index_path, make_index, read_index, read_sealed, write_index
from bihuan.store.home import FORMAT, Home, Store, open_store
from bihuan.store.indices import FILES_SCHEMA, INDICES_SCHEMA
from bihuan.store.journal import Journal, segment_name, segment_numbers
from bihuan.store.journalcare import Pruned, SegmentState, check_journal, days_kept, prunable, prune
from bihuan.store.lake import LakeStore
from bihuan.store.lakeadded import Added
from bihuan.store.lakeaddress import LakeAddress
from bihuan.store.lakehosts import Holder, LakeHosts
from bihuan.store.lakerebuild import alone, beside, copy_consumed, of_others, swap_in
from bihuan.store.ledger import Entry, Ledger, LedgerHead
from bihuan.store.matrices import MatrixFolder
from bihuan.store.moving import Moved, move_to_embedded, move_to_lake
from bihuan.store.records import Direction, Link, Records, Row
from bihuan.store.segments import START, FrameStatus, Position, Record, checked_gateway, encode_entry, frame_id
from bihuan.store.series import SeriesStore
from bihuan.store.survey import JournalSurvey, Survey, survey
from bihuan.store.tables import TableName
from bihuan.store.tail import JournalReader, Loss

__all__ = [
    "ALGORITHMS",
    "FILES_SCHEMA",
    "FORMAT",
    "INDICES_SCHEMA",
    "REAL_FILES",
    "START",
    "Added",
    "Algorithm",
    "Blobs",
    "CitySetting",
    "CitySettings",
    "Correction",
    "Direction",
    "Entry",
    "Files",
    "FrameIndex",
    "FrameStatus",
    "Handle",
    "Holder",
    "Home",
    "Journal",
    "JournalReader",
    "JournalSurvey",
    "LakeAddress",
    "LakeHosts",
    "LakeStore",
    "Ledger",
    "LedgerHead",
    "Link",
    "Lock",
    "Loss",
    "Manifest",
    "MatrixFolder",
    "Moved",
    "Position",
    "Pruned",
    "Record",
    "Records",
    "Row",
    "SegmentState",
    "SeriesStore",
    "Store",
    "Survey",
    "TableName",
    "Written",
    "alone",
    "apply_corrections",
    "backup",
    "beside",
    "check_journal",
    "checked_gateway",
    "copy_consumed",
    "days_kept",
    "encode_entry",
    "frame_id",
    "index_path",
    "load_corrections",
    "make_index",
    "move_to_embedded",
    "move_to_lake",
    "named_digest",
    "of_others",
    "open_store",
    "prunable",
    "prune",
    "read_index",
    "read_manifest",
    "read_sealed",
    "restore",
    "save_corrections",
    "segment_name",
    "segment_numbers",
    "survey",
    "swap_in",
    "write_index",
    "write_whole",
]
