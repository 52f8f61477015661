"""The records keep rows by id, links both ways, facts by their days, the same in SQLite and PostgreSQL."""

import sqlite3
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bihuan.core import (
    DiskFull,
    Event,
    InputError,
    Period,
    Place,
    Ref,
    RegisterError,
    StoreError,
    StoreVersionError,
    from_json,
    to_json,
)
from bihuan.register import Cell, Device, Outlet, PermitLimit, Person, Station
from bihuan.store import Link, Records, Row
from bihuan.store.schema import METADATA
from tests.store.rows import T0

HOUR = timedelta(hours=1)


def row(ident: str = "a", body: bytes = b'{"n":1}', **other: object) -> Row:
    return Row(ident, body, **other)  # type: ignore[arg-type]


def test_a_row_comes_back_as_it_was_saved(records: Records) -> None:
    saved = Row("a", '{"名":"测试"}'.encode(), "station:1", "open", "cell-1", T0, T0 + HOUR)
    records.save("event", [saved])
    assert records.get("event", "a") == saved
    assert records.get("event", "b") is None


def test_a_core_type_survives_its_way_through_a_body(records: Records) -> None:
    event = Event("e1", "rule", "limit", Ref("outlet", "DA001"), Place(113.6, 34.7), Period(T0, T0 + HOUR), "so2",
                  "major", 51.0, 35.0, (Ref("reading", "x"),))  # fmt: skip
    records.save("event", [Row(event.id, to_json(event), str(event.subject), start=event.period.start)])
    found = records.get("event", "e1")
    assert found is not None
    assert from_json(found.body, Event) == event


def test_saving_again_by_the_same_id_replaces_and_never_doubles(records: Records) -> None:
    for state in ("open", "closed", "closed"):
        records.save("case", [row(state=state), row("b")])
    assert records.count("case") == 2
    assert [found.state for found in records.find("case")] == ["closed", ""]


def test_rows_are_found_by_subject_state_cell_and_time_in_a_fixed_order(records: Records) -> None:
    rows = [
        row(
            f"id{n:02d}",
            subject=f"station:{n % 2}",
            state="open" if n % 3 else "done",
            cell=f"c{n % 4}",
            start=T0 + n * HOUR,
        )
        for n in range(12)
    ]
    records.save("alert", reversed(rows))
    records.save("alert", [row("no-time", subject="station:0")])
    assert records.find("alert", subject="station:1", since=T0 + 3 * HOUR, until=T0 + 9 * HOUR) == rows[3:9:2]
    assert records.find("alert", state="done") == rows[::3]
    assert records.find("alert", state=["done", "open"], cell="c1") == rows[1::4]
    assert records.find("alert", since=T0, newest_first=True, limit=2) == [rows[11], rows[10]]
    assert records.count("alert", state="open") == 8


def test_an_unknown_kind_is_refused_with_the_known_ones(records: Records) -> None:
    with pytest.raises(InputError, match=r"'poem'.*alert, bulletin, case"):
        records.save("poem", [row()])


def test_a_step_or_correction_never_changes(records: Records) -> None:
    records.save("step", [row(body=b'{"to":"handling"}')])
    records.save("step", [row(body=b'{"to":"handling"}')])
    with pytest.raises(StoreError, match="row a of case_steps is final"):
        records.save("step", [row("z"), row(body=b'{"to":"closed"}')])
    assert records.count("step") == 1


def test_one_step_of_the_loop_is_one_commit_or_nothing(records: Records) -> None:
    with pytest.raises(RuntimeError), records.transaction():
        records.save("event", [row()])
        records.link([Link(Ref("event", "a"), Ref("case", "b"))])
        records.set_state("watermark", b"1")
        assert records.get("event", "a") is not None
        raise RuntimeError
    assert records.get("event", "a") is None
    assert records.state("watermark") is None
    assert records.linked(Ref("event", "a"), "forward") == []
    with records.transaction():
        records.save("event", [row()])
        records.set_state("watermark", b"1")
    assert records.state("watermark") == b"1"
    records.set_state("watermark", b"2")
    assert records.state("watermark") == b"2"


def test_another_thread_sees_a_transaction_only_once_it_is_whole(records: Records) -> None:
    seen: list[object] = []
    with records.transaction():
        records.save("event", [row()])
        other = threading.Thread(target=lambda: seen.append(records.get("event", "a")))
        other.start()
        other.join()
    assert seen == [None]
    assert records.get("event", "a") is not None


