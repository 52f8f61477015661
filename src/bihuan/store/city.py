"""Settings of the city: dated, authored, with a reason; an old one is never overwritten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
from sqlalchemy import select

from bihuan.core import NotCovered, SettingError, content_id, iso, to_json
from bihuan.store.records import Records
from bihuan.store.schema import SETTINGS

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class CitySetting:
    """One setting as someone made it.

    Attributes
    ----------
    name : str
    value : plain JSON value
    valid_from : date
        First day it holds, in the city's calendar.
    author, reason : str
        Who set it and why; neither may be empty.
    at : datetime
        When, UTC.
    """

    name: str
    value: Any
    valid_from: date
    author: str
    reason: str
    at: datetime


class CitySettings:
    """The settings of the city in the records.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    def set(self, setting: CitySetting) -> None:
        """Make a setting; the same one again changes nothing.

        Raises
        ------
        SettingError
            If nobody answers for it, or no reason is given.
        """
        for field in ("name", "author", "reason"):
            if not getattr(setting, field).strip():
                raise SettingError(
                    f"setting {setting.name!r} of the city has no {field}: a person sets it, with a reason"
                )
        body = to_json(setting.value).decode()
        ident = content_id(setting.name, body, setting.valid_from, setting.author, setting.reason, iso(setting.at))
        values = {
            "id": ident,
            "name": setting.name,
            "valid_from": setting.valid_from,
            "at": setting.at,
            "author": setting.author,
            "reason": setting.reason,
            "body": body,
        }
        with self._records.connection(writes=True) as connection:
            if connection.execute(select(SETTINGS.c.id).where(SETTINGS.c.id == ident)).first() is None:
                connection.execute(SETTINGS.insert(), values)

    def get(self, name: str, on: date, default: Any = ...) -> Any:
        """Return the value that holds on a day: the latest first day, of those the latest made.

        Raises
        ------
        NotCovered
            If none holds and no default is given.
        """
        found = self.on(on).get(name)
        if found is not None:
            return found.value
        if default is ...:
            raise NotCovered(f"setting {name!r} of the city is not made for {on}: set it, with a reason")
        return default

    def read(self, name: str, on: date, kind: type[Kind]) -> Kind:
        """Return the value that holds on a day as an instance of `kind`, its defaults where none is made.

        Raises
        ------
        SettingError
            If the stored value cannot be one.
        """
        try:
            return msgspec.convert(self.get(name, on, {}), kind)
        except msgspec.ValidationError as problem:
            raise SettingError(f"setting {name} of the city cannot be read: {problem}") from None

    def on(self, day: date) -> dict[str, CitySetting]:
        """Return every setting that holds on a day, by name."""
        held: dict[str, CitySetting] = {}
        for setting in self.history():
            if setting.valid_from <= day:
                held[setting.name] = setting
        return held

    def history(self, name: str | None = None) -> list[CitySetting]:
        """Return settings as they were made, by name, first day and time of making."""
        query = select(SETTINGS).order_by(SETTINGS.c.name, SETTINGS.c.valid_from, SETTINGS.c.at, SETTINGS.c.id)
        if name is not None:
            query = query.where(SETTINGS.c.name == name)
        with self._records.connection() as connection:
            rows = connection.execute(query).all()
        return [
            CitySetting(row.name, json.loads(row.body), row.valid_from, row.author, row.reason, row.at) for row in rows
        ]
