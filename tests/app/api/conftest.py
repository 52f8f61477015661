"""What the tests of the interface share: an office over a copy of the lived city, its clock standing still."""

import shutil
from collections.abc import Iterator

import pytest

from bihuan.app.api import Office
from tests.app.api.stand import standing
from tests.app.lived import Lived


@pytest.fixture(scope="session")
def office(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The office of a small city that has lived; tests may write into it, each on things of its own."""
    home = tmp_path_factory.mktemp("office") / "home"
    shutil.copytree(lived.run.store.home.path, home, ignore=shutil.ignore_patterns("lock"))
    with standing(home) as found:
        yield found
