"""A lake whose files lie in a bucket: what one host stores another reads, and a bucket that is away is said to be."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.core import CatalogAway, StoreError
from bihuan.store import LakeAddress, LakeStore, Position, Written, move_to_embedded
from bihuan.store.series import SeriesStore
from tests.store.bucket import KEY, SECRET, Bucket, serving
from tests.store.postgres import free_port
from tests.store.rows import T0, hour, many

S3_SERVER = "BIHUAN_TEST_S3_SERVER"
"""Command of an S3 server that takes ``-H HOST -p PORT``, for the long form: ``python -m moto.server``."""


def in_bucket(address: LakeAddress, endpoint: str) -> LakeAddress:
    pytest.importorskip("duckdb_extension_httpfs", reason="the extension for buckets is not installed: bihuan[lake]")
    words = {"key": KEY, "secret": SECRET, "endpoint": endpoint, "region": "us-east-1"}
    return replace(address, data="s3://city/lake", s3=words)


def live(address: LakeAddress, file: Path) -> None:
    """Two hosts store and read; the night's work; a copy into a file."""
    first, second = LakeStore(address), LakeStore(replace(address, host="b"))
    for minute in range(4):
        assert first.append(many(20, minute), hours=hour()).new >= 200
    assert second.append(many(20, 3)) == Written(unchanged=200)
    assert second.append(many(20, 1).with_columns(value=pl.lit(0.5)), consumed={"b1": Position(1, 64)}).revised == 200
    before = first.readings()
    assert (before.height, first.latest().height) == (800, 200)
    assert first.resort(T0 + timedelta(days=1)) >= 4
    first.tidy()
    assert first.readings().equals(before) and second.readings().equals(before)
    first.close()
    second.close()
    move_to_embedded(address, file)
    copy = SeriesStore(file)
    assert copy.readings().equals(before)
    copy.close()


def test_two_hosts_share_a_lake_whose_files_lie_in_a_bucket(
    lake_address: LakeAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.lake.INLINED", 5)
    with serving(Bucket()) as bucket:
        address = in_bucket(lake_address, bucket.address)
        live(address, tmp_path / "copy.duckdb")
        names = [name for name in bucket.objects if name.endswith(".parquet")]
        assert len(names) >= 5 and all(name.startswith(f"city/lake/{address.schema}-") for name in names)
    store = LakeStore(address)
    with pytest.raises(CatalogAway, match=r"the bucket of .* does not answer") as told:
        store.append(many(20, 9))
    assert SECRET not in str(told.value)
    with serving(Bucket(bucket.server_port)) as again:
        again.objects, again.written = bucket.objects, bucket.written
        assert store.append(many(20, 9)).new == 200
    store.close()


def test_files_that_nobody_names_any_more_are_taken_out_of_the_bucket_and_no_others(
    lake_address: LakeAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.lake.INLINED", 5)
    with serving(Bucket()) as bucket:
        store = LakeStore(in_bucket(lake_address, bucket.address))
        for minute in range(4):
            store.append(many(20, minute))
        store.append(many(20, 1).with_columns(value=pl.lit(0.5)))  # a deletion file, and a row anew
        before, many_files = store.readings(), len(bucket.objects)
        orphan = next(name for name in bucket.objects if name.endswith(".parquet")).rpartition("/")[0] + "/left.parquet"
        bucket.keep(orphan, b"of a transaction that was cut short")
        assert store.resort(T0 + timedelta(days=1)) >= 4
        store.tidy()
        assert not bucket.deleted, "for two days a reader may go on from an older state"
        monkeypatch.setattr("bihuan.store.lake.KEEP_SNAPSHOTS", timedelta(0))
        store.tidy()
        assert orphan in bucket.deleted and len(bucket.deleted) >= 5
        assert len(bucket.objects) < many_files
        fresh = LakeStore(in_bucket(lake_address, bucket.address))  # nothing of it in any memory
        assert fresh.readings().equals(before)
        for one in (store, fresh):
            one.close()


@pytest.mark.long
def test_a_large_file_goes_into_the_bucket_in_parts_and_one_that_is_cut_short_leaves_nothing(
    lake_address: LakeAddress,
) -> None:
    with serving(Bucket()) as bucket:
        store = LakeStore(in_bucket(lake_address, bucket.address))
        with store.raw() as connection:  # the smallest parts that S3 allows, 5 MiB, else one part holds it all
            connection.execute("SET s3_uploader_max_filesize = '50GB'; SET s3_uploader_max_parts_per_file = 10000")
        rows = noisy(1_200_000)
        bucket.refuses = "part"
        with pytest.raises(StoreError):
            store.append(rows)
        assert "part" in bucket.asked and not [name for name in bucket.objects if name.endswith(".parquet")]
        assert store.readings().is_empty()
        bucket.refuses, bucket.asked = "", []
        assert store.append(rows).new == rows.height
        assert bucket.asked.count("part") >= 2 and "complete" in bucket.asked
        assert store.query("SELECT count(*) AS n, sum(value) AS v FROM readings").row(0) == pytest.approx(
            (rows.height, rows["value"].sum())
        )
        store.close()


def noisy(count: int) -> pl.DataFrame:
    """Rows of one minute, so of one file, whose values no compression makes small."""
    values = np.random.default_rng(20261129).random(count)
    return many(count // 10, 0).with_columns(value=pl.Series(values))


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("store.example:9000", "ENDPOINT 'store.example:9000', REGION 'r', USE_SSL true"),
        ("https://store.example", "ENDPOINT 'store.example', REGION 'r', USE_SSL true"),
        ("http://10.0.0.1:9000/", "ENDPOINT '10.0.0.1:9000', REGION 'r', USE_SSL false"),
        ("", "REGION 'r', USE_SSL true"),
    ],
)
def test_an_endpoint_says_whether_it_is_reached_with_tls(endpoint: str, said: str) -> None:
    address = LakeAddress("postgresql://x/y", "s3://city", s3={"key": "it's", "endpoint": endpoint, "region": "r"})
    assert address.secret == f"CREATE SECRET (TYPE s3, URL_STYLE 'path', KEY_ID 'it''s', {said})"


@pytest.fixture
def others_server(tmp_path: Path) -> Iterator[str]:
    """An S3 server that others wrote, with a bucket ``city``."""
    command = os.environ.get(S3_SERVER)
    if not command:
        pytest.skip(f"no S3 server: set {S3_SERVER} to its command, as 'python -m moto.server'")
    port = free_port()
    with (tmp_path / "s3.log").open("w") as said:
        words = [*shlex.split(command), "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(words, stdout=said, stderr=said)
        address = f"http://127.0.0.1:{port}"
        ended = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(urllib.request.Request(f"{address}/city", method="PUT")).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < ended, (tmp_path / "s3.log").read_text()
                time.sleep(0.2)
        yield address
        process.terminate()
        process.wait(30)


@pytest.mark.long
def test_an_s3_server_that_others_wrote_holds_a_lake(
    others_server: str, lake_address: LakeAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.lake.INLINED", 5)
    live(in_bucket(lake_address, others_server), tmp_path / "copy.duckdb")
