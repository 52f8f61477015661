"""The command line: every command by its exit code, its output and its one line on stderr."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bihuan import __version__
from bihuan.app import cli as command_line
from bihuan.app.cli import cli, main
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.core import CHINA, Event, Period, Place, Ref, Suspect, Suspects, to_json
from bihuan.store import Row, open_store
from tests.app.small import MNS, day_of_frames, journal, settle

T0 = datetime(2026, 3, 1, 16, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"


def invoke(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, list(words), env={"BIHUAN_HOME": str(home)}, catch_exceptions=False)


def fail(
    home: Path, *words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """Run a command as the shell does and return its code and what it said on stderr."""
    monkeypatch.setenv("BIHUAN_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["bihuan", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three hours of frames, their verdicts, and an event with a ranking."""
    home = tmp_path_factory.mktemp("cli") / "home"
    settle(home)
    journal(home, day_of_frames(T0, 3))
    with open_store(home, threads=1) as store:
        loop = Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0)
        loop.step(T0 + timedelta(hours=4))
        period = Period(T0, T0 + timedelta(hours=1))
        place = Place(113.6, 34.7)
        event = Event("e1", "local_rise", "pattern", Ref("station", "1"), place, period, "pm25", "minor", 40.0, 30.0)
        store.records.save("event", [Row("e1", to_json(event), "station:1", "closed", start=T0)])
        for ident, hours, odds in (("s1", 1, 0.3), ("s2", 2, 0.7)):
            named = (Suspect(Ref("outlet", "DA001"), "一号排口", place, odds, distance=1200.0),)
            looked = Period(T0, T0 + timedelta(hours=hours))
            found = Suspects(ident, event.ref, "pm25", looked, named, 0.9 - odds, 0.1, cannot_tell="calm")
            store.records.save("suspects", [Row(ident, to_json(found), "event:e1", start=T0)])
    return home


