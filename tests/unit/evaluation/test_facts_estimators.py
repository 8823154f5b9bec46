"""Estimators of stylised facts, on samples whose figures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from gammagym.evaluation.facts.estimators import (
    autocorrelation,
    branching_ratio,
    correlation,
    excess_kurtosis,
    tail_index,
    weighted_mean,
    weighted_median,
)


def random(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def cluster_arrivals(
    outside: float, ratio: float, decay: float, duration: float, seed: int
) -> np.ndarray:
    """Return arrivals of a Hawkes process, generation by generation."""
    draw = random(seed)
    generation = draw.uniform(0.0, duration, draw.poisson(outside * duration))
    arrivals = [generation]
    while len(generation):
        children = draw.poisson(ratio, len(generation))
        generation = np.repeat(generation, children)
        generation = generation + draw.exponential(1.0 / decay, len(generation))
        generation = generation[generation < duration]
        arrivals.append(generation)
    return np.sort(np.concatenate(arrivals))


# --- Autocorrelation -------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [1, 2, 5])
def test_the_autocorrelation_of_an_autoregression_falls_as_the_powers_of_its_coefficient(
    lag: int,
) -> None:
    shocks = random().normal(size=200_000)
    values = np.zeros(len(shocks))
    for step in range(1, len(shocks)):
        values[step] = 0.6 * values[step - 1] + shocks[step]
    assert autocorrelation(values, lag) == pytest.approx(0.6**lag, abs=0.01)


def test_signs_that_are_kept_with_a_known_chance_have_a_known_memory() -> None:
    """A sign is that of the order before with chance p, else a coin: acf(l) = p^l."""
    draw = random(2)
    keeps, coins = draw.uniform(size=100_000) < 0.7, draw.choice((-1, 1), 100_000)
    signs = coins.copy()
    for step in range(1, len(signs)):
        signs[step] = signs[step - 1] if keeps[step] else coins[step]
    assert autocorrelation(signs, 1) == pytest.approx(0.7, abs=0.01)
    assert autocorrelation(signs, 3) == pytest.approx(0.343, abs=0.02)


def test_a_moving_average_of_two_forgets_after_one_step() -> None:
    shocks = random(3).normal(size=100_001)
    values = shocks[1:] + 0.5 * shocks[:-1]
    assert autocorrelation(values, 1) == pytest.approx(0.5 / 1.25, abs=0.01)
    assert autocorrelation(values, 2) == pytest.approx(0.0, abs=0.01)


def test_series_that_do_not_touch_share_no_pairs() -> None:
    """Pairs (1, 2), (2, 3) and (7, 5) around the mean of 3.6, over all five squares."""
    expected = ((-2.6 * -1.6 + -1.6 * -0.6 + 3.4 * 1.4) / 3) / (
        (2.6**2 + 1.6**2 + 0.6**2 + 3.4**2 + 1.4**2) / 5
    )
    assert autocorrelation([[1.0, 2.0, 3.0], [7.0, 5.0]], 1) == pytest.approx(expected)


@pytest.mark.parametrize("series", [[], [1.0], [1.0, 2.0], [3.0] * 10])
def test_a_series_too_short_or_constant_has_no_autocorrelation(series: list[float]) -> None:
    assert math.isnan(autocorrelation(series, 1))


# --- Tails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected", "tolerance"),
    [("normal", 0.0, 0.05), ("uniform", -1.2, 0.02), ("laplace", 3.0, 0.3)],
)
def test_excess_kurtosis_is_that_of_the_distribution(
    kind: str, expected: float, tolerance: float
) -> None:
    values = getattr(random(), kind)(size=200_000)
    assert excess_kurtosis(values) == pytest.approx(expected, abs=tolerance)


def test_nineteen_values_have_no_kurtosis() -> None:
    assert math.isnan(excess_kurtosis(np.arange(19)))
    assert np.isfinite(excess_kurtosis(np.arange(20)))


@pytest.mark.parametrize("exponent", [2.0, 3.0, 5.0])
def test_the_tail_index_of_a_pareto_distribution_is_its_exponent(exponent: float) -> None:
    values = random().uniform(size=200_000) ** (-1.0 / exponent)
    values *= random(2).choice((-1.0, 1.0), len(values))
    assert tail_index(values) == pytest.approx(exponent, rel=0.03)


def test_a_tail_of_nine_values_or_of_equal_ones_has_no_index() -> None:
    assert math.isnan(tail_index(np.arange(1.0, 199.0)))
    assert np.isfinite(tail_index(np.arange(1.0, 202.0)))
    assert math.isnan(tail_index(np.ones(1_000)))


# --- Arrivals --------------------------------------------------------------------------------


def test_arrivals_of_a_poisson_process_bring_no_others() -> None:
    assert branching_ratio(cluster_arrivals(10.0, 0.0, 1.0, 500.0, 1), 500.0) < 0.03


@pytest.mark.parametrize(("ratio", "decay"), [(0.3, 50.0), (0.5, 5.0), (0.8, 20.0)])
def test_the_branching_ratio_of_a_hawkes_process_is_found(ratio: float, decay: float) -> None:
    times = cluster_arrivals(5.0, ratio, decay, 1_000.0, 2)
    assert branching_ratio(times, 1_000.0) == pytest.approx(ratio, abs=0.04)


def test_the_branching_ratio_is_where_another_optimiser_finds_the_likelihood_greatest() -> None:
    times = cluster_arrivals(4.0, 0.5, 10.0, 60.0, 3)

    def loss(logs: np.ndarray) -> float:
        outside, ratio, decay = np.exp(logs)
        gaps = times[:, None] - times[None, :]
        kernel = np.where(gaps > 0, np.exp(-decay * np.maximum(gaps, 0.0)), 0.0)
        intensity = outside + ratio * decay * kernel.sum(axis=1)
        reach = np.sum(1.0 - np.exp(-decay * (60.0 - times)))
        return -float(np.log(intensity).sum() - outside * 60.0 - ratio * reach)

    best = minimize(loss, np.log([3.0, 0.4, 5.0]), method="Nelder-Mead", options={"maxiter": 2000})
    assert branching_ratio(times, 60.0) == pytest.approx(np.exp(best.x[1]), abs=0.01)


def test_fewer_than_fifty_arrivals_say_nothing() -> None:
    assert math.isnan(branching_ratio(np.arange(49.0), 49.0))


# --- Weights and correlation -----------------------------------------------------------------


def test_a_weighted_median_is_that_of_repeated_values() -> None:
    draw = random()
    values, weights = draw.normal(size=101), draw.integers(0, 5, 101)
    plain = np.sort(np.repeat(values, weights))
    assert weighted_median(values, weights) == plain[(len(plain) - 1) // 2]


def test_weights_of_nothing_give_nothing() -> None:
    assert math.isnan(weighted_mean([], []))
    assert math.isnan(weighted_median([1.0], [0.0]))


def test_correlation_is_that_of_the_textbook_and_nothing_for_constants() -> None:
    assert correlation([1.0, 2.0, 4.0], [2.0, 4.0, 8.0]) == pytest.approx(1.0)
    assert math.isnan(correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))
