"""An office over a copy of the small lived city, shared by the tests of the interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bihuan.app.api import Office
from bihuan.store import backup
from tests.app.api.stand import standing
from tests.app.lived import Lived


@pytest.fixture(scope="session")
def office(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A copy that may be written into; each test works on things of its own."""
    home = tmp_path_factory.mktemp("office") / "home"
    backup(lived.run.store, home, lived.outcomes[-1].now)
    with standing(home) as stands:
        yield stands
