"""The memory of signs: how large orders are worked in pieces (docs/rules/flow, items 4 and 5).

In the simulator an order either starts a run, with the probability p, or stands alone. A run is
that order and L more, all of one sign; L is the whole part of a Pareto number of exponent a, at
most 100. Signs of different runs are independent, so two orders l apart have a correlation equal to
the chance that they belong to one run. With S_l = sum over j from l to 100 of j^-a that is

    C(l) = p S_l / (1 + p S_1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.calibration.estimates import Estimate, jackknife

Array = NDArray[np.float64]
LONGEST_RUN = 100
MOST_LAGS = 50
_FEWEST_LAGS = 4
_BLOCKS = 10
_LEAST_EXPONENT, _LARGEST_EXPONENT = 0.02, 6.0
# A sign must be remembered by more than chance, in standard errors, to speak of runs.
_SIGNIFICANT = 3.0


@dataclass(frozen=True)
class SignMemory:
    """How signs of marketable orders follow each other.

    Attributes:
        autocorrelation: At lags 1, 2, ...
        error: Standard error of each if there were no memory.
        split_probability: Chance that an order starts a run, or None where there is no memory.
        split_exponent: Pareto exponent of the length of a run, or None.
    """

    autocorrelation: Array
    error: float
    split_probability: Estimate | None
    split_exponent: Estimate | None


def autocorrelation_of(probability: float, exponent: float, lags: int) -> Array:
    """Return C(1), C(2), ... of the simulator's signs.

    >>> autocorrelation_of(0.035, 0.8, 3).round(3).tolist()
    [0.222, 0.194, 0.179]
    """
    powers = np.arange(1.0, LONGEST_RUN + 1) ** -exponent
    sums = np.cumsum(powers[::-1])[::-1]
    return (probability * sums / (1.0 + probability * sums[0]))[:lags]


def runs_from(autocorrelation: Array) -> tuple[float, float]:
    """Return the probability and the exponent whose C(l) is closest, in the sum of squares."""
    from scipy import optimize

    lags = len(autocorrelation)

    def misses(point: Array) -> Array:
        return autocorrelation_of(float(point[0]), float(point[1]), lags) - autocorrelation

    bounds = ([0.0, _LEAST_EXPONENT], [1.0, _LARGEST_EXPONENT])
    ends = [
        optimize.least_squares(misses, start, bounds=bounds, xtol=1e-12)
        for start in ((0.03, 0.7), (0.3, 2.0))
    ]
    best = min(ends, key=lambda end: float(end.cost))
    return float(best.x[0]), float(best.x[1])


def measure_signs(signs: NDArray[np.int64]) -> SignMemory:
    """Measure the memory of signs and find the runs that would make it.

    Args:
        signs: 1 or -1, in order; at least 20.
    """
    length = len(signs) // _BLOCKS
    lags = min(MOST_LAGS, max(length // 2, 1))
    values = signs.astype(np.float64)
    acf = _autocorrelation([values], lags)
    error = 1.0 / np.sqrt(len(values))
    if acf[0] < _SIGNIFICANT * error or lags < _FEWEST_LAGS:
        return SignMemory(acf, error, None, None)
    blocks = [values[place * length : (place + 1) * length] for place in range(_BLOCKS)]
    found, errors = jackknife(
        lambda some: np.array(runs_from(_autocorrelation(some, lags))), blocks
    )
    probability, exponent = (
        Estimate(float(value), float(miss)) for value, miss in zip(found, errors, strict=True)
    )
    return SignMemory(acf, error, probability, exponent)


def _autocorrelation(blocks: list[Array], lags: int) -> Array:
    """Return the mean product of signs so far apart within blocks; signs have mean zero."""
    sums = np.array(
        [[float(each[lag:] @ each[:-lag]) for each in blocks] for lag in range(1, lags + 1)]
    )
    counts = np.array([[len(each) - lag for each in blocks] for lag in range(1, lags + 1)])
    return np.asarray(sums.sum(axis=1) / counts.sum(axis=1), np.float64)
