"""A lake made anew from the journal is the lake that was there; what other hosts brought stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.opened import lake_of
from bihuan.app.rebuild import rebuild_part, rebuild_series
from bihuan.app.settings import read_settings
from bihuan.core import CHINA, JournalError, StoreError
from bihuan.store import LakeAddress, LakeStore, Position, Store, open_store
from tests.app.small import MNS, day_of_frames, journal, settle
from tests.store.conftest import lake_address, postgresql  # noqa: F401  # fixtures

T0 = datetime(2026, 3, 1, 11, tzinfo=UTC)
HOURS = 3
KEYS = {"readings": ["device", "interval"], "hours": ["site", "basis"], "days": ["site", "basis"]}
ELSEWHERE = "FAR0000000000000000000001"


@pytest.fixture
def home(tmp_path: Path, lake_address: LakeAddress) -> Path:  # noqa: F811
    """A home over a lake whose loop has lived an evening, and a host elsewhere that brought something too."""
    home = tmp_path / "home"
    settle(home)
    words = {
        "series": "lake", "lake_catalog": lake_address.catalog, "lake_data": lake_address.data,
        "lake_schema": lake_address.schema,
    }  # fmt: skip
    (home / "bihuan.toml").write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in words.items()))
    journal(home, day_of_frames(T0, HOURS), "g1")
    with opened_lake(home) as store:
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), T0)
        for number in range(6, HOURS * 12 + 13, 6):
            loop.take(T0 + TICK * number, until=T0 + TICK * number)
        loop.step(T0 + TICK * number)
        mine = store.series.readings([MNS[0]], interval="minute").drop("revision").head(20)
    other = LakeStore(LakeAddress(lake_address.catalog, lake_address.data, lake_address.schema, "gb"), threads=1)
    far = mine.with_columns(device=pl.lit(ELSEWHERE), frame=pl.format("gb1-1/{}", pl.int_range(pl.len()) + 64))
    other.append(far, consumed={"gb1": Position(3, 999)})
    other.close()
    return home


def opened_lake(home: Path) -> Store:
    return open_store(home, create=False, threads=1, series=lake_of(read_settings(home)))


def everything(store: Store) -> dict[str, pl.DataFrame]:
    return {
        name: store.series.query(f"SELECT * FROM {name}").sort(*key, "pollutant", "stat", "start")
        for name, key in KEYS.items()
    }


def folders(address: LakeAddress) -> list[str]:
    return sorted(path.name for path in Path(address.data).iterdir())


def test_a_rebuilt_lake_equals_the_live_one_and_takes_its_place(home: Path, lake_address: LakeAddress) -> None:  # noqa: F811
    with opened_lake(home) as store:
        before, latest, consumed = everything(store), store.series.latest(), store.series.consumed()
    (old,) = folders(lake_address)
    made = rebuild_series(home)
    assert made.before == made.after == {name: table.height for name, table in before.items()}
    assert before["readings"].height > HOURS * 12 * 3 and before["hours"].height
    with opened_lake(home) as store:
        after = everything(store)
        for name, table in before.items():
            assert after[name].drop("revision").equals(table.drop("revision")), name
        assert store.series.consumed() == consumed
        assert store.series.latest().drop("revision").equals(latest.drop("revision"))
        assert store.series.readings([ELSEWHERE]).height == 20
        assert store.series.query("SELECT segment FROM consumed WHERE gateway = 'gb/gb1'")["segment"].to_list() == [3]
    (new,) = folders(lake_address)
    assert new != old, "the files of the old one went with it"
    with psycopg.connect(lake_address.catalog) as connection:
        names = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'city%%rebuilt'").fetchall()
    assert names == []


@pytest.mark.long
def test_a_part_of_a_lake_is_made_anew_in_place_and_others_keep_theirs(home: Path) -> None:
    begin, end = T0 + timedelta(hours=1), T0 + timedelta(hours=2)
    with opened_lake(home) as store:
        before = everything(store)
        wrong = store.series.readings([MNS[0]]).drop("revision")
        wrong = wrong.filter(pl.col("start").is_between(begin, end, closed="left")).with_columns(value=pl.lit(1.0))
        store.series.append(wrong)
        assert not everything(store)["readings"].drop("revision").equals(before["readings"].drop("revision"))
    rebuild_part(home, (), begin, end)
    with opened_lake(home) as store:
        after = everything(store)
        for name, table in before.items():
            assert after[name].drop("revision").equals(table.drop("revision")), name


@pytest.mark.long
def test_a_damage_or_another_process_leaves_the_lake_as_it_was(home: Path, lake_address: LakeAddress) -> None:  # noqa: F811
    with opened_lake(home) as store:
        before = everything(store)
    with (
        psycopg.connect(lake_address.catalog, application_name=f"{lake_address.sessions}1@elsewhere"),
        pytest.raises(StoreError, match="open elsewhere.*1@elsewhere.*stop every server"),
    ):
        rebuild_series(home)
    segment = home / "journal" / "g1" / "00000001.log"
    whole = segment.read_bytes()
    segment.write_bytes(whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:])
    with pytest.raises(JournalError, match="damaged at byte"):
        rebuild_series(home)
    with opened_lake(home) as store:
        after = everything(store)
        assert all(after[name].equals(table) for name, table in before.items())
    segment.write_bytes(whole)
    made = rebuild_series(home)
    assert made.after["readings"] == before["readings"].height
