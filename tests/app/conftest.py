"""What the tests of the app share: a small city that has lived, and homes with real data. Nobody writes into them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bihuan.app.receipts import Report
from tests.app.homes import take
from tests.app.lived import Lived, live


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A small city after nine hours of its life; look, do not touch."""
    with live(tmp_path_factory.mktemp("city")) as found:
        yield found


@pytest.fixture(scope="session")
def cities(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Report]]:
    """A home with the hours of 61 cities, and what their import said."""
    folder = shared / "data" / "china_cities_hourly"
    home = tmp_path_factory.mktemp("cities")
    return home, take(home, sorted(folder.glob("*.parquet")))


@pytest.fixture(scope="session")
def beijing(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Report]]:
    """A home with the eight stations of the UCI set, and what their import said."""
    home = tmp_path_factory.mktemp("beijing")
    return home, take(home, [shared / "data" / "uci_beijing_multisite" / "prsa_8stations_2013-03_2016-02.parquet"])
