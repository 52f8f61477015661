"""RANKFILE, MAXIFILE, SEASONHR and ranks of standards, against the hours they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bihuan.app.cli import cli
from bihuan.app.decks import run_deck
from bihuan.core import FormatError
from bihuan.formats import read_deck, read_netcdf, read_postfile
from tests.app.decks.test_run import DECK, hours, write


def rows(path: Path) -> list[list[str]]:
    lines = path.read_text("latin-1").splitlines()
    return [line.split() for line in lines if not line.startswith("*")]


def test_a_rankfile_holds_the_highest_of_all_receptors_each_hour_once(tmp_path: Path) -> None:
    run_deck(write(tmp_path, DECK.replace("FILEFORM", "RANKFILE 1 40 top.rnk\n   FILEFORM")), tmp_path / "out")
    hourly = read_postfile(tmp_path / "out/hours.pst")
    found = rows(tmp_path / "out/top.rnk")
    flat = np.sort(hourly.values[:, 0].ravel())[::-1]
    best: dict[str, float] = {}
    for value in flat[:40]:  # of the forty highest, the first of every hour
        hour = hourly.ending[int(np.argwhere(hourly.values[:, 0] == value)[0][0])]
        best.setdefault(hour, value)
    assert [row[2] for row in found] == list(best)
    assert [float(row[1]) for row in found] == pytest.approx(list(best.values()))
    assert [int(row[0]) for row in found] == list(range(1, len(found) + 1))
    hour, place = hourly.ending.index(found[0][2]), int(hourly.values[:, 0].max(axis=0).argmax())
    assert [float(found[0][3]), float(found[0][4])] == [hourly.east[place], hourly.north[place]]
    assert hourly.values[hour, 0, place] == flat[0]


def test_a_maxifile_holds_every_average_at_or_above_its_threshold(tmp_path: Path) -> None:
    threshold = 20.0
    more = f"MAXIFILE 1 ALL {threshold} high.max\n   FILEFORM"
    run_deck(write(tmp_path, DECK.replace("FILEFORM", more)), tmp_path / "out")
    hourly = read_postfile(tmp_path / "out/hours.pst").values[:, 0]
    found = rows(tmp_path / "out/high.max")
    assert 0 < len(found) == (hourly >= threshold).sum() < hourly.size
    assert np.sort([float(row[-1]) for row in found]) == pytest.approx(np.sort(hourly[hourly >= threshold]))
    assert {row[0] for row in found} == {"1"}


def test_a_seasonhr_file_holds_means_by_season_and_hour_of_hours_with_wind(tmp_path: Path) -> None:
    run_deck(write(tmp_path, DECK.replace("FILEFORM", "SEASONHR ALL s.dat\n   FILEFORM")), tmp_path / "out")
    hourly = read_postfile(tmp_path / "out/hours.pst").values[:, 0]
    found = rows(tmp_path / "out/s.dat")
    assert len(found) == 4 * 24 * 12
    usable = ~hours().calm
    for hour in (0, 3, 12):
        chosen = [place for place in (hour, hour + 24) if usable[place]]
        here = [row for row in found if row[-3:-1] == ["1", str(hour + 1)]]
        assert [float(row[2]) for row in here] == pytest.approx(hourly[chosen].mean(axis=0), rel=1e-4, abs=1e-8)
        assert {row[-4] for row in here} == {str(len(chosen))}
    assert all(float(row[2]) == 0.0 and row[-4] == "0" for row in found if row[-3] == "3")  # no summer in it


def two_years(folder: Path, pollutant: str, averages: str, output: str) -> Path:
    """Two days at the end of a year and two at the begin of the next."""
    deck = DECK.replace("POLLUTID SO2", f"POLLUTID {pollutant}").replace("1 24 MONTH PERIOD", averages)
    deck = deck.replace("POSTFILE 1 ALL", f"POSTFILE {averages} ALL").replace("PLOTFILE 1 ALL 2ND high.plt", output)
    deck = deck.replace("   POSTFILE PERIOD ALL PLOT mean.pst\n", "")
    path = write(folder, deck)
    for name in ("city.sfc", "city.pfl"):
        lines = (folder / name).read_text().splitlines()
        head, body = (lines[:1], lines[1:]) if name == "city.sfc" else ([], lines)
        old = []
        for line in body:
            words = line.split()
            words[:3] = ["25", "12", str(29 + int(words[2]))]
            old.append(" ".join(words))
        (folder / name).write_text("\n".join([*head, *old, *body]) + "\n")
    return path


def test_ranks_of_no2_are_days_of_every_year_averaged_over_the_years(tmp_path: Path) -> None:
    deck = two_years(tmp_path, "NO2", "1", "PLOTFILE 1 ALL 2ND high.plt")
    assert read_deck(deck).design == "daily"
    run_deck(deck, tmp_path / "out")
    hourly = read_postfile(tmp_path / "out/hours.pst")
    assert hourly.ending[0] == "25123001"
    days = hourly.values[:, 0].reshape(4, 24, 12).max(axis=1)
    wanted = 0.5 * (np.sort(days[:2], axis=0)[0] + np.sort(days[2:], axis=0)[0])
    found = rows(tmp_path / "out/high.plt")
    assert [float(row[2]) for row in found] == pytest.approx(wanted, rel=1e-5)
    each = np.array([[float(row[-4]), float(row[-2])] for row in found])  # of both years, each with its hour
    assert each.mean(axis=1) == pytest.approx(wanted, rel=1e-5)
    assert {row[-3][:2] for row in found} == {"25"}
    kept = read_netcdf(tmp_path / "out/city.nc")
    assert np.allclose(kept["yearly_1h"].values[1, 0], wanted, rtol=1e-4)


@pytest.mark.parametrize(
    ("pollutant", "averages", "options", "design"),
    [
        ("NO2 H1H", "1", "CONC FLAT", ""),
        ("SO2", "1", "CONC FLAT", "daily"),
        ("SO2", "1 24", "CONC FLAT", ""),
        ("NO2", "1", "CONC FLAT NOCHKD", ""),
        ("PM25", "24", "CONC FLAT", "days"),
        ("PM10", "24", "CONC FLAT", ""),
    ],
)
def test_which_ranks_a_deck_wants(tmp_path: Path, pollutant: str, averages: str, options: str, design: str) -> None:
    deck = DECK.replace("POLLUTID SO2", f"POLLUTID {pollutant}").replace("1 24 MONTH PERIOD", averages)
    deck = deck.replace("CONC FLAT", options).replace("POSTFILE 1", f"POSTFILE {averages[:2].strip()}")
    deck = deck.replace("   POSTFILE PERIOD ALL PLOT mean.pst\n", "").replace("   PLOTFILE 1 ALL 2ND high.plt\n", "")
    assert read_deck(write(tmp_path, deck)).design == design


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("RANKFILE 8 10 a.rnk", r"\(OU RANKFILE\): average 8 is not among those of CO AVERTIME"),
        ("RANKFILE 1 0 a.rnk", r"\(OU RANKFILE\): 0 values: 1 to 100000"),
        ("MAXIFILE PERIOD ALL 5 a.max", r"\(OU MAXIFILE\): average PERIOD: 1 to 24 hours or MONTH"),
        ("SEASONHR NONE a.dat", r"\(OU SEASONHR\): group NONE has no SRCGROUP"),
        ("SEASONHR ALL hours.pst", r"\(OU SEASONHR\): file hours.pst is written already"),
        ("POSTFILE 1 ALL UNFORM a.bin", r"\(OU POSTFILE\): unformatted files are read by AERMOD's own compiler only"),
        ("MAXDAILY ALL a.dat", r"\(OU MAXDAILY\): a file of daily maxima is not computed"),
        ("EVALFILE S1 a.dat", r"\(OU EVALFILE\): a file of arc maxima is not computed"),
        ("TOXXFILE 1 5 a.dat", r"\(OU TOXXFILE\): a file of exceedances is not computed"),
        ("MAXFILE ALL a.dat", "'MAXFILE' is no keyword of AERMOD 24142: is MAXIFILE meant"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        run_deck(write(tmp_path, DECK.replace("FILEFORM EXP", f"{line}\n   FILEFORM EXP")), tmp_path / "out")


def test_tables_that_aermod_prints_are_taken_and_the_run_says_how_far_it_is(tmp_path: Path) -> None:
    more = "MAXTABLE ALLAVE 50\n   DAYTABLE 1 24\n   SUMMFILE city.sum\n   FILEFORM"
    deck = write(tmp_path, DECK.replace("FILEFORM", more))
    done = CliRunner().invoke(
        cli, ["plume", "run", str(deck), "--out", str(tmp_path / "out"), "--language", "en"], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert "48 of 48 hours computed" in done.stderr
    assert "Concentration" in done.stdout
