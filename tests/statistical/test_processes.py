"""Jumps, moving variance and regimes against closed forms: moments, option prices, martingales.

The law of a process is known by its cumulant function: log E[exp(z ln(S_T / S_0))] of a complex z.
Moments are its derivatives at zero, option prices an integral of it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray
from scipy import integrate, stats

from gammagym.market.price_paths import walk_price, walk_prices
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.prices import Price
from gammagym.scenario.tasks import get_task
from gammagym.world import viewed
from gammagym.world.codes import REGIME_DOWN, REGIME_RANGE, REGIME_UP

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
NO_TAPE = np.zeros(1)
BATCHES = 25
Cumulants = Callable[[complex], complex]


def price_table(model: str, **keys: Any) -> dict[str, Any]:
    return {"model": model, "start": "100"} | keys


@cache
def template(model: str, keys: tuple[tuple[str, Any], ...]) -> Any:
    """Return a compiled world of a process."""
    changes = {"price": price_table(model, **dict(keys)), "warmup": "0s"}
    return viewed(compile_world(load_scenario("calm", changes), get_task("GammaScalp")).template)


def world_of(model: str, tick_ns: int, seed: int, keys: dict[str, Any]) -> Any:
    worlds = template(model, tuple(sorted(keys.items()))).copy()
    worlds["price"]["tick_ns"] = tick_ns
    worlds["seed"] = seed
    return worlds[0]


def returns(model: str, days: float, ticks: int, paths: int, **keys: Any) -> NDArray[np.float64]:
    """Return log returns over some days, walked in so many ticks."""
    ends = np.empty(paths)
    walk_prices(world_of(model, round(days * DAY / ticks), 1, keys), NO_TAPE, ticks, ends)
    return np.log(ends / 100)


def walk(model: str, tick_ns: int, ticks: int, seed: int = 1, **keys: Any) -> NDArray[np.float64]:
    """Return columns: price, variance, regime, volatility."""
    result = np.empty((ticks, 4))
    walk_price(world_of(model, tick_ns, seed, keys), NO_TAPE, result)
    return result


# --- Closed forms ----------------------------------------------------------------------------


def cumulants(model: str, days: float, **keys: Any) -> Cumulants:
    """Return the cumulant function of the log return, without regard to our code."""
    own = Price(**price_table(model, **keys)).parameters()  # pyright: ignore[reportArgumentType]
    years = days / 365
    rate, mean, sigma = (own.get(name, 0.0) for name in ("jump_rate", "jump_mean", "jump_sigma"))
    link, size = own.get("jump_correlation", 0.0), own.get("variance_jump", 0.0)

    def jump(z: complex, loading: complex) -> complex:
        """Return E[exp(z J + loading Z)] of a jump J of the logarithm and Z of the variance."""
        return cmath.exp(z * mean + 0.5 * sigma**2 * z**2) / (1 - size * (loading + z * link))

    def merton(z: complex) -> complex:
        diffusion = 0.5 * own["volatility"] ** 2 * (z**2 - z)
        return years * (diffusion + rate * (jump(z, 0) - 1 - z * (jump(1, 0) - 1)))

    if model == "merton":
        return merton
    speed, goal, vol, rho = (
        own[name]
        for name in ("reversion", "long_run_variance", "variance_volatility", "correlation")
    )

    def loading(z: complex, time: float) -> complex:
        """Return the coefficient of the variance: the stable form of Heston's."""
        b = speed - rho * vol * z
        d = cmath.sqrt(b**2 + vol**2 * (z - z**2))
        g = (b - d) / (b + d)
        return (b - d) / vol**2 * (1 - cmath.exp(-d * time)) / (1 - g * cmath.exp(-d * time))

    nodes, weights = np.polynomial.legendre.leggauss(48)
    times, weights = 0.5 * years * (nodes + 1), 0.5 * years * weights

    def heston(z: complex) -> complex:
        total = loading(z, years) * own["initial_variance"]
        for time, weight in zip(times, weights, strict=True):
            part = loading(z, time)
            total += weight * speed * goal * part
            total += weight * rate * (jump(z, part) - 1 - z * (jump(1, 0) - 1))
        return total

    return heston


