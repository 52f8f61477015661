"""The audit page over a long ledger: one page, the rare find, the check of new rows and of the whole chain.

``python -m benchmarks.audit [--rows 200000]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bihuan.app.ledgerwatch import LedgerWatch
from bihuan.store import Entry, Ledger, open_store

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def fill(ledger: Ledger, rows: int) -> None:
    """Write acts of some people on some cases."""
    for number in range(rows):
        at = BEGAN + timedelta(seconds=30 * number)
        action = "account.locked" if number == rows // 2 else "case.read_personal"
        body = b'{"clear":["reporter","positions"]}'
        ledger.add(Entry(at, f"P{number % 200:04d}", action, f"case:{number % 5000:020d}", body))


def best(work: Callable[[], object], times: int = 5) -> float:
    """Shortest of some runs [ms]."""
    runs = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        runs.append((time.perf_counter() - began) * 1e3)
    return min(runs)


def whole_page(ledger: Ledger) -> None:
    """A page as it was made before: everything read, everything checked."""
    ledger.check()
    rows = list(enumerate(ledger.entries(), start=1))
    _ = [one for one in reversed(rows) if "P0001" in one[1].actor][:100]


def rare(ledger: Ledger) -> int:
    """Look for one act in the whole chain, request by request."""
    row, asked = None, 0
    while True:
        found, row = ledger.before(row, action="account.locked")
        asked += 1
        if found or row is None:
            return asked


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_known_args()[0].rows
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder), threads=1) as store:
        with store.records.transaction():
            fill(store.ledger, rows)
        watch = LedgerWatch(store.ledger)
        began = time.perf_counter()
        watch.check_whole(lambda: BEGAN)
        whole = (time.perf_counter() - began) * 1e3
        before = best(lambda: whole_page(store.ledger), 1)
        first = best(lambda: store.ledger.before(None, most=100))
        deep = best(lambda: store.ledger.before(rows // 2, most=100))
        person = best(lambda: store.ledger.before(None, actor="P0001", most=100))
        asked = rare(store.ledger)
        seldom = best(lambda: rare(store.ledger), 2)
        new = best(watch.go_on)
        print(f"ledger of {rows:,} rows [ms]")
        lines = [
            ("a page as it was made before (all read, all checked)", before),
            ("a page of 100, the newest", first),
            ("a page of 100, in the middle", deep),
            ("a page of 100 of one person in 200", person),
            (f"one act in the middle, {asked} requests", seldom),
            ("check of new rows, none new", new),
            ("check of the whole chain, as a job", whole),
        ]
        for name, took in lines:
            print(f"{name:54s} {took:10.1f}   {before / took:10.1f} x")


if __name__ == "__main__":
    main()
