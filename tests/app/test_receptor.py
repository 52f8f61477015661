"""The commands of the receptor model: files in, files out, sentences for what cannot be used."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bihuan.app.cli import cli
from bihuan.core import InputError
from tests.tracing.receptor.mixtures import BEGAN, mixture


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("vu")
    values, uncertainty, _, _ = mixture(80)
    values[3, 2] = np.nan
    for name, table in (("V.csv", values), ("U.csv", uncertainty)):
        lines = ["Date," + ",".join("abcdefgh"), "units" + ",ug/m3" * 8]
        for at, row in enumerate(table):
            cells = ",".join("-999" if np.isnan(cell) else f"{cell:.6f}" for cell in row)
            lines.append(f"{BEGAN.year}-{1 + at // 28:02d}-{1 + at % 28:02d} 08:00,{cells}")
        (folder / name).write_text("\n".join(lines), "utf-8")
    return folder / "V.csv", folder / "U.csv"


def command(home: Path, *words: object) -> Result:
    return CliRunner().invoke(cli, ["receptor", *map(str, words)], env={"BIHUAN_HOME": str(home)})


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8-sig").splitlines()))


def test_a_run_leaves_tables_summaries_and_pictures(tmp_path: Path, files: tuple[Path, Path]) -> None:
    wishes = tmp_path / "wishes.toml"
    wishes.write_text('[[constraint]]\nkind = "exact"\nfactor = 1\nspecies = "a"\nvalue = 0.0\n', "utf-8")
    out = tmp_path / "out"
    words = ["run", *files, "--factors", 3, "--seeds", 4, "--bootstrap", 4, "--block", 4, "--displace", "--push", 0.1]
    done = command(tmp_path, *words, "--bs-displace", "b", "--constraints", wishes, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["factors"], told["samples"], told["replaced"]) == (3, 80, 1)
    assert all(Path(name).stat().st_size > 0 for name in told["files"])
    assert rows(out / "profiles.csv")[1][:3] == ["a", "ug/m3", "0.0"]
    assert len(rows(out / "contributions.csv")) == 81
    assert len(rows(out / "contributions.csv")[0]) == 7
    shares = [[float(cell) for cell in row[1:] if cell] for row in rows(out / "contributions_percent.csv")[1:]]
    assert {round(sum(row), 3) for row in shares if row} == {100.0}  # a sample without any source has no shares
    assert rows(out / "residuals.csv")[4][3] == ""
    assert rows(out / "replaced.csv")[1][:3] == ["6", "c", "missing_ignored"]
    assert rows(out / "used_v.csv")[5][3] == "-999"
    assert len(rows(out / "displacement.csv")) == 25
    assert len(rows(out / "bs_displacement.csv")) == 4
    assert len(rows(out / "bootstrap.csv")) == 25
    assert (out / "profiles.zh.png").read_bytes()[:4] == b"\x89PNG"
    assert "因子" in (out / "summary.zh.txt").read_text("utf-8")
    assert "no ground for a penalty" in (out / "summary.en.txt").read_text("utf-8")
    matched = command(tmp_path, "match", out / "profiles.csv", "--json")
    assert matched.exit_code == 0
    assert {json.loads(line)["factor"] for line in matched.stdout.splitlines()} == {1, 2, 3}


def test_what_was_used_can_be_read_again(tmp_path: Path, files: tuple[Path, Path]) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    words = ["--factors", 3, "--seeds", 2, "--json"]
    one = json.loads(command(tmp_path, "run", *files, *words, "--out", first).stdout)
    again = command(tmp_path, "run", first / "used_v.csv", first / "used_u.csv", *words, "--out", second)
    assert json.loads(again.stdout)["q_true"] == pytest.approx(one["q_true"], rel=1e-6)


def test_the_table_of_numbers_of_factors_advises_one(tmp_path: Path, files: tuple[Path, Path]) -> None:
    done = command(tmp_path, "choose", *files, "--from", 2, "--to", 4, "--seeds", 3, "--language", "en")
    assert done.exit_code == 0, done.output
    assert "3 factors are advised" in done.stdout
    lines = command(tmp_path, "choose", *files, "--from", 2, "--to", 3, "--seeds", 2, "--json").stdout.splitlines()
    assert [json.loads(line)["factors"] for line in lines] == [2, 3]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--factors", 9], "ask for 1 to 8"),
        (["--factors", 3, "--bad", "Zn"], "no species is called 'Zn'"),
        (["--factors", 3, "--weak", "a", "--bad", "a"], "weak and bad at once"),
        (["--factors", 3, "--bs-displace", "a"], "add --bootstrap"),
        (["--factors", 3, "--bootstrap", 5, "--block", 200], "blocks of 1 to 80"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, files: tuple[Path, Path], words: list[object], told: str
) -> None:
    done = command(tmp_path, "run", *files, *words, "--seeds", 2, "--out", tmp_path / "out")
    assert isinstance(done.exception, InputError)
    assert told in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_table_of_profiles_is_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    done = command(tmp_path, "match", files[0])
    assert isinstance(done.exception, InputError)
    assert "factor_1" in str(done.exception)
