"""Cascades of liquidations emerge: with a leveraged crowd the same news moves the price further."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gammagym
from gammagym.scenario.load import load_scenario

MINUTES = 40
SEEDS = range(20)
NEWS = {"jitter": "0s", "shocks.0.at": "10min", "crowd.reopening": None}
NO_CROWD = {"jitter": "0s", "shocks.0.at": "10min", "crowd": None}


def marks(seed: int, changes: dict[str, Any]) -> NDArray[np.float64]:
    """Return the logarithm of the mark over the first price, every five seconds."""
    scenario = load_scenario("liquidation_cascade", changes)
    market = gammagym.Market(scenario, seed=seed, horizon_seconds=60.0 * MINUTES)
    start = float(market.world["price"]["value"])
    found = []
    for _ in range(12 * MINUTES):
        market.advance(seconds=5.0)
        found.append(float(market.world["instruments"]["mark_price"][0]) / start)
    return np.log(found)


def furthest(seed: int, changes: dict[str, Any]) -> float:
    path = marks(seed, changes)
    return float(path[np.abs(path).argmax()])


@pytest.fixture(scope="module")
def falls() -> dict[str, NDArray[np.float64]]:
    """How far the price falls, by seed, with and without the crowd."""
    return {
        "with": np.array([furthest(seed, NEWS) for seed in SEEDS]),
        "without": np.array([furthest(seed, NO_CROWD) for seed in SEEDS]),
    }


def test_news_of_three_per_cent_become_twelve_with_a_leveraged_crowd(falls):
    moves = np.expm1(falls["with"])
    assert np.median(moves) == pytest.approx(-0.125, abs=0.015)
    assert np.median(np.expm1(falls["without"])) == pytest.approx(-0.033, abs=0.006)


def test_the_crowd_makes_the_move_at_least_three_times_as_large(falls):
    """Of 20 values the 6th and 15th hold the median with a probability of 95.9 %."""
    ratios = np.sort(falls["with"] / falls["without"])
    assert ratios[5] > 3.0
    assert ratios[14] < 5.0
    assert ratios[0] > 2.0


def test_the_move_grows_with_the_open_interest():
    medians = [
        np.median([furthest(seed, NEWS | {"crowd.longs": longs}) for seed in range(6)])
        for longs in (5_000.0, 15_000.0, 30_000.0)
    ]
    assert medians[0] > 1.3 * medians[1] > 1.3 * 1.3 * medians[2]


def test_the_move_grows_with_the_leverage():
    medians = []
    for multiple in (0.25, 0.5, 1.0):
        changes = dict(NEWS)
        for place, leverage in enumerate((5.0, 10.0, 20.0, 50.0)):
            changes[f"crowd.leverages.{place}.leverage"] = max(leverage * multiple, 1.0)
        medians.append(np.median([furthest(seed, changes) for seed in range(6)]))
    assert medians[0] >= medians[1] > 1.5 * medians[2]


def test_a_crowd_of_low_leverage_does_nothing_at_all():
    """Nobody is liquidated within a third, so not one price differs."""
    low = {"crowd.leverages": [{"leverage": 2.0, "share": "100%"}]}
    np.testing.assert_array_equal(marks(3, NEWS | low), marks(3, NO_CROWD))


def test_without_news_nothing_happens():
    calm = marks(4, NEWS | {"shocks": ()})
    np.testing.assert_array_equal(calm, marks(4, NO_CROWD | {"shocks": ()}))
    assert np.abs(calm).max() < 0.015


def test_shorts_are_squeezed_as_longs_are_liquidated(falls):
    """Logarithmic moves; a rise makes positions dearer to carry, so that it is a little larger."""
    squeeze = {"crowd.longs": 10_000.0, "crowd.shorts": 30_000.0, "shocks.0.move": "3.0928%"}
    rises = [furthest(seed, NEWS | squeeze) for seed in range(8)]
    assert np.median(rises) == pytest.approx(-np.median(falls["with"]), rel=0.15)


def test_it_is_the_trading_of_the_crowd_that_moves_the_price(falls):
    """Orders that leave no lasting impact move it for seconds only."""
    moves = [furthest(seed, NEWS | {"flow.lasting_impact": 0.0}) for seed in range(6)]
    assert np.median(moves) == pytest.approx(np.median(falls["without"]), rel=0.15)


def test_part_of_the_fall_is_regained_as_positions_are_opened_again():
    back = marks(5, NEWS | {"crowd.reopening": "20min"})
    assert back[-1] - back.min() > 0.15 * -back.min()
    stays = marks(5, NEWS)
    assert stays[-1] - stays.min() < 0.1 * -stays.min()
