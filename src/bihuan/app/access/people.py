"""Making an account for somebody: of the register, or put into it with the account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from bihuan.app.access import passwords
from bihuan.app.access.accounts import Account, Accounts
from bihuan.app.access.areas import ADMINISTRATORS
from bihuan.app.access.rights import RIGHTS
from bihuan.core import InputError, to_json
from bihuan.register import District, Enterprise, Person, Unit
from bihuan.store import Entry, Store

ROLES = tuple(sorted({role for roles in RIGHTS.values() for role in roles}))
"""Every role that has a right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who is to get an account.

    Attributes
    ----------
    login : str
    roles : tuple of str
        Of a new person; empty where `person` is in the register already.
    person : str
        Id in the register; the login where it is empty.
    name, unit, district : str
        Of a new person; the unit of an environmental manager is the enterprise.
    password : str
        Empty for a temporary one.
    """

    login: str
    roles: tuple[str, ...] = ()
    person: str = ""
    name: str = ""
    unit: str = ""
    district: str = ""
    password: str = field(default="", repr=False)


def enlist(store: Store, accounts: Accounts, wanted: Wanted, by: str, now: datetime, on: date) -> tuple[Account, str]:
    """Make an account, and the person where the register has none, and write it into the ledger.

    Returns
    -------
    Account
    str
        The temporary password, empty when one was given.

    Raises
    ------
    InputError
        If login, role, unit or district cannot be used, or the three administrators would be one person.
    """
    register = store.records.register()
    ident = wanted.person or wanted.login
    person = register.get(Person, ident, on)
    if person is None:
        person = _new_person(wanted, ident, by, on)
        _hold_known(store, person, on)
    elif wanted.roles and set(wanted.roles) != set(person.roles):
        raise InputError(
            f"person {ident} has the roles {', '.join(person.roles)}: leave the role out, or change the register"
        )
    _hold_separation(person)
    password = wanted.password or passwords.temporary()
    with store.step, store.records.transaction():
        store.records.save_facts([person])
        admin = next(iter(ADMINISTRATORS & set(person.roles)), "")
        account = accounts.add(wanted.login, person.id, password, now, not wanted.password, admin)
        body = to_json({"login": account.login, "person": person.id, "roles": list(person.roles)})
        store.ledger.add(Entry(now, by, "account.add", f"account:{account.login}", body))
    return account, "" if wanted.password else password


def _new_person(wanted: Wanted, ident: str, by: str, on: date) -> Person:
    unknown = [role for role in wanted.roles if role not in ROLES]
    if unknown or not wanted.roles:
        given = ", ".join(unknown) or "none"
        raise InputError(f"role {given} cannot be given: choose of {', '.join(ROLES)}")
    return Person(
        id=ident,
        name=wanted.name or wanted.login,
        roles=wanted.roles,
        unit=wanted.unit,
        district=wanted.district,
        valid_from=on,
        source=f"account by {by}",
    )


def _hold_known(store: Store, person: Person, on: date) -> None:
    register = store.records.register()
    unit = register.get(Unit, person.unit, on) or register.get(Enterprise, person.unit, on)
    if person.unit and unit is None:
        raise InputError(f"unit {person.unit!r} is not in the register: import it first, or leave it out")
    if person.district and register.get(District, person.district, on) is None:
        raise InputError(f"district {person.district!r} is not in the register: import it first, or leave it out")
    if "enterprise_manager" in person.roles and register.get(Enterprise, person.unit, on) is None:
        raise InputError("an environmental manager needs the enterprise as unit: name it")


def _hold_separation(person: Person) -> None:
    admin = ADMINISTRATORS & set(person.roles)
    if admin and len(person.roles) > 1:
        raise InputError(
            f"{', '.join(sorted(person.roles))} cannot be one person: an administrator has no other role, "
            "and the three of them are three people"
        )
