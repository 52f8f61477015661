"""Files of devices by `bihuan import --format`, and dropped into a watched folder: journalled, then read as ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bihuan.app.clock import CityClock
from bihuan.app.gateway.folder import Inbox
from bihuan.app.importing import import_files
from bihuan.app.rebuild import rebuild_series
from bihuan.app.receipts import Report
from bihuan.app.sightings import KeptPassage, KeptPicture, KeptTrack, hashed_plate, masked_plate
from bihuan.core import CHINA, DiskFull, from_json
from bihuan.register import Device, Station
from bihuan.store import CitySetting, open_store
from tests.app.hamlet import at_km
from tests.app.homes import NOW

GATES = (
    "过车时间,车牌号,进出方向,排放标准\n2026-03-10 08:10:00,豫A12345,进,国五\n2026-03-10 08:20:00,豫AD12345,出,国六\n"
)
TABLE = "time,pm25\n2026-03-10 08:50:00,35.5\n2026-03-10 08:55:00,36.5\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one station and a device of every kind that is tried here."""
    place = tmp_path / "home"
    devices = [("R1", "report"), ("G1", "gates"), ("T1", "tracks"), ("V1", "video"), ("E1", "electricity")]
    meters = [Device(id="M1", name="", site="station:s1", protocol="electricity", line="production:kiln")]
    stranger = [Device(id="M2", name="", site="station:s2", protocol="electricity", line="production:kiln")]
    with open_store(place, threads=1) as store:
        store.records.save_facts(
            [
                Station(id="s1", name="一号", kind="micro", district="d", place=at_km(0, 0)),
                Station(id="s2", name="二号", kind="micro", district="d", place=at_km(1, 0)),
                *(Device(id=code, name="", site="station:s1", protocol=word) for code, word in devices),
                *meters,
                *stranger,
            ]
        )
    return place


def take(home: Path, file: Path, layout: str, device: str = "") -> Report:
    return import_files(home, [file], layout, clock=CityClock(NOW), device=device)[0]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_table_of_a_micro_station_is_journalled_and_its_values_stand_in_the_series(
    home: Path, tmp_path: Path
) -> None:
    report = take(home, written(tmp_path, "a.csv", TABLE), "report", "R1")
    assert (report.kind, report.layout, report.new, report.failed) == ("document", "report", 2, "")
    assert "R1" not in report.words("zh") and "2" in report.words("en")
    with open_store(home, threads=1) as store:
        rows = store.series.readings(["R1"]).select("value", "frame").rows()
        (record,) = store.journal.follow("core")
        assert rows == [(35.5, record.frame), (36.5, record.frame)]
        assert (record.raw.decode(), record.peer, record.status) == (TABLE, "file:R1@a.csv", "known")
    again = take(home, tmp_path / "a.csv", "report", "R1")
    assert again.new == 2
    with open_store(home, threads=1) as store:
        assert (
            store.series.readings(["R1"])["revision"].to_list() == [0, 0] or store.series.readings(["R1"]).height == 2
        )
    rebuild_series(home)
    with open_store(home, threads=1) as store:
        assert store.series.readings(["R1"])["value"].to_list() == [35.5, 36.5], "they come again from the journal"


def test_vehicles_at_a_gate_are_kept_once_with_their_plates_hidden(home: Path, tmp_path: Path) -> None:
    file = written(tmp_path, "g.csv", GATES)
    for _ in range(2):
        assert take(home, file, "gates", "G1").new == 2
    with open_store(home, threads=1) as store:
        rows = store.records.find("passage", subject="station:s1")
        kept = [from_json(row.body, KeptPassage) for row in rows]
        assert [(one.plate, one.direction, one.stage) for one in kept] == [
            ("豫A***45", "in", "5"), ("豫A***45", "out", "6")
        ]  # fmt: skip
        assert [row.state for row in rows] == ["5", "6"]
        assert "豫A12345" not in "".join(row.body.decode() for row in rows)
        assert store.series.readings().is_empty()


def test_a_city_that_wants_to_follow_vehicles_without_knowing_them_keeps_keyed_digests(
    home: Path, tmp_path: Path
) -> None:
    with open_store(home, threads=1) as store:
        store.settings.set(CitySetting("plates", "hash", NOW.date().replace(month=1), "P1", "门禁统计", NOW))
    take(home, written(tmp_path, "g.csv", GATES), "gates", "G1")
    with open_store(home, threads=1) as store:
        plates = {from_json(row.body, KeptPassage).plate for row in store.records.find("passage")}
    key = home / "plates.key"
    assert plates == {hashed_plate(plate, key.read_bytes()) for plate in ("豫A12345", "豫AD12345")}
    assert key.stat().st_mode & 0o077 == 0
    assert hashed_plate("豫A·12345", b"k") == hashed_plate("豫a12345", b"k") != hashed_plate("豫A12345", b"other")


def test_a_short_plate_shows_nothing() -> None:
    assert (masked_plate("A1"), masked_plate(""), masked_plate("豫A·D12345")) == ("***", "", "豫A***45")


def test_a_track_is_kept_by_the_hour_and_makes_no_reading_of_its_station(home: Path, tmp_path: Path) -> None:
    lines = [
        f"2026-03-10 {hour:02d}:{minute:02d}:00,113.6{minute:02d},34.7,{hour}" for hour in (7, 8) for minute in (0, 30)
    ]
    report = take(home, written(tmp_path, "t.csv", "time,lon,lat,pm25\n" + "\n".join(lines) + "\n"), "tracks", "T1")
    assert report.new == 4
    with open_store(home, threads=1) as store:
        tracks = [from_json(row.body, KeptTrack) for row in store.records.find("track", subject="station:s1")]
        assert [len(one.points) for one in tracks] == [2, 2]
        assert tracks[0].pollutants == ("pm25",) and tracks[0].points[0][4] == (7.0,)
        assert store.series.readings().is_empty()


