"""Risk of a site from its samples (HJ 25.3): what a survey hands over, to risk, hazard and their main route.

Everything here is recomputed by a model, and neither a limit nor a verdict: its columns carry other names than those of
`judge_soil`, its rows say so, and `explain_soil` refuses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from bihuan.assessment.judged import Explanation, Judged
from bihuan.assessment.soil import SITE, UNIT
from bihuan.assessment.soil_model import CODE, LAND_CLASSES, LandClass, SoilModel, soil_model
from bihuan.assessment.soil_risk import METHOD, SOIL_ROUTES, recompute, route_risks
from bihuan.assessment.soil_samples import Refusals, soil_samples
from bihuan.assessment.soil_uncertainty import uncertainty
from bihuan.core import CHINA, InputError, Message, NotCovered
from bihuan.standards import editions, lookup

RISK_COLUMNS = pl.Schema(
    {
        "row": pl.Int64,
        "subject": pl.String,
        "site": pl.String,
        "date": pl.Date,
        "land_use": pl.String,
        "item": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
        "carcinogenic_risk": pl.Float64,
        "hazard_quotient": pl.Float64,
        "main_route": pl.String,
        "label": pl.String,
        "recomputed_value": pl.Float64,
        "driver": pl.String,
        "saturation": pl.Float64,
        "chance_risk": pl.Float64,
        "chance_hazard": pl.Float64,
        "draws": pl.Int64,
        "worst": pl.String,
        "edition": pl.String,
        "clause": pl.String,
        "status": pl.String,
        "method": pl.String,
        "reason": pl.String,
    }
)
"""`subject` is ``risk_site`` or ``risk_item``; those of a site add up over items, each at its largest sample."""


def soil_site_risk(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
    land_use: str = "",
    draws: int = 0,
    seed: int = 0,
    model: SoilModel | None = None,
) -> Judged:
    """Compute risk and hazard of samples of soil of land for construction.

    Parameters
    ----------
    table : DataFrame
        As `judge_soil` reads it. [mg/kg dry weight]
    on : date or None
        Day whose edition of HJ 25.3 is taken; left out, the newest, and samples from before the first are refused.
    place : str
        Administrative code.
    allow : frozenset of str
        Not used: a model decides nothing, so nothing needs to be switched on.
    zone : ZoneInfo
        Of the day of stamps with an offset.
    land_use : str
        Of rows that name none: ``class_1`` or ``class_2``.
    draws, seed : int
        Of the Monte Carlo run; none when 0.
    model : SoilModel or None
        With a site's own parameters; the edition's when left out.

    Returns
    -------
    Judged
        `RISK_COLUMNS`: first one row a site, day and class of land, then one a sample and item. Values below detection,
        farmland, and items without toxicity are refused, not taken as nothing.

    Raises
    ------
    InputError
        If whole columns are absent, doubled or in another unit.
    NotCovered
        If no edition is held for `on`.
    """
    if on is not None:
        lookup(CODE, on=on, place=place, allow_unconfirmed=True)
    used = model or soil_model(on, place=place)
    refusals = Refusals()
    samples, _ = soil_samples(table, refusals, zone=zone, land_use=land_use)
    samples = _assessable(samples, used, refusals, dated=on is None and model is None)
    parts = [
        _risks(samples.filter(land_use=land), used, land, draws=draws, seed=seed)
        for land in LAND_CLASSES
        if samples.filter(land_use=land).height
    ]
    items = pl.concat([pl.DataFrame(schema=RISK_COLUMNS), *parts]).sort("row", maintain_order=True)
    return Judged(pl.concat([_sites(items, used), items]), refusals.table())


def _assessable(samples: pl.DataFrame, model: SoilModel, refusals: Refusals, *, dated: bool) -> pl.DataFrame:
    first = min(edition.effective_from for edition in editions(CODE))
    tests: Iterable[tuple[pl.Expr, pl.Expr, str, str]] = (
        (~pl.col("land_use").is_in(LAND_CLASSES), pl.col("land_use"), "land_use", "soil_risk_farmland"),
        (pl.lit(dated) & pl.col("date").is_null(), pl.lit(""), "date", "soil_date_missing"),
        (pl.lit(dated) & (pl.col("date") < first), pl.col("date").cast(pl.String), "date", "soil_outside_editions"),
        (pl.col("below"), pl.col("value").cast(pl.String), "", "soil_risk_below_detection"),
        (~pl.col("item").is_in(model.items), pl.col("value").cast(pl.String), "", "soil_no_toxicity"),
    )
    for where, value, column, reason in tests:
        known = where.fill_null(False)
        named = pl.lit(column) if column else pl.col("column")
        refusals.add(samples.filter(known).with_columns(value=value), named, reason)
        samples = samples.filter(~known)
    return samples


def _risks(samples: pl.DataFrame, model: SoilModel, land: LandClass, *, draws: int, seed: int) -> pl.DataFrame:
    """Risk and hazard of each value: proportional to it, so one number a substance is enough."""
    mine = model.only(samples["item"].unique(maintain_order=True))
    found, routes = recompute(mine, land), route_risks(mine, land)
    p = mine.parameters[land]
    by_route = np.stack([routes.carcinogenic[name] for name in SOIL_ROUTES])
    by_hazard = np.stack([routes.hazard[name] for name in SOIL_ROUTES])
    shares = np.nan_to_num(np.where(np.isnan(by_route).all(axis=0), by_hazard, by_route))
    per_item = pl.DataFrame(
        {
            "item": mine.items,
            "risk_unit": p["acceptable_risk"] / found.by_risk,
            "hazard_unit": p["acceptable_hazard"] / found.by_hazard,
            "main_route": np.array(SOIL_ROUTES)[np.argmax(shares, axis=0)],
            "recomputed_value": found.value,
            "driver": found.driver,
            "saturation": found.saturation,
        }
    ).with_columns(pl.selectors.float().fill_nan(None))
    joined = samples.join(per_item, on="item", how="left", maintain_order="left")
    joined = joined.with_columns(
        carcinogenic_risk=pl.col("value") * pl.col("risk_unit"), hazard_quotient=pl.col("value") * pl.col("hazard_unit")
    )
    joined = joined.with_columns(_chances(joined, mine, land, draws=draws, seed=seed))
    return _named(joined, model, land, "risk_item", draws)


def _chances(
    joined: pl.DataFrame, model: SoilModel, land: LandClass, *, draws: int, seed: int
) -> tuple[pl.Series, pl.Series]:
    """Share of draws in which a value is beyond what is acceptable; null without draws or without toxicity."""
    nothing = np.full(joined.height, np.nan)
    found = {"chance_risk": nothing.copy(), "chance_hazard": nothing.copy()}
    if draws:
        drawn = uncertainty(model, land, draws=draws, seed=seed)
        values, items = joined["value"].to_numpy(), joined["item"].to_numpy()
        for place, item in enumerate(model.items):
            here = np.flatnonzero(items == item)
            for name, columns in (("chance_risk", drawn.by_risk), ("chance_hazard", drawn.by_hazard)):
                ordered = np.sort(columns[:, place])
                if not np.isnan(ordered).any():
                    found[name][here] = np.searchsorted(ordered, values[here]) / draws
    risk, hazard = (pl.Series(name, values).fill_nan(None) for name, values in found.items())
    return risk, hazard


def _named(frame: pl.DataFrame, model: SoilModel, land: LandClass, subject: str, draws: int) -> pl.DataFrame:
    """Name the columns, and say whether risk or hazard is beyond what is acceptable."""
    p = model.parameters[land]
    beyond = (pl.col("carcinogenic_risk") > float(p["acceptable_risk"])).fill_null(False)
    beyond |= (pl.col("hazard_quotient") > float(p["acceptable_hazard"])).fill_null(False)
    if subject == "risk_site":
        # what is acceptable is said of one pollutant, so a site is beyond it where one of its items is
        beyond = pl.col("worst") != ""
    empty = {name: pl.lit(None, kind) for name, kind in RISK_COLUMNS.items() if name not in frame.columns}
    told = frame.with_columns(**empty).with_columns(
        subject=pl.lit(subject),
        unit=pl.lit(UNIT),
        label=pl.when(beyond).then(pl.lit("beyond_acceptable")).otherwise(pl.lit("within_acceptable")),
        draws=pl.lit(draws, pl.Int64),
        worst=pl.col("worst").fill_null(""),
        edition=pl.lit(model.edition),
        clause=pl.lit(model.clause),
        status=pl.lit(model.status),
        method=pl.lit(METHOD),
        reason=pl.lit("soil_not_a_limit"),
    )
    return told.select(RISK_COLUMNS.names()).cast(RISK_COLUMNS)


def _sites(items: pl.DataFrame, model: SoilModel) -> pl.DataFrame:
    """Add up the items of a site, each at its largest sample."""
    largest = items.group_by([*SITE, "item"], maintain_order=True).agg(
        pl.col("row").min(),
        pl.col("carcinogenic_risk", "hazard_quotient").max(),
        beyond=(pl.col("label") == "beyond_acceptable").any(),
    )
    grouped = largest.group_by(list(SITE), maintain_order=True).agg(
        pl.col("row").min(),
        # the sum of no risk at all is no risk, not zero
        pl.when(pl.col("carcinogenic_risk").count() > 0).then(pl.col("carcinogenic_risk").sum()),
        pl.when(pl.col("hazard_quotient").count() > 0).then(pl.col("hazard_quotient").sum()),
        worst=pl.col("item").filter("beyond").str.join(";"),
    )
    grouped = grouped.with_columns(item=pl.lit(""))
    parts = [_named(grouped.filter(land_use=land), model, land, "risk_site", 0) for land in LAND_CLASSES]
    return pl.concat([pl.DataFrame(schema=RISK_COLUMNS), *parts]).sort("row", maintain_order=True)


def explain_soil_risk(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of `soil_site_risk`; its `limit` is empty, because nothing in it is a limit.

    Raises
    ------
    InputError
        If the row is none of `soil_site_risk`.
    NotCovered
        If its edition is not held.
    """
    missing = [name for name in ("subject", "site", "land_use", "carcinogenic_risk", "edition") if name not in row]
    if missing or row["subject"] not in ("risk_site", "risk_item"):
        raise InputError(
            f"no recomputed risk: {', '.join(missing) or 'its subject'} is absent; give a row that soil_site_risk made"
        )
    held = [edition for edition in editions(CODE) if edition.number == row["edition"]]
    if not held:
        raise NotCovered(f"edition {row['edition']!r} is none of {CODE}")
    land: LandClass = "class_1" if row["land_use"] == "class_1" else "class_2"
    acceptable = soil_model(held[0].effective_from).parameters[land]
    values = {
        "site": str(row["site"]),
        "edition": str(row["edition"]),
        "value": _given(row.get("value")),
        "risk": _said(row["carcinogenic_risk"]),
        "hazard": _said(row["hazard_quotient"]),
    }
    words = {"land": f"law_soil.{land}", "label": f"law_soil.{row['label']}"}
    if row["item"]:
        words["item"] = f"law_soil.item_{row['item']}"
    sentence = "law_soil.risk_site" if row["subject"] == "risk_site" else "law_soil.risk_sentence"
    return Explanation(
        value=values["risk"] if row["carcinogenic_risk"] is not None else values["hazard"],
        limit="",
        unit="1",
        edition=str(row["edition"]),
        clause=str(row["clause"]),
        status=row["status"],
        steps=tuple(_steps(row, values, words, acceptable)),
        sentence=Message(sentence, values=values, words=words),
        fields={
            name: row.get(name) for name in ("subject", "label", "carcinogenic_risk", "hazard_quotient", "main_route")
        }
        | {"recomputed_value": row.get("recomputed_value"), "is_limit": False},
    )


