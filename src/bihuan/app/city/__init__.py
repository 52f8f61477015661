"""The synthetic city with known truth: what the loop may see, how the city lives, and how the loop is scored."""

from bihuan.app.city.city import City, Fate, Step
from bihuan.app.city.forgeries import FORGERY_KINDS, Forgery
from bihuan.app.city.forward import air_stations
from bihuan.app.city.ground import River
from bihuan.app.city.layers import rivers, write_layers
from bihuan.app.city.plan import CityPlan, plan_city
from bihuan.app.city.score import calibration, pool, score, wilson

__all__ = [
    "FORGERY_KINDS",
    "City",
    "CityPlan",
    "Fate",
    "Forgery",
    "River",
    "Step",
    "air_stations",
    "calibration",
    "plan_city",
    "pool",
    "rivers",
    "score",
    "wilson",
    "write_layers",
]
