"""Every notice in every channel: sent once, tried again after a while, remembered over a restart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bihuan.app.notify.contract import BACK_OFF, Delivery, Notifier, Receipt
from bihuan.core import FormatError, Notice, StoreError, from_json, to_json


class Notifications:
    """Carries notices through every channel and keeps the log of it.

    Parameters
    ----------
    notifiers : sequence of Notifier
    log : Path
        JSON lines, one for each change of a delivery; the last line of a notice and channel holds.

    Raises
    ------
    StoreError
        If the log holds a line that is none of ours.

    Notes
    -----
    A notice is logged before it is sent and again after. A crash in between sends it once more, with the same id:
    the outbox and the receiver of a webhook or mail recognise it.
    """

    def __init__(self, notifiers: Sequence[Notifier], log: Path) -> None:
        self._notifiers = {notifier.channel: notifier for notifier in notifiers}
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._deliveries = _load(log)

    def post(self, notices: Iterable[Notice], now: datetime) -> tuple[Delivery, ...]:
        """Send notices through every channel; what was posted before is left alone.

        Returns
        -------
        tuple of Delivery
            The fresh ones, as far as they got.
        """
        fresh = {
            (notice.id, channel): Delivery(notice, channel, now, next_try=now)
            for notice in notices
            for channel in self._notifiers
            if (notice.id, channel) not in self._deliveries
        }
        self._keep(fresh.values())
        return self._try(list(fresh.values()), now)

    def retry(self, now: datetime) -> tuple[Delivery, ...]:
        """Try again what is due: after a failure, or after a crash before the answer."""
        due = [
            delivery
            for delivery in self._deliveries.values()
            if delivery.next_try is not None and delivery.next_try <= now and delivery.channel in self._notifiers
        ]
        return self._try(due, now)

    def mark_read(self, notice: str, at: datetime) -> bool:
        """Note that the receiver opened a notice; it has been delivered then, whatever the channel said.

        Returns
        -------
        bool
            Whether the notice is known; a second opening changes nothing.
        """
        mine = [delivery for delivery in self._deliveries.values() if delivery.notice.id == notice]
        self._keep(
            replace(delivery, read=at, delivered=delivery.delivered or at, sent=delivery.sent or at, next_try=None)
            for delivery in mine
            if delivery.read is None
        )
        return bool(mine)

    def deliveries(self, notice: str = "") -> tuple[Delivery, ...]:
        """Return every delivery, or those of one notice, in the order they were posted."""
        return tuple(one for one in self._deliveries.values() if notice in {"", one.notice.id})

    def _try(self, deliveries: list[Delivery], now: datetime) -> tuple[Delivery, ...]:
        tried = []
        for delivery in deliveries:
            receipt = self._notifiers[delivery.channel].send(delivery.notice, now)
            tried.append(_after(delivery, receipt))
            self._keep(tried[-1:])
        return tuple(tried)

    def _keep(self, changed: Iterable[Delivery]) -> None:
        lines = []
        for delivery in changed:
            self._deliveries[delivery.key] = delivery
            lines.append(to_json(delivery) + b"\n")
        if lines:
            with self._log.open("ab") as file:
                file.write(b"".join(lines))
                file.flush()
                os.fsync(file.fileno())


def _after(delivery: Delivery, receipt: Receipt) -> Delivery:
    attempts = delivery.attempts + 1
    if receipt.answer == "sent":
        delivered = receipt.at if receipt.delivered else None
        return replace(delivery, attempts=attempts, sent=receipt.at, delivered=delivered, next_try=None, detail="")
    again = receipt.answer == "failed" and attempts <= len(BACK_OFF)
    next_try = receipt.at + BACK_OFF[attempts - 1] if again else None
    return replace(delivery, attempts=attempts, next_try=next_try, detail=receipt.detail)


def _load(log: Path) -> dict[tuple[str, str], Delivery]:
    if not log.exists():
        return {}
    whole = log.read_bytes()
    if not whole.endswith(b"\n"):  # torn by a crash: what it said did not happen yet
        whole = whole[: whole.rfind(b"\n") + 1]
        with log.open("r+b") as file:
            file.truncate(len(whole))
    deliveries: dict[tuple[str, str], Delivery] = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            delivery = from_json(line, Delivery)
        except FormatError as problem:
            raise StoreError(f"{log} line {number}: {problem}; move the file away to begin a new log") from None
        deliveries[delivery.key] = delivery
    return deliveries
