"""The figures of a report, as plain dictionaries that plotly.js draws."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.results import Results

Figure = dict[str, Any]
Floats = NDArray[np.float64]

AGENT_COLOURS = (
    "#4269d0", "#ef8b18", "#3ca951", "#e0564a", "#a463f2",
    "#2fb3a6", "#ff8ab7", "#9c6b4e", "#97bbf5", "#8f96a3",
)  # fmt: skip

# Parts that are shown together, with colour and meaning.
PARTS_SHOWN: dict[str, tuple[tuple[str, ...], str, str]] = {
    "gamma": (("gamma",), "#3ca951", "what moves of the price earn for the book's curvature"),
    "theta": (("theta",), "#b5523c", "what the passing of time costs an owner of options"),
    "volatility": (("vega", "vanna", "volga"), "#a463f2", "changes of implied volatility"),
    "delta": (("delta",), "#4269d0", "net delta carried through moves of the price"),
    "fees": (("fees",), "#ef8b18", "fees to the exchange"),
    "spread": (("spread",), "#e8c02b", "half spread and slippage of orders that cross"),
    "delay": (("delay",), "#ff8ab7", "moves between decision and arrival"),
    "maker": (("maker",), "#2fb3a6", "spread earned by resting, less what fills told"),
    "funding": (("funding",), "#97bbf5", "funding of the perpetual"),
    "basis": (("basis",), "#9c6b4e", "mid of the hedge instrument against its mark"),
    "liquidation": (("liquidation", "deleveraging"), "#8b1e3f", "forced trades and their fees"),
    "residual": (("residual",), "#8f96a3", "what the Greeks do not explain"),
}
_LONGEST_LABEL = 26


def colour_of(results: Results, agent: str) -> str:
    """Return the colour of an agent, the same in all figures."""
    return AGENT_COLOURS[results.agents.index(agent) % len(AGENT_COLOURS)]


def label(name: str) -> str:
    """Return a name for an axis: short, and without anything that is taken for a tag.

    >>> label("<b>mine</b>")
    '&lt;b&gt;mine&lt;/b&gt;'
    """
    cut = name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"
    return html.escape(cut)


def score_figure(results: Results, order: list[str], scenario: str | None) -> Figure:
    """Return scores with their intervals, one line an agent."""
    found, factor = results.bootstrap(scenario), results.unit.factor
    data: list[Figure] = []
    for agent in order:
        row = results.agents.index(agent)
        score, low, high = found.scores[row], found.low[row], found.high[row]
        if not np.isfinite(score):
            continue
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [_number(score * factor)],
                "y": [order.index(agent)],
                "marker": {"color": colour_of(results, agent), "size": 11},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_number((high - score) * factor)],
                    "arrayminus": [_number((score - low) * factor)],
                    "color": colour_of(results, agent),
                    "thickness": 2.5,
                    "width": 5,
                },
                "hovertemplate": f"<b>{html.escape(agent)}</b><br>%{{x:.1f}}"
                f"  [{low * factor:.1f}, {high * factor:.1f}]<extra></extra>",
            }
        )
    return _figure(data, order, f"score, {results.unit.name}")


def attribution_figure(results: Results, order: list[str], scenario: str) -> Figure:
    """Return where the profit went: one stacked bar an agent, with the total as a dot."""
    parts, factor = grouped_parts(results, scenario), results.unit.factor
    rows = [results.agents.index(agent) for agent in order]
    places = list(range(len(order)))
    data: list[Figure] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": [_number(values[row] * factor) for row in rows],
            "y": places,
            "marker": {"color": PARTS_SHOWN[name][1]},
            "hovertemplate": f"{name} %{{x:.1f}}<extra></extra>",
        }
        for name, values in parts.items()
    ]
    totals = sum(parts.values(), np.zeros(len(results.agents)))
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "meta": "ink",
            "x": [_number(totals[row] * factor) for row in rows],
            "y": places,
            "marker": {"symbol": "diamond", "size": 10},
            "hovertemplate": "<b>profit %{x:.1f}</b><extra></extra>",
        }
    )
    figure = _figure(data, order, f"profit, {results.unit.name}")
    figure["layout"] |= {"barmode": "relative", "bargap": 0.35}
    return figure


def grouped_parts(results: Results, scenario: str) -> dict[str, Floats]:
    """Return the parts of a report that are not nothing, in stakes, shape (agents,)."""
    found = results.attribution(scenario)
    sums = {
        name: np.sum([found[part] for part in parts], axis=0)
        for name, (parts, _, _) in PARTS_SHOWN.items()
    }
    return {name: each for name, each in sums.items() if np.nanmax(np.abs(each), initial=0) > 1e-4}


def distribution_figure(results: Results, order: list[str], scenario: str) -> Figure:
    """Return every episode's relative cost as a dot, with a box for each agent."""
    costs = results.counted("relative_cost", scenario)
    data: list[Figure] = []
    for agent in order:
        values = costs[results.agents.index(agent)].ravel() * results.unit.factor
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        colour = colour_of(results, agent)
        data.append(
            {
                "type": "box",
                "orientation": "h",
                "name": label(agent),
                "x": [_number(value) for value in values],
                "y": [order.index(agent)] * len(values),
                "boxpoints": "all",
                "jitter": 0.55,
                "pointpos": 0,
                "boxmean": True,
                "width": 0.62,
                "line": {"color": colour, "width": 1.5},
                "fillcolor": "rgba(0,0,0,0)",
                "marker": {"size": 4, "opacity": 0.55, "color": colour},
                "hoverinfo": "x",
            }
        )
    return _figure(data, order, f"cost relative to the reference, {results.unit.name}")


def _figure(data: list[Figure], order: list[str], title: str) -> Figure:
    """Return a figure with one line an agent, the best on top."""
    layout = {
        "height": 78 + 30 * len(order),
        "margin": {"l": 8, "r": 14, "t": 6, "b": 44},
        "showlegend": False,
        "xaxis": {
            "title": {"text": title, "font": {"size": 11}},
            "zeroline": True,
            "nticks": 6,
            "tickangle": 0,
        },
        "yaxis": {
            "tickvals": list(range(len(order))),
            "ticktext": [label(agent) for agent in order],
            "range": [len(order) - 0.5, -0.5],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
    }
    return {"data": data, "layout": layout}


def _number(value: float) -> float | None:
    """Return a number with as many digits as a figure shows."""
    return float(f"{value:.5g}") if np.isfinite(value) else None
