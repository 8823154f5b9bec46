"""Hedging does to the price what an autoregression says, and no more than the book lets it."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from gammagym.errors import DataError
from gammagym.evaluation.feedback import (
    CRASH,
    INTERVALS,
    LONG,
    MOMENTS,
    Setting,
    answer_to_returns,
    autocorrelation,
    compare,
    crash_days,
    ratio_to,
    retraced_share,
    run_days,
    theoretical_share,
)
from gammagym.evaluation.feedback_results import (
    Cell,
    Curve,
    Estimate,
    Feedback,
    read_feedback,
    write_feedback,
)
from gammagym.evaluation.feedback_theory import (
    random_days,
    staggered_autocorrelation,
    staggered_ratio,
    volatility_ratio,
)

DAYS = 16
HOUR_DEVIATION = 0.6 / math.sqrt(365 * 24)
HOUR = 360


@pytest.fixture(scope="module")
def calm():
    """Days without dealers; the seeds are none of those that the figures show."""
    return run_days(Setting(0.0), DAYS, seed=500)


# --- The theory ------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [-0.8, -0.3, 0.5, 0.9])
@pytest.mark.parametrize("horizon", [1, 3, 24])
def test_the_closed_form_is_the_variance_of_a_sum_of_autoregressive_terms(gain, horizon):
    lags = np.arange(1, horizon)
    covariances = horizon + 2 * ((horizon - lags) * gain**lags).sum()
    exact = math.sqrt(covariances / (1 - gain**2) / horizon)
    assert volatility_ratio(gain, horizon) == pytest.approx(exact, rel=1e-12)
    assert staggered_ratio(gain, horizon, 1) == pytest.approx(exact, rel=1e-9)


def test_in_the_long_run_it_does_not_matter_when_dealers_hedge():
    for dealers in (1, 3, 10):
        assert staggered_ratio(0.6, 500, dealers) == pytest.approx(2.5, rel=0.01)
        assert staggered_ratio(-0.6, 500, dealers) == pytest.approx(1 / 1.6, rel=0.01)
    assert staggered_autocorrelation(0.6, 1) == pytest.approx(0.6)


def test_drawn_days_follow_the_closed_form():
    base, paths = (random_days(gain, 300, 0.001, INTERVALS, MOMENTS, 3) for gain in (0.0, 0.6))
    for horizon in (1, LONG):
        found = ratio_to(base, paths, horizon, volatility_ratio(0.6, horizon))
        assert found.theory is not None
        assert abs(found.value - found.theory) < 2 * found.error


# --- The market ------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [-0.5, 0.5])
def test_hedging_makes_the_autoregression_whose_coefficient_is_gamma_times_impact(calm, gain):
    """Within three standard errors, and the hundredth that a real book adds."""
    prices = run_days(Setting(gain), DAYS, seed=500).prices
    assert answer_to_returns(calm.prices, prices, gain).value == pytest.approx(gain, abs=0.01)
    found = (
        autocorrelation(prices, gain),
        ratio_to(calm.prices, prices, 1, (1 - gain**2) ** -0.5),
        ratio_to(calm.prices, prices, LONG, volatility_ratio(gain, LONG)),
    )
    for estimate in found:
        assert abs(estimate.value - estimate.theory) < 3 * estimate.error / 1.96 + 0.01
        assert estimate.error < 0.05


def test_short_gamma_raises_volatility_and_long_gamma_lowers_it(calm):
    """On every day, of the same seed; so the intervals of 95 % leave out 1 by far."""
    rough, smooth = (run_days(Setting(gain), DAYS, seed=500).prices for gain in (0.3, -0.3))
    assert ratio_to(calm.prices, rough, LONG, 1.0).low > 1.3
    assert ratio_to(calm.prices, smooth, LONG, 1.0).high < 0.8
    for day in range(DAYS):
        spans = [one[day, MOMENTS - 1 :: MOMENTS] for one in (smooth, calm.prices, rough)]
        moves = [float(np.std(span[LONG:] - span[:-LONG])) for span in spans]
        assert moves[0] < moves[1] < moves[2]


def test_crashes_are_as_frequent_as_in_the_autoregression():
    days, expected = 100, theoretical_share(0.6, CRASH, 2_000)
    measured = crash_days(run_days(Setting(0.6), days, seed=500).prices).mean()
    assert 0.55 < expected < 0.68
    assert abs(measured - expected) < 3 * math.sqrt(expected * (1 - expected) / days)


def test_dealers_who_take_turns_are_stable_where_those_together_overshoot(calm):
    """Long of gamma by 1.5: together they sell more than rose, buy more than fell, and so on."""
    turns = run_days(Setting(-1.5, dealers=10, staggered=True), DAYS, seed=500).prices
    together = run_days(Setting(-1.5), 2, seed=500).prices
    found = ratio_to(calm.prices, turns, LONG, staggered_ratio(-1.5, LONG, 10))
    assert found.theory is not None
    assert found.value == pytest.approx(found.theory, rel=0.03)
    assert found.value < 0.5
    assert np.abs(np.diff(together[:, MOMENTS - 1 :: MOMENTS])).max() > 0.5


def test_prices_run_away_beyond_a_gain_of_one_and_only_there():
    assert run_days(Setting(1.1), 4).stopped.all()
    assert not run_days(Setting(0.9), 4).stopped.any()


def test_a_thin_book_keeps_prices_from_running_away():
    """It cannot take what the feedback would need."""
    assert not run_days(Setting(1.1, depth=0.003), 3).stopped.any()


def test_impact_inverse_to_depth_makes_less_gamma_enough():
    """Gamma of 6 units per 1 %: k is 0.3 in a deep book, 1.2 in one of a quarter of it."""
    deep, thin = (Setting(0.3 / (depth / 2), depth, 10.0 / depth) for depth in (2.0, 0.5))
    assert deep.gamma == pytest.approx(thin.gamma)
    assert not run_days(deep, 3).stopped.any()
    assert run_days(thin, 3).stopped.all()


# --- What is measured ------------------------------------------------------------------------


def test_a_crash_is_a_move_within_an_hour_and_a_flash_crash_comes_back():
    days = np.zeros((4, 24 * HOUR))
    size = (CRASH + 0.2) * HOUR_DEVIATION
    days[0, 100:] = -size  # stays
    days[1, 400:500] = size  # comes back within the hour
    days[2, 7 * HOUR + 350 :] = -0.6 * size  # over the hour's end, in two halves
    days[2, 8 * HOUR + 10 :] = -1.2 * size
    assert crash_days(days).tolist() == [True, True, False, False]
    assert crash_days(days, 3.0).tolist() == [True, True, True, False]
    assert retraced_share(days) == 0.5
    assert retraced_share(days[3:]) is None


def test_without_feedback_crashes_are_as_rare_as_the_normal_law_says():
    """A storm at some moment of an hour: about twice as likely as at its end (reflection)."""
    end = math.erfc(3.0 / math.sqrt(2.0))
    per_hour = 2.0 * end
    expected = 1.0 - (1.0 - per_hour) ** 24
    # Moments ten seconds apart miss some of them.
    assert theoretical_share(0.0, 3.0, 4_000) == pytest.approx(expected, abs=0.015)


def found_of(value: float) -> Feedback:
    estimate = Estimate(value, value - 0.01, value + 0.01, 0.5)
    curve = Curve((0.5,), *([(estimate,)] * 6))
    cell = Cell(0.5, -5.0, 1.0, estimate, None, 0.0)
    return Feedback(30, 0, curve, curve, (cell,), (cell,))


def test_what_was_found_is_written_and_read_again(tmp_path):
    found = found_of(0.5)
    write_feedback(found, tmp_path / "feedback.json")
    assert read_feedback(tmp_path / "feedback.json") == found
    assert [file.name for file in tmp_path.iterdir()] == ["feedback.json"]


def test_a_file_that_is_none_of_these_is_refused(tmp_path):
    path = tmp_path / "feedback.json"
    with pytest.raises(DataError, match="cannot be read"):
        read_feedback(path)
    for text in ("{", "[]", "{}", json.dumps({"days": 1})):
        path.write_text(text)
        with pytest.raises(DataError, match="write it anew"):
            read_feedback(path)


def test_a_figure_that_is_not_as_theory_says_fails():
    assert all(check.passed for check in compare(found_of(0.5)))
    checks = compare(found_of(0.55))
    assert checks
    assert not any(check.passed for check in checks)
    assert dataclasses.asdict(checks[0])["expected"] == 0.5
