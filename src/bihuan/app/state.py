"""What a store holds, in numbers: told by its owner, to `status.json` or to `bihuan doctor` itself."""

from __future__ import annotations

from typing import Any

from bihuan.app.ingest import COUNTS, Counts
from bihuan.app.loop import WATERMARK
from bihuan.app.losses import skipped_of
from bihuan.app.town import Town
from bihuan.core import from_json, plain
from bihuan.register import KINDS
from bihuan.store import FORMAT, START, Store

RECORD_KINDS = ("verdict", "event", "suspects", "case", "effect", "warning")


def state_of(store: Store, town: Town, ledger: str, counts: Counts | None = None) -> dict[str, Any]:
    """Return the state of an open store as plain values.

    Parameters
    ----------
    store : Store
    town : Town
        The register of the day.
    ledger : str
        What its check said, empty when it holds; the check reads all of it, so the owner does it at its start.
    counts : Counts, optional
        Of a running ingest; those of the last complete step otherwise.
    """
    kept = store.records.state(COUNTS)
    watermark = store.records.state(WATERMARK)
    consumed = store.series.consumed()
    return {
        "format": FORMAT,
        "watermark": from_json(watermark, str) if watermark else None,
        "ingest": plain(counts or (from_json(kept, Counts) if kept else Counts())),
        "series": store.series.counts(),
        "records": {kind: store.records.count(kind) for kind in RECORD_KINDS},
        "register": {name: len(town.register.all(kind, town.on)) for name, kind in sorted(KINDS.items())},
        "ledger": {"rows": store.ledger.head().rows, "problem": ledger},
        "skipped": [plain(one) | {"name": one.name, "bytes": one.size} for one in skipped_of(store)],
        "consumed": {gateway: list(consumed.get(gateway, START)) for gateway in store.journal.gateways()},
        "journal": {gateway: list(store.journal.end(gateway)) for gateway in store.journal.gateways()},
    }
