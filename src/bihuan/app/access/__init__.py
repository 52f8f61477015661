"""Who may come in, what they may do and see: accounts, sessions, rights by role and area, the audit of both."""

from bihuan.app.access.accounts import Account, Accounts
from bihuan.app.access.rights import RIGHTS, Right, may, rights_of
from bihuan.app.access.sessions import Session, Sessions

__all__ = [
    "RIGHTS",
    "Account",
    "Accounts",
    "Right",
    "Session",
    "Sessions",
    "may",
    "rights_of",
]
