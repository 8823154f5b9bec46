"""Whole distributions of two markets, and how far apart they are, after LOB-Bench.

Nagy et al., "LOB-Bench: benchmarking generative AI for finance" (2025), compare generated with real
order books by the distributions below, with two distances. There a book is looked at after every
message. Here it is looked at on a grid of time, since a thin market has few messages, and distances
from the touch are kept within 50 bp, as real books reach down to a price of one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import DataError
from gammagym.evaluation.facts.record import BANDS_BP, BUY, SELL, MarketRecord

Floats = NDArray[np.float64]

_LOOK = 0.1  # seconds between two looks at the touch
_SECOND = 1.0
_MOST_BINS = 2_000
# Distributions of few values, which get a bin for each.
_DISCRETE = frozenset({"spread"})


def distributions(record: MarketRecord) -> dict[str, Floats]:
    """Return samples of what LOB-Bench looks at, by name; sizes in units, shape (n,) each.

    `spread` (ticks), `imbalance` of the touch, `log_interarrival` of marketable orders (log10 s),
    `touch_size_` and `ten_levels_` of each side, `limit_distance_` and `cancel_distance_` of what
    is added and canceled (bp behind the best price of its side), `volume` and `order_flow` (order
    flow imbalance of the touch) in each second.
    """
    looks = _touch_on_grid(record)
    gaps = np.diff(record.orders["time"])
    sizes = looks["bid_size"] + looks["ask_size"]
    seconds = np.arange(0.0, math.floor(record.duration) + 1, _SECOND)
    touch = record.known_touch()
    found: dict[str, Floats] = {
        "spread": np.round((looks["ask"] - looks["bid"]) / record.tick),
        "imbalance": (looks["bid_size"] - looks["ask_size"]) / sizes,
        "log_interarrival": np.log10(gaps[gaps > 0]),
        "volume": np.histogram(record.trades["time"], seconds, weights=record.trades["size"])[
            0
        ].astype(np.float64),
        "order_flow": np.histogram(touch["time"][1:], seconds, weights=order_flow_imbalance(touch))[
            0
        ],
    }
    near = np.abs(record.changes["distance_bp"]) <= BANDS_BP[-1]
    for side, name in ((BUY, "bid"), (SELL, "ask")):
        found[f"touch_size_{name}"] = looks[f"{name}_size"]
        found[f"ten_levels_{name}"] = record.depth[f"{name}_levels"].sum(axis=1)
        own = record.changes[near & (record.changes["side"] == side)]
        found[f"limit_distance_{name}"] = own["distance_bp"][own["change"] > 0]
        found[f"cancel_distance_{name}"] = own["distance_bp"][own["change"] < 0]
    return found


def _touch_on_grid(record: MarketRecord) -> NDArray[Any]:
    """Return the rows of the touch that held at regular times."""
    touch = record.known_touch()
    if not len(touch):
        return touch
    times = np.arange(touch["time"][0], record.duration, _LOOK)
    return touch[np.searchsorted(touch["time"], times, side="right") - 1]


def order_flow_imbalance(touch: NDArray[Any]) -> Floats:
    """Return what each change of the best quotes added to demand less supply (units).

    Cont, Kukanov and Stoikov, "The price impact of order book events" (2014).

    Args:
        touch: shape (n,), both sides known.

    Returns:
        Shape (n - 1,).
    """
    was, now = touch[:-1], touch[1:]
    bid = np.where(now["bid"] >= was["bid"], now["bid_size"], 0.0)
    bid -= np.where(now["bid"] <= was["bid"], was["bid_size"], 0.0)
    ask = np.where(now["ask"] <= was["ask"], now["ask_size"], 0.0)
    ask -= np.where(now["ask"] >= was["ask"], was["ask_size"], 0.0)
    return bid - ask


def distances(simulated: MarketRecord, real: MarketRecord) -> dict[str, tuple[float, float]]:
    """Return the distances L1 and Wasserstein-1 of every distribution, by name.

    Both are NaN where one of the records has no values.
    """
    ours, theirs = distributions(simulated), distributions(real)
    return {
        name: (
            l1_distance(ours[name], theirs[name], discrete=name in _DISCRETE),
            wasserstein(ours[name], theirs[name]),
        )
        for name in theirs
    }


def l1_distance(simulated: Any, real: Any, *, discrete: bool = False) -> float:
    """Return half the sum of the differences of two histograms: 0 if equal, 1 if disjoint.

    Bins are those of Freedman and Diaconis for both samples together: 2 IQR / n^(1/3) wide, at most
    2,000; what is beyond the 0.1 and 99.9 % quantiles goes into the outer ones.

    Args:
        simulated: shape (n,).
        real: shape (m,).
        discrete: every value is a bin of its own.
    """
    left, right = _checked(simulated), _checked(real)
    if not (len(left) and len(right)):
        return math.nan
    edges = np.unique(np.concatenate((left, right))) if discrete else shared_bins(left, right)
    shares = [
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        / len(values)
        for values in (left, right)
    ]
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def shared_bins(left: Floats, right: Floats) -> Floats:
    """Return the edges between the bins of two samples, rising; one for samples of one value."""
    both = np.concatenate((left, right))
    low, high = np.quantile(both, (0.001, 0.999))
    quarter, three_quarters = np.quantile(both, (0.25, 0.75))
    width = 2.0 * (three_quarters - quarter) / len(both) ** (1.0 / 3.0)
    if high <= low:
        return np.array([low])
    count = min(math.ceil((high - low) / width), _MOST_BINS) if width > 0.0 else _MOST_BINS
    return np.linspace(low, high, count + 1)


def wasserstein(simulated: Any, real: Any) -> float:
    """Return the Wasserstein-1 distance of two samples, in interquartile ranges of the real one.

    Where that range is 0, standard deviations; where both are, the distance itself.
    """
    left, right = np.sort(_checked(simulated)), np.sort(_checked(real))
    if not (len(left) and len(right)):
        return math.nan
    both = np.sort(np.concatenate((left, right)))
    shares = [
        np.searchsorted(values, both[:-1], side="right") / len(values) for values in (left, right)
    ]
    distance = float(np.sum(np.abs(shares[0] - shares[1]) * np.diff(both)))
    quarter, three_quarters = np.quantile(right, (0.25, 0.75))
    return distance / float((three_quarters - quarter) or right.std() or 1.0)


def _checked(values: Any) -> Floats:
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        raise DataError("a distribution must be of finite numbers")
    return values