def moments(cumulant: Cumulants, radius: float = 0.5) -> NDArray[np.float64]:
    """Return the first four cumulants: Cauchy's integrals around zero."""
    angles = 2 * np.pi * np.arange(64) / 64
    values = np.array([cumulant(radius * cmath.exp(1j * angle)) for angle in angles])
    return np.array(
        [
            math.factorial(order) * (values * np.exp(-1j * order * angles)).mean().real
            for order in (1, 2, 3, 4)
        ]
    ) / radius ** np.arange(1, 5)


def call_price(cumulant: Cumulants, strike: float) -> float:
    """Return the price of a call on 100 by Lewis' integral (rates are zero)."""
    distance = math.log(100 / strike)

    def integrand(u: float) -> float:
        value = cmath.exp(1j * u * distance + cumulant(0.5 + 1j * u))
        return value.real / (u**2 + 0.25)

    area = integrate.quad(integrand, 0, 400, limit=400, epsabs=1e-9)[0]
    return 100 - math.sqrt(100 * strike) / math.pi * area


def merton_series(strike: float, days: float, own: dict[str, float]) -> float:
    """Return the price of a call by Merton's series of Black-Scholes prices."""
    years, total = days / 365, 0.0
    growth = math.exp(own["jump_mean"] + 0.5 * own["jump_sigma"] ** 2)
    for jumps in range(40):
        deviation = math.sqrt(own["volatility"] ** 2 * years + jumps * own["jump_sigma"] ** 2)
        forward = 100 * math.exp(-own["jump_rate"] * (growth - 1) * years) * growth**jumps
        d1 = math.log(forward / strike) / deviation + deviation / 2
        black = forward * stats.norm.cdf(d1) - strike * stats.norm.cdf(d1 - deviation)
        total += stats.poisson.pmf(jumps, own["jump_rate"] * years) * black
    return total


JUMPY: dict[str, Any] = {"volatility": 0.5, "jump_rate": 12.0, "jump_mean": -0.1, "jump_sigma": 0.1}
LAWS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    # model, keys, ticks of 60 days, paths
    "merton in one tick": ("merton", JUMPY, 1, 200_000),
    "merton in many": ("merton", JUMPY, 60, 40_000),
    "merton btc": ("merton", {"preset": "btc"}, 1, 200_000),
    "merton eth": ("merton", {"preset": "eth"}, 1, 200_000),
    "heston btc": ("heston", {"preset": "btc"}, 240, 50_000),
    "heston eth": ("heston", {"preset": "eth"}, 240, 50_000),
    "svcj btc": ("svcj", {"preset": "btc"}, 240, 50_000),
    "svcj eth": ("svcj", {"preset": "eth"}, 240, 50_000),
}
DAYS = 60.0


@cache
def sample(name: str) -> NDArray[np.float64]:
    model, keys, ticks, paths = LAWS[name]
    return returns(model, DAYS, ticks, paths, **keys)


def misses(estimates: NDArray[np.float64], exact: float) -> float:
    """Return how many standard errors the mean of independent estimates is off."""
    return abs(estimates.mean() - exact) / (estimates.std(ddof=1) / math.sqrt(len(estimates)))


@pytest.mark.parametrize("name", LAWS)
def test_log_returns_have_the_mean_variance_skewness_and_kurtosis_of_the_law(name: str) -> None:
    model, keys, _, _ = LAWS[name]
    exact = moments(cumulants(model, DAYS, **keys))
    batches = sample(name).reshape(BATCHES, -1)
    for order in (1, 2, 3, 4):
        # Of one cumulant, unbiased: the third is skewness, the fourth excess kurtosis, unscaled.
        estimates = np.array([stats.kstat(batch, order) for batch in batches])
        assert misses(estimates, exact[order - 1]) < 3.5, order


@pytest.mark.parametrize("name", LAWS)
def test_options_cost_what_the_characteristic_function_says(name: str) -> None:
    model, keys, _, _ = LAWS[name]
    law = cumulants(model, DAYS, **keys)
    prices = 100 * np.exp(sample(name))
    for strike in (80.0, 100.0, 125.0):
        assert misses(np.maximum(prices - strike, 0), call_price(law, strike)) < 3, strike


