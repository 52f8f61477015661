"""The file outbox: JSON lines for programs, plain text for eyes; needs no server and is what the demo shows."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from bihuan.app.notify.contract import Receipt
from bihuan.core import CHINA, Language, Notice, plain


class OutboxNotifier:
    """Write notices into a folder.

    Parameters
    ----------
    folder : Path
        Gets ``outbox.jsonl`` and ``outbox.txt``.
    language : Language
    zone : ZoneInfo
    """

    channel = "outbox"

    def __init__(self, folder: Path, language: Language = "zh", zone: ZoneInfo = CHINA) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lines = folder / "outbox.jsonl"
        self._words = folder / "outbox.txt"
        self._language: Language = language
        self._zone = zone
        self._written = _ids(self._lines)

    def send(self, notice: Notice, now: datetime) -> Receipt:
        """Append one notice to both files; one that stands there already is not written again."""
        if notice.id not in self._written:
            title, body = notice.title.say(self._language, self._zone), notice.body.say(self._language, self._zone)
            row = {**plain(notice), "title": title, "body": body}
            when = f"{now.astimezone(self._zone):%Y-%m-%d %H:%M}"
            try:
                _append(self._lines, msgspec.json.encode(row) + b"\n")
                _append(self._words, f"{when}  {notice.to}\n  {title}\n  {body}\n\n".encode())
            except OSError as problem:
                return Receipt(notice.id, self.channel, "failed", now, detail=f"{self._lines}: {problem}")
            self._written.add(notice.id)
        return Receipt(notice.id, self.channel, "sent", now, delivered=True)


def _ids(path: Path) -> set[str]:
    if not path.exists():
        return set()
    whole = path.read_bytes()
    if whole and not whole.endswith(b"\n"):  # a line torn by a crash: its notice was not acknowledged
        whole = whole[: whole.rfind(b"\n") + 1]
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return {msgspec.json.decode(line)["id"] for line in whole.splitlines()}


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
