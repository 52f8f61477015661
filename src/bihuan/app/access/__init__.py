"""Who may come in, what they may do and see: accounts, sessions, rights by role and area, classes of fields."""

from bihuan.app.access.accounts import Account, Accounts
from bihuan.app.access.areas import ADMINISTRATORS, Area, Sight, area_of, cells_of, sees_case, sight_of
from bihuan.app.access.fields import FIELDS, HIDDEN, FieldClass, hide_contacts, is_clear, masked
from bihuan.app.access.people import enlist
from bihuan.app.access.rights import RIGHTS, Right, may, rights_of
from bihuan.app.access.roles import risen
from bihuan.app.access.sessions import Pass, Session, Sessions, ident_of

__all__ = [
    "ADMINISTRATORS",
    "FIELDS",
    "HIDDEN",
    "RIGHTS",
    "Account",
    "Accounts",
    "Area",
    "FieldClass",
    "Pass",
    "Right",
    "Session",
    "Sessions",
    "Sight",
    "area_of",
    "cells_of",
    "enlist",
    "hide_contacts",
    "ident_of",
    "is_clear",
    "masked",
    "may",
    "rights_of",
    "risen",
    "sees_case",
    "sight_of",
]
