"""The figures of the feedback of hedging, as plain dictionaries that plotly draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gammagym.evaluation.feedback import CRASH, LONG, STORM, theoretical_share
from gammagym.evaluation.feedback_results import Cell, Curve, Estimate, Feedback
from gammagym.evaluation.feedback_theory import volatility_ratio

Figure = dict[str, Any]

_BLUE, _ORANGE, _GREY = "#4269d0", "#ef8b18", "#6b7280"
_GAIN = "k (< 0: long gamma, > 0: short gamma)"
# One hue, from nothing to always.
_SHADES = [[0.0, "#eef2fb"], [0.5, "#7f9be0"], [1.0, "#1d3a8a"]]
_MOST = 0.5
_THEORY_GAINS = np.linspace(-0.85, 0.92, 60)


def draw(found: Feedback) -> dict[str, tuple[str, str, Figure]]:
    """Return title, what it shows, and figure, by key."""
    return {
        "volatility": (
            "Volatility",
            "Volatility of the mid with hedgers, times that of the same days without, over one "
            "hedging interval and over two hours. Lines: theory. Bars: 95 %, mostly smaller than "
            "the dots.",
            volatility_figure(found.together),
        ),
        "autocorrelation": (
            "Autocorrelation",
            "Lag-one autocorrelation of returns over the hedging interval. Line: k.",
            autocorrelation_figure(found.together),
        ),
        "crashes": (
            "Storms and crashes",
            f"Share of days with a move of more than {STORM:g} (storm) or {CRASH:g} (crash) "
            "standard deviations of an ordinary hour within one hour. Lines: the autoregression "
            "itself, without a market.",
            crashes_figure(found.together),
        ),
        "map": (
            "Crashes over k and depth",
            "Share of days with a crash; a cross where the price ran away on most days. Impact is "
            "the same everywhere. Dashed: k = 1.",
            depth_map(found.by_depth),
        ),
        "gamma_map": (
            "Crashes over net gamma and depth",
            "The same where impact is inverse to depth. Dashed: k = 1.",
            gamma_map(found.by_gamma),
        ),
    }


def volatility_figure(curve: Curve) -> Figure:
    """Return ratios of volatility over k, on a logarithmic scale."""
    data = [
        _line(name, [volatility_ratio(gain, h) for gain in _THEORY_GAINS], colour)
        for name, h, colour in (("one", 1, _ORANGE), ("many", LONG, _BLUE))
    ]
    data.append(_dots("one interval", curve.gains, curve.short_ratio, _ORANGE))
    data.append(_dots(f"{LONG} intervals", curve.gains, curve.long_ratio, _BLUE))
    axis = {"title": "volatility ratio", "type": "log", "tickvals": [0.5, 0.7, 1, 1.5, 2, 3, 5, 8]}
    return _figure(data, _GAIN, axis)


def autocorrelation_figure(curve: Curve) -> Figure:
    """Return the lag-one autocorrelation over k."""
    data = [_line("theory", list(_THEORY_GAINS), _GREY)]
    data.append(_dots("measured", curve.gains, curve.autocorrelation, _BLUE))
    figure = _figure(data, _GAIN, {"title": "lag-one autocorrelation"})
    figure["layout"]["showlegend"] = False
    return figure


def crashes_figure(curve: Curve) -> Figure:
    """Return shares of days with a storm and with a crash over k."""
    data: list[Figure] = []
    shares = ((STORM, curve.storms, _ORANGE, "storm"), (CRASH, curve.crashes, _BLUE, "crash"))
    gains = np.linspace(min(curve.gains), max(curve.gains), 18)
    for size, estimates, colour, name in shares:
        theory = [theoretical_share(float(gain), size, 200) for gain in gains]
        data.append(_line(name, theory, colour) | {"x": gains.tolist()})
        data.append(_dots(name, curve.gains, estimates, colour))
    return _figure(data, _GAIN, {"title": "share of days", "range": [0, 1.03]})


def depth_map(cells: Sequence[Cell]) -> Figure:
    """Return the map of crashes over k and depth."""
    figure = _map(cells, [cell.gain for cell in cells], "k")
    depths = [cell.depth for cell in cells]
    figure["data"].append(_border([1.0, 1.0], [min(depths) / 2, max(depths) * 2]))
    return figure


def gamma_map(cells: Sequence[Cell]) -> Figure:
    """Return the map of crashes over gamma and depth; k = 1 is where gamma is so much of depth."""
    figure = _map(cells, [-cell.gamma for cell in cells], "short gamma, units per 1 %")
    figure["layout"]["xaxis"] |= {"type": "log", "tickvals": [1.5, 3, 4.5, 6, 9, 12, 18]}
    slope = -cells[0].gamma / cells[0].gain / cells[0].depth
    depths = [cell.depth for cell in cells]
    ends = [min(depths) / 1.4, max(depths) * 1.4]
    figure["data"].append(_border([slope * depth for depth in ends], ends))
    figure["layout"]["xaxis"]["range"] = [float(np.log10(1.2)), float(np.log10(23))]
    return figure


# --- Pieces ----------------------------------------------------------------------------------


def _dots(name: str, gains: Sequence[float], estimates: Sequence[Estimate], colour: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(gains),
        "y": [each.value for each in estimates],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [each.high - each.value for each in estimates],
            "arrayminus": [each.value - each.low for each in estimates],
            "thickness": 1.5,
            "width": 4,
        },
        "marker": {"color": colour, "size": 9},
    }


def _line(name: str, values: list[float], colour: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name}, theory",
        "showlegend": False,
        "x": _THEORY_GAINS.tolist(),
        "y": values,
        "line": {"color": colour, "width": 1.5},
    }


def _map(cells: Sequence[Cell], across: list[float], title: str) -> Figure:
    """Return squares shaded by the share of crashes, crossed out where prices ran away."""
    ran = [place for place, cell in enumerate(cells) if cell.runaway > _MOST]
    squares = {
        "type": "scatter",
        "mode": "markers+text",
        "x": across,
        "y": [cell.depth for cell in cells],
        "text": ["" if cell.runaway > _MOST else f"{cell.crashes.value:.2f}" for cell in cells],
        "textfont": {
            "size": 12,
            "color": ["#fff" if cell.crashes.value > 0.4 else "#1f2937" for cell in cells],
        },
        "marker": {
            "symbol": "square",
            "size": 38,
            "color": [cell.crashes.value for cell in cells],
            "colorscale": _SHADES,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": {"text": "days with<br>a crash"}},
        },
        "hovertemplate": title + " %{x:g}<br>depth %{y:g}<br>%{text} of days<extra></extra>",
    }
    crosses = {
        "type": "scatter",
        "mode": "markers",
        "x": [across[place] for place in ran],
        "y": [cells[place].depth for place in ran],
        "marker": {"symbol": "x-thin", "size": 30, "line": {"color": _ORANGE, "width": 2.5}},
        "hoverinfo": "skip",
    }
    depths = sorted({cell.depth for cell in cells})
    axis = {
        "title": "depth of the book, times the ordinary one",
        "type": "log",
        "tickvals": depths,
        "range": [float(np.log10(depths[0] / 1.9)), float(np.log10(depths[-1] * 1.9))],
    }
    figure = _figure([squares, crosses], title, axis)
    figure["layout"]["showlegend"] = False
    return figure


def _border(x: list[float], y: list[float]) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": _GREY, "dash": "dash", "width": 2},
        "hoverinfo": "skip",
    }


def _figure(data: list[Figure], title: str, axis: Figure) -> Figure:
    layout = {
        "height": 400,
        "margin": {"l": 70, "r": 20, "t": 30, "b": 60},
        "xaxis": {"title": {"text": title}},
        "yaxis": axis | {"title": {"text": axis["title"]}},
        "legend": {"orientation": "h", "y": 1.12, "x": 0},
    }
    return {"data": data, "layout": layout}
