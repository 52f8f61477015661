"""A disk that is really full, as the system says it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bihuan.store import JournalReader, Records, SeriesStore


def test_every_store_says_that_the_disk_is_full_keeps_what_it_had_and_goes_on_afterwards(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.full_disk", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # SQLite calls a file that may not grow an I/O error; test_records holds what it says when the disk is full
    assert found["said"] == {"series": "DiskFull", "records": "StoreError", "journal": "DiskFull"}
    assert found["kept"] == [100, 1, [1, 64]]
    series, records = SeriesStore(tmp_path / "s.duckdb"), Records(tmp_path / "r.sqlite")
    assert series.counts()["readings"] == 60_100
    assert records.count("event") == 2
    assert [len(record.raw) for record in JournalReader(tmp_path / "journal").follow("g1")] == [6, 1_000_000]
    records.close()
    series.close()
