"""Orders that bring about others: Hawkes processes with exponential kernels.

The intensity is mu + sum over earlier orders of sum_k n_k b_k exp(-b_k age): each order brings
about n_k others on average, after a time of about 1 / b_k. With one kernel n is the branching
ratio; with two it is their sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.calibration.estimates import Fit, logistic, logit, maximise
from gammagym.errors import DataError
from gammagym.evaluation.facts.estimators import decayed_counts

Array = NDArray[np.float64]
# More orders tell nothing new, and take long.
MOST_ORDERS = 200_000
FEWEST_ORDERS = 50
# Of an order's clock, in ms; faster decay than that cannot be told.
_FASTEST = 2_000.0


@dataclass(frozen=True)
class Residuals:
    """How well a process fits: the times between orders, in units of expected orders.

    They would be exponential with mean 1, and independent, if it fitted perfectly.

    Attributes:
        distance: Largest difference of their distribution from the exponential
            (Kolmogorov-Smirnov).
        p_value: Chance of a larger one if the process were true.
        mean: Their mean.
        dispersion: Their variance; above 1 orders cluster more than the process says.
        autocorrelation: Of neighbours.
    """

    distance: float
    p_value: float
    mean: float
    dispersion: float
    autocorrelation: float


def fit_hawkes(times: Array, duration: float, kernels: int = 1) -> Fit:
    """Fit a Hawkes process by maximum likelihood.

    Args:
        times: When orders came (s), >= 0, in order; ties are allowed.
        duration: How long was observed (s).
        kernels: 1 or 2.

    Returns:
        Estimates of `rate` (mu, 1 / s), `branching` and `decay` (1 / s); with two kernels of
        `rate`, `branching`, `decay`, `slow_branching`, `slow_decay`.

    Raises:
        DataError: There are too few orders.
    """
    if len(times) < FEWEST_ORDERS:
        raise DataError(f"{len(times)} orders are too few for a Hawkes process: {FEWEST_ORDERS}")
    if len(times) > MOST_ORDERS:
        times, duration = times[:MOST_ORDERS], float(times[MOST_ORDERS])
    gaps = np.diff(times, prepend=times[0])
    ages = duration - times

    def log_likelihood(point: Array) -> float:
        rate, *pairs = _natural(point)
        intensity = np.full(len(times), rate)
        expected = rate * duration
        for branching, decay in zip(pairs[::2], pairs[1::2], strict=True):
            intensity += branching * decay * decayed_counts(gaps, decay)
            expected -= branching * float(np.sum(np.expm1(-decay * ages)))
        return float(np.sum(np.log(intensity)) - expected)

    mean_rate = len(times) / duration
    names = ("rate", "branching", "decay")
    fast = min(4.0 * mean_rate, 0.5 * _FASTEST)
    starts: list[list[float]] = [
        [math.log(0.6 * mean_rate), logit(0.4), _decay_point(decay)]
        for decay in (fast, 0.25 * mean_rate)
    ]
    if kernels == 2:
        names = (*names, "slow_branching", "slow_decay")
        starts = [
            [math.log(0.4 * mean_rate), logit(0.6), _decay_point(fast), logit(0.5), logit(ratio)]
            for ratio in (0.2, 0.02, 0.003)
        ]
    return maximise(log_likelihood, _natural, names, starts)


def residuals(times: Array, fit: Fit) -> Residuals:
    """Return how well a fitted process describes the orders it was fitted to."""
    from scipy import stats

    gaps = np.diff(times, prepend=times[0])
    values = {name: each.value for name, each in fit.parameters.items()}
    expected = values["rate"] * gaps[1:]
    for prefix in ("", "slow_"):
        if prefix + "decay" in values:
            decay = values[prefix + "decay"]
            standing = decayed_counts(gaps, decay)[:-1] + 1.0
            expected = expected - values[prefix + "branching"] * standing * np.expm1(
                -decay * gaps[1:]
            )
    test = stats.kstest(expected, "expon")
    return Residuals(
        distance=float(test.statistic),
        p_value=float(test.pvalue),
        mean=float(expected.mean()),
        dispersion=float(expected.var()),
        autocorrelation=float(np.corrcoef(expected[1:], expected[:-1])[0, 1]),
    )


def _natural(point: Array) -> Array:
    """Return rate, branching, decay (and the slow ones) of free parameters."""
    rate, total = math.exp(min(point[0], 50.0)), logistic(point[1])
    decay = _FASTEST * logistic(point[2])
    if len(point) == 3:
        return np.array([rate, total, decay])
    fast = logistic(point[3])
    return np.array([rate, total * fast, decay, total * (1.0 - fast), decay * logistic(point[4])])


def _decay_point(decay: float) -> float:
    return logit(decay / _FASTEST)
