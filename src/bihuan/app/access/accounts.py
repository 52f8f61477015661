"""Accounts: a login, a password hash and the person of the register it stands for; the roles are the person's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from bihuan.core import InputError, from_json, to_json
from bihuan.store import Records, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who may log in.

    Attributes
    ----------
    login : str
    person : str
        Id of a `bihuan.register.Person`, whose roles, unit, district and cells hold on each day.
    hash : str
        Of the password, by argon2id.
    made : datetime
    renew : bool
        Whether the password has to be changed at the next login.
    """

    login: str
    person: str
    hash: str
    made: datetime
    renew: bool = False


class Accounts:
    """The accounts in the records.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._hasher = PasswordHasher()

    def get(self, login: str) -> Account | None:
        """Return an account, or None."""
        row = self._records.get("account", login)
        return from_json(row.body, Account) if row else None

    def add(self, login: str, person: str, password: str, now: datetime, renew: bool = False) -> Account:
        """Make an account.

        Raises
        ------
        InputError
            If the login is taken.
        """
        if self.get(login) is not None:
            raise InputError(f"login {login!r} is taken: choose another one")
        account = Account(login=login, person=person, hash=self._hasher.hash(password), made=now, renew=renew)
        self._keep(account)
        return account

    def stand_in(self, login: str, person: str, password: str, now: datetime) -> Account:
        """Let a login of the synthetic city stand for a person; it may stand for another later."""
        known = self.get(login)
        hashed = known.hash if known and self.matches(known, password) else self._hasher.hash(password)
        account = Account(login=login, person=person, hash=hashed, made=now)
        self._keep(account)
        return account

    def matches(self, account: Account, password: str) -> bool:
        """Say whether a password is the account's."""
        try:
            return self._hasher.verify(account.hash, password)
        except VerificationError:
            return False

    def renew(self, account: Account, password: str) -> Account:
        """Set another password."""
        changed = replace(account, hash=self._hasher.hash(password), renew=False)
        self._keep(changed)
        return changed

    def _keep(self, account: Account) -> None:
        self._records.save("account", [Row(account.login, to_json(account), account.person, "enabled")])
