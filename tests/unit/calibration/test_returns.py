"""What prices tell: processes of the simulator and of plain Python are found again."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from gammagym.calibration.estimates import Fit
from gammagym.calibration.measure import measure_price
from gammagym.calibration.returns import (
    Returns,
    annual_volatility,
    fit_brownian,
    fit_merton,
    fit_two_volatilities,
    returns_of,
    variance_moments,
)
from gammagym.data.prices import YEAR_NS, PriceSeries, read_prices
from gammagym.errors import DataError
from gammagym.evaluation.facts.estimators import excess_kurtosis
from gammagym.market.price_paths import walk_price
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world import viewed

MINUTE_NS = 60_000_000_000
MINUTE = MINUTE_NS / YEAR_NS
needs_compilation = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes minutes without compilation"
)


def walked(minutes: int, seed: int, **price: Any) -> Returns:
    """Return the returns of a price of the simulator, minute by minute."""
    table = {"start": "100", "tick": "1min", **price}
    scenario = load_scenario("calm", {"price": table, "warmup": "0s"})
    worlds = viewed(compile_world(scenario, get_task("GammaScalp")).template.copy())
    worlds["price"]["tick_ns"] = MINUTE_NS
    worlds["seed"] = seed
    path = np.empty((minutes, 4))
    walk_price(worlds[0], np.zeros(1), path)
    prices = np.concatenate(([100.0], path[:, 0]))
    times = MINUTE_NS * np.arange(minutes + 1)
    return returns_of(PriceSeries(times, prices, MINUTE_NS))


def found_again(fit: Fit, **true: float) -> None:
    for name, value in true.items():
        found = fit.parameters[name]
        assert found.value == pytest.approx(value, abs=3 * found.error), name


@needs_compilation
@pytest.mark.parametrize("seed", [1, 2])
def test_the_volatility_of_a_brownian_motion_is_found_again(seed: int) -> None:
    returns = walked(20_000, seed, model="gbm", volatility=0.6)
    volatility = annual_volatility(returns)
    assert volatility.value == pytest.approx(0.6, abs=3 * volatility.error)
    assert volatility.error < 0.02
    found_again(fit_brownian(returns), volatility=0.6)
    assert abs(excess_kurtosis(returns.values)) < 3 * math.sqrt(24 / 20_000)


@needs_compilation
@pytest.mark.parametrize("seed", [1, 2])
def test_jumps_of_the_simulator_are_found_again(seed: int) -> None:
    true = {"volatility": 0.5, "jump_rate": 20_000.0, "jump_mean": -0.001, "jump_sigma": 0.003}
    returns = walked(20_000, seed, model="merton", **true)
    fit = fit_merton(returns)
    found_again(fit, **true)
    assert fit.parameters["jump_rate"].error < 4_000
    assert fit.aic < fit_brownian(returns).aic - 100


@needs_compilation
def test_jumps_that_are_not_there_are_not_claimed() -> None:
    returns = walked(10_000, 3, model="gbm", volatility=0.6)
    merton, brownian = fit_merton(returns), fit_brownian(returns)
    assert merton.aic > brownian.aic - 6


@needs_compilation
@pytest.mark.parametrize("seed", [1, 2])
def test_the_variance_of_the_simulator_is_found_again(seed: int) -> None:
    true = {"long_run_variance": 0.36, "reversion": 900.0, "variance_volatility": 20.0}
    true["correlation"] = -0.7
    returns = walked(200_000, seed, model="heston", initial_variance=0.36, **true)
    moments = variance_moments(returns)
    assert moments is not None
    for name, value in true.items():
        found = getattr(moments, name)
        assert found is not None
        assert found.value == pytest.approx(value, abs=3 * found.error), name
        assert found.error < 0.5 * abs(value), name


def test_independent_returns_have_no_memory_of_variance() -> None:
    values = np.random.default_rng(1).normal(scale=0.001, size=30_000)
    moments = variance_moments(Returns(values, MINUTE, 0))
    assert moments is not None
    wildness = moments.variance_volatility
    assert moments.reversion is None or wildness is None or not moments.reversion.identified


def switching(count: int, seed: int) -> NDArray[np.float64]:
    """Return returns at 50 % and 150 % a year, which last 60 and 20 minutes on average."""
    random = np.random.default_rng(seed)
    high, values = False, np.empty(count)
    for place in range(count):
        values[place] = (1.5 if high else 0.5) * math.sqrt(MINUTE) * random.normal()
        if random.random() < (1 / 20 if high else 1 / 60):
            high = not high
    return values


def test_two_volatilities_are_found_again() -> None:
    returns = Returns(switching(20_000, 5), MINUTE, 0)
    fit = fit_two_volatilities(returns)
    found_again(
        fit, low_volatility=0.5, high_volatility=1.5, low_duration=3600.0, high_duration=1200.0
    )
    assert fit.aic < fit_merton(returns).aic < fit_brownian(returns).aic


def test_the_likelihood_of_two_volatilities_is_that_of_the_forward_algorithm() -> None:
    returns = Returns(switching(777, 6), MINUTE, 0)
    fit = fit_two_volatilities(returns)
    low, high, low_seconds, high_seconds = (each.value for each in fit.parameters.values())
    leave = np.array([60 / low_seconds, 60 / high_seconds])
    chances = leave[::-1] / leave.sum()
    moves = np.array([[1 - leave[0], leave[0]], [leave[1], 1 - leave[1]]])
    deviations = np.array([low, high]) * math.sqrt(MINUTE)
    total = 0.0
    for value in returns.values:
        chances = chances @ moves
        weights = np.exp(-0.5 * (value / deviations) ** 2) / deviations / math.sqrt(2 * math.pi)
        chances = chances * weights
        total += math.log(chances.sum())
        chances /= chances.sum()
    assert fit.log_likelihood == pytest.approx(total, rel=1e-9)


def test_returns_over_gaps_are_left_out() -> None:
    times = np.concatenate((np.arange(60), [100], np.arange(101, 140))) * MINUTE_NS
    returns = returns_of(PriceSeries(times, np.linspace(100.0, 101.0, len(times)), MINUTE_NS))
    assert (len(returns.values), returns.left_out) == (98, 1)


def test_too_few_returns_are_refused() -> None:
    series = PriceSeries(MINUTE_NS * np.arange(10), np.full(10, 1.0), MINUTE_NS)
    with pytest.raises(DataError, match="9 returns over 60 s are too few"):
        returns_of(series)


def test_a_price_that_stands_still_has_no_volatility() -> None:
    series = PriceSeries(MINUTE_NS * np.arange(2_000), np.full(2_000, 7.0), MINUTE_NS)
    price = measure_price(series)
    assert (price.volatility.value, price.models) == (0.0, {})


def test_the_volatility_of_a_real_month_is_that_of_its_file(
    real_data: Callable[[str], Path],
) -> None:
    from gammagym.data.prices import annual_volatility as realised

    series = read_prices(real_data("btc_perp_1min_2022-01.csv.gz"))
    volatility = annual_volatility(returns_of(series))
    assert volatility.value == pytest.approx(realised(series), rel=1e-6)
    assert 0.03 < volatility.error < 0.12  # it clusters: independent returns would say 0.002