def _steps(
    row: Mapping[str, Any], values: Mapping[str, str], words: Mapping[str, str], acceptable: Mapping[str, Any]
) -> Iterator[Message]:
    yield Message("law_soil.not_a_limit")
    yield Message("law_soil.risk_model", values=values, words=words)
    if row["subject"] == "risk_item":
        yield Message("law_soil.risk_concentration", values=values, words=words)
    if row["carcinogenic_risk"] is not None and row.get("main_route"):
        told = {"found": values["risk"], "acceptable": _said(acceptable["acceptable_risk"])}
        yield Message("law_soil.risk_ca", told, {"route": f"law_soil.{row['main_route']}"})
    if row["hazard_quotient"] is not None:
        told = {"found": values["hazard"], "acceptable": _said(acceptable["acceptable_hazard"])}
        yield Message("law_soil.risk_nc", told)
    if row.get("draws") and row.get("chance_hazard", row.get("chance_risk")) is not None:
        told = {"draws": str(row["draws"]), "risk": _share(row["chance_risk"]), "hazard": _share(row["chance_hazard"])}
        yield Message("law_soil.risk_chance", told)
    if row.get("recomputed_value") is not None:
        told = {"found": _said(row["recomputed_value"])}
        yield Message("law_soil.risk_recomputed", told, {"driver": f"law_soil.{row['driver']}"})
    saturation = row.get("saturation")
    if saturation is not None and row["value"] > saturation:
        yield Message("law_soil.risk_saturated", {"found": _said(saturation)})
    if "vapour" in str(row.get("main_route") or ""):
        yield Message("law_soil.risk_vapour")
    if row["item"] == "arsenic":
        yield Message("law_soil.risk_arsenic")


def _said(value: Any) -> str:
    """Three significant digits; small risks with their power of ten, large contents without."""
    if value is None:
        return "-"
    found = f"{float(value):.3g}"
    return f"{float(found):.0f}" if "e+" in found else found


def _given(value: Any) -> str:
    """A content as it was given."""
    return "-" if value is None else f"{float(value):.15g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
