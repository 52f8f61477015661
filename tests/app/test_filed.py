"""`bihuan assess MEDIUM FILE`: what it prints, writes and ends with."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from bihuan.app.cli import cli
from bihuan.app.filed import FILED, MEDIA, judge_file
from bihuan.assessment import AIR_OUT
from bihuan.core import NATIONAL_SIX, InputError, NotCovered

HEADER = "site,start,pm25,pm10,so2,no2,co,o3"
GOOD = "甲市,2026-03-01 08:00,60.5,30,5,20,0.5,60"
BAD = "甲市,2026-03-01 09:00,-3,30,5,20,0.5,60"


def invoke(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, list(words), env={"BIHUAN_HOME": str(home)}, catch_exceptions=False)


def file(folder: Path, *lines: str, name: str = "hours.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    body = ("\n".join([HEADER, *lines]) + "\n").encode(encoding)
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return path


def test_the_verdicts_of_air_go_out_in_the_promised_columns(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "verdicts.parquet"
    done = invoke(tmp_path, "assess", "air", str(file(tmp_path, GOOD)), "--out", str(out))
    assert done.exit_code == 0, done.output
    frame = pl.read_parquet(out)
    assert tuple(frame.columns) == AIR_OUT
    assert frame.schema["start"] == pl.Datetime("us", "UTC")
    assert frame.row(0) == (
        "甲市", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 1, tzinfo=UTC), 100, 2, "pm25", "HJ 633-2026",
        "hour_1h", "",
    )  # fmt: skip


@pytest.mark.parametrize(("name", "encoding"), [("a.csv", "gb18030"), ("a.csv.gz", "utf-8"), ("a.csv", "utf-8-sig")])
def test_the_ways_to_write_a_table_are_read_alike(tmp_path: Path, name: str, encoding: str) -> None:
    found = judge_file(file(tmp_path, GOOD, name=name, encoding=encoding), "air")
    assert found.judged.verdicts.select("site", "aqi").rows() == [("甲市", 100)]


def test_parquet_and_csv_count_their_rows_alike(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD, BAD)
    pl.read_csv(path).write_parquet(tmp_path / "hours.parquet")
    for one in (path, tmp_path / "hours.parquet"):
        assert judge_file(one, "air").judged.refused["row"].to_list() == [2]


def test_refused_rows_end_with_1_and_stand_beside_the_verdicts(tmp_path: Path) -> None:
    torn = "甲市,2026-03-01 10:00,1,2"
    after = GOOD.replace("08:00", "11:00")
    done = invoke(tmp_path, "assess", "air", str(file(tmp_path, GOOD, BAD, torn, after)), "--json")
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert told["counts"] == {"rows": 4, "verdicts": 2, "refused": 2, "to_check": 2}
    assert told["editions"] == {"HJ 633-2026": 2}
    assert [(one["row"], one["reason"]) for one in told["refused"]] == [(2, "air_negative"), (3, "row_torn")]
    assert [row["row"] for row in told["verdicts"]] == [1, 4], "rows are those of the file, torn ones counted"
    assert told["verdicts"][0]["start"] == "2026-03-01T00:00:00Z"
    assert told["refused"][0]["words"] == "浓度为负"


def test_nothing_judged_ends_with_2(tmp_path: Path) -> None:
    assert invoke(tmp_path, "assess", "air", str(file(tmp_path, BAD))).exit_code == 2
    assert invoke(tmp_path, "assess", "air", str(file(tmp_path))).exit_code == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_read_a_table_with_a_mark_where_a_rule_is_to_be_checked(tmp_path: Path, language: str) -> None:
    path = str(file(tmp_path, GOOD, GOOD.replace("2026-03-01 08", "2019-03-01 08"), BAD))
    told = CliRunner().invoke(cli, ["assess", "air", path, "--language", language], env={"COLUMNS": "200"}).output
    assert ("待核" if language == "zh" else "to be checked") in told
    assert ("浓度为负" if language == "zh" else "negative concentration") in told
    assert "2026-03-01 08:00" in told


def test_a_named_day_decides_the_edition(tmp_path: Path) -> None:
    path = str(file(tmp_path, GOOD))
    told = json.loads(invoke(tmp_path, "assess", "air", path, "--on", "2020-01-01", "--json").output)
    assert (told["verdicts"][0]["aqi"], told["verdicts"][0]["edition"]) == (82, "HJ 633-2012")
    wrong = CliRunner().invoke(cli, ["assess", "air", path, "--on", "soon"])
    assert wrong.exit_code == 2 and "2019-02-06" in wrong.output


def test_options_of_stored_data_and_of_files_do_not_mix(tmp_path: Path) -> None:
    path = str(file(tmp_path, GOOD))
    assert CliRunner().invoke(cli, ["assess", "air", path, "--site", "city:A"]).exit_code == 2
    assert CliRunner().invoke(cli, ["assess", "air", "--on", "2026-01-01"]).exit_code == 2


def test_a_medium_without_a_judge_and_a_file_that_is_no_table_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotCovered, match="'ether'"):
        judge_file(file(tmp_path, GOOD), "ether")
    (tmp_path / "x.bin").write_bytes(b"\x00\xff\xfe\x00\x81")
    with pytest.raises(InputError):
        judge_file(tmp_path / "x.bin", "air")


def test_every_medium_of_the_table_is_one_of_the_command_line() -> None:
    assert set(FILED) <= set(MEDIA)
    for how in FILED.values():
        assert callable(how.judge) and callable(how.explain) and how.shown


COMPLETE = {
    "henan17_hourly_2018-12_2019-06.parquet": (81_317, 71_254),
    "regional_neighbours_hourly_2018-12_2019-06.parquet": (212_516, 185_918),
    "zhengzhou_hourly_2018-12_2019-06.csv.gz": (4_880, 4_400),
}
"""Complete rows, and those whose published index is ours; `benchmarks.published_aqi` names the rule of the others."""


@pytest.mark.reference
@pytest.mark.parametrize("name", COMPLETE)
def test_the_published_index_of_every_complete_hour_is_matched_within_one(
    shared: Path, tmp_path: Path, name: str
) -> None:
    found = judge_file(shared / "data" / "china_cities_hourly" / name, "air")
    assert found.judged.refused.is_empty()
    verdicts = found.judged.verdicts
    complete = verdicts.filter(pl.all_horizontal(pl.col([*NATIONAL_SIX, "published"]).is_not_null()))
    differs = complete["aqi"] - complete["published"]
    assert (complete.height, int((differs == 0).sum())) == COMPLETE[name]
    assert differs.is_between(0, 1).all()
    assert (complete["method"] == "hour_1h").all() and (complete["edition"] == "HJ 633-2012").all()
    found.write(tmp_path / "out.parquet")
    written = pl.read_parquet(tmp_path / "out.parquet")
    assert written.height == found.rows == written.select("site", "start").n_unique()


@pytest.mark.reference
def test_every_difference_from_the_published_index_is_explained_by_a_named_rule(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import published_aqi

    monkeypatch.setattr(published_aqi, "FOLDER", shared / "data" / "china_cities_hourly")
    name = published_aqi.FILES[2]
    counted = published_aqi.compared(name)
    assert (counted["rows"], counted["equal"], counted["half_up"], counted["unexplained"]) == (4_880, 4_400, 480, 0)


SOIL = """点位,采样日期,用地类型,pH,铅(mg/kg),苯并[a]芘,苯
地块A,2026-03-01,第一类用地,,401,0.2,1.5
农田C,2026-03-02,水田,,101,0.1,
"""


def test_samples_of_soil_are_judged_with_their_sites_first(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(SOIL, "utf-8")
    done = CliRunner().invoke(cli, ["assess", "soil", str(path), "--json"])
    assert done.exit_code == 1, "the farmland has no pH"
    found = json.loads(done.stdout)
    assert found["editions"] == {"GB 36600-2018": 4, "GB 15618-2018": 2}
    assert [row["label"] for row in found["verdicts"][:2]] == ["between", "below_screening"]
    assert [row["reason"] for row in found["refused"]] == ["soil_ph_missing"]
    assert "risk" not in found
    printed = CliRunner().invoke(cli, ["assess", "soil", str(path)], env={"COLUMNS": "400"}).stdout
    assert "详细调查和风险评估" in printed and "苯并[a]芘" in printed


def test_risk_of_soil_is_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(SOIL, "utf-8")
    done = CliRunner().invoke(cli, ["assess", "soil", str(path), "--risk", "--draws", "20", "--json"])
    found = json.loads(done.stdout)
    assert found["risk"] is True and "不是标准限值" in found["note"]
    assert {row["subject"] for row in found["verdicts"]} == {"risk_site", "risk_item"}
    assert not {"screening", "control"} & set(found["verdicts"][0])
    out = tmp_path / "risk.parquet"
    CliRunner().invoke(cli, ["assess", "soil", str(path), "--risk", "--out", str(out)])
    assert "recomputed_value" in pl.read_parquet(out).columns
    printed = CliRunner().invoke(cli, ["assess", "soil", str(path), "--risk"], env={"COLUMNS": "400"}).stdout
    assert "不是标准限值" in printed
    for wrong in (["assess", "air", "--risk"], ["assess", "soil", str(path), "--draws", "5"]):
        assert CliRunner().invoke(cli, wrong).exit_code == 2
    with pytest.raises(NotCovered, match="'air' can be assessed for its risk; there are: soil"):
        judge_file(path, "air", risk=True)


def test_a_terminal_too_narrow_for_the_table_gets_lines_that_cut_no_value(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(SOIL, "utf-8")
    narrow = CliRunner().invoke(cli, ["assess", "soil", str(path)], env={"COLUMNS": "80"}).stdout
    assert "…" not in narrow and "┃" not in narrow
    joined = "".join(narrow.split())
    assert "点位/城市地块A" in joined and "苯并[a]芘" in joined and "详细调查和风险评估" in joined
