"""Accounts: a login, a password hash and the person of the register it stands for; the roles are the person's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bihuan.app.access import passwords
from bihuan.app.settings import Settings
from bihuan.core import InputError, RightRefused, from_json, iso, to_json
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
    enabled : bool
    failures : int
        Wrong passwords since the last right one.
    locked_until : datetime or None
    last_login : datetime or None
    earlier : tuple of str
        Hashes of earlier passwords.
    admin : str
        Administrator role, given with the account and never by the register, which others may import; it is then the
        only role.
    """

    login: str
    person: str
    hash: str
    made: datetime
    renew: bool = False
    enabled: bool = True
    failures: int = 0
    locked_until: datetime | None = None
    last_login: datetime | None = None
    earlier: tuple[str, ...] = ()
    admin: str = ""


class Accounts:
    """The accounts in the records.

    Parameters
    ----------
    records : Records
    failures : int
        Wrong passwords after which an account is locked.
    lock : timedelta
        For how long.
    """

    def __init__(self, records: Records, failures: int = 5, lock: timedelta = timedelta(minutes=15)) -> None:
        self._records, self._failures, self._lock = records, failures, lock

    @classmethod
    def set_up(cls, records: Records, settings: Settings) -> Accounts:
        """Return the accounts as the settings of the process want them."""
        lock = timedelta(minutes=settings.whole("lock_minutes"))
        return cls(records, settings.whole("login_failures"), lock)

    def get(self, login: str) -> Account | None:
        """Return an account, or None."""
        row = self._records.get("account", login)
        return from_json(row.body, Account) if row else None

    def need(self, login: str) -> Account:
        """Return an account.

        Raises
        ------
        InputError
            If there is none.
        """
        account = self.get(login)
        if account is None:
            raise InputError(f"login {login!r} does not exist: list them with bihuan user list")
        return account

    def all(self) -> list[Account]:
        """Return every account by login."""
        found = [from_json(row.body, Account) for row in self._records.find("account")]
        return sorted(found, key=lambda account: account.login)

    def add(
        self, login: str, person: str, password: str, now: datetime, renew: bool = False, admin: str = ""
    ) -> Account:
        """Make an account.

        Raises
        ------
        InputError
            If the login is taken or no login, or the password breaks a rule.
        """
        if not login or not login.isascii() or not all(c.isalnum() or c in "._-@" for c in login) or len(login) > 64:
            raise InputError(f"login {login!r} cannot be used: 1 to 64 letters, digits and . _ - @")
        if self.get(login) is not None:
            raise InputError(f"login {login!r} is taken: choose another one")
        passwords.check(password, login)
        hashed = passwords.hash_of(password)
        return self._keep(Account(login=login, person=person, hash=hashed, made=now, renew=renew, admin=admin))

    def stand_in(self, login: str, person: str, password: str, now: datetime, admin: str = "") -> Account:
        """Let a login of the synthetic city stand for a person; it may stand for another later."""
        known = self.get(login)
        hashed = known.hash if known and passwords.matches(known.hash, password) else passwords.hash_of(password)
        return self._keep(Account(login=login, person=person, hash=hashed, made=now, admin=admin))

    def log_in(self, login: str, password: str, now: datetime) -> Account:
        """Return the account whose password it is.

        Raises
        ------
        RightRefused
            If login or password is wrong (which of them is not said), the account is locked or switched off.
        """
        account = self.get(login)
        if account is None:
            passwords.waste_time(password)
            raise RightRefused("login or password is wrong")
        if account.locked_until is not None and now < account.locked_until:
            raise RightRefused(f"locked until {iso(account.locked_until)} after {account.failures} wrong passwords")
        if not passwords.matches(account.hash, password):
            self._count_failure(account, now)
            raise RightRefused("login or password is wrong")
        if not account.enabled:
            raise RightRefused("switched off: ask the security administrator")
        hashed = passwords.hash_of(password) if passwords.is_old(account.hash) else account.hash
        return self._keep(replace(account, hash=hashed, failures=0, locked_until=None, last_login=now))

    def _count_failure(self, account: Account, now: datetime) -> None:
        failures = account.failures + 1
        until = now + self._lock if failures % self._failures == 0 else None
        self._keep(replace(account, failures=failures, locked_until=until))

    def renew(self, account: Account, password: str) -> Account:
        """Set another password.

        Raises
        ------
        InputError
            If it breaks a rule.
        """
        earlier = (account.hash, *account.earlier)[: passwords.REMEMBERED]
        passwords.check(password, account.login, earlier)
        changed = replace(account, hash=passwords.hash_of(password), renew=False, earlier=earlier)
        return self._keep(changed)

    def reset(self, account: Account) -> str:
        """Set a temporary password that has to be changed at the next login, and return it."""
        password = passwords.temporary()
        earlier = (account.hash, *account.earlier)[: passwords.REMEMBERED]
        hashed = passwords.hash_of(password)
        self._keep(replace(account, hash=hashed, renew=True, failures=0, locked_until=None, earlier=earlier))
        return password

    def switch(self, account: Account, enabled: bool) -> Account:
        """Switch an account on or off."""
        return self._keep(replace(account, enabled=enabled))

    def unlock(self, account: Account) -> Account:
        """Let a locked account log in again."""
        return self._keep(replace(account, failures=0, locked_until=None))

    def _keep(self, account: Account) -> Account:
        state = "enabled" if account.enabled else "off"
        self._records.save("account", [Row(account.login, to_json(account), account.person, state)])
        return account
