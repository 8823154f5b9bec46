"""Estimators of single numbers from samples: autocorrelation, tails, clustering of arrivals.

Where a sample is too small for a number, it is NaN: nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Smallest samples that say anything about fourth moments and about tails.
_FEWEST_FOR_KURTOSIS = 20
_FEWEST_FOR_TAIL = 10
_FEWEST_ARRIVALS = 50
# Decay rates of self-excitation among which the likeliest is looked for (1 / s).
_SLOWEST, _FASTEST = 0.02, 2_000.0
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def autocorrelation(series: Any, lag: int) -> float:
    """Return the autocorrelation at a lag of one series, or of several that do not touch.

    Args:
        series: shape (n,), or a list of such; NaN for fewer than two pairs, or constants.
        lag: number of steps, at least 1.

    >>> autocorrelation([1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 1)
    -1.0
    """
    parts = _parts(series)
    count, pairs = sum(map(len, parts)), sum(max(len(part) - lag, 0) for part in parts)
    if pairs < 2:
        return math.nan
    centre = sum(float(part.sum()) for part in parts) / count
    moved = [part - centre for part in parts]
    variance = sum(float(part @ part) for part in moved) / count
    if variance <= 1e-24 * centre**2:
        return math.nan
    product = sum(float(part[:-lag] @ part[lag:]) for part in moved if len(part) > lag)
    return product / pairs / variance


def _parts(series: Any) -> list[Floats]:
    """Return the series as a list of arrays, at least one."""
    if isinstance(series, Sequence) and len(series) and np.ndim(series[0]):
        return [np.asarray(part, np.float64) for part in series]
    return [np.asarray(series, np.float64)]


def excess_kurtosis(values: Any) -> float:
    """Return the fourth standardised moment less 3; NaN for fewer than 20 values.

    >>> excess_kurtosis([-1.0, 1.0] * 10)
    -2.0
    """
    values = np.asarray(values, np.float64)
    if len(values) < _FEWEST_FOR_KURTOSIS:
        return math.nan
    moved = values - values.mean()
    variance = float(np.mean(moved**2))
    return float(np.mean(moved**4)) / variance**2 - 3.0 if variance > 0.0 else math.nan


def tail_index(values: Any, share: float = 0.05) -> float:
    """Return Hill's estimate of the exponent of the tail of absolute values.

    Hill, "A simple general approach to inference about the tail of a distribution" (1975): the
    inverse mean of log(x / u) over the values x above the quantile u.

    Args:
        values: shape (n,).
        share: share of the values that are the tail; NaN for fewer than 10 of them.
    """
    sizes = np.sort(np.abs(np.asarray(values, np.float64)))
    count = int(share * len(sizes))
    if count < _FEWEST_FOR_TAIL or sizes[-count - 1] <= 0.0:
        return math.nan
    mean_log = float(np.mean(np.log(sizes[-count:] / sizes[-count - 1])))
    return 1.0 / mean_log if mean_log > 0.0 else math.nan


def correlation(left: Any, right: Any) -> float:
    """Return the correlation coefficient of two samples; NaN if one of them does not vary."""
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if len(left) < 3 or left.std() <= 0.0 or right.std() <= 0.0:
        return math.nan
    return float(np.corrcoef(left, right)[0, 1])


def weighted_mean(values: Any, weights: Any) -> float:
    """Return a weighted mean; NaN if there is no weight."""
    total = float(np.sum(weights))
    return float(np.sum(np.asarray(values) * weights) / total) if total > 0.0 else math.nan


def weighted_median(values: Any, weights: Any) -> float:
    """Return the smallest value below which, or at which, half of the weight lies.

    >>> weighted_median([3.0, 1.0, 2.0], [1.0, 1.0, 5.0])
    2.0
    """
    values, weights = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    if not weights.sum() > 0.0:
        return math.nan
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])


def branching_ratio(times: Any, duration: float) -> float:
    """Return how many further arrivals one arrival brings on average: 0 for a Poisson process.

    The maximum of the likelihood of a Hawkes process with the intensity
    mu + sum n b exp(-b (t - t_j)) over earlier arrivals t_j (Ozaki, 1979). For a given b the
    likelihood is concave in mu and n; b is found by golden section on its logarithm. The variance
    of counts would see the slow drift of a market's activity as excitation.

    Args:
        times: of arrivals, rising, shape (n,) (s); NaN for fewer than 50.
        duration: time watched, from 0 (s).
    """
    times = np.asarray(times, np.float64)
    if len(times) < _FEWEST_ARRIVALS:
        return math.nan
    low, high = math.log(_SLOWEST), math.log(_FASTEST)
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    fits = [_fit(times, duration, math.exp(point)) for point in inner]
    while high - low > 0.02:
        if fits[0][0] > fits[1][0]:
            high, inner[1], fits[1] = inner[1], inner[0], fits[0]
            inner[0] = high - _GOLDEN * (high - low)
            fits[0] = _fit(times, duration, math.exp(inner[0]))
        else:
            low, inner[0], fits[0] = inner[0], inner[1], fits[1]
            inner[1] = low + _GOLDEN * (high - low)
            fits[1] = _fit(times, duration, math.exp(inner[1]))
    return max(fits)[1]


def _fit(times: Floats, duration: float, decay: float) -> tuple[float, float]:
    """Return the largest log likelihood at one rate of decay, and the branching ratio there.

    Expectation-maximisation: each arrival came from outside or was brought by earlier ones, in
    proportion to the two parts of the intensity at its time.
    """
    excitation = decay * decayed_counts(np.diff(times, prepend=times[0]), decay)
    reach = float(np.sum(1.0 - np.exp(-decay * (duration - times))))
    outside, ratio = 0.5 * len(times) / duration, 0.5
    for _ in range(200):
        brought = ratio * excitation
        share = brought / (outside + brought)
        before, ratio = ratio, float(share.sum()) / reach
        outside = float(len(times) - share.sum()) / duration
        if abs(ratio - before) < 1e-5:
            break
    intensity = outside + ratio * excitation
    return float(np.log(intensity).sum()) - outside * duration - ratio * reach, ratio


def decayed_counts(gaps: Floats, decay: float) -> Floats:
    """Return, just before each arrival, how many came earlier, each weighted by exp(-decay age).

    By doubling: after k rounds an entry has all arrivals of the last 2**k. Cost: O(n log n).

    Args:
        gaps: time since the arrival before (s); the first is not used; shape (n,).
        decay: b (1 / s).

    >>> decayed_counts(np.array([0.0, 1.0, 1.0]), math.log(2.0)).round(6).tolist()
    [0.0, 0.5, 0.75]
    """
    factors = np.exp(-decay * gaps)
    factors[0] = 0.0
    sums = np.ones(len(gaps))
    reach = 1
    while reach < len(gaps) and factors.any():
        sums[reach:] = sums[reach:] + factors[reach:] * sums[:-reach]
        factors[reach:] = factors[reach:] * factors[:-reach]
        factors[:reach] = 0.0
        reach *= 2
    return sums - 1.0
