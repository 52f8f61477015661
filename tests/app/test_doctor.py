"""What doctor tells of a home without a server, and what it finds wrong."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan import __version__
from bihuan.app import doctor
from bihuan.app.doctor import examine, install_size
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.core import CHINA, iso, to_json
from bihuan.store import Entry, open_store
from bihuan.store.home import mark
from tests.app.small import STRANGER, day_of_frames, journal, settle

T0 = datetime(2026, 3, 1, 16, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with two hours of frames, of which the last twelve are not taken in yet."""
    home = tmp_path / "home"
    settle(home)
    frames = day_of_frames(T0, 2)
    journal(home, frames[:-12])
    with open_store(home, threads=1) as store:
        Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0).step(T0 + timedelta(hours=3))
        store.ledger.add(Entry(T0, "p1", "sign_warning"))
    journal(home, frames[-12:])
    return home


def test_a_store_without_a_server_is_told_in_full(home: Path) -> None:
    status = {
        "gateway": "g1",
        "frames_received": 100,
        "frames_acknowledged": 90,
        "frames_quarantined": 22,
        "complaints": {"crc_bad": 3},
    }
    (home / "journal" / "g1" / "status.json").write_bytes(to_json(status))
    report = examine(home)
    told = report.as_dict()
    assert (told["healthy"], told["findings"]) == (True, [])
    counts = told["counts"]
    assert (counts["frames_received"], counts["frames_acknowledged"], counts["frames_quarantined"]) == (100, 90, 22)
    with open_store(home, create=False, threads=1) as store:
        assert counts["readings"] == store.series.readings().height > 50
    assert counts["complaints"]["crc_bad"] == 3
    assert told["unclaimed"] == {STRANGER: 21}
    assert told["lag"] == {"frames": 12}
    assert told["store"]["watermark"] == iso(T0 + timedelta(hours=3))
    assert told["store"]["register"]["device"] == 3
    assert told["store"]["ledger"] == {"rows": 1, "problem": ""}
    assert told["store"]["told_by"] == "doctor"
    assert told["server"]["running"] is False
    assert told["sizes"]["journal_bytes"] > 1000
    assert told["versions"]["bihuan"] == __version__
    assert {"python", "duckdb", "polars", "sqlite"} <= set(told["versions"])
    for language, said in (("zh", "一切正常"), ("en", "nothing is wrong")):
        words = report.words(language)  # type: ignore[arg-type]
        assert said in words and STRANGER in words


def test_doctor_changes_nothing(home: Path) -> None:
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}

    examine(home)
    before = files()
    examine(home)
    assert files() == before


def test_a_home_without_a_store_is_a_finding_and_stays_empty(tmp_path: Path) -> None:
    report = examine(tmp_path / "none")
    assert [finding.partition(" holds")[2] for finding in report.findings] == [
        " no store: start one with bihuan serve or bihuan import"
    ]
    assert not (tmp_path / "none").exists()


def test_a_changed_ledger_is_a_finding(home: Path) -> None:
    with sqlite3.connect(home / "records.sqlite") as records:
        records.execute("UPDATE audit SET actor = 'p2'")
    records.close()
    report = examine(home)
    assert [finding for finding in report.findings if "ledger row 1" in finding]
    assert "发现 1 个问题" in report.words()


@pytest.mark.parametrize(("number", "said"), [(99, "open it with the newer Bihuan"), (0, "bihuan serve brings it up")])
def test_a_store_of_another_format_is_named_and_not_opened(home: Path, number: int, said: str) -> None:
    with open_store(home) as store:
        mark(store.home, number)
    report = examine(home)
    assert said in report.findings[0]
    assert "counts" not in report.facts


def test_a_server_that_died_is_a_finding(home: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (home / "status.json").write_bytes(to_json({"pid": gone.pid, "at": iso(T0), "store": {}}))
    report = examine(home)
    assert report.findings == ["the server died without stopping: start it again with bihuan serve; nothing is lost"]
    assert report.facts["counts"]["readings"] > 50


def test_a_full_disk_and_a_table_of_law_that_does_not_hold_are_findings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ROOM", 1 << 60)
    monkeypatch.setattr(doctor, "check_all", lambda: ["gb_1: row 1: no clause"])
    findings = examine(home).findings
    assert findings[0] == "standards: gb_1: row 1: no clause"
    assert "MiB are free on the disk" in findings[1]


def test_the_room_an_installation_takes_counts_what_it_needs() -> None:
    assert install_size("polars") > install_size("click") > 100_000
