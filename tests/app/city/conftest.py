"""Cities that several tests look at; nobody advances them."""

import pytest

from bihuan.app.city import City


@pytest.fixture(scope="session")
def easy() -> City:
    return City(1)


@pytest.fixture(scope="session")
def rough() -> City:
    return City(2, 24, rough=True)
