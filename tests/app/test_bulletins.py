"""Issues as records: drafted, checked, signed, numbered, corrected; and the command that writes one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bihuan.app.bulletins import BulletinChanged, Bulletins, Issue, Signature, due_drafts
from bihuan.app.cli import cli
from bihuan.app.receipts import Report
from bihuan.app.reporting import report_daily
from bihuan.app.settings import Settings
from bihuan.app.town import Town
from bihuan.core import InputError, text
from bihuan.register import Register
from bihuan.store import open_store
from tests.app.homes import city_file, city_line, take

DAY = date(2019, 1, 10)
NOW = datetime(2019, 1, 11, 0, tzinfo=UTC)


def by(name: str, minutes: int = 0) -> Signature:
    return Signature(person=f"p-{name}", name=name, at=NOW + timedelta(minutes=minutes))


class Desk:
    """Bulletins of a small home with one imported city."""

    def __init__(self, home: Path) -> None:
        take(home, [city_file(home.parent / "zz.csv", [city_line(hour) for hour in range(1, 24)])])
        self.store = open_store(home)
        self.settings = Settings()
        self.desk = Bulletins(self.store, self.settings)
        self.town = Town(Register(), DAY)

    def draft(self, minutes: int = 0, day: date = DAY) -> Issue:
        return self.desk.make(day, by("a", minutes), self.town, ())

    def signed(self, minutes: int = 0, day: date = DAY) -> Issue:
        issue = self.draft(minutes, day)
        issue = self.desk.check(issue.id, issue.revision, by("b", minutes + 1))
        return self.desk.sign(issue.id, issue.revision, by("c", minutes + 2))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "home")
    yield made
    made.store.close()


def test_a_signed_issue_keeps_its_bytes_whatever_arrives_later(desk: Desk, tmp_path: Path) -> None:
    issue = desk.signed()
    before = {form: desk.desk.file(issue, "zh", form) for form in ("html", "docx")}  # type: ignore[arg-type]
    desk.store.close()
    take(tmp_path / "home", [city_file(tmp_path / "more.csv", [city_line(hour, pm25=300) for hour in range(1, 24)])])
    desk.store = open_store(tmp_path / "home")
    again = Bulletins(desk.store, Settings({"issuing_unit": "another"}))
    kept = again.get(issue.id)
    assert {form: again.file(kept, "zh", form) for form in ("html", "docx")} == before  # type: ignore[arg-type]
    for act in (
        lambda: again.edit(kept.id, kept.revision, "x", by("a", 9)),
        lambda: again.check(kept.id, kept.revision, by("b", 9)),
        lambda: again.sign(kept.id, kept.revision, by("c", 9)),
        lambda: again.make(DAY, by("a", 9), desk.town, ()),
    ):
        with pytest.raises(BulletinChanged):
            act()


def test_a_correction_is_a_new_issue_that_names_the_one_it_corrects_and_why(desk: Desk) -> None:
    first = desk.signed()
    new = desk.desk.correct(first.id, "PM10 was wrong", by("a", 5), desk.town, ())
    new = desk.desk.check(new.id, new.revision, by("b", 6))
    new = desk.desk.sign(new.id, new.revision, by("c", 7))
    assert (new.id != first.id, new.corrects, new.number) == (True, first.id, 2)
    page = desk.desk.file(new, "zh", "html").decode()
    assert text("report.corrects", number="2019-1", reason="PM10 was wrong") in page
    assert desk.desk.get(first.id) == first
    with pytest.raises(BulletinChanged, match="correct"):
        desk.desk.correct(first.id, "again", by("a", 8), desk.town, ())


def test_numbers_of_a_year_have_no_gaps_and_drafts_have_none(desk: Desk) -> None:
    days = [DAY - timedelta(days=back) for back in range(4)]
    waiting = desk.draft(0, days[3])
    signed = [desk.signed(10 * place, day) for place, day in enumerate(days[:3])]
    assert [one.number for one in signed] == [1, 2, 3]
    assert waiting.number is None


def test_who_saw_an_older_revision_is_refused_and_changes_nothing(desk: Desk) -> None:
    issue = desk.draft()
    changed = desk.desk.edit(issue.id, issue.revision, "sweep the ring road", by("a", 1))
    with pytest.raises(BulletinChanged, match="revision 2, you saw 1"):
        desk.desk.check(issue.id, issue.revision, by("b", 2))
    assert desk.desk.get(issue.id) == changed


def test_an_edit_after_the_check_has_to_be_checked_again(desk: Desk) -> None:
    issue = desk.draft()
    issue = desk.desk.check(issue.id, issue.revision, by("b", 1))
    issue = desk.desk.edit(issue.id, issue.revision, "more", by("a", 2))
    assert (issue.state, issue.checked) == ("draft", None)


def test_nobody_checks_or_signs_what_they_prepared(desk: Desk) -> None:
    issue = desk.draft()
    with pytest.raises(BulletinChanged, match="somebody else"):
        desk.desk.check(issue.id, issue.revision, by("a", 1))


def test_every_act_is_in_the_ledger(desk: Desk) -> None:
    issue = desk.signed()
    acts = [entry.action for entry in desk.store.ledger.entries() if entry.subject == issue.ref]
    assert acts == ["bulletin.make", "bulletin.check", "bulletin.sign"]


def test_a_day_that_is_not_over_has_no_bulletin(desk: Desk) -> None:
    with pytest.raises(InputError, match="not over"):
        desk.draft(0, date(2019, 1, 11))


def test_the_draft_of_yesterday_is_made_once_from_half_past_seven(desk: Desk) -> None:
    early = datetime(2019, 1, 10, 23, 29, tzinfo=UTC)  # 07:29 in Asia/Shanghai
    assert due_drafts(desk.store, desk.settings, desk.town, (), early) == ()
    (made,) = due_drafts(desk.store, desk.settings, desk.town, (), early + timedelta(minutes=1))
    assert (made.day, made.state, made.prepared.person) == (DAY, "draft", "bihuan")
    assert due_drafts(desk.store, desk.settings, desk.town, (), early + timedelta(minutes=2)) == ()


def test_no_draft_is_made_of_a_day_of_which_nothing_is_stored(desk: Desk) -> None:
    later = datetime(2019, 3, 1, 0, tzinfo=UTC)
    assert due_drafts(desk.store, desk.settings, desk.town, (), later) == ()
    assert desk.desk.all() == []


# -- the command ------------------------------------------------------------------------------------------------


def run(home: Path, *words: str) -> tuple[int, str]:
    found = CliRunner(env={"BIHUAN_HOME": str(home)}).invoke(cli, ["report", *words])
    return found.exit_code, str(found.exception) if isinstance(found.exception, InputError) else found.output


def test_the_command_names_the_cities_when_none_is_chosen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    take(
        home,
        [
            city_file(
                tmp_path / "two.csv", [city_line(hour, city) for city in ("郑州", "开封") for hour in range(1, 24)]
            )
        ],
    )
    _, told = run(home, "daily", "--date", "2019-01-10", "--out", str(tmp_path))
    assert "city:郑州" in told
    assert "city:开封" in told
    code, told = run(home, "daily", "--date", "2019-01-10", "--site", "city:郑州", "--out", str(tmp_path), "--json")
    assert code == 0, told
    assert (tmp_path / "bihuan-daily-2019-01-10.docx").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(("weekly", "--date", "2019-01-10"), "only daily"), (("daily", "--date", "yesterday"), "2019-02-06")],
)
def test_what_cannot_be_made_is_refused_with_a_word(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    code, told = run(tmp_path, *words)
    assert code == 2
    assert said in told


# -- real data --------------------------------------------------------------------------------------------------


@pytest.mark.reference
def test_zhengzhou_of_2019_02_06_is_what_the_assessment_says_under_the_law_of_that_day(
    cities: tuple[Path, list[Report]], tmp_path: Path
) -> None:
    from bihuan.app.assessing import assess

    home, _ = cities
    start = datetime(2019, 2, 5, 16, tzinfo=UTC)
    found = assess(home, "air", site="city:郑州", start=start, end=start + timedelta(days=1), today=date(2019, 2, 7))
    (row,) = found.sheet("days").rows
    written = report_daily(home, date(2019, 2, 6), tmp_path, site="city:郑州")
    page = Path(written.html).read_text("utf-8")
    words = re.sub(r"<[^>]+>", "|", page)
    assert (
        text("report.day_said", city="郑州", aqi=row["aqi"], label=text(f"aqi.{row['label']}"), primary="PM2.5") in page
    )
    for name, places in (("pm25", 0), ("pm10", 0), ("so2", 0), ("no2", 0), ("co", 1), ("o3", 0)):
        unit = "mg/m³" if name == "co" else "μg/m³"
        label = text(f"report.item_{name}")
        assert f"|{label}||{unit}||{row[name]:.{places}f}||{row[f'iaqi_{name}']}|" in words
    notes = "".join(re.findall(r'<ul class="notes">.*?</ul>', page, re.S))
    assert "GB 3095-2012" in notes
    assert "HJ 633-2012" in notes
    assert "-2026" not in notes
