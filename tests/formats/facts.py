"""Strategies of facts as a city has them: every field filled or left, in its allowed range."""

import math
from datetime import date

from hypothesis import strategies as st

from bihuan.core import Place, pollutants
from bihuan.formats.layouts import kinds
from bihuan.register import (
    ALWAYS,
    Cell,
    Device,
    District,
    Duty,
    Enterprise,
    Fact,
    Outlet,
    PermitLimit,
    Person,
    Ring,
    Rings,
    Section,
    Station,
    Unit,
    WorkSite,
    canonical,
)

IDS = st.from_regex(r"[A-Z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True).map("X".__add__)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9).filter(
    lambda text: not text.startswith("#")  # the errors of a spreadsheet are refused, see test_cells
)
NAMES = st.one_of(
    st.sampled_from(["某某(集团)有限公司", "=1+1", "'=x", "-5", "@a", "某,某;某", "a\nb", '"', "007"]), WORDS
)
NAMES = NAMES.map("名".__add__) | st.sampled_from(["=SUM(A1)", "'+1", "''@", "-", "无"])
MAYBE = st.just("") | WORDS
PLACES = st.builds(Place, st.floats(73, 136), st.floats(3, 54)).filter(lambda place: place.lon > 54)
CODES = st.sampled_from(list(pollutants()))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high) | st.integers(math.ceil(low), math.floor(high)).map(float)


KELVIN = st.decimals(min_value="213.15", max_value="1773.15", places=2).map(float)
RATES = st.dictionaries(CODES, numbers(0, 1e6), max_size=4)
BASES = WORDS.filter(lambda text: not {"【", "】"} & set(text)) | st.sampled_from(["", "GB 4915-2013 表1; 4.2", "；"])
LIMITS = st.lists(
    st.builds(PermitLimit, CODES, numbers(0, 1e5), st.sampled_from(["hour", "day"]), BASES), max_size=4
).map(tuple)


def ring(lon: float, lat: float, radius: float, corners: int) -> Ring:
    angles = [2 * math.pi * k / corners for k in range(corners)]
    return tuple((lon + radius * math.cos(a), lat + radius * math.sin(a)) for a in angles)


@st.composite
def areas(draw: st.DrawFn) -> Rings:
    """No boundary, or an area with or without a hole and a part apart."""
    lon, lat, corners = draw(st.floats(80, 130)), draw(st.floats(5, 50)), draw(st.integers(3, 9))
    parts = [ring(lon, lat, 0.4, corners), ring(lon, lat, 0.1, corners), ring(lon + 1, lat, 0.2, corners)]
    chosen = [part for part in parts if draw(st.booleans())]
    return canonical(tuple(chosen)) if chosen else ()


def choices(kind: str, key: str) -> st.SearchStrategy[str]:
    column = next(column for column in kinds()[kind].columns if column.key == key)
    return st.sampled_from(list(column.values))


@st.composite
def spans(draw: st.DrawFn) -> dict[str, object]:
    first = draw(st.just(ALWAYS) | st.dates(date(1950, 1, 1), date(2090, 1, 1)))
    last = draw(st.none() | st.dates(date(2090, 1, 2), date(2150, 1, 1)))
    return {"valid_from": first, "valid_to": last, "source": draw(WORDS), "name": draw(NAMES), "id": draw(IDS)}


def made(fact: type[Fact], /, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Fact]:
    return st.builds(lambda span, rest: fact(**span, **rest), spans(), st.fixed_dictionaries(fields))


REFS = st.sampled_from(["X-1", "X-2", "某局"])
MAYBE_REFS = st.just("") | REFS
SOME_REFS = st.lists(REFS, unique=True).map(tuple)
MEDIA = st.sampled_from(["air", "water", "soil", "mobile"])

FACTS: dict[str, st.SearchStrategy[Fact]] = {
    "district": made(District, name_en=MAYBE, centre=st.none() | PLACES, boundary=areas()),
    "unit": made(Unit, kind=choices("unit", "kind"), district=MAYBE_REFS),
    "station": made(Station, kind=choices("station", "kind"), place=PLACES, district=REFS, medium=MEDIA),
    "section": made(
        Section,
        place=PLACES,
        district=REFS,
        river=WORDS,
        target_class=st.just("") | choices("section", "target_class"),
        official=st.booleans(),
    ),
    "enterprise": made(Enterprise, place=PLACES, district=REFS, industry=MAYBE, credit_code=st.just("") | IDS),
    "outlet": made(
        Outlet,
        enterprise=REFS,
        place=PLACES,
        district=REFS,
        medium=MEDIA,
        river=MAYBE,
        o2_reference=st.none() | numbers(0, 20.9),
        limits=LIMITS,
        standard=MAYBE,
        regime=MAYBE,
        rates=RATES,
        height=numbers(0, 500),
        diameter=numbers(0, 30),
        exit_velocity=numbers(0, 100),
        exit_temperature=KELVIN,
    ),
    "worksite": made(
        WorkSite, place=PLACES, district=REFS, matter=choices("worksite", "matter"), area=numbers(0, 1e8), rates=RATES
    ),
    "cell": made(
        Cell,
        level=st.sampled_from([1, 2, 3, 4]),
        district=MAYBE_REFS,
        parent=MAYBE_REFS,
        centre=st.none() | PLACES,
        boundary=areas(),
    ),
    "person": made(
        Person,
        roles=st.lists(choices("person", "roles"), min_size=1, unique=True).map(tuple),
        unit=MAYBE_REFS,
        cells=SOME_REFS,
        district=MAYBE_REFS,
        phone=st.just("") | st.from_regex(r"0?[1-9][0-9]{7,10}", fullmatch=True),
        email=st.just("") | st.just("a@b.cn"),
    ),
    "duty": made(
        Duty, matter=choices("duty", "matter"), lead=REFS, support=SOME_REFS, district=MAYBE_REFS, basis=MAYBE
    ),
    "device": made(
        Device,
        site=st.builds("{}:{}".format, choices("device", "site_kind"), REFS),
        password=st.just("123456") | IDS,
        protocol=choices("device", "protocol"),
        strictness=choices("device", "strictness"),
        rhythm=st.fixed_dictionaries(
            {}, optional={"rt": st.integers(1, 9), "minute": st.integers(60, 999), "hour": st.just(3600)}
        ),
        units=st.dictionaries(CODES, st.sampled_from(["ug/m3", "mg/m3", "ppm"]), max_size=3),
        maintainer=MAYBE_REFS,
    ),
}


def of_kind(kind: str, most: int = 5) -> st.SearchStrategy[list[Fact]]:
    return st.lists(FACTS[kind], min_size=1, max_size=most, unique_by=lambda fact: fact.id)


MIXED = st.lists(st.one_of(*FACTS.values()), min_size=1, max_size=8, unique_by=lambda fact: (type(fact), fact.id))