@pytest.mark.parametrize("strike", [70.0, 100.0, 140.0])
@pytest.mark.parametrize("keys", [JUMPY, {"preset": "btc"}])
def test_mertons_series_and_the_characteristic_function_agree(
    strike: float, keys: dict[str, Any]
) -> None:
    own = Price(**price_table("merton", **keys)).parameters()  # pyright: ignore[reportArgumentType]
    series = merton_series(strike, DAYS, own)
    assert series == pytest.approx(call_price(cumulants("merton", DAYS, **keys), strike), abs=1e-6)


@pytest.mark.parametrize("name", LAWS)
def test_the_expected_price_is_the_start(name: str) -> None:
    assert misses(np.exp(sample(name)), 1.0) < 3


@pytest.mark.parametrize("model", ["heston", "svcj"])
def test_the_expected_price_grows_by_its_drift_even_in_ticks_of_a_month(model: str) -> None:
    ends = returns(model, 90, 3, 100_000, preset="btc", drift=0.8)
    assert misses(np.exp(ends), math.exp(0.8 * 90 / 365)) < 3


# --- Variance --------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["heston", "svcj"])
@pytest.mark.parametrize("preset", ["btc", "eth"])
@pytest.mark.parametrize("tick", [1_000_000_000, HOUR, 7 * DAY])
def test_the_variance_is_never_negative(model: str, preset: str, tick: int) -> None:
    seen = walk(model, tick, 20_000, preset=preset)
    assert np.isfinite(seen).all()
    assert (seen[:, 0] > 0).all()
    assert (seen[:, 1] >= 0).all()


@pytest.mark.parametrize("name", [name for name in LAWS if name != "merton in many"])
def test_squared_returns_of_many_years_add_up_to_the_long_run_volatility(name: str) -> None:
    model, keys, _, _ = LAWS[name]
    years = 250  # the clock of a world ends after 292
    values = walk(model, HOUR, years * 8_760, seed=3, **keys)[:, 0]
    squares = np.diff(np.log(values)) ** 2
    yearly = squares[: years * 8_760 - 8_760].reshape(years - 1, -1).sum(axis=1)
    price = Price(**price_table(model, **keys))  # pyright: ignore[reportArgumentType]
    assert misses(yearly, (price.long_run_volatility() or 0.0) ** 2) < 3.5


def test_the_volatility_now_is_that_of_variance_and_jumps_together() -> None:
    seen = walk("svcj", HOUR, 5_000, preset="btc")
    jumps = 1.289 * ((-0.066 - 0.03 * 0.731) ** 2 + 0.158**2 + (0.03 * 0.731) ** 2)
    assert seen[:, 3] == pytest.approx(np.sqrt(seen[:, 1] + jumps), rel=1e-12)


# --- Regimes ---------------------------------------------------------------------------------

REGIMES: dict[str, Any] = {
    "range_volatility": 0.4,
    "range_half_life": "6h",
    "range_duration": "3d",
    "trend_volatility": 0.7,
    "trend_drift": 4.0,
    "trend_duration": "1d",
}


def test_the_price_is_in_a_range_as_often_as_the_durations_say() -> None:
    days = 40_000
    regime = walk("regime", HOUR, days * 24, **REGIMES)[:, 2]
    in_range = regime == REGIME_RANGE
    yearly = in_range.reshape(100, -1).mean(axis=1)
    assert misses(yearly, 0.75) < 3
    ups = (regime == REGIME_UP).sum() / (~in_range).sum()
    assert ups == pytest.approx(0.5, abs=0.02)
    assert set(np.unique(regime)) == {REGIME_RANGE, REGIME_UP, REGIME_DOWN}
    ends = np.flatnonzero(in_range[:-1] & ~in_range[1:])
    begins = np.flatnonzero(~in_range[:-1] & in_range[1:])
    spells = ends[ends > begins[0]][: len(begins) - 1] - begins[: len(ends[ends > begins[0]])]
    # A range that is left and found again within an hour goes on, as seen at the hours.
    leaves = 0.25 * -math.expm1(-1 / 72 - 1 / 24)
    assert spells.mean() == pytest.approx(1 / leaves, rel=0.03)


