"""A host of a lake in a test: ``ingest`` reads a home's journals into the lake, ``query`` answers what it
sees, ``send`` is the loggers.

Each reads a line from standard input for each answer and ends with it.
"""

from __future__ import annotations

import asyncio
import json
import select
import sys
from datetime import UTC, datetime
from pathlib import Path

from bihuan.app.gateway import send_frames
from bihuan.app.ingest import Ingest
from bihuan.app.others import others_of
from bihuan.app.town import Town
from bihuan.core import CHINA, CatalogAway, local_date
from bihuan.store import LakeAddress, LakeStore, open_store

SEEN = (
    "SELECT count(*) AS rows, sum(hash(device, pollutant, stat, start, value, revision))::VARCHAR AS digest "
    "FROM readings"
)


def ingest(home: Path, address: LakeAddress) -> None:
    """Take in what comes, until standard input ends; a catalog that is away is waited for."""
    with open_store(home, threads=1, series=address) as store:
        now = datetime.now(UTC)
        town = Town(store.records.register(), local_date(now, CHINA))
        reader, waits = Ingest(store, CHINA, others=others_of(store)), 0
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0.2)[0] or sys.stdin.readline():
            try:
                while reader.take(town, datetime.now(UTC)).full:
                    pass
                reader.keep()
            except CatalogAway:
                waits += 1
                reader = None
                while reader is None:
                    try:
                        reader = Ingest(store, CHINA, others=others_of(store))
                    except CatalogAway:
                        if select.select([sys.stdin], [], [], 0.2)[0] and not sys.stdin.readline():
                            return
        print(json.dumps({"waits": waits}), flush=True)


def query(address: LakeAddress) -> None:
    """Answer each line with how many rows there are and a digest over them, or that the catalog is away."""
    store = LakeStore(address, threads=1)
    print("ready", flush=True)
    for _ in sys.stdin:
        try:
            seen = store.query(SEEN).row(0, named=True)
            latest = store.latest().height
            print(json.dumps(seen | {"latest": latest}), flush=True)
        except CatalogAway:
            print(json.dumps({"away": True}), flush=True)
    store.close()


def send() -> None:
    """Send the frames of each line to the gateway that it names, and tell how many were acknowledged."""
    print("ready", flush=True)
    for line in sys.stdin:
        words = json.loads(line)
        frames = [bytes.fromhex(frame) for frame in words["frames"]]
        report = asyncio.run(send_frames(words["host"], words["port"], frames, timeout=20.0))
        print(json.dumps({"acknowledged": report.acknowledged, "lost": len(report.unanswered)}), flush=True)


def main() -> None:
    """Run one of them."""
    words = json.loads(sys.argv[1])
    if words["role"] == "send":
        send()
        return
    address = LakeAddress(words["catalog"], words["data"], "city", words.get("host", ""))
    if words["role"] == "ingest":
        ingest(Path(words["home"]), address)
    else:
        query(address)


if __name__ == "__main__":
    main()
