"""One rule as data: a row of `rules.toml`, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any, get_args

from bihuan.core import INTERVALS, EventKind, Interval, SettingError

GRADES = ("note", "minor", "major")
TABLES = ("background", "day_limit", "flagged", "levels", "limit", "series", "silence", "thresholds", "verdict")
NEEDED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ceiling": {"series": ("hours", "step", "ties", "share", "share_fall", "distinct"), "levels": ()},
    "clipped": {"series": ("hours", "least", "share", "share_fall", "band", "distinct")},
    "copied": {"series": ("hours", "distinct", "lags"), "levels": ()},
    "divergence": {"series": ("hours", "least", "low", "low_fall", "agree", "usual", "usual_hours"), "levels": ()},
    "day_limit": {"day_limit": ("times",)},
    "double": {},
    "excess": {
        "background": (
            "near",
            "kinds",
            "least",
            "spreads",
            "own_hours",
            "own_skip",
            "own_least",
            "own_spreads",
            "share",
        ),
        "thresholds": (),
    },
    "flagged": {"flagged": ("reasons",)},
    "regional": {"background": ("least", "own_hours", "own_skip", "own_least", "share"), "thresholds": ()},
    "replayed": {"series": ("hours", "step", "least", "distinct", "lags"), "levels": ()},
    "sign": {},
    "silence": {"silence": ("missed", "grace", "together", "together_least")},
    "smooth": {"series": ("hours", "least", "low", "low_fall"), "levels": ()},
    "uncontrolled": {},
    "value": {"limit": ("standard", "grade", "averaging", "pollutants")},
    "verdict": {"verdict": ("kinds",)},
}
"""What each metric reads from the rule: tables and the names in them."""

SAYINGS = ({"above"}, {"worse_than_target"}, {"over", "within"})
"""A rule on verdicts needs one of these sets: how it tells over from within."""

METRICS = tuple(NEEDED)
REQUIRED = ("id", "metric", "kind", "grade", "text", "scope", "interval", "period", "lag", "rise", "fall", "forget")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it stands in `rules.toml`.

    Attributes
    ----------
    id, metric, text : str
        Its name, what it looks at, its words under ``[event]``.
    kind : EventKind
    grade : str
        ``note minor major``.
    scope : frozenset of str
        Kinds of sites it judges.
    districts : frozenset of str
        Empty for the whole city.
    interval : Interval
    period, lag : timedelta
        Readings are averaged into periods; a period is judged once it ended `lag` ago.
    rise : (int, int)
        ``n of m`` periods over the threshold.
    fall, forget : int
        Periods below, or without data, that end it.
    hysteresis : float
        Share of the threshold below which a period counts as below.
    only_without : str
        Interval whose senders are left out; empty for none.
    tables : mapping
        Numbers of the metric.
    """

    id: str
    metric: str
    text: str
    kind: EventKind
    grade: str
    scope: frozenset[str]
    districts: frozenset[str]
    interval: Interval
    period: timedelta
    lag: timedelta
    rise: tuple[int, int]
    fall: int
    forget: int
    hysteresis: float
    only_without: str = ""
    tables: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> Mapping[str, Any]:
        """Return one table of the metric's numbers.

        Raises
        ------
        SettingError
            If the rule has no such table.
        """
        try:
            found: Mapping[str, Any] = self.tables[name]
        except KeyError:
            raise SettingError(f"rule {self.id!r} needs a table [rule.{name}] for its metric {self.metric!r}") from None
        return found

    @property
    def pollutants(self) -> tuple[str, ...]:
        """Pollutants it names, sorted; empty where it takes what the verdicts bring."""
        for name in ("thresholds", "levels"):
            if name in self.tables:
                return tuple(sorted(self.tables[name]))
        for name in ("limit", "flagged"):
            if "pollutants" in self.tables.get(name, {}):
                return tuple(sorted(self.tables[name]["pollutants"]))
        return ()

    @property
    def lookback(self) -> timedelta:
        """How much data of its own interval it wants to see before `now`."""
        background, series = self.tables.get("background", {}), self.tables.get("series", {})
        own = background.get("own_hours", 0) + background.get("own_skip", 0) if self.interval == "hour" else 0
        usual = series.get("hours", 0) + max(series.get("usual_hours", 0), *series.get("lags", ()), 0)
        return self.lag + (self.rise[1] + self.fall + 2) * self.period + timedelta(hours=max(own, usual))

    @property
    def lookback_hours(self) -> timedelta:
        """How much hourly data it wants beside its own interval."""
        background = self.tables.get("background", {})
        if self.interval == "hour":
            return self.lookback
        return timedelta(hours=background.get("own_hours", 0) + background.get("own_skip", 0) + 1)