def test_a_video_keeps_its_picture_among_the_blobs(home: Path, tmp_path: Path) -> None:
    document = (
        '{"device":"V1","url":"https://video.example/1","time":"2026-03-10T08:00:00","snapshot":"/9j/4AAQSkZJRg=="}'
    )
    assert take(home, written(tmp_path, "v.json", document), "video").new == 1
    with open_store(home, threads=1) as store:
        (row,) = store.records.find("picture")
        kept = from_json(row.body, KeptPicture)
        assert store.blobs.get(kept.digest).startswith(b"\xff\xd8\xff") and kept.media_type == "image/jpeg"


def test_a_collector_may_not_speak_for_the_meter_of_another_site(home: Path, tmp_path: Path) -> None:
    document = '{"device":"E1","time":"2026-03-10T08:00:00","meters":[{"id":"M1","power":3},{"id":"M2","power":4}]}'
    report = take(home, written(tmp_path, "e.json", document), "electricity")
    assert [fault.reason for fault in report.faults] == ["line_unknown"]
    with open_store(home, threads=1) as store:
        assert set(store.series.readings()["device"]) == {"M1"}


def test_a_long_table_is_cut_between_its_lines(home: Path, tmp_path: Path) -> None:
    lines = "".join(f"2026-03-10 08:{n % 60:02d}:00,{n % 90},{'x' * 100}\n" for n in range(15_000))
    report = take(home, written(tmp_path, "long.csv", "time,pm25,note\n" + lines), "report", "R1")
    assert report.read == 2
    with open_store(home, threads=1) as store:
        assert all(record.raw.startswith(b"time,pm25,note\n") for record in store.journal.follow("core"))


@pytest.mark.parametrize(
    ("layout", "device", "text", "why"),
    [
        ("report", "", TABLE, "--device"),
        ("gates", "R1", GATES, "protocol 'report'"),
        ("report", "R1", "nonsense", "nothing that the adapter report can keep"),
        ("report", "R1", '{"a":"' + "x" * (1 << 20) + '"}', "split it"),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(
    home: Path, tmp_path: Path, layout: str, device: str, text: str, why: str
) -> None:
    assert why in take(home, written(tmp_path, "x", text), layout, device).failed


def test_a_file_of_an_unknown_device_waits_in_the_journal_to_be_claimed(home: Path, tmp_path: Path) -> None:
    report = take(home, written(tmp_path, "x.csv", TABLE), "report", "R9")
    assert [fault.reason for fault in report.faults] == ["device_unknown"]
    with open_store(home, threads=1) as store:
        (record,) = store.journal.follow("core")
        assert record.status == "unknown"


# ---- the watched folder ----


@pytest.fixture
def inbox(home: Path, tmp_path: Path) -> Iterator[Inbox]:
    def take_one(path: Path, layout: str, device: str) -> Report:
        return import_files(home, [path], layout or None, clock=CityClock(NOW), device=device)[0]

    folder = tmp_path / "inbox"
    folder.mkdir()
    yield Inbox(folder, 0.0, CityClock(NOW), CHINA, take_one)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_complete_file_is_imported_and_moved_and_one_that_cannot_be_says_why(inbox: Inbox, home: Path) -> None:
    written(inbox.folder, "report/R1/a.csv", TABLE)
    written(inbox.folder, "report/R1/b.csv", "a,b\n1,2\n")
    written(inbox.folder, "report/R1/c.csv.part", TABLE)
    written(inbox.folder, ".hidden/R1/d.csv", TABLE)
    (inbox.folder / "report/R1/link.csv").symlink_to("/etc/hostname")
    assert inbox.look() == 2
    assert names(inbox.folder) == [
        ".hidden/R1/d.csv",
        "done/2026-03-10/report/R1/a.csv",
        "failed/2026-03-10/report/R1/b.csv",
        "failed/2026-03-10/report/R1/b.csv.why.txt",
        "report/R1/c.csv.part",
        "report/R1/link.csv",
    ]
    why = (inbox.folder / "failed/2026-03-10/report/R1/b.csv.why.txt").read_text("utf-8")
    assert "header_unknown" in why
    (inbox.folder / "report/R1/c.csv.part").rename(inbox.folder / "report/R1/a.csv")
    assert inbox.look() == 1
    assert "done/2026-03-10/report/R1/a.2.csv" in names(inbox.folder), "nothing is written over"
    with open_store(home, threads=1) as store:
        assert store.series.readings(["R1"]).height == 2


def test_a_file_that_still_grows_is_let_be(inbox: Inbox) -> None:
    clock = CityClock(NOW)
    times = iter(range(0, 1000, 6))
    clock.monotonic = lambda: float(next(times))  # type: ignore[method-assign]
    inbox.quiet, inbox.clock = 10.0, clock
    path = written(inbox.folder, "report/R1/a.csv", TABLE[:20])
    assert inbox.look() == 0
    path.write_text(TABLE, "utf-8")
    os.utime(path, ns=(1, 1))
    assert [inbox.look(), inbox.look(), inbox.look()] == [0, 0, 1]


def test_a_full_disk_leaves_the_file_where_it_is(inbox: Inbox) -> None:
    def full(path: Path, layout: str, device: str) -> Report:
        raise DiskFull("no room")

    path = written(inbox.folder, "report/R1/a.csv", TABLE)
    inbox.take = full
    with pytest.raises(DiskFull):
        inbox.look()
    assert path.exists()
