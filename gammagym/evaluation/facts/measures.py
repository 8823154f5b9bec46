"""Measure the stylised facts of a market's record. docs/facts.md defines each of them.

Curves (over horizons, lags, sizes) are functions of their own, so that a figure and a fact show the
same number. What cannot be measured, because a record is too short, is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.facts.estimators import (
    autocorrelation,
    branching_ratio,
    correlation,
    excess_kurtosis,
    tail_index,
    weighted_mean,
    weighted_median,
)
from gammagym.evaluation.facts.record import BANDS_BP, MarketRecord

Floats = NDArray[np.float64]

SIGN_LAGS = (1, 2, 5, 10, 50)
TRADE_SIGN_LAGS = (1, 10, 50)
IMPACT_HORIZONS = {"10ms": 0.01, "100ms": 0.1, "1s": 1.0, "5s": 5.0, "30s": 30.0}
# Sizes of orders (units) by which their impact after a second is told.
IMPACT_SIZES = {
    "below_0.1": (0.0, 0.1),
    "0.1_to_1": (0.1, 1.0),
    "1_to_5": (1.0, 5.0),
    "above_5": (5.0, math.inf),
}
VOLATILITY_HORIZONS = {"100ms": 0.1, "1s": 1.0, "10s": 10.0, "60s": 60.0}
SIZE_QUANTILES = {"q90": 0.9, "q99": 0.99, "q99.9": 0.999}
YEAR = 365 * 86_400.0
_BIN = 10.0  # seconds in which volume and volatility are compared
_PHASES = 10  # grids that returns are taken on
_FEWEST_RETURNS = 4


def measure(record: MarketRecord) -> dict[str, float]:
    """Return every fact of a record, by name.

    >>> from gammagym.evaluation.facts.worlds import record_world
    >>> round(measure(record_world("calm", seconds=60.0))["orders_per_second"])
    3
    """
    return {
        **book_facts(record),
        **flow_facts(record),
        **memory_facts(record),
        **impact_facts(record),
        **return_facts(record),
    }


# --- The book --------------------------------------------------------------------------------


def book_facts(record: MarketRecord) -> dict[str, float]:
    """Return spread (weighted by time), sizes at the touch and depth within bands."""
    touch, weights = record.known_touch(), touch_weights(record)
    ticks = np.round((touch["ask"] - touch["bid"]) / record.tick)
    facts = {
        "spread_ticks_mean": weighted_mean(ticks, weights),
        "spread_one_tick_share": weighted_mean(ticks == 1, weights),
    }
    for side in ("bid", "ask"):
        sizes = touch[f"{side}_size"]
        facts[f"touch_size_median_{side}"] = _quantile(sizes, 0.5)
        facts[f"touch_size_time_median_{side}"] = weighted_median(sizes, weights)
    for band, width in enumerate(BANDS_BP):
        sides = [_mean(record.depth[side][:, band]) for side in ("bid", "ask")]
        facts[f"depth_{width}bp_bid"], facts[f"depth_{width}bp_ask"] = sides
        facts[f"depth_{width}bp"] = 0.5 * sum(sides)
    return facts


def touch_weights(record: MarketRecord) -> Floats:
    """Return how long each row of the known touch held (s)."""
    return np.diff(np.append(record.known_touch()["time"], record.duration))


# --- The flow of orders ----------------------------------------------------------------------


def flow_facts(record: MarketRecord) -> dict[str, float]:
    """Return rates, sizes of marketable orders, clustering of arrivals, and cancels."""
    orders, changes = record.orders, record.changes
    gaps = np.diff(orders["time"])
    added = changes["change"][changes["change"] > 0]
    canceled = -changes["change"][changes["change"] < 0]
    return {
        "trades_per_second": len(record.trades) / record.duration,
        "orders_per_second": len(orders) / record.duration,
        "level_updates_per_second": len(changes) / record.duration,
        "volume_per_second": float(record.trades["size"].sum()) / record.duration,
        "order_size_median": _quantile(orders["size"], 0.5),
        "order_size_mean": _mean(orders["size"]),
        **{
            f"order_size_{name}": _quantile(orders["size"], level)
            for name, level in SIZE_QUANTILES.items()
        },
        "interarrival_cv": float(gaps.std() / gaps.mean()) if len(gaps) > 1 else math.nan,
        "branching_ratio": branching_ratio(orders["time"], record.duration),
        "cancel_ratio_size": _ratio(canceled.sum(), added.sum()),
        "cancel_ratio_count": _ratio(len(canceled), len(added)),
    }


def memory_facts(record: MarketRecord) -> dict[str, float]:
    """Return how long the signs of orders and trades stay together."""
    return {
        **{f"sign_acf_{lag}": sign_memory(record, [lag])[0] for lag in SIGN_LAGS},
        **{
            f"trade_sign_acf_{lag}": autocorrelation(record.trades["side"], lag)
            for lag in TRADE_SIGN_LAGS
        },
    }


def sign_memory(record: MarketRecord, lags: Sequence[int]) -> list[float]:
    """Return the autocorrelation of the signs of marketable orders at lags (orders)."""
    return [autocorrelation(record.orders["side"], lag) for lag in lags]


# --- Impact ----------------------------------------------------------------------------------


def impact_facts(record: MarketRecord) -> dict[str, float]:
    """Return the mean response of the mid to marketable orders, over time and by size."""
    facts = {
        f"impact_{name}": response(record, [horizon])[0]
        for name, horizon in IMPACT_HORIZONS.items()
    }
    for name, sizes in IMPACT_SIZES.items():
        facts[f"impact_1s_{name}"] = response(record, [1.0], sizes)[0]
    return facts


def response(
    record: MarketRecord, horizons: Sequence[float], sizes: tuple[float, float] = (0.0, math.inf)
) -> list[float]:
    """Return the mean move of the mid in the direction of an order, so long after it (bp).

    Args:
        record: what is measured; orders too close to its end for a horizon are left out.
        horizons: times after the order (s).
        sizes: smallest size of an order, and the one that is too large (units).
    """
    orders = record.orders
    orders = orders[(orders["size"] >= sizes[0]) & (orders["size"] < sizes[1])]
    orders = orders[np.isfinite(orders["mid"])]
    found: list[float] = []
    for horizon in horizons:
        seen = orders[orders["time"] + horizon <= record.duration]
        later = record.mids_at(seen["time"] + horizon)
        found.append(_mean(1e4 * seen["side"] * (later / seen["mid"] - 1.0)))
    return found


# --- Returns ---------------------------------------------------------------------------------


def return_facts(record: MarketRecord) -> dict[str, float]:
    """Return volatility over horizons, tails, memory of returns and of their sizes."""
    second, minute = returns(record, 1.0), returns(record, 60.0)
    volumes, volatilities = volume_and_volatility(record)
    return {
        **{
            f"volatility_{name}": signature(record, [horizon])[0]
            for name, horizon in VOLATILITY_HORIZONS.items()
        },
        "kurtosis_1s": mean_over(second, excess_kurtosis),
        "kurtosis_60s": mean_over(minute, excess_kurtosis),
        "return_acf_1s": mean_over(second, lambda moves: autocorrelation(moves, 1)),
        "return_acf_60s": mean_over(minute, lambda moves: autocorrelation(moves, 1)),
        "abs_return_acf_1s": abs_return_memory(record, [1])[0],
        "abs_return_acf_5s": abs_return_memory(record, [5])[0],
        "tail_index_1s": mean_over(second, tail_index),
        "volume_volatility_correlation": correlation(volumes, volatilities),
    }


def returns(record: MarketRecord, horizon: float) -> list[Floats]:
    """Return log returns of the mid over a horizon (s), on ten grids that begin a tenth apart.

    What one grid shows depends on where it begins: the volatility of the real sample at 1 s is
    between 67 and 79 %. So estimates are averaged over grids (Zhang, Mykland and Ait-Sahalia,
    2005).
    """
    touch = record.known_touch()
    first = touch["time"][0] if len(touch) else record.duration
    found: list[Floats] = []
    for phase in range(_PHASES):
        start = first + phase * horizon / _PHASES
        count = math.floor((record.duration - start) / horizon + 1e-9)
        grid = start + horizon * np.arange(max(count, 0) + 1)
        found.append(np.diff(np.log(record.mids_at(grid))))
    return found


def mean_over(grids: list[Floats], estimate: Callable[[Floats], float]) -> float:
    """Return the mean of an estimate over the grids that it can be made on, else NaN."""
    values = [value for moves in grids if len(moves) and np.isfinite(value := estimate(moves))]
    return float(np.mean(values)) if values else math.nan


def abs_return_memory(record: MarketRecord, lags: Sequence[int]) -> list[float]:
    """Return the autocorrelation of absolute one-second returns at lags (s)."""
    grids = [np.abs(moves) for moves in returns(record, 1.0)]
    return [mean_over(grids, partial(autocorrelation, lag=lag)) for lag in lags]


def signature(record: MarketRecord, horizons: Sequence[float]) -> list[float]:
    """Return the annual volatility that returns over each horizon (s) show; their mean is zero."""
    found: list[float] = []
    for horizon in horizons:
        grids = [moves for moves in returns(record, horizon) if len(moves) >= _FEWEST_RETURNS]
        variance = mean_over(grids, lambda moves: float(np.mean(moves**2)))
        found.append(math.sqrt(variance * YEAR / horizon))
    return found


def volume_and_volatility(record: MarketRecord) -> tuple[Floats, Floats]:
    """Return volume, and annual volatility of one-second returns, in bins of 10 s."""
    moves = returns(record, 1.0)[0]
    count = len(moves) // int(_BIN)
    squares = moves[: count * int(_BIN)].reshape(count, int(_BIN)) ** 2
    start = record.known_touch()["time"][:1].sum()
    edges = start + _BIN * np.arange(count + 1)
    volumes = np.histogram(record.trades["time"], edges, weights=record.trades["size"])[0]
    return volumes, np.sqrt(squares.mean(axis=1) * YEAR)


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _quantile(values: NDArray[np.float64], level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else math.nan


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else math.nan
