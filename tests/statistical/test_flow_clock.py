"""The clock of a flow and the price between two ticks, against what is known of such processes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numba.core import config

from gammagym.loop import advance, open_world
from gammagym.market.price import step_price
from gammagym.market.price_paths import walk_price
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world.sizes import NANOSECONDS, PATH_STEPS, YEAR_NS

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

NO_TAPE = np.zeros(1)


def template(**changes: Any) -> Any:
    return compile_world(load_scenario("calm", changes), get_task("GammaScalp"))


def counts(seconds: int, worlds: int, **changes: Any) -> Any:
    """Return the events of each second, shape (worlds, seconds)."""
    compiled = template(**{"price.volatility": 0.0, "options.implied_volatility": 0.6} | changes)
    events = np.zeros((worlds, seconds + 1))
    for seed in range(worlds):
        world = compiled.template.copy()[0]
        open_world(world, compiled.tape, np.uint64(seed))
        for second in range(seconds + 1):
            advance(world, compiled.tape, second * NANOSECONDS)
            events[seed, second] = world["flows"]["event"][0]
    return np.diff(events, axis=1)


BURSTS = {
    "none": {"flow.branching": 0.0, "flow.slow_branching": 0.0},
    "fast": {"flow.branching": 0.5, "flow.slow_branching": 0.0},
    "slow": {"flow.branching": 0.0, "flow.slow_branching": 0.4, "flow.slow_decay": 0.3},
    "both": {"flow.branching": 0.3, "flow.slow_branching": 0.3, "flow.slow_decay": 0.3},
}


@pytest.mark.parametrize("kind", BURSTS)
def test_bursts_leave_the_mean_rate_and_make_counts_as_dispersed_as_they_should_be(kind):
    """Counts over long bins have the variance of a branching process.

    An event is a market order with chance p, which brings a Poisson number of mean n / p further
    events. So an event has X of them, E X = n, Var X = n + n^2 / p - n^2, and clusters of mean size
    1 / (1 - n) and variance Var X / (1 - n)^3 come as a Poisson process: variance over mean of the
    counts is (1 - n + Var X) / (1 - n)^2.
    """
    seconds, worlds, bin_seconds = 300, 24, 20
    changes = BURSTS[kind] | {
        "flow.rate": 60.0,
        "flow.probability_market": 0.25,
        "flow.excitation_decay": 0.1,
    }
    found = counts(seconds, worlds, **changes)
    bins = found[:, : seconds - seconds % bin_seconds].reshape(worlds, -1, bin_seconds).sum(axis=2)
    branching = changes["flow.branching"] + changes["flow.slow_branching"]
    mean = 60.0 * bin_seconds
    offspring = branching + branching**2 / 0.25 - branching**2
    dispersion = (1.0 - branching + offspring) / (1.0 - branching) ** 2
    count = bins.size
    spread = math.sqrt(dispersion * mean / count)
    assert bins.mean() == pytest.approx(mean, abs=5 * spread)
    assert bins.var() / mean == pytest.approx(dispersion, rel=5 * math.sqrt(2.0 / count) + 0.05)


def walked(ticks: int, seed: int, **changes: Any) -> Any:
    compiled = template(**changes)
    worlds = compiled.template.copy()
    worlds["seed"] = seed
    path = np.empty((ticks, 4))
    walk_price(worlds[0], compiled.tape, path)
    return np.diff(np.log(path[:, 0]))


def test_activity_makes_fat_tails_and_leaves_the_variance():
    sigma = 0.8
    moves = np.concatenate(
        [
            walked(
                40_000,
                seed,
                **{"price.activity_sigma": sigma, "price.activity_half_life": "30s"},
            )
            for seed in range(12)
        ]
    )
    variance = 0.36 / (YEAR_NS / NANOSECONDS)
    assert np.var(moves) == pytest.approx(variance, rel=0.03)
    kurtosis = np.mean(moves**4) / np.mean(moves**2) ** 2 - 3.0
    assert kurtosis == pytest.approx(3.0 * math.expm1(sigma**2), rel=0.15)
    # ln of squared returns remembers: half of the covariance of the activity is left after 30 s.
    squares = moves**2 / variance
    covariance = [
        np.mean(squares[:-lag] * squares[lag:]) - np.mean(squares) ** 2 for lag in (30, 60)
    ]
    expected = [math.expm1(sigma**2 * 0.5 ** (lag / 30)) for lag in (30, 60)]
    assert covariance == pytest.approx(expected, rel=0.25)


def test_without_activity_the_prices_at_the_ticks_are_the_same_numbers():
    plain = walked(500, 3)
    again = walked(500, 3, **{"price.activity_sigma": 0.0, "price.activity_half_life": "1min"})
    assert np.array_equal(plain, again)


@pytest.mark.parametrize(("tick", "count"), [("1s", 10), ("10s", 100), ("30s", PATH_STEPS)])
def test_the_way_between_two_ticks_is_a_brownian_bridge(tick: str, count: int):
    """Deviations from the straight line have the covariance s (1 - t) sigma^2 of a bridge."""
    compiled = template(**{"price.tick": tick})
    worlds = compiled.template.copy()
    world = worlds[0]
    open_world(world, compiled.tape, np.uint64(4))
    advance(world, compiled.tape, 0)
    world["flow_count"] = 0
    deviations, steps = [], np.arange(count + 1) / count
    tick_ns = int(world["price"]["tick_ns"])
    for _ in range(8_000):
        world["time_ns"] += tick_ns
        step_price(world, compiled.tape)
        path = np.log(world["price"]["path"][: count + 1])
        deviations.append(path - (path[0] + (path[-1] - path[0]) * steps))
        assert path[-1] == pytest.approx(math.log(world["price"]["ahead"]), abs=1e-12)
    found = np.cov(np.array(deviations)[:, 1:-1].T)
    inner = steps[1:-1]
    variance = 0.36 * tick_ns / YEAR_NS
    expected = variance * (np.minimum.outer(inner, inner) - np.outer(inner, inner))
    assert np.abs(found - expected).max() < 0.06 * expected.max()


def test_a_wild_market_does_not_feed_on_itself():
    """Activity quickens the base of the clock only: else bursts would grow above 1 / n of it."""
    changes = {"flow.branching": 0.8, "flow.rate": 50.0, "flow.probability_market": 0.3}
    compiled = template(**changes)
    worlds = compiled.template.copy()
    world = worlds[0]
    open_world(world, compiled.tape, np.uint64(1))
    before = int(world["flows"]["event"][0])
    for second in range(1, 41):
        world["price"]["pace"] = 5.0
        advance(world, compiled.tape, second * NANOSECONDS)
    events = int(world["flows"]["event"][0]) - before
    assert events == pytest.approx(40 * 5 * 50.0, rel=0.35)
