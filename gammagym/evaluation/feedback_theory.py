"""What hedging does to a price in theory: an autoregression whose coefficient is gamma x impact.

A dealer short of gamma buys |gamma| x r after a return r, and a unit bought moves the price for
good by I. So the next return is r' = e + k r, with k = |gamma| I: a return is followed by k times
itself. Long of gamma, k is negative. With m dealers who share the gamma and take turns, each
answers a return of a whole interval, its own last one: r' = e + k / m (r_1 + ... + r_m) in steps
of an m-th of the interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Intervals after which a return is forgotten: 0.95 to this power is 1e-13.
_MEMORY = 600


def volatility_ratio(gain: float, intervals: int) -> float:
    """Return how much more volatile returns over some hedging intervals are than unhedged ones.

    The variance of a sum of h terms of an autoregression of order one, over h:
    1 / (1 - k)^2 - 2 k (1 - k^h) / (h (1 - k)^2 (1 - k^2)). Over one interval its root is
    1 / sqrt(1 - k^2), which is above 1 for either sign; over many, 1 / (1 - k).

    Args:
        gain: k, -1 < k < 1.
        intervals: h, at least 1.

    >>> round(volatility_ratio(0.6, 1), 6), round(volatility_ratio(0.6, 100_000), 3)
    (1.25, 2.5)
    """
    first = 1.0 / (1.0 - gain) ** 2
    rest = 2.0 * gain * (1.0 - gain**intervals) / (intervals * (1.0 - gain**2))
    return float(np.sqrt(first - first * rest))


def staggered_ratio(gain: float, intervals: int, dealers: int) -> float:
    """Return the same for dealers who take turns at equal distances of time.

    >>> round(staggered_ratio(0.6, 24, 1) / volatility_ratio(0.6, 24), 9)
    1.0
    """
    weights = _window(_responses(gain, dealers), intervals * dealers)
    return float(np.sqrt((weights**2).sum() / (intervals * dealers)))


def staggered_autocorrelation(gain: float, dealers: int) -> float:
    """Return the lag-one autocorrelation of returns over the interval of dealers who take turns.

    >>> round(staggered_autocorrelation(0.6, 1), 9)
    0.6
    """
    weights = _window(_responses(gain, dealers), dealers)
    return float((weights[dealers:] * weights[:-dealers]).sum() / (weights**2).sum())


def _responses(gain: float, dealers: int) -> Floats:
    """Return what a return of 1 adds to each step's return from then on, shape (steps,)."""
    responses = np.zeros(_MEMORY * dealers)
    responses[0] = 1.0
    for step in range(1, len(responses)):
        responses[step] = gain / dealers * responses[max(step - dealers, 0) : step].sum()
    return responses


def _window(responses: Floats, steps: int) -> Floats:
    """Return what a return of 1 adds to the sum of some steps, by the steps since."""
    risen = np.cumsum(np.concatenate([responses, np.zeros(steps)]))
    fallen = np.concatenate([np.zeros(steps), risen[:-steps]])
    return risen - fallen


def random_days(
    gain: float, days: int, deviation: float, steps: int, moments: int, seed: int
) -> Floats:
    """Draw days of the autoregression, with the way of the price between two hedges.

    Args:
        gain: k, any number.
        days: number of days.
        deviation: standard deviation of an interval's unhedged return.
        steps: intervals in a day.
        moments: moments written down in each interval; the last is just before the next hedge.
        seed: seed of the draws.

    Returns:
        Log price at every moment, less that at the start, shape (days, steps x moments).
    """
    random = np.random.default_rng(seed)
    shape = (days, steps, moments)
    noise = random.normal(scale=deviation / np.sqrt(moments), size=shape).cumsum(axis=2)
    path = np.zeros(shape)
    start, answer = np.zeros(days), np.zeros(days)
    for step in range(steps):
        path[:, step] = (start + answer)[:, None] + noise[:, step]
        # Dealers give up once the price has run away; such a day counts once anyway.
        answer = gain * np.clip(path[:, step, -1] - start, -1.0, 1.0)
        start = path[:, step, -1]
    return path.reshape(days, steps * moments)
