"""The facts of the register: what exists, where, and who answers for it, each with its dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from bihuan.core import Place

Medium = Literal["air", "water", "soil", "mobile"]

StationKind = Literal["national", "provincial", "city", "township", "micro", "dust", "weather"]
"""国控, 省控, 市控, 乡镇, 微站, 扬尘, 气象. The first two are official: their values are read-only."""

OFFICIAL: frozenset[str] = frozenset({"national", "provincial"})

CellLevel = Literal[1, 2, 3, 4]
"""市, 区县, 乡镇街道, 村社区."""


ALWAYS = date(1900, 1, 1)
"""First day of a fact whose beginning nobody told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has.

    Attributes
    ----------
    id : str
        Unique within its kind for all time; two rows of one id are two spans of its history.
    name : str
    valid_from : date
        First day it holds, in the city's calendar.
    valid_to : date or None
        First day it no longer holds.
    source : str
        Who says so: document, file, person.
    """

    id: str
    name: str
    valid_from: date = ALWAYS
    valid_to: date | None = None
    source: str = ""

    def holds(self, on: date) -> bool:
        """Say whether the fact holds on a day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class District(Fact):
    """区县. `id` is its administrative code; `boundary` rings of (lon, lat), outer ring first,
    holes and further parts after it (`bihuan.register.geometry`)."""

    name_en: str = ""
    centre: Place | None = None
    boundary: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Fact):
    """A supervision grid cell (网格) of one of four levels."""

    level: CellLevel
    district: str
    parent: str = ""
    centre: Place | None = None
    boundary: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Station(Fact):
    """点位: an air, dust or weather station."""

    kind: StationKind
    place: Place
    district: str
    medium: Medium = "air"

    @property
    def official(self) -> bool:
        """Whether its series is read-only to our flags (国控 / 省控)."""
        return self.kind in OFFICIAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Fact):
    """断面: a river section with the class it must reach (Roman numeral I-V)."""

    place: Place
    district: str
    river: str
    target_class: str = ""
    official: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise(Fact):
    """企业."""

    place: Place
    district: str
    industry: str = ""
    credit_code: str = ""


@dataclass(frozen=True, slots=True)
class PermitLimit:
    """One limit of a discharge permit.

    Attributes
    ----------
    pollutant : str
    limit : float
        In the pollutant's outlet unit.
    averaging : str
        ``hour`` or ``day``.
    basis : str
        Standard and clause the permit quotes.
    """

    pollutant: str
    limit: float
    averaging: Literal["hour", "day"]
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet(Fact):
    """排口 (DA: gas, DW: water) of an enterprise.

    Attributes
    ----------
    o2_reference : float or None
        Reference oxygen of the permit, None where no folding applies. [%]
    limits : tuple of PermitLimit
        Of the permit.
    standard, regime : str
        Emission standard that holds beside the permit, and which of its tables: ``GB 13271-2014``, ``coal_new`` or
        the name of the table; empty when nobody told.
    rates : dict of str to float
        Reported emission by pollutant. [g/s]
    height, diameter : float
        Stack above ground, inner mouth. [m]
    exit_velocity : float
        [m/s]
    exit_temperature : float
        [K]
    """

    enterprise: str
    place: Place
    district: str
    medium: Medium
    river: str = ""
    o2_reference: float | None = None
    limits: tuple[PermitLimit, ...] = ()
    standard: str = ""
    regime: str = ""
    rates: dict[str, float] = field(default_factory=dict)
    height: float = 0.0
    diameter: float = 0.0
    exit_velocity: float = 0.0
    exit_temperature: float = 293.15


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSite(Fact):
    """工地: a building site, yard or road section that raises dust."""

    place: Place
    district: str
    matter: str = "construction"
    area: float = 0.0
    """[m2]"""
    rates: dict[str, float] = field(default_factory=dict)
    """Reported emission by pollutant. [g/s]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Fact):
    """A logger (数采仪); `id` is its MN, `site` the station, section or outlet it measures.

    Attributes
    ----------
    site : str
        ``station:...``, ``section:...``, ``outlet:...``.
    password : str
        PW of HJ 212.
    protocol : str
        ``hj212-2005``, ``hj212-2017``, or another word that `bihuan.devices.protocols` knows; a setting, the Flag on
        the wire is only a hint.
    strictness : str
        ``strict`` or ``tolerant``.
    rhythm : dict of str to int
        Expected seconds between reports by interval: ``{"minute": 300, "hour": 3600}``.
    units : dict of str to str
        Unit the device really sends, by pollutant, where it differs from the pollutant's own.
    maintainer : str
        运维单位; gets its 运维工单.
    cipher_key : str
        SM4 key of HJ 212-2025, 16 characters or 32 hexadecimal digits; empty where nothing is encrypted.
    cipher_key_next : str
        Key it was told to change to, until it has answered.
    cipher_keys_old : tuple of str
        Keys it had, the last one first: what it sent under them can be read again.
    timeout_seconds, resends : int
        How long it is waited for an answer to an order, and how often it is asked again (CN 1000). [s]
    line : str
        Of a meter of electricity (用电监管): ``production:NAME`` or ``control:NAME``; NAME joins a production line with
        the equipment that treats what it puts out. Empty for everything else.
    resolution : dict of str to float
        Smallest step the instrument prints, by pollutant, where it is not the usual one. [unit of the pollutant]
    """

    site: str
    password: str = "123456"
    protocol: str = "hj212-2017"
    strictness: Literal["strict", "tolerant"] = "tolerant"
    rhythm: dict[str, int] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    maintainer: str = ""
    cipher_key: str = field(default="", repr=False)
    cipher_key_next: str = field(default="", repr=False)
    cipher_keys_old: tuple[str, ...] = field(default=(), repr=False)
    timeout_seconds: int = 10
    resends: int = 3
    line: str = ""
    resolution: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Fact):
    """责任单位: a department, street office or maintainer."""

    kind: str = "department"
    district: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Fact):
    """Someone with roles: 值班员, 网格员, 核查员 ... Roles are codes of ``texts`` table ``[role]``."""

    roles: tuple[str, ...]
    unit: str = ""
    cells: tuple[str, ...] = ()
    district: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty(Fact):
    """事项—责任单位: who leads and who supports a matter in an area (empty area: whole city)."""

    matter: str
    lead: str
    support: tuple[str, ...] = ()
    district: str = ""
    basis: str = ""
