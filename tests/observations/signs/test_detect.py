"""Each sign is found where it was planted by hand, says what it was held against, and is not raised by live series."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from bihuan.core import Ref, from_json, text, to_json
from bihuan.observations import CHANGES_SCHEMA, SIGN_KINDS, Sign, block_of, find_signs
from bihuan.observations.signs.digits import tally
from bihuan.observations.signs.limits import stays
from bihuan.observations.signs.noise import bends, correlation
from bihuan.observations.signs.repeats import variety
from bihuan.observations.signs.reworked import shapes
from bihuan.observations.signs.sign import INNOCENT, sign_settings
from bihuan.observations.signs.slopes import steps
from bihuan.observations.signs.window import adjusted, discoveries, resolutions
from tests.observations.signs.series import END, HOURS, SITES, WEEK, air, block, table_of


def found(kind: str, *blocks: object, changes: pl.DataFrame | None = None) -> list[Sign]:
    return [sign for sign in find_signs(blocks, changes) if sign.kind == kind]  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_a_live_network_raises_no_sign(seed: int) -> None:
    assert find_signs([block(air(seed), limit=120.0)]) == ()


def test_hours_of_another_site_are_named_with_the_site_and_the_time() -> None:
    value = air(1)
    value[2, -60:-30] = value[5, -60:-30]
    signs = found("copied_site", block(value))
    assert {(str(sign.site), sign.against) for sign in signs} == {
        ("station:2", "station:5"),
        ("station:5", "station:2"),
    }
    assert signs[0].period.start == END - timedelta(hours=60)
    assert signs[0].period.length == timedelta(hours=30)
    assert signs[0].p < 1e-4
    assert all(row.value == row.other for row in signs[0].evidence)


def test_days_of_ones_own_played_again_are_named_with_their_lag() -> None:
    value = air(2)
    value[3, -30:-6] = value[3, -30 - 96 : -6 - 96]
    sign = found("copied_earlier", block(value))[0]
    assert (str(sign.site), sign.against, sign.figures["lag"]) == ("station:3", "earlier", 96.0)
    assert sign.figures["hours"] >= 24


def test_another_sites_hours_scaled_and_offset_are_named_with_the_site_and_how() -> None:
    value = air(1)
    value[2, -70:-20] = np.round(0.8 * value[5, -70:-20] + 6)
    sign = next(one for one in found("reworked_site", block(value)) if one.site == Ref("station", "2"))
    assert (sign.against, sign.figures["lag"]) == ("station:5", 0.0)
    assert sign.figures["factor"] == pytest.approx(0.8, abs=0.03)
    assert sign.figures["offset"] == pytest.approx(6, abs=2)
    assert sign.period.start <= END - timedelta(hours=60)
    assert not found("copied_site", block(value)), "no hour is equal"


def test_another_sites_hours_of_forty_minutes_before_are_found_though_no_hour_is_the_same() -> None:
    value = air(1)
    value[2, -70:-20] = np.round((value[5, -70:-20] + 2 * value[5, -71:-21]) / 3)
    sign = next(one for one in found("reworked_site", block(value)) if one.site == Ref("station", "2"))
    assert (sign.against, sign.figures["lag"]) == ("station:5", 0.7)
    assert sign.figures["factor"] == pytest.approx(1.0, abs=0.05)


def test_days_of_ones_own_come_again_smaller_and_off_the_clock() -> None:
    value = air(2)
    value[3, -60:-10] = np.round(0.9 * value[3, -60 - 101 : -10 - 101])
    (sign,) = found("reworked_earlier", block(value))
    assert (str(sign.site), sign.against, sign.figures["lag"]) == ("station:3", "earlier", 101.0)
    assert sign.figures["factor"] == pytest.approx(0.9, abs=0.03)


def test_two_sites_that_always_go_together_are_no_reworked_copies() -> None:
    """Two inlets of one air: as alike in the weeks before as in the week that is asked."""
    value = air(3)
    rng = np.random.default_rng(3)
    value[2] = np.round(0.9 * value[5] * (1 + 0.01 * rng.standard_normal(HOURS)))
    assert not found("reworked_site", block(value))


def test_a_day_that_comes_every_day_is_no_copy_of_an_earlier_one() -> None:
    rng = np.random.default_rng(4)
    rhythm = np.exp(4 + 0.6 * np.sin(np.arange(HOURS) * np.pi / 12) + 0.3 * np.sin(np.arange(HOURS) * np.pi / 6))
    value = np.round(rhythm * (1 + 0.02 * rng.standard_normal((8, HOURS))))
    assert not found("reworked_earlier", block(value))


def test_the_shape_of_a_window_is_the_same_of_a_series_and_of_a_share_of_it() -> None:
    table = sign_settings()["reworked"]
    change = np.diff(air(5), axis=1, prepend=np.nan).astype(np.float32)
    starts, none = np.array([100, 200]), np.zeros(8, np.float32)
    one, good = shapes(change, starts, none, table)
    other, _ = shapes(change * np.float32(0.3), starts, none, table)
    assert good.all()
    assert np.einsum("rsw,rsw->rs", one, other) == pytest.approx(np.ones((8, 2)), abs=1e-5)


def test_a_flat_night_is_no_copy_of_another_flat_night() -> None:
    value = air(3)
    value[:, -40:-20] = 3.0
    value[:, -140:-120] = 3.0
    assert not found("copied_site", block(value))
    assert not found("copied_earlier", block(value))


def test_a_series_cut_off_under_its_limit_is_a_sign_and_one_that_stays_away_from_it_is_not() -> None:
    value = air(4)
    limit = float(np.quantile(value[0], 0.7))
    honest = found("clipped_limit", block(value, limit=limit))
    rng = np.random.default_rng(0)
    week = value[0, -WEEK:]
    value[0, -WEEK:] = np.where(week > 0.97 * limit, np.round(limit * (0.97 - 0.02 * rng.random(WEEK))), week)
    signs = [sign for sign in found("clipped_limit", block(value, limit=limit)) if str(sign.site) == "station:0"]
    assert "station:0" not in {str(sign.site) for sign in honest}
    assert signs and signs[0].figures["ups"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_live_week_whose_highest_hour_is_the_limit_is_no_cut_off_one(seed: int) -> None:
    value = air(40 + seed)
    for row in range(len(value)):
        assert not found("clipped_limit", block(value[row : row + 1], limit=float(value[row, -WEEK:].max())))


def test_a_process_that_always_runs_just_under_its_limit_is_no_sign() -> None:
    rng = np.random.default_rng(21)
    level = np.round(28.5 * (1 + 0.02 * rng.standard_normal((1, HOURS))), 1)
    assert not found("clipped_limit", block(np.minimum(level, 30.0), "so2", limit=30.0, kind="outlet"))


def test_a_smoothed_week_has_too_little_noise_and_a_calm_week_of_all_sites_has_not() -> None:
    value = air(5)
    smooth = np.convolve(np.pad(value[1], 4, mode="edge"), np.ones(9) / 9, mode="valid")
    value[1, -WEEK:] = np.round(smooth[-WEEK:])
    assert [str(sign.site) for sign in found("noise_low", block(value))] == ["station:1"]
    calm = air(5)
    for row in calm:
        row[-WEEK:] = np.round(np.convolve(np.pad(row, 4, mode="edge"), np.ones(9) / 9, mode="valid")[-WEEK:])
    assert not found("noise_low", block(calm)), "what happens to all sites is the weather"


def test_noise_about_a_constant_and_a_pattern_that_comes_again_are_too_regular() -> None:
    rng = np.random.default_rng(7)
    value = air(6)
    value[2, -WEEK:] = np.round(80 * (1 + 0.1 * rng.standard_normal(WEEK)))
    value[4, -WEEK:] = np.round(np.resize(80 * (1 + 0.2 * rng.standard_normal(6)), WEEK))
    signs = {str(sign.site): sign for sign in found("noise_regular", block(value))}
    assert set(signs) == {"station:2", "station:4"}
    assert signs["station:4"].figures["lag"] == 6.0


def test_favourite_last_digits_are_found_and_a_coarser_printing_is_not_one() -> None:
    rng = np.random.default_rng(8)
    value = air(7, level=4.8)
    coarse = value.copy()
    value[6, -WEEK:] = np.floor(value[6, -WEEK:] / 10) * 10 + rng.choice([3, 7], WEEK)
    assert [str(sign.site) for sign in found("digits", block(value))] == ["station:6"]
    coarse[6, -WEEK:] = np.round(coarse[6, -WEEK:] / 10) * 10
    assert not found("digits", block(coarse))


def test_favourite_digits_show_at_a_low_level_and_where_half_the_hours_are_printed_in_tens() -> None:
    rng = np.random.default_rng(18)
    value = air(7, level=3.4)
    value[6, -WEEK:] = np.floor(value[6, -WEEK:] / 10) * 10 + rng.choice([3, 7], WEEK)
    assert [str(sign.site) for sign in found("digits", block(value))] == ["station:6"]
    value = air(7, level=4.8)
    typed = np.floor(value[6, -WEEK:] / 10) * 10 + rng.choice([3, 7], WEEK)
    value[6, -WEEK:] = np.where(rng.random(WEEK) < 0.4, np.round(value[6, -WEEK:] / 10) * 10, typed)
    assert [str(sign.site) for sign in found("digits", block(value))] == ["station:6"]


def test_a_level_that_stays_within_a_few_steps_chooses_its_digits_itself() -> None:
    rng = np.random.default_rng(19)
    value = air(7, level=4.8)
    value[6, -WEEK:] = np.round(113 + 1.2 * rng.standard_normal(WEEK))
    assert "station:6" not in {str(sign.site) for sign in found("digits", block(value))}
    due = tally(value[6:7, -WEEK:], sign_settings()["digits"])
    assert due.seen.sum() == pytest.approx(due.due.sum())
    assert due.due[0, 1:6].sum() > 0.6 * due.seen.sum(), "an even share would be half"


def test_a_short_list_of_values_is_found_by_its_repeats() -> None:
    value = air(9, level=4.8)
    listed = np.quantile(value[0, -WEEK:], np.linspace(0.02, 0.98, 12)).round()
    nearest = np.abs(value[0, -WEEK:, None] - listed).argmin(axis=1)
    value[0, -WEEK:] = listed[nearest]
    signs = found("repetition", block(value))
    assert [str(sign.site) for sign in signs] == ["station:0"]
    assert signs[0].figures["times"] > 2


def test_a_week_printed_coarser_and_a_network_that_converts_anew_are_no_short_lists() -> None:
    value = air(9, level=4.8)
    coarse = value.copy()
    coarse[0, -WEEK:] = np.round(coarse[0, -WEEK:] / 5) * 5
    assert not found("repetition", block(coarse))
    value[:, -WEEK:] = np.round(np.round(value[:, -WEEK:] / 7.3) * 7.3)
    assert not found("repetition", block(value)), "what befalls all series of an item is nobody's list"


def test_a_narrow_level_that_rises_for_some_hours_is_no_short_list() -> None:
    rng = np.random.default_rng(17)
    level = 0.082 + 0.0024 * rng.standard_normal((1, HOURS))
    level[0, -40:-30] += 0.075  # a spill passes a section of a river
    assert not found("repetition", block(np.round(level, 3), "tp"))


def test_a_sprayer_beside_one_station_is_seen_by_what_the_gases_do_not_do() -> None:
    dust, fine, gas, ozone = air(10), air(11), air(12), air(13)
    dust[3, -96:] = np.round(dust[3, -96:] * 0.55)
    fine[3, -96:] = np.round(fine[3, -96:] * 0.7)
    blocks = [block(dust), block(fine, "pm25"), block(gas, "no2"), block(ozone, "o3")]
    signs = found("divergence", *blocks)
    assert [str(sign.site) for sign in signs] == ["station:3"]
    assert signs[0].against == "neighbours"
    gas[3, -96:] = np.round(gas[3, -96:] * 0.5)
    ozone[3, -96:] = np.round(ozone[3, -96:] * 0.5)
    blocks = [block(dust), block(fine, "pm25"), block(gas, "no2"), block(ozone, "o3")]
    assert not found("divergence", *blocks), "everything fell: that is air, or the inlet"


def stack(raised: float, load: float = 1.0) -> list[object]:
    rng = np.random.default_rng(14)
    o2 = np.round(9 + 0.3 * rng.standard_normal((3, HOURS)), 1)
    flow = np.round(50_000 * (1 + 0.03 * rng.standard_normal((3, HOURS))))
    so2 = np.round(30 * (1 + 0.05 * rng.standard_normal((3, HOURS))), 1)
    so2[0, -WEEK:] *= (21 - 9 - raised) / (21 - 9)
    o2[0, -WEEK:] += raised
    flow[0, -WEEK:] *= load
    return [block(v, n, kind="outlet") for v, n in ((flow, "gas_flow"), (o2, "o2"), (so2, "so2"))]


def test_oxygen_that_rises_under_the_same_load_looks_like_air_let_in() -> None:
    sign = found("o2_dilution", *stack(4.0))[0]
    assert sign.site == Ref("outlet", "0")
    assert sign.figures["looks_like_air"] == 1.0
    assert sign.statistic == pytest.approx(4.0, abs=0.3)


def test_oxygen_that_follows_the_load_is_no_sign() -> None:
    assert not found("o2_dilution", *stack(4.0, load=0.5))
    assert not found("o2_dilution", *stack(0.5))


def test_a_slope_set_lower_before_an_exceedance_is_a_sign_and_without_a_fall_it_is_none() -> None:
    value = air(15)
    limit = float(np.quantile(value[0, -96:-72], 0.9))
    at = END - timedelta(hours=72)
    log = pl.DataFrame([("station:0", "pm10", at, "slope", 1.0, 0.6, None)], schema=CHANGES_SCHEMA, orient="row")
    assert not found("parameter_change", block(value, limit=limit), changes=log)
    value[0, -72:] = np.round(value[0, -72:] * 0.6)
    signs = found("parameter_change", block(value, limit=limit), changes=log)
    assert [(str(sign.site), sign.against) for sign in signs] == [("station:0", "slope")]
    assert (signs[0].figures["before"], signs[0].figures["after"]) == (1.0, 0.6)


def test_a_setting_of_one_item_is_seen_beside_the_others_of_its_stack() -> None:
    """Without neighbours, a load that swings hides a slope of 0.8; the other pollutants of the stack show the load."""
    rng = np.random.default_rng(31)
    load = np.zeros(HOURS)
    for k in range(1, HOURS):
        load[k] = 0.95 * load[k - 1] + 0.1 * rng.standard_normal()
    so2, nox = (np.exp(4 + load + 0.05 * rng.standard_normal(HOURS))[None, :] for _ in range(2))
    so2[0, -72:] *= 0.8
    limit = float(so2[0, -96:-72].max())
    at = END - timedelta(hours=72)
    log = pl.DataFrame([("outlet:0", "so2", at, "slope", 1.0, 0.8, None)], schema=CHANGES_SCHEMA, orient="row")
    one = block(np.round(so2, 1), "so2", limit, "outlet")
    assert not found("parameter_change", one, changes=log)
    (sign,) = found("parameter_change", one, block(np.round(nox, 1), "nox", kind="outlet"), changes=log)
    assert sign.figures["fall"] == pytest.approx(20, abs=8)
    both = pl.concat([log, log.with_columns(pollutant=pl.lit("nox"))])
    assert not found("parameter_change", one, block(np.round(nox, 1), "nox", kind="outlet"), changes=both)


def test_a_sign_survives_being_stored_and_its_id_is_that_of_its_finding() -> None:
    value = air(1)
    value[2, -60:-30] = value[5, -60:-30]
    one, again = found("copied_site", block(value)), found("copied_site", block(value))
    assert [sign.id for sign in one] == [sign.id for sign in again]
    assert from_json(to_json(one[0]), Sign) == one[0]


def test_the_order_of_pollutants_and_an_empty_city_change_nothing() -> None:
    blocks = stack(4.0)
    assert find_signs(blocks) == find_signs(list(reversed(blocks)))  # type: ignore[arg-type]
    assert find_signs([]) == ()
    empty = block_of(table_of(air(1)).clear(), "pm10", END, SITES)
    assert find_signs([empty]) == ()


def test_gaps_are_passed_over() -> None:
    value = air(1)
    rng = np.random.default_rng(1)
    value[rng.random(value.shape) < 0.2] = np.nan
    value[7] = np.nan
    assert find_signs([block(value, limit=100.0)]) == ()


def test_every_kind_has_words_and_innocent_explanations_in_both_languages() -> None:
    assert set(INNOCENT) == set(SIGN_KINDS)
    for language in ("zh", "en"):
        for kind in SIGN_KINDS:
            assert text(f"signs.kind_{kind}", language)  # type: ignore[arg-type]
            assert len(INNOCENT[kind]) >= 3
            for code in INNOCENT[kind]:
                assert text(f"signs.innocent_{code}", language)  # type: ignore[arg-type]


def test_stays_are_hours_in_a_band_whose_next_known_hour_is_in_it_too() -> None:
    share = np.array([0.5, 0.95, 0.97, 1.1, 0.95, np.nan, 0.96, 1.0, 0.9])
    assert stays(share, 0.9, 1.0) == (4, 2)  # by hand: stays, leaves, not known, stays, leaves, not inside


def test_false_discoveries_are_held_as_benjamini_and_hochberg_say() -> None:
    """The worked example of their paper (1995): 15 p values, 4 discoveries at 0.05 where Bonferroni finds 3."""
    first = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p = np.array([*first, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0])
    assert discoveries(p, 0.05).tolist() == [True] * 4 + [False] * 11
    assert ((adjusted(p) <= 0.05) == discoveries(p, 0.05)).all()


def test_the_step_of_an_instrument_is_read_from_its_values() -> None:
    value = np.array([[10.0, 20.0, 130.0], [1.0, 2.0, 3.5], [0.1, 0.2, 0.35], [np.nan] * 3])
    assert resolutions(value, [10.0, 1.0, 0.1, 0.01], 0.99).tolist() == [10.0, 0.1, 0.01, 0.01]


def test_the_number_of_different_values_of_an_even_crowd_is_that_of_balls_in_boxes() -> None:
    rng = np.random.default_rng(3)
    told = variety(rng.integers(0, 100, 300).astype(float), sign_settings()["repetition"])
    assert told is not None
    boxes = 100 * (1 - (1 - 1 / 100) ** 297)  # three in three hundred repeat the hour before
    assert told.expected == pytest.approx(boxes, rel=0.05)
    assert told.seen == pytest.approx(boxes, abs=4 * told.scatter)
    listed = variety(rng.choice([83.0, 101.0, 127.0], 300), sign_settings()["repetition"])
    assert listed is not None and listed.share < 0.2


def test_a_step_in_noise_that_remembers_itself_is_measured_at_its_hour() -> None:
    rng = np.random.default_rng(5)
    left = np.zeros(HOURS)
    for k in range(1, HOURS):
        left[k] = 0.8 * left[k - 1] + 0.05 * rng.standard_normal()
    left[400:] -= 0.4
    fits = steps(left, 72, 3, 6.0)
    assert fits is not None
    size, score = fits
    assert int(np.nanargmin(score)) == 400
    assert size[400] == pytest.approx(-0.4, abs=0.12)


def test_bends_and_correlation_are_what_they_are_by_hand() -> None:
    assert bends(np.array([[1.0, 4.0, 1.0]]))[0, 1] == 3.0
    wave = np.resize([0.0, 1.0, 0.0, -1.0], 80)[None, :]
    assert correlation(wave, 4)[0] == pytest.approx(1.0)
    assert correlation(wave, 2)[0] == pytest.approx(-1.0)