@cache
def default_rules() -> tuple[RuleRow, ...]:
    """Return the rules that ship with Bihuan, in the order of `rules.toml`."""
    source = resources.files("bihuan.alerts").joinpath("rules.toml").read_text("utf-8")
    return tuple(parse_rule(row) for row in tomllib.loads(source)["rule"])


def with_rules(changes: Iterable[Mapping[str, Any]], base: Iterable[RuleRow] | None = None) -> tuple[RuleRow, ...]:
    """Return the rules with a city's own rows in place of (same id) or behind ours.

    Raises
    ------
    SettingError
        If a row cannot be read.
    """
    rows = {row.id: row for row in (default_rules() if base is None else base)}
    rows |= {row.id: row for row in map(parse_rule, changes)}
    return tuple(rows.values())


def parse_rule(raw: Mapping[str, Any]) -> RuleRow:
    """Read one row.

    Raises
    ------
    SettingError
        If a field is missing, unknown or out of its range; the message names rule and field.
    """
    _check_fields(raw)
    _check_tables(raw)
    return RuleRow(
        id=raw["id"],
        metric=raw["metric"],
        text=raw["text"],
        kind=raw["kind"],
        grade=raw["grade"],
        scope=frozenset(raw["scope"]),
        districts=frozenset(raw.get("districts", ())),
        interval=raw["interval"],
        period=timedelta(seconds=raw["period"]),
        lag=timedelta(seconds=raw["lag"]),
        rise=(raw["rise"][0], raw["rise"][1]),
        fall=raw["fall"],
        forget=raw["forget"],
        hysteresis=float(raw.get("hysteresis", 1.0)),
        only_without=raw.get("only_without", ""),
        tables={key: raw[key] for key in TABLES if key in raw},
    )


def _check_fields(raw: Mapping[str, Any]) -> None:
    name = raw.get("id", "?")
    missing = [key for key in REQUIRED if key not in raw]
    unknown = sorted(set(raw) - {*REQUIRED, *TABLES, "districts", "hysteresis", "only_without"})
    if missing or unknown:
        raise SettingError(f"rule {name!r}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    checks = {
        "metric": raw["metric"] in METRICS,
        "kind": raw["kind"] in get_args(EventKind),
        "grade": raw["grade"] in GRADES,
        "interval": raw["interval"] in INTERVALS,
        "period": raw["period"] > 0,
        "lag": raw["lag"] >= 0,
        "rise": len(raw["rise"]) == 2 and 1 <= raw["rise"][0] <= raw["rise"][1],
        "fall": raw["fall"] >= 1,
        "forget": raw["forget"] >= 1,
        "hysteresis": 0 < raw.get("hysteresis", 1.0) <= 1,
    }
    for key, holds in checks.items():
        if not holds:
            raise SettingError(
                f"rule {name!r}: {key} = {raw.get(key)!r} is not allowed; metrics: {', '.join(METRICS)}; grades: "
                f"{', '.join(GRADES)}; rise is [n, m] with 1 <= n <= m; hysteresis is above 0 and at most 1"
            )


def _check_tables(raw: Mapping[str, Any]) -> None:
    """A rule that lacks a number is refused when it is read, not in the middle of a night."""
    name, metric = raw["id"], raw["metric"]
    lacking = [
        f"[rule.{table}] {key}".strip()
        for table, keys in NEEDED[metric].items()
        for key in (keys if table in raw else ("",))
        if table not in raw or key not in raw[table]
    ]
    for code, row in raw.get("thresholds", {}).items():
        lacking += [f"[rule.thresholds] {code}.{key}" for key in ("absolute", "relative") if key not in row]
    if metric == "verdict" and not any(names <= set(raw.get("verdict", ())) for names in SAYINGS):
        lacking.append("[rule.verdict] above, worse_than_target, or over and within")
    if lacking:
        raise SettingError(f"rule {name!r} of metric {metric!r} lacks {'; '.join(lacking)}")
