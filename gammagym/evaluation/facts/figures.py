"""The figures of a page of facts: each curve of the simulated market beside the real one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.facts.distributions import distributions
from gammagym.evaluation.facts.estimators import autocorrelation
from gammagym.evaluation.facts.measures import (
    abs_return_memory,
    book_facts,
    mean_over,
    response,
    returns,
    sign_memory,
    signature,
    touch_weights,
    volume_and_volatility,
)
from gammagym.evaluation.facts.record import BANDS_BP, MarketRecord

Figure = dict[str, Any]
Floats = NDArray[np.float64]
Markets = Mapping[str, MarketRecord]

COLOURS = ("#4269d0", "#ef8b18")
_WIDEST_SPREAD = 10  # ticks
_LAGS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
_SECONDS = tuple(range(1, 21))
_HORIZONS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_SIGNATURE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
_SIZE_EDGES = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
_FEWEST_ORDERS = 20
_BINS = 50


def draw(markets: Markets) -> dict[str, tuple[str, str, Figure]]:
    """Return title, what it shows, and figure, by key.

    Args:
        markets: records by what they are called, the simulated one first.
    """
    return {
        "spread": ("Spread", "Share of the time by spread.", _spread(markets)),
        "depth": (
            "Depth",
            "Size within a distance from the mid, mean of bid and ask.",
            _depth(markets),
        ),
        "arrivals": (
            "Times between orders",
            "Share of marketable orders by the logarithm of the time since the one before. "
            "A Poisson process would show the dashed line.",
            _arrivals(markets),
        ),
        "tails": (
            "Tails of returns",
            "Share of one-second returns beyond a multiple of their standard deviation. Dashed: "
            "normal.",
            _tails(markets),
        ),
        "returns": (
            "Memory of returns",
            "Autocorrelation of one-second returns.",
            _curves(markets, _SECONDS, _return_memory, "lag, s", "autocorrelation"),
        ),
        "clustering": (
            "Clustering of volatility",
            "Autocorrelation of absolute one-second returns.",
            _curves(markets, _SECONDS, abs_return_memory, "lag, s", "autocorrelation"),
        ),
        "signs": (
            "Memory of signs",
            "Autocorrelation of the signs of marketable orders.",
            _curves(markets, _LAGS, sign_memory, "lag, orders", "autocorrelation", log_x=True),
        ),
        "response": (
            "Response to an order",
            "Mean move of the mid in the direction of a marketable order.",
            _curves(markets, _HORIZONS, response, "time after it, s", "bp", log_x=True),
        ),
        "response-size": (
            "Response by size",
            "The same after one second; dots with fewer than 20 orders are left out.",
            _response_by_size(markets),
        ),
        "signature": (
            "Signature plot",
            "Annual volatility by the horizon of the returns it is measured on.",
            _curves(markets, _SIGNATURE, signature, "horizon, s", "volatility", log_x=True),
        ),
        "volume": (
            "Volume and volatility",
            "Bins of ten seconds: traded size and volatility of one-second returns.",
            _volume(markets),
        ),
    }


def _spread(markets: Markets) -> Figure:
    traces: list[Figure] = []
    for name, record in markets.items():
        touch, weights = record.known_touch(), touch_weights(record)
        ticks = np.round((touch["ask"] - touch["bid"]) / record.tick).astype(int)
        held = np.bincount(np.clip(ticks, 0, _WIDEST_SPREAD), weights, _WIDEST_SPREAD + 1)
        shares = (held / weights.sum())[1:]
        traces.append(_trace("bar", markets, name, np.arange(1, _WIDEST_SPREAD + 1), shares))
    return _figure(traces, f"ticks; {_WIDEST_SPREAD}: or more", "share of the time", log_y=True)


def _depth(markets: Markets) -> Figure:
    traces: list[Figure] = []
    for name, record in markets.items():
        facts = book_facts(record)
        sizes = [facts[f"depth_{width}bp"] for width in BANDS_BP]
        traces.append(_trace("lines+markers", markets, name, BANDS_BP, sizes))
    return _figure(traces, "bp from the mid", "units", log_x=True, log_y=True)


def _arrivals(markets: Markets) -> Figure:
    traces: list[Figure] = []
    edges = np.linspace(-4.0, 1.5, _BINS + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    for name, record in markets.items():
        gaps = distributions(record)["log_interarrival"]
        shares = np.histogram(gaps, edges)[0] / max(len(gaps), 1)
        traces.append(_trace("lines", markets, name, 10.0**middles, shares))
        rate = len(gaps) / record.duration
        poisson = np.exp(-rate * 10.0 ** edges[:-1]) - np.exp(-rate * 10.0 ** edges[1:])
        dashed = _trace("lines", markets, name, 10.0**middles, poisson)
        traces.append(_dashed(dashed))
    return _figure(traces, "s", "share of orders", log_x=True)


def _tails(markets: Markets) -> Figure:
    traces: list[Figure] = []
    for name, record in markets.items():
        moves = np.concatenate(returns(record, 1.0))
        sizes = np.sort(np.abs(moves))[::-1] / (moves.std() or 1.0)
        rows = np.unique(np.geomspace(1, max(len(sizes), 1), 80).astype(int)) - 1
        traces.append(_trace("lines", markets, name, sizes[rows], (rows + 1) / len(sizes)))
    grid = np.linspace(0.05, 5.0, 60)
    normal = [math.erfc(value / math.sqrt(2.0)) for value in grid]
    traces.append(_dashed(_line("normal", "#8f96a3", grid, normal)))
    return _figure(traces, "standard deviations", "share beyond", log_x=True, log_y=True)


def _return_memory(record: MarketRecord, lags: Sequence[int]) -> list[float]:
    grids = returns(record, 1.0)
    return [mean_over(grids, lambda moves, lag=lag: autocorrelation(moves, lag)) for lag in lags]


def _response_by_size(markets: Markets) -> Figure:
    traces: list[Figure] = []
    for name, record in markets.items():
        sizes: list[float] = []
        moves: list[float] = []
        for low, high in pairwise(_SIZE_EDGES):
            own = record.orders["size"]
            own = own[(own >= low) & (own < high)]
            if len(own) >= _FEWEST_ORDERS:
                sizes.append(float(own.mean()))
                moves.append(response(record, [1.0], (low, high))[0])
        traces.append(_trace("lines+markers", markets, name, sizes, moves))
    return _figure(traces, "size, units", "bp after 1 s", log_x=True)


def _volume(markets: Markets) -> Figure:
    traces: list[Figure] = []
    for name, record in markets.items():
        volumes, volatilities = volume_and_volatility(record)
        traces.append(_trace("markers", markets, name, volumes, volatilities))
    return _figure(traces, "units traded", "annual volatility", log_x=True, log_y=True)


def _curves(
    markets: Markets,
    places: Sequence[Any],
    curve: Callable[[MarketRecord, Sequence[Any]], list[float]],
    x_title: str,
    y_title: str,
    *,
    log_x: bool = False,
) -> Figure:
    """Return a curve of each market."""
    traces = [
        _trace("lines+markers", markets, name, places, curve(record, places))
        for name, record in markets.items()
    ]
    return _figure(traces, x_title, y_title, log_x=log_x)


def _trace(mode: str, markets: Markets, name: str, x: Any, y: Any) -> Figure:
    """Return one market's curve, dots or bars, in its colour."""
    colour = COLOURS[list(markets).index(name)]
    trace = _line(name, colour, x, y)
    if mode == "bar":
        return {"type": "bar", "name": name, "x": trace["x"], "y": trace["y"],
                "marker": {"color": colour}}  # fmt: skip
    return trace | {"mode": mode, "marker": {"color": colour, "size": 6}}


def _line(name: str, colour: str, x: Any, y: Any) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [_number(value) for value in x],
        "y": [_number(value) for value in y],
        "line": {"color": colour, "width": 2},
    }


def _dashed(trace: Figure) -> Figure:
    return trace | {
        "mode": "lines",
        "line": trace["line"] | {"dash": "dot", "width": 1.2},
        "showlegend": trace["name"] == "normal",
    }


def _figure(
    traces: list[Figure], x_title: str, y_title: str, *, log_x: bool = False, log_y: bool = False
) -> Figure:
    def axis(title: str, log: bool) -> Figure:
        kind: Figure = {"type": "log", "dtick": 1, "exponentformat": "power"} if log else {}
        return {"title": {"text": title, "font": {"size": 11}}, "zeroline": not log} | kind

    layout = {
        "height": 290,
        "margin": {"l": 58, "r": 14, "t": 30, "b": 44},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
        "xaxis": axis(x_title, log_x),
        "yaxis": axis(y_title, log_y),
    }
    return {"data": traces, "layout": layout}


def _number(value: Any) -> float | None:
    """Return a number with as many digits as a figure shows."""
    return float(f"{value:.5g}") if np.isfinite(value) else None
