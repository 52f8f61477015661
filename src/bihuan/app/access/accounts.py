"""Accounts: a login, a password hash and the person of the register it stands for; the roles are the person's."""

from __future__ import annotations

from collections.abc import Callable
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
        Wrong passwords that count: since the last right one, and not too old.
    failed : tuple of datetime
        When they came.
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
    failed: tuple[datetime, ...] = ()
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
    window : timedelta
        A wrong password counts for so long, and until a right one comes.

    Attributes
    ----------
    when_locked : callable
        Told an account that was just locked, in the same transaction.
    """

    def __init__(
        self,
        records: Records,
        failures: int = 5,
        lock: timedelta = timedelta(minutes=15),
        window: timedelta = timedelta(minutes=30),
    ) -> None:
        self._records, self._failures, self._lock, self._window = records, failures, lock, window
        self.when_locked: Callable[[Account], None] = lambda account: None

    @classmethod
    def set_up(cls, records: Records, settings: Settings) -> Accounts:
        """Return the accounts as the settings of the process want them."""
        lock = timedelta(minutes=settings.whole("lock_minutes"))
        window = timedelta(minutes=settings.whole("login_failure_minutes"))
        return cls(records, settings.whole("login_failures"), lock, window)

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
            self._count_failure(login, now)
            raise RightRefused("login or password is wrong")
        if not account.enabled:
            raise RightRefused("switched off: ask the security administrator")
        hashed = passwords.hash_of(password) if passwords.is_old(account.hash) else account.hash
        return self._keep(replace(account, hash=hashed, failures=0, failed=(), locked_until=None, last_login=now))

    def _count_failure(self, login: str, now: datetime) -> None:
        """Count a wrong password among those of the window; read anew, for many may be tried at once."""
        with self._records.transaction():
            account = self.need(login)
            if account.locked_until is not None and now < account.locked_until:
                return
            served = account.locked_until is not None  # a lock that ran out has answered for what led to it
            counted = () if served else tuple(at for at in account.failed if now - at < self._window)
            failed = (*counted, now)
            until = now + self._lock if len(failed) >= self._failures else None
            changed = self._keep(replace(account, failures=len(failed), failed=failed, locked_until=until))
            if until is not None:
                self.when_locked(changed)

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
        self._keep(replace(account, hash=hashed, renew=True, failures=0, failed=(), locked_until=None, earlier=earlier))
        return password

    def switch(self, account: Account, enabled: bool) -> Account:
        """Switch an account on or off."""
        return self._keep(replace(account, enabled=enabled))

    def unlock(self, account: Account) -> Account:
        """Let a locked account log in again."""
        return self._keep(replace(account, failures=0, failed=(), locked_until=None))

    def _keep(self, account: Account) -> Account:
        state = "enabled" if account.enabled else "off"
        self._records.save("account", [Row(account.login, to_json(account), account.person, state)])
        return account
