"""What the tests of the app share."""

from collections.abc import Iterator

import pytest

from tests.app.lived import Lived, live


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A small city after nine hours of its life; look, do not touch."""
    with live(tmp_path_factory.mktemp("city")) as found:
        yield found
