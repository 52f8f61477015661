"""Blobs, ledger, settings of the city and corrections."""

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from bihuan.core import DiskFull, InputError, LedgerError, NotCovered, Period, SettingError, StoreError, digest
from bihuan.store import (
    Blobs,
    CitySetting,
    CitySettings,
    Correction,
    Entry,
    Ledger,
    LedgerHead,
    Records,
    apply_corrections,
    load_corrections,
    named_digest,
    save_corrections,
)
from tests.store.power import PowerCutFiles
from tests.store.rows import MINUTE, T0, hour, reading, table

# GB/T 32905-2016 annex A.1: the digest of "abc"
SM3_ABC = "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_the_same_bytes_are_kept_once_and_come_back(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    found = blobs.put(b"photo")
    assert found == blobs.put(b"photo") == digest(b"photo")
    assert blobs.get(found) == b"photo"
    assert found in blobs
    assert list(blobs) == [found]


def test_sm3_is_offered_beside_sha_256(tmp_path: Path) -> None:
    assert named_digest(b"abc", "sm3") == SM3_ABC
    blobs = Blobs(tmp_path, "sm3")
    assert blobs.put(b"abc") == SM3_ABC
    assert Blobs(tmp_path).get(SM3_ABC) == b"abc"
    with pytest.raises(SettingError, match="allowed are sha256, sm3"):
        named_digest(b"abc", "md5")


def test_a_blob_that_was_changed_or_is_not_there_is_said(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    found = blobs.put(b"photo")
    blobs.path(found).write_bytes(b"other")
    with pytest.raises(StoreError, match="no longer has the digest"):
        blobs.get(found)
    with pytest.raises(NotCovered, match="not kept here"):
        blobs.get(digest(b"never seen"))
    with pytest.raises(InputError, match="64 small hex digits"):
        blobs.get("sha256:../../etc/passwd")


@pytest.mark.parametrize("fuse", range(8))
def test_a_blob_that_was_promised_survives_a_power_cut_and_half_a_blob_never_shows(fuse: int) -> None:
    disk = PowerCutFiles(fuse=fuse)
    folder, promised = Path("/disk/blobs"), ""
    try:
        promised = Blobs(folder, files=disk).put(b"photo" * 100)
    except BaseException:
        assert disk.fuse == 0
    after = Blobs(folder, files=disk.after_power_cut())
    if promised:
        assert after.get(promised) == b"photo" * 100
    else:
        assert all(after.get(found) == b"photo" * 100 for found in after)


def test_a_full_disk_keeps_no_half_a_blob() -> None:
    disk = PowerCutFiles(room=10)
    blobs = Blobs(Path("/disk/blobs"), files=disk)
    with pytest.raises(DiskFull):
        blobs.put(b"photo" * 100)
    assert list(blobs) == []


def acts(ledger: Ledger, count: int = 5) -> None:
    for number in range(count):
        ledger.add(Entry(T0 + number * MINUTE, f"p{number}", "assign", f"case:{number}", b'{"to":"p9"}'))


def test_the_ledger_holds_and_checks_its_chain(records: Records) -> None:
    ledger = Ledger(records)
    assert ledger.check() == LedgerHead(0, "")
    acts(ledger)
    head = ledger.check()
    assert head == ledger.head()
    assert head.rows == 5
    acts(Ledger(records, "sm3"), 2)
    assert ledger.check(noted=head).hash.startswith("sm3:")
    assert [entry.actor for entry in ledger.entries()] == ["p0", "p1", "p2", "p3", "p4", "p0", "p1"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 3", "row 3 .*does not match"),
        ("UPDATE audit SET body = '{}' WHERE seq = 1", "row 1 .*does not match"),
        ("DELETE FROM audit WHERE seq = 2", "row 2 is missing"),
        ("UPDATE audit SET hash = 'none' WHERE seq = 4", "row 4 .*does not match"),
        ("UPDATE audit SET hash = 'sha256:00', body = '{}' WHERE seq = 5", "row 5 .*does not match"),
    ],
)
def test_a_ledger_that_was_changed_is_named_by_row(records: Records, statement: str, said: str) -> None:
    ledger = Ledger(records)
    acts(ledger)
    with records.connection(writes=True) as connection:
        connection.execute(sa.text(statement))
    with pytest.raises(LedgerError, match=said):
        ledger.check()