def test_worlds_begin_in_a_range_as_often_as_the_price_is_in_one() -> None:
    starts = [walk("regime", 1_000_000, 1, seed, **REGIMES)[0, 2] for seed in range(4_000)]
    share = np.mean(np.array(starts) == REGIME_RANGE)
    assert share == pytest.approx(0.75, abs=3 * math.sqrt(0.75 * 0.25 / 4_000))


def test_half_of_the_distance_to_the_middle_of_a_range_is_gone_after_its_half_life() -> None:
    keys = REGIMES | {"range_duration": "3650d", "trend_duration": "1s"}
    logs = np.log(walk("regime", HOUR, 200_000, **keys)[:, 0] / 100)
    for hours, left in ((3, 0.5**0.5), (6, 0.5), (12, 0.25)):
        slope = np.corrcoef(logs[:-hours], logs[hours:])[0, 1]
        assert slope == pytest.approx(left, abs=0.015)
    speed = math.log(2) * 365 * 4
    assert logs.std() == pytest.approx(0.4 / math.sqrt(2 * speed), rel=0.02)
    assert abs(logs.mean()) < 0.001


def test_a_trend_goes_up_or_down_by_its_drift() -> None:
    seen = walk("regime", HOUR, 2_000_000, **REGIMES)
    steps = np.diff(np.log(seen[:, 0])) * 8_760
    for regime, drift in ((REGIME_UP, 4.0), (REGIME_DOWN, -4.0)):
        assert misses(steps[seen[1:, 2] == regime], drift - 0.5 * 0.49) < 3
        deviation = steps[seen[1:, 2] == regime].std() / math.sqrt(8_760)
        assert deviation == pytest.approx(0.7, rel=0.01)


# --- Random numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["merton", "heston", "svcj"])
def test_a_seed_gives_one_path(model: str) -> None:
    paths = [walk(model, HOUR, 500, seed, preset="btc").tobytes() for seed in (5, 5, 6)]
    assert paths[0] == paths[1] != paths[2]


def test_without_jumps_merton_is_a_geometric_brownian_motion() -> None:
    keys = JUMPY | {"jump_rate": 0.0}
    jumps = walk("merton", HOUR, 500, **keys)[:, 0]
    assert jumps == pytest.approx(walk("gbm", HOUR, 500, volatility=0.5)[:, 0], rel=1e-12)


def test_more_jumps_leave_those_of_the_same_seed_where_they_were() -> None:
    """Paired worlds: the same tick jumps by the same size, and the diffusion is the same."""
    still, few, many = (
        np.diff(np.log(walk("merton", DAY, 3_000, 2, **JUMPY | {"jump_rate": rate})[:, 0]))
        for rate in (0.0, 5.0, 20.0)
    )
    # What jumps add, freed of the drift that makes up for them.
    few, many = (moved - still - np.median(moved - still) for moved in (few, many))
    jumped = np.abs(few) > 1e-9
    assert 20 < jumped.sum() < 70
    same = np.abs(many[jumped] - few[jumped]) < 1e-9
    assert same.mean() > 0.8  # the others had one jump and have two
    assert (np.abs(many) > 1e-9).sum() > 3 * jumped.sum()


def test_other_parameters_of_the_variance_keep_the_shocks_of_the_price() -> None:
    one, other = (
        np.diff(np.log(walk("heston", HOUR, 4_000, 2, preset="btc", **keys)[:, 0]))
        for keys in ({}, {"variance_volatility": 1.0, "initial_variance": 0.5})
    )
    assert np.corrcoef(one, other)[0, 1] > 0.8


def test_regimes_do_not_depend_on_what_the_price_does_in_them() -> None:
    regimes = [
        walk("regime", HOUR, 5_000, 2, **REGIMES | {"trend_drift": drift})[:, 2]
        for drift in (0.0, 9.0)
    ]
    assert (regimes[0] == regimes[1]).all()
