"""A dealer that quotes by Avellaneda and Stoikov (2008) earns what the paper says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from gammagym.evaluation.theory import dealer_quotes
from gammagym.market.dealer_market import play_dealer
from gammagym.quoting import optimal_spread, reservation_price

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

STEPS, STEP = 200, 0.005
LEFT = 1.0 - STEP * np.arange(STEPS)
SETTING: dict[str, Any] = {"mid": 100.0, "volatility": 2.0, "step": STEP}
SETTING |= {"fill_rate": 140.0, "fill_decay": 1.5}


def exact_inventory(skews: NDArray[Any], half: NDArray[Any]) -> NDArray[np.float64]:
    """Return the probabilities of the final inventory, from -60 to 60: a Markov chain."""
    held = np.arange(-60, 61)
    chances = np.eye(121)[60]
    for skew, distance in zip(skews, half, strict=True):
        buys = np.minimum(0.7 * np.exp(-1.5 * (distance + skew * held)), 1.0)
        sells = np.minimum(0.7 * np.exp(-1.5 * (distance - skew * held)), 1.0)
        up, down = chances * buys * (1 - sells), chances * sells * (1 - buys)
        chances = chances - up - down
        chances[1:] += up[:-1]
        chances[:-1] += down[1:]
    return chances


@pytest.mark.parametrize("aversion", [0.1, 0.5])
@pytest.mark.parametrize("symmetric", [True, False])
def test_the_final_inventory_has_the_variance_of_its_markov_chain(
    aversion: float, symmetric: bool
) -> None:
    half = 0.5 * optimal_spread(aversion, 2.0, LEFT, 1.5)
    skews = aversion * 4.0 * LEFT * (not symmetric)
    chances = exact_inventory(skews, half)
    held = np.arange(-60, 61)
    variance, fourth = float(chances @ held**2), float(chances @ held**4)
    _, inventories = play_dealer(skews, half, paths=20_000, seed=3, **SETTING)
    error = math.sqrt((fourth - variance**2) / 20_000)
    assert np.mean(inventories**2) == pytest.approx(variance, abs=3 * error)
    assert np.mean(inventories) == pytest.approx(0.0, abs=3 * math.sqrt(variance / 20_000))


def test_a_symmetric_dealer_earns_half_the_spread_on_every_expected_fill() -> None:
    half = 0.5 * optimal_spread(0.1, 2.0, LEFT, 1.5)
    profits, _ = play_dealer(np.zeros(STEPS), half, paths=20_000, seed=4, **SETTING)
    expected = float(np.sum(2 * half * 0.7 * np.exp(-1.5 * half)))
    error = profits.std() / math.sqrt(20_000)
    assert profits.mean() == pytest.approx(expected, abs=3 * error)


def test_without_fills_nothing_is_earned() -> None:
    profits, inventories = play_dealer(
        np.zeros(STEPS), np.full(STEPS, 1e3), paths=50, seed=1, **SETTING
    )
    assert not profits.any()
    assert not inventories.any()


def test_paths_depend_on_the_seed_alone_and_the_first_are_those_of_a_longer_run() -> None:
    half = np.full(STEPS, 0.7)
    runs = [
        play_dealer(np.zeros(STEPS), half, paths=paths, seed=seed, **SETTING)[0]
        for paths, seed in ((50, 1), (20, 1), (20, 2))
    ]
    assert runs[0][:20].tolist() == runs[1].tolist()
    assert not np.intersect1d(runs[1], runs[2]).size


def test_the_published_table_is_reproduced() -> None:
    checks = dealer_quotes()
    assert len(checks) == 2 + 3 * 2 * 3
    for check in checks:
        assert check.passed, f"{check.name}: {check.measured:.4f}, expected {check.expected}"


def test_quotes_lean_against_the_inventory_less_and_less() -> None:
    prices = reservation_price(100.0, np.array([-3.0, 0.0, 3.0]), 0.1, 2.0, 1.0)
    assert prices.tolist() == pytest.approx([101.2, 100.0, 98.8])
    assert reservation_price(100.0, 3.0, 0.1, 2.0, 0.0) == 100.0


def test_without_risk_aversion_the_spread_is_what_one_fill_is_best_sold_at() -> None:
    # Maximise 2 d A exp(-k d): d = 1 / k on each side.
    assert optimal_spread(1e-9, 2.0, 1.0, 1.5) == pytest.approx(2 / 1.5, rel=1e-6)
