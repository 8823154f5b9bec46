"""Poisson orders in the real book give the exact probabilities of Cont, Stoikov, Talreja (2010)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gammagym.evaluation.theory import order_book_queues
from gammagym.market.poisson_flow import (
    CANCEL_RATES,
    LIMIT_RATES,
    MARKET_RATE,
    probability_filled,
    probability_mid_up,
)

TRIALS = 40_000
# A queue of 30 is never seen: it would shrink ten times as fast as it grows.
LONGEST = 30


def queue(grows: bool, never_canceled: int) -> NDArray[np.float64]:
    """Return the generator of one queue of 1 to LONGEST orders; what it lacks in a row leaves."""
    length = np.arange(1, LONGEST + 1)
    up = np.where(length < LONGEST, LIMIT_RATES[0] * grows, 0.0)
    down = MARKET_RATE + (length - never_canceled) * CANCEL_RATES[0]
    return np.diag(-(up + down)) + np.diag(up[:-1], 1) + np.diag(down[1:], -1)


@cache
def exact(ours: bool) -> NDArray[np.float64]:
    """Return probabilities by (bids - 1, asks - 1): our bid fills, or the ask queue empties first.

    The two queues are independent. Orders that come after ours do not matter to it, so the queue
    that ends with our order never grows.
    """
    bids, asks = queue(grows=not ours, never_canceled=int(ours)), queue(True, 0)
    both = np.kron(bids, np.eye(LONGEST)) + np.kron(np.eye(LONGEST), asks)
    wins = np.zeros((LONGEST, LONGEST))
    if ours:
        wins[0, :] = -bids[0].sum()
    else:
        wins[:, 0] = -asks[0].sum()
    return np.linalg.solve(both, -wins.ravel()).reshape(LONGEST, LONGEST)


def within_three_errors(measured: float, probability: float) -> Any:
    error = np.sqrt(probability * (1 - probability) / TRIALS)
    return measured == pytest.approx(probability, abs=3 * error)


def test_the_published_probabilities_solve_the_equations_of_the_model() -> None:
    published = np.array([check.expected for check in order_book_queues(episodes=1)])
    solved = np.concatenate([exact(False)[:2, :5].ravel(), exact(True)[:2, :5].ravel()])
    assert np.abs(solved - published).max() < 0.001


@pytest.mark.parametrize("asks", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("bids", [1, 2, 5])
def test_the_mid_moves_up_as_often_as_the_equations_say(bids: int, asks: int) -> None:
    measured = probability_mid_up(bids, asks, TRIALS, seed=10 * bids + asks)
    assert within_three_errors(measured, exact(False)[bids - 1, asks - 1])


@pytest.mark.parametrize("asks", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("position", [1, 2, 5])
def test_a_bid_fills_before_the_mid_moves_as_often_as_the_equations_say(
    position: int, asks: int
) -> None:
    measured = probability_filled(position, asks, TRIALS, seed=100 + 10 * position + asks)
    assert within_three_errors(measured, exact(True)[position - 1, asks - 1])


def test_trials_depend_on_the_seed_alone() -> None:
    shares = [probability_filled(2, 3, 1000, seed) for seed in (1, 1, 2)]
    assert shares[0] == shares[1] != shares[2]
