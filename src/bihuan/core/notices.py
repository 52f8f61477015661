"""What is told to people: a `Message` in any language, a `Notice` to one receiver.

Rooms make notices, `app/notify` carries them; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bihuan.core.ids import Ref
from bihuan.core.periods import CHINA
from bihuan.core.pollutants import pollutant
from bihuan.core.texts import Language, text


@dataclass(frozen=True, slots=True)
class Message:
    """Words that are chosen when they are read, so that one record serves every language.

    Attributes
    ----------
    key : str
        Of ``texts``, ``notice.dispatched``; its ``{names}`` are filled from the three mappings.
    values : mapping of str to str
        Filled in as they stand: names, numbers, reasons.
    words : mapping of str to str
        Keys of ``texts``, said in the language asked for; ``pollutant.<code>`` is the name of a pollutant.
    times : mapping of str to datetime
        Said in local time, to the minute.
    """

    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, datetime] = field(default_factory=dict)

    def say(self, language: Language = "zh", zone: ZoneInfo = CHINA) -> str:
        """Return the sentence.

        Raises
        ------
        NotCovered
            If a key stands in no table of the language.
        """
        filled: dict[str, object] = dict(self.values)
        filled |= {name: _word(key, language) for name, key in self.words.items()}
        filled |= {name: f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for name, at in self.times.items()}
        return text(self.key, language, **filled)


def _word(key: str, language: Language) -> str:
    table, _, code = key.partition(".")
    if table != "pollutant":
        return text(key, language)
    return pollutant(code).zh if language == "zh" else pollutant(code).en


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told to one receiver.

    Attributes
    ----------
    id : str
        From content, so that a repeat is recognised and nothing is sent twice.
    kind : str
        Why: ``dispatched urge supervise elevate ...``.
    subject : Ref
        What it is about: ``case:...``, ``warning:...``.
    to : Ref
        ``person:...`` or ``unit:...``.
    title, body : Message
    made : datetime
        UTC.
    """

    id: str
    kind: str
    subject: Ref
    to: Ref
    title: Message
    body: Message
    made: datetime

    @property
    def ref(self) -> Ref:
        """Points at this notice."""
        return Ref("notice", self.id)