def test_links_lead_both_ways_and_each_is_walked_once(records: Records) -> None:
    frame, verdict, event, case = Ref("frame", "g1-1/64"), Ref("verdict", "v"), Ref("event", "e"), Ref("case", "c")
    chain = [Link(frame, verdict), Link(verdict, event), Link(event, case, "opened"), Link(verdict, case, "evidence")]
    records.link(chain + chain)
    records.link([Link(case, frame, "closed")])  # a ring must not catch the walk
    assert records.linked(verdict, "forward") == sorted([chain[1], chain[3]])
    assert records.linked(verdict, "back") == [chain[0]]
    assert records.linked(case, "back", "opened") == [chain[2]]
    assert {link.from_ref for link in records.walk(case, "back")} == {frame, verdict, event, case}
    walked = records.walk(frame, "forward")
    assert len(walked) == len(set(walked)) == 5
    assert records.walk(frame, "forward", depth=1) == [chain[0]]


def facts() -> list[object]:
    place = Place(113.6, 34.7)
    return [
        Station(id="1", name="合成一站", kind="national", place=place, district="410102", valid_from=date(2020, 1, 1)),
        Outlet(id="DA001", name="stack", enterprise="E1", place=place, district="410102", medium="air",
               o2_reference=6.0, limits=(PermitLimit("so2", 35.0, "hour", "permit"),), rates={"so2": 1.5}, height=80.0),
        Device(id="MN1", name="", site="outlet:DA001", rhythm={"minute": 60}, units={"so2": "mg/m3"}),
        Cell(id="c1", name="", level=4, district="410102", centre=place, boundary=(((1.0, 2.0), (2.0, 3.0)),)),
        Person(id="p1", name="grid officer 1", roles=("grid_officer",), cells=("c1",)),
    ]  # fmt: skip


def test_the_register_comes_back_as_it_was_and_the_same_file_twice_changes_nothing(records: Records) -> None:
    given = facts()
    assert records.save_facts(given) == 5  # type: ignore[arg-type]
    assert records.save_facts(facts()) == 0  # type: ignore[arg-type]
    assert sorted(records.facts(), key=repr) == sorted(given, key=repr)  # type: ignore[type-var]
    assert records.register().site_of("MN1", date(2026, 1, 1)) == Ref("outlet", "DA001")


def test_a_fact_that_ends_is_kept_beside_the_one_that_follows(records: Records) -> None:
    old = Device(id="MN1", name="", site="outlet:DA001", valid_from=date(2020, 1, 1))
    records.save_facts([old])
    ended = Device(id="MN1", name="", site="outlet:DA001", valid_from=date(2020, 1, 1), valid_to=date(2026, 1, 1))
    moved = Device(id="MN1", name="", site="outlet:DA002", valid_from=date(2026, 1, 1))
    with pytest.raises(RegisterError, match="holds twice"):
        records.save_facts([moved])
    assert records.facts() == [old]
    assert records.save_facts([ended, moved]) == 2
    register = records.register()
    assert register.site_of("MN1", date(2025, 12, 31)) == Ref("outlet", "DA001")
    assert register.site_of("MN1", date(2026, 1, 1)) == Ref("outlet", "DA002")


def test_the_tables_are_those_the_code_describes(where: Path | str) -> None:
    store = Records(where)
    with store.connection() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []
    store.close()


def test_records_of_a_newer_bihuan_are_refused(where: Path | str) -> None:
    store = Records(where)
    with store.connection(writes=True) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'v9999'"))
    store.close()
    with pytest.raises(StoreVersionError, match=r"shape v9999.*newer"):
        Records(where)


def test_sqlite_syncs_every_commit_and_reads_beside_a_writer(tmp_path: Path) -> None:
    store = Records(tmp_path / "r.sqlite")
    with store.connection() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


def test_a_full_disk_is_said_and_nothing_of_the_commit_stays(tmp_path: Path) -> None:
    store = Records(tmp_path / "r.sqlite")
    store.save("event", [row()])
    with pytest.raises(DiskFull, match="no room left"), store.connection(writes=True) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        store.save("event", [row("b", body=b'"' + b"x" * 200_000 + b'"')])
    assert store.count("event") == 1
    store.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    path.write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(StoreError, match=r"r\.sqlite.*not a database"):
        Records(path)


def test_a_copy_is_whole_while_a_writer_goes_on(tmp_path: Path) -> None:
    store = Records(tmp_path / "r.sqlite")
    store.save("event", [row(f"{n}") for n in range(500)])
    with store.transaction():
        store.save("event", [row("late")])
        store.copy_to(tmp_path / "copy.sqlite")
    with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        assert copy.execute("SELECT count(*) FROM events").fetchone() == (500,)
    copy.close()
    store.close()