def test_a_ledger_that_was_cut_short_is_found_by_a_noted_head(records: Records) -> None:
    ledger = Ledger(records)
    acts(ledger)
    noted = ledger.head()
    with records.connection(writes=True) as connection:
        connection.execute(sa.text("DELETE FROM audit WHERE seq = 5"))
    ledger.check()
    with pytest.raises(LedgerError, match="no longer holds row 5"):
        ledger.check(noted)


def test_an_act_and_its_row_in_the_ledger_commit_together(records: Records) -> None:
    ledger = Ledger(records)
    with pytest.raises(RuntimeError), records.transaction():
        acts(ledger)
        raise RuntimeError
    assert ledger.head().rows == 0


def setting(value: object, day: int, minute: int = 0, **other: str) -> CitySetting:
    made = CitySetting("limit_hours", value, date(2026, 1, day), "p1", "order 12", T0 + minute * MINUTE)
    return dataclasses.replace(made, **other)  # type: ignore[arg-type]


def test_the_setting_of_a_day_is_the_one_that_held_then(records: Records) -> None:
    settings = CitySettings(records)
    for made in (
        setting(24, 1),
        setting(48, 10, 1),
        setting(36, 10, 2),
        setting({"a": [1, None]}, 20, 3),
        setting(24, 1),
    ):
        settings.set(made)
    assert [settings.get("limit_hours", date(2026, 1, day)) for day in (1, 9, 10, 19)] == [24, 24, 36, 36]
    assert settings.get("limit_hours", date(2026, 2, 1)) == {"a": [1, None]}
    assert len(settings.history("limit_hours")) == 4
    assert settings.get("limit_hours", date(2025, 12, 31), default=12) == 12
    with pytest.raises(NotCovered, match="'limit_hours' of the city is not made for 2025-12-31"):
        settings.get("limit_hours", date(2025, 12, 31))


@pytest.mark.parametrize("field", ["author", "reason", "name"])
def test_a_setting_without_author_or_reason_is_refused(records: Records, field: str) -> None:
    with pytest.raises(SettingError, match=f"has no {field}"):
        CitySettings(records).set(setting(24, 1, **{field: " "}))


def correction(
    action: str = "replace", value: float | None = 5.0, hours: int = 2, at: int = 0, **other: str
) -> Correction:
    fields = {"author": "p1", "reason": "span drift, see work order"} | other
    period = Period(T0, T0 + timedelta(hours=hours))
    return Correction.of("hours", "station:1", "so2", period, action, value=value, at=T0 + at * MINUTE, **fields)  # type: ignore[arg-type]


def test_a_correction_is_laid_over_what_is_read_and_the_last_one_holds(records: Records) -> None:
    rows = pl.concat([hour(hours=n, value=1.0) for n in range(4)] + [hour("station:2", value=1.0)])
    save_corrections(records, [correction(hours=3), correction("exclude", None, hours=1, at=1)])
    save_corrections(records, [correction(hours=3)])
    found = load_corrections(records, "hours", Period(T0, T0 + timedelta(days=1)))
    assert [made.action for made in found] == ["replace", "exclude"]
    laid = apply_corrections(rows, "hours", found)
    assert laid["value"].to_list() == [5.0, 5.0, 5.0, 1.0, 1.0]
    assert laid["quality"].to_list() == ["bad", "good", "good", "good", "good"]
    assert laid["correction"].to_list() == [found[1].id, found[0].id, found[0].id, "", ""]
    assert rows["value"].to_list() == [1.0] * 5
    assert load_corrections(records, "hours", Period(T0 - timedelta(days=1), T0)) == []
    assert load_corrections(records, "days") == []


def test_a_corrected_reading_says_that_a_person_made_it() -> None:
    rows = pl.DataFrame(pl.from_arrow(table(reading("MN1"), reading("MN2"))))
    made = Correction.of(
        "readings", "MN1", "so2", Period(T0, T0 + MINUTE), "replace", value=3.0, author="p", reason="r", at=T0
    )
    laid = apply_corrections(rows, "readings", [made])
    assert laid.select("device", "value", "origin").rows() == [("MN1", 3.0, "manual"), ("MN2", 1.0, "live")]


@pytest.mark.parametrize(
    ("action", "value", "other", "said"),
    [
        ("replace", None, {}, "replace takes one"),
        ("exclude", 1.0, {}, "exclude takes none"),
        ("exclude", None, {"reason": ""}, "an author and a reason"),
        ("exclude", None, {"author": " "}, "an author and a reason"),
    ],
)
def test_a_correction_that_explains_nothing_is_refused(
    action: str, value: float | None, other: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        correction(action, value, **other)
