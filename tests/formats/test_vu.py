"""V and U files: both layouts are read, what is written is read back, faults name file, row and column."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import FormatError
from bihuan.formats import VuTable, read_limits, read_vu, write_vu
from bihuan.formats.vu import read_table

ZONE = ZoneInfo("Asia/Shanghai")
PMF5 = "Date,Al,Zn\n,ug/m3,ng/m3\n12/14/2000 13:00,0.5,-999\n12/15/2000 13:00,,2\n"
ESAT = "Date\tAl\tZn\n12/14/2000\t0.5\t1\n\t\t\n12/20/2000\t0.6\t2\n"


def pair(folder: Path, con: str, unc: str) -> VuTable:
    (folder / "V.csv").write_text(con, "utf-8")
    (folder / "U.csv").write_text(unc, "utf-8")
    return read_vu(folder / "V.csv", folder / "U.csv", ZONE)


def test_the_layout_of_pmf_5_with_units_and_missing_values_is_read() -> None:
    found = read_table(PMF5.encode(), "V.csv", ZONE)
    assert (found.names, found.units) == (("Al", "Zn"), ("ug/m3", "ng/m3"))
    assert found.times[0] == datetime(2000, 12, 14, 5, tzinfo=UTC)
    assert np.isnan(found.values[0, 1]) and np.isnan(found.values[1, 0])
    assert found.rows == (3, 4)


def test_the_layout_of_esat_with_tabs_and_empty_rows_is_read() -> None:
    found = read_table(ESAT.encode(), "V.txt", ZONE)
    assert found.values.tolist() == [[0.5, 1.0], [0.6, 2.0]]
    assert found.rows == (2, 4)


def test_a_sample_id_before_or_after_the_time_is_no_species() -> None:
    for text in ("ID,Date,Al\nS1,2026-01-01,1\n", "Date,Sample ID,Al\n2026-01-01,S1,1\n"):
        found = read_table(text.encode(), "V.csv", ZONE)
        assert (found.names, found.values.tolist()) == (("Al",), [[1.0]])
        assert found.times[0] == datetime(2025, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026/1/2 3:00", 3),
        ("2026年1月2日 3时", 3),
        ("1/2/2026 3:00 PM", 15),
        ("2026-01-02T03:00:00", 3),
        ("1/2/26 3:00", 3),
    ],
)
def test_times_are_read_as_people_write_them(written: str, hour: int) -> None:
    found = read_table(f"Date,Al\n{written},1\n".encode(), "V.csv", ZONE)
    assert found.times[0] == datetime(2026, 1, 2, hour, tzinfo=ZONE)


def test_the_whole_column_decides_whether_the_day_stands_first() -> None:
    first = read_table(b"Date,Al\n1/2/2026,1\n13/2/2026,1\n", "V.csv", ZONE)
    assert first.times[0].astimezone(ZONE).month == 2
    open_ = read_table(b"Date,Al\n1/2/2026,1\n", "V.csv", ZONE)
    assert "two ways" in open_.notes[0]
    with pytest.raises(FormatError, match="day/month and as month/day"):
        read_table(b"Date,Al\n13/2/2026,1\n2/13/2026,1\n", "V.csv", ZONE)


def test_species_in_another_order_are_brought_together(tmp_path: Path) -> None:
    found = pair(tmp_path, "Date,Al,Zn\n2026-01-01,1,2\n", "Date,Zn,Al\n2026-01-01,0.2,0.1\n")
    assert found.uncertainty.tolist() == [[0.1, 0.2]]


@pytest.mark.parametrize(
    ("con", "unc", "word"),
    [
        ("Date,Al\n2026-01-01,x\n", "Date,Al\n2026-01-01,1\n", r"V.csv: row 2 column Al: 'x' is no number"),
        ("Date,Al\n2026-13-01,1\n", "Date,Al\n2026-01-01,1\n", r"V.csv: row 2 column 1: '2026-13-01' is no time"),
        ("Date,Al\nyesterday,1\n", "Date,Al\n2026-01-01,1\n", r"row 2 column 1: 'yesterday' is no time"),
        ("Date,Al\n2026-01-01,1\n", "Date,Al\n2026-01-01,0\n", r"U.csv: row 2 column Al: uncertainty is 0"),
        ("Date,Al\n2026-01-01,1\n", "Date,Al\n2026-01-01,\n", r"row 2 column Al: uncertainty is missing"),
        ("Date,Al\n2026-01-01,1\n", "Date,Zn\n2026-01-01,1\n", r"U.csv lacks Al; V.csv lacks Zn"),
        ("Date,Al\n2026-01-01,1\n", "Date,Al\n2026-01-02,1\n", r"row 2 of V.csv and row 2 of U.csv"),
        ("Date,Al\n2026-01-01,1\n", "Date,Al\n2026-01-01,1\n2026-01-02,1\n", r"V.csv holds 1 samples and U.csv 2"),
        ("Date,Al,Al\n2026-01-01,1,1\n", "Date,Al\n2026-01-01,1\n", r"names 'Al' twice"),
        ("Date,,Al\n2026-01-01,1,1\n", "Date,Al\n2026-01-01,1\n", r"column 2 has no name"),
        ("Date\n2026-01-01\n", "Date,Al\n2026-01-01,1\n", r"names no species"),
        ("Date,1.5\n2026-01-01,1\n", "Date,Al\n2026-01-01,1\n", r"must name the species"),
        ("Date,Al\n2026-01-01,1,7\n", "Date,Al\n2026-01-01,1\n", r"row 2 has 1 cells more"),
        ("", "Date,Al\n2026-01-01,1\n", r"holds 0 rows"),
        ("Date,Al\nunits,ug/m3\n", "Date,Al\n2026-01-01,1\n", r"holds no samples"),
    ],
)
def test_a_fault_names_file_row_and_column(tmp_path: Path, con: str, unc: str, word: str) -> None:
    with pytest.raises(FormatError, match=word):
        pair(tmp_path, con, unc)


def test_detection_limits_are_read_and_their_faults_named() -> None:
    assert read_limits(b"species,limit,error_percent\nAl,0.1,10\n", "d.csv") == ({"Al": 0.1}, {"Al": 0.1})
    with pytest.raises(FormatError, match="lacks the columns species and limit"):
        read_limits(b"name,mdl\n", "d.csv")
    with pytest.raises(FormatError, match="row 2 column limit"):
        read_limits(b"species,limit\nAl,low\n", "d.csv")


FIGURES = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e9).filter(lambda x: abs(x + 999) > 1e-6 and x != -99))


@given(st.data(), st.integers(1, 6), st.integers(1, 5))
def test_what_is_written_is_read_back(data: st.DataObject, rows: int, columns: int) -> None:
    began = datetime(2026, 1, 13, tzinfo=UTC)
    values = np.array(
        data.draw(st.lists(st.lists(FIGURES, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    )
    names = tuple(f"species {at}" for at in range(columns))
    units = data.draw(st.sampled_from([tuple("" for _ in names), tuple("ug/m3" for _ in names)]))
    table = VuTable(tuple(began + timedelta(days=at) for at in range(rows)), names, units, values, values, ())
    back = read_table(write_vu(table, ZONE), "V.csv", ZONE)
    assert (back.times, back.names, back.units) == (table.times, names, units)
    assert np.array_equal(back.values, values, equal_nan=True)


@given(st.one_of(st.binary(max_size=300), st.text("Date,Alx0.9-/\n\t;'\"", max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused_in_a_sentence(data: bytes) -> None:
    try:
        found = read_table(data, "V.csv", ZONE)
    except FormatError as problem:
        assert len(str(problem)) > 20
    else:
        assert found.values.shape == (len(found.times), len(found.names))
