"""What happened in a run, in a few figures; and which of several runs is the median one.

Spread and depth flicker from one order to the next, so their extremes are those of one-minute
means. All figures are of what competitors hedge with, unless they say otherwise.

The **median run** is the one whose figures are nearest to the medians over all runs: each figure's
distance from its median is divided by the mean such distance, so that figures of any unit count
alike, and figures that are the same in all runs count nothing. Of equally near runs it is the
first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.gallery.runs import Run
from gammagym.glance import TROUBLE_CLOSED

Floats = NDArray[np.float64]
MINUTE = 60.0
_YEAR_SECONDS = 365 * 86_400.0


@dataclass(frozen=True)
class Measure:
    """A figure of a run.

    Attributes:
        title: what it is.
        unit: what it is counted in; may be empty.
        digits: decimals that are shown.
    """

    title: str
    unit: str
    digits: int = 1


MEASURES = {
    "return": Measure("move from beginning to end", "%", 2),
    "fall": Measure("largest fall", "%", 2),
    "rise": Measure("largest rise", "%", 2),
    "volatility": Measure("realised volatility, of minutes", "% a year"),
    "spread": Measure("median spread", "bp", 3),
    "widest": Measure("widest minute", "bp", 2),
    "depth": Measure("median depth within 0.5 %, both sides", "units"),
    "thinnest": Measure("thinnest minute", "units"),
    "premium": Measure("largest gap to spot or index, of a minute", "bp"),
    "funding_high": Measure("highest funding rate", "% an interval", 4),
    "funding_low": Measure("lowest funding rate", "% an interval", 4),
    "implied": Measure("highest implied volatility at the money", "%"),
    "liquidated": Measure("open interest of the crowd closed by force", "%"),
    "closed": Measure("time in which nothing trades", "%", 2),
}


def measure(run: Run) -> dict[str, float]:
    """Return the figures of a run by key of `MEASURES`; NaN where there is nothing to measure."""
    spread, depth = minute_means(run, run.spread), minute_means(run, run.bids + run.asks)
    premium = minute_means(run, 1e4 * (run.mid / run.reference - 1.0))
    crowd = run.longs[0] + run.shorts[0]
    closed = run.closed_longs[-1] + run.closed_shorts[-1]
    has_options = bool((run.volatility > 0).any())
    mid = run.mid[np.isfinite(run.mid)]
    if len(mid) == 0:
        mid = np.full(1, np.nan)
    return {
        "return": 100.0 * float(mid[-1] / mid[0] - 1.0),
        "fall": 100.0 * largest_fall(mid),
        "rise": 100.0 * largest_rise(mid),
        "volatility": 100.0 * _realised(run),
        "spread": _of(np.nanmedian, run.spread),
        "widest": _of(np.nanmax, spread),
        "depth": float(np.median(run.bids + run.asks)),
        "thinnest": _of(np.nanmin, depth),
        "premium": _of(lambda gaps: gaps[np.nanargmax(np.abs(gaps))], premium),
        "funding_high": 100.0 * float(run.funding.max()),
        "funding_low": 100.0 * float(run.funding.min()),
        "implied": 100.0 * float(run.volatility.max()) if has_options else math.nan,
        "liquidated": 100.0 * float(closed / crowd) if crowd > 0 else math.nan,
        "closed": 100.0 * float(np.mean((run.trouble & TROUBLE_CLOSED) > 0)),
    }


def largest_fall(prices: Floats) -> float:
    """Return the largest fall from a price to a later one, as a share of the former (<= 0).

    >>> round(largest_fall(np.array([100.0, 110.0, 88.0, 120.0])), 6)
    -0.2
    """
    return float(np.min(prices / np.maximum.accumulate(prices) - 1.0))


def largest_rise(prices: Floats) -> float:
    """Return the largest rise from a price to a later one, as a share of the former (>= 0).

    >>> round(largest_rise(np.array([100.0, 80.0, 88.0, 60.0])), 6)
    0.1
    """
    return float(np.max(prices / np.minimum.accumulate(prices) - 1.0))


def minute_means(run: Run, values: Floats) -> Floats:
    """Return means of minutes, or of intervals between looks where they are longer.

    NaN do not count; a minute of nothing else is NaN.
    """
    size = max(round(MINUTE / run.interval), 1)
    return block_means(values[1:], size)


def block_means(values: Floats, size: int) -> Floats:
    """Return the mean of every `size` values, the last of what is left; NaN do not count.

    >>> block_means(np.array([1.0, 3.0, np.nan, 5.0, 7.0]), 2).tolist()
    [2.0, 5.0, 7.0]
    """
    starts = np.arange(0, len(values), size)
    known = np.isfinite(values)
    counts = np.add.reduceat(known.astype(np.float64), starts)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts)
    return np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0)


def median_run(runs: Sequence[Run]) -> Run:
    """Return the most ordinary of some runs of one scenario."""
    figures = np.array([list(measure(run).values()) for run in runs])
    return runs[nearest_to_medians(figures)]


def nearest_to_medians(figures: Floats) -> int:
    """Return the row that is nearest to the medians of the columns; NaN and constants do not count.

    Args:
        figures: shape (runs, figures).

    >>> nearest_to_medians(np.array([[1.0, 5.0], [2.0, 5.0], [9.0, 5.0]]))
    1
    """
    figures = figures[:, np.isfinite(figures).all(axis=0)]
    distances = np.abs(figures - np.median(figures, axis=0))
    scales = distances.mean(axis=0)
    moving = scales > 0
    return int(np.argmin((distances[:, moving] / scales[moving]).sum(axis=1)))


def _realised(run: Run) -> float:
    """Return the annual volatility of the mid at the ends of minutes; NaN for a short run."""
    size = max(round(MINUTE / run.interval), 1)
    mids = run.mid[::size]
    returns = np.diff(np.log(mids[np.isfinite(mids)]))
    if len(returns) == 0:
        return math.nan
    variance = float(returns @ returns) / len(returns)
    return math.sqrt(variance * _YEAR_SECONDS / (size * run.interval))


def _of(statistic: Callable[[Floats], float], values: Floats) -> float:
    """Return a statistic of the values that are known; NaN if none is."""
    return float(statistic(values)) if np.isfinite(values).any() else math.nan