def commands(group: click.Group = cli, front: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{front}{name} ")
        else:
            yield f"{front}{name}", command


def test_every_command_and_option_stands_in_the_reference() -> None:
    page = DOCS.read_text("utf-8")
    for name, command in commands():
        start = page.index(f"## bihuan {name}\n")
        part = page[start : page.find("\n## ", start + 3)]
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else [parameter.human_readable_name]:
                assert f"`{option}" in part, (name, option)
    headings = {line.removeprefix("## bihuan ") for line in page.splitlines() if line.startswith("## bihuan ")}
    assert headings == {name for name, _ in commands()}


def test_every_command_says_what_it_does() -> None:
    for name, command in commands():
        assert command.help, name
        assert invoke(Path("none"), *name.split(), "--help").exit_code == 0


def test_the_version_and_the_standards(tmp_path: Path) -> None:
    assert invoke(tmp_path, "--version").output == f"bihuan, version {__version__}\n"
    lines = [json.loads(line) for line in invoke(tmp_path, "standards", "list", "--json").output.splitlines()]
    assert {"GB 3095-2012", "GB 3095-2026"} <= {line["number"] for line in lines}
    assert "GB 3095-2012" in invoke(tmp_path, "standards", "list").output
    code = next(line["code"] for line in lines if line["number"] == "GB 3095-2012")
    shown = invoke(tmp_path, "standards", "show", code, "--on", "2020-01-01", "--language", "en").output
    assert "GB 3095-2012" in shown
    assert [line for line in shown.splitlines() if line.startswith("# ")] == [
        "# GB 3095-2012 Ambient air quality standards"
    ]
    checked = invoke(tmp_path, "standards", "check")
    assert (checked.exit_code, checked.output) == (0, "ok\n")


def test_a_finding_of_the_standards_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bihuan.app.law.check_all", lambda: ["gb_1: row 1: no clause"])
    done = invoke(tmp_path, "standards", "check")
    assert (done.exit_code, done.output) == (1, "gb_1: row 1: no clause\n")


def test_explain_and_trace_tell_of_a_stored_event(home: Path) -> None:
    chain = json.loads(invoke(home, "explain", "suspects:s2", "--json").output)
    assert chain["back"][0]["ref"] == "event:e1"
    with open_store(home, threads=1) as store:
        verdict = store.records.find("verdict", subject="station:1", limit=1)[0].id
    chain = json.loads(invoke(home, "explain", f"verdict:{verdict}", "--json").output)
    assert chain["frame_count"] == 1
    assert MNS[0] in chain["frames"][0]["what"]["raw"]
    assert "raw frames: 1" in invoke(home, "explain", f"verdict:{verdict}", "--language", "en").output
    found = json.loads(invoke(home, "trace", "--event", "event:e1", "--json").output)
    assert (found["id"], found["ranked"][0]["probability"]) == ("s2", 0.7)
    words = invoke(home, "trace", "--event", "e1").output
    assert all(said in words for said in ("一号排口", "70.0%", "1.2 公里", "清单外来源", "静风"))


def test_trace_ranks_a_rise_in_stored_readings(home: Path) -> None:
    times = ("--from", "2026-03-02T01:00", "--to", "2026-03-02T02:00")
    found = json.loads(invoke(home, "trace", *times, "--station", "1", "--json").output)
    total = sum(row["probability"] for row in found["ranked"]) + found["none_of_listed"] + found["regional"]
    assert total == pytest.approx(1.0)
    assert found["cannot_tell"] in {"few_stations", "no_wind"}
    assert {"hidden", "against", "changes", "round", "prior", "cell"} <= set(found)


def test_the_report_of_a_trace_is_two_files_with_the_banner(home: Path, tmp_path: Path) -> None:
    told = json.loads(invoke(home, "report", "trace", "--event", "e1", "--out", str(tmp_path), "--json").output)
    assert (told["event"], told["sections"]) == ("event:e1", 10)
    page = Path(told["html"]).read_text("utf-8")
    assert "内部研判线索,不作为处罚依据" in page
    assert Path(told["docx"]).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["explain"], "Missing argument 'REF'"),
        (["explain", "case:none"], "case:none is not stored here"),
        (["explain", "rubbish"], "write kind:id"),
        (["report", "trace"], "report trace takes --event ID"),
        (["report", "trace", "--event", "e1", "--date", "2026-03-02"], "neither --date"),
        (["report", "trace", "--event", "none"], "event:none is not stored here"),
        (["report", "daily", "--event", "e1"], "report daily takes --date"),
        (["trace"], "give --event ID, or --from, --to and --station together"),
        (["trace", "--event", "none"], "event:none is not stored here"),
        (["trace", "--from", "soon", "--to", "2026-03-02", "--station", "1"], "time 'soon' cannot be read"),
        (["trace", "--from", "2026-03-02", "--to", "2026-03-01", "--station", "1"], "cannot be traced"),
        (
            ["trace", "--from", "2026-03-02", "--to", "2026-03-02T03:00", "--station", "9"],
            "station:9 does not stand in",
        ),
        (
            ["trace", "--from", "2020-03-02", "--to", "2020-03-02T03:00", "--station", "1"],
            "station:1 has no pm25 between",
        ),
        (["import", "absent.csv"], "'absent.csv' does not exist"),
        (["send", __file__, "--to", "nowhere"], "write HOST:PORT"),
        (["send", __file__, "--to", "127.0.0.1:1"], "holds no frame of HJ 212"),
        (["standards", "show", "gb_0"], "gb_0"),
        (["serve", "--hj212-port", "70000"], "70000 is not in the range"),
        (["replay", "--site", "city:none"], "no hour of city:none is stored"),
        (["assess", "ether"], "'ether' is not one of"),
        (["assess", "air", "--target", "pm25"], "target 'pm25' cannot be read: write pm25=40"),
        (["assess", "air", "--target", "pm99=3"], "a target for 'pm99' cannot be judged"),
        (["restore", "."], "is no whole backup"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_stderr_and_two(
    home: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, err = fail(home, *words, capsys=capsys, monkeypatch=monkeypatch)
    assert code == 2
    assert err.startswith("bihuan: ")
    assert said in err.splitlines()[0]
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["explain", "case:1"], ["trace", "--event", "1"], ["rebuild"], ["backup", "target"]])
def test_a_home_without_a_store_is_named_and_stays_empty(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, err = fail(tmp_path / "none", *words, capsys=capsys, monkeypatch=monkeypatch)
    assert (code, "none holds no store: start one" in err) == (2, True)
    assert not (tmp_path / "none").exists()


def test_a_wrong_setting_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bihuan.toml").write_text("hj212_prot = 1\n")
    code, err = fail(tmp_path, "serve", capsys=capsys, monkeypatch=monkeypatch)
    assert (code, "setting 'hj212_prot' is unknown" in err) == (2, True)


def test_backup_rebuild_restore_and_doctor(home: Path, tmp_path: Path) -> None:
    told = json.loads(invoke(home, "backup", str(tmp_path / "copy"), "--json").output)
    assert told["where"] == str(tmp_path / "copy")
    again = tmp_path / "again"
    assert f"readings {told['counts']['readings']}" in invoke(again, "restore", str(tmp_path / "copy")).output
    made = json.loads(invoke(again, "rebuild", "--json").output)
    assert made["after"] == made["before"] == {name: told["counts"][name] for name in made["after"]}
    assert "待认领设备:MN0009" in invoke(again, "rebuild").output
    done = invoke(again, "doctor", "--json")
    report = json.loads(done.output)
    assert (done.exit_code, report["healthy"], report["counts"]["readings"]) == (0, True, told["counts"]["readings"])
    assert "nothing is wrong" in invoke(again, "doctor", "--language", "en").output
    done = invoke(tmp_path / "none", "doctor", "--json")
    assert (done.exit_code, json.loads(done.output)["healthy"]) == (1, False)


def test_stored_hours_are_assessed_and_replayed(home: Path) -> None:
    found = json.loads(invoke(home, "assess", "air", "--by", "year", "--target", "pm25=35", "--json").output)
    assert found["medium"] == "air"
    assert invoke(home, "assess", "outlet").exit_code == 0
    assert invoke(home, "replay", "--from", "2026-03-02", "--what-if", "zhengzhou-2023", "--json").exit_code == 0


def test_a_file_that_is_nothing_of_ours_is_bad_input(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "feed.csv"
    file.write_text("this,is\nno,feed\n")
    done = invoke(home, "import", str(file), "--json")
    assert done.exit_code == 2
    assert json.loads(done.output)["failed"]


def test_the_empty_workbook_is_written_and_imports_without_a_finding(tmp_path: Path) -> None:
    book = tmp_path / "register.xlsx"
    assert invoke(tmp_path / "home", "import", "--templates", str(book)).exit_code == 0
    done = invoke(tmp_path / "home", "import", str(book), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["kind"] == "register"
    assert invoke(tmp_path / "home", "import").exit_code == 2


def test_the_demo_scores_as_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def score_runs(*words: object) -> Iterator[dict[str, object]]:
        asked.append(words)
        yield {"seed": 3, "found": 1.0}

    monkeypatch.setattr("bihuan.app.scoring.score_runs", score_runs)
    done = invoke(tmp_path, "demo", "--score", "--seed", "3", "--hours", "2", "--rough", "--json")
    assert json.loads(done.output) == {"seed": 3, "found": 1.0}
    assert invoke(tmp_path, "demo", "--score").output == "seed=3  found=1.0\n"
    assert asked == [(3, 2, True), (None, 48, None)]


def test_reading_less_than_all_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(**_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(command_line.cli, "main", closed)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    sys.stdout.close()
