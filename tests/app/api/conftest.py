"""An office over a copy of the small lived city, shared by the tests of the interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from bihuan.app.access import passwords
from bihuan.app.api import Office
from bihuan.store import backup
from tests.app.api.stand import standing
from tests.app.lived import Lived


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hash passwords with as little work as argon2 allows: a login a role a test would cost minutes otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_HASHER", hasher)
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody"))
        yield


@pytest.fixture(scope="session")
def office(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A copy that may be written into; each test works on things of its own."""
    home = tmp_path_factory.mktemp("office") / "home"
    backup(lived.run.store, home, lived.outcomes[-1].now)
    with standing(home) as stands:
        yield stands
