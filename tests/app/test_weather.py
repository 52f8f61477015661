from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from bihuan.app.weather import city_weather
from bihuan.core import Place

CENTRE = Place(102.0, 39.8)
START = datetime(2026, 11, 2, 4, tzinfo=UTC)
STEP = timedelta(minutes=5)


def rows(*given: tuple[str, str, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"site": s, "pollutant": p, "start": START + i * STEP, "value": v} for s, p, i, v in given],
        schema={
            "site": pl.String,
            "pollutant": pl.String,
            "start": pl.Datetime("us", "UTC"),
            "value": pl.Float64,
        },
    )


def test_directions_on_both_sides_of_north_average_to_north() -> None:
    found = city_weather(
        rows(("a", "wind_speed", 0, 2.0), ("a", "wind_from", 0, 350.0), ("b", "wind_speed", 0, 2.0)).vstack(
            rows(("b", "wind_from", 0, 10.0))
        ),
        CENTRE,
        STEP,
    )
    assert found.wind_from[0] % 360 == pytest.approx(0.0, abs=1e-6) or found.wind_from[0] == pytest.approx(360.0)
    assert found.wind_speed[0] == pytest.approx(2.0)


def test_a_period_without_a_report_is_there_and_missing() -> None:
    found = city_weather(
        rows(("a", "wind_speed", 0, 2.0), ("a", "wind_from", 0, 90.0), ("a", "wind_speed", 2, 3.0)), CENTRE, STEP
    )
    assert len(found) == 3
    assert np.isnan(found.wind_speed[1])
    assert found.temperature[1] == pytest.approx(288.15)


def test_no_readings_give_an_empty_series() -> None:
    assert len(city_weather(rows(), CENTRE, STEP)) == 0


def test_the_order_of_rows_does_not_matter() -> None:
    table = rows(
        *[(s, p, i, 1.0 + i + len(s)) for s in ("a", "bb") for p in ("wind_speed", "wind_from") for i in range(4)]
    )
    one, other = city_weather(table, CENTRE, STEP), city_weather(table.reverse(), CENTRE, STEP)
    assert one.wind_from.tobytes() == other.wind_from.tobytes()
    assert one.wind_speed.tobytes() == other.wind_speed.tobytes()
