"""A page with the story of a scenario, pictures of a median run, and what agents did there."""

from __future__ import annotations

import html
import os
from typing import Any

import numpy as np

import gammagym
from gammagym.evaluation.gallery.agents import SOURCES, Field
from gammagym.evaluation.gallery.findings import Figure, Findings
from gammagym.evaluation.gallery.panels import Panel, Trouble, panels, troubles
from gammagym.evaluation.gallery.scales import time_scale
from gammagym.evaluation.page import figure_cards, render_page, write_whole
from gammagym.evaluation.report_tables import shown
from gammagym.scenario.schema import Scenario

_SHADE = "rgba(138,147,160,0.33)"


def write_page(
    scenario: Scenario, text: str, found: Findings, path: str | os.PathLike[str]
) -> None:
    """Write the page, whole or not at all.

    Args:
        scenario: what is shown.
        text: its story.
        found: what it did.
        path: the HTML file.

    Raises:
        GammagymError: plotly is not installed.
    """
    write_whole(render(scenario, text, found), path)


def render(scenario: Scenario, text: str, found: Findings) -> str:
    """Return the page as text."""
    run = found.median
    figures = {
        f"panel-{place}": (
            panel.title,
            panel.about,
            _figure(panel, troubles(run), float(run.times[-1])),
        )
        for place, panel in enumerate(panels(run))
    }
    names = dict.fromkeys(each.name for each in troubles(run))
    grey = f" Grey: {', '.join(names)}." if names else ""
    sections = [
        f'<p class="eyebrow">Scenario</p><h1>{html.escape(scenario.name)}</h1>'
        f'<p class="lead">{html.escape(scenario.purpose)}</p>',
        "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n")),
        f'<h2>A median run</h2><p class="why">Seed {run.seed}: of {len(found.seeds)} runs in which '
        "nobody hedges, the one whose figures are nearest to the medians."
        f"{html.escape(grey)}</p>"
        f'<div class="cards" style="grid-template-columns:1fr">{figure_cards(figures)}</div>',
        f"<h2>Figures</h2>{_figure_table(found)}",
        _agents(found.field),
        f"<footer>gammagym {gammagym.__version__}. Simulated markets: nothing here is advice."
        "</footer>",
    ]
    return render_page(scenario.name, sections, {key: each[2] for key, each in figures.items()})


def _figure(panel: Panel, closed: list[Trouble], seconds: float) -> dict[str, Any]:
    """Return a panel as a plain dictionary that plotly draws."""
    _, unit, unit_name = time_scale(seconds)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": line.name,
            "x": np.round(line.times / unit, 4).tolist(),
            "y": [None if value != value else float(f"{value:.7g}") for value in line.values],
            "line": {"color": line.colour, "width": 1.6},
        }
        for line in panel.lines
    ]
    shapes = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": each.start / unit,
            "x1": each.end / unit,
            "y0": 0,
            "y1": 1,
            "fillcolor": _SHADE,
            "line": {"width": 0},
        }
        for each in closed
    ]
    scale = {"type": "log"} if panel.logarithmic else {}
    scale |= {"rangemode": "tozero"} if panel.from_zero else {}
    layout = {
        "height": 230,
        "margin": {"l": 70, "r": 20, "t": 24, "b": 40},
        "xaxis": {"title": {"text": unit_name}, "range": [0, seconds / unit]},
        "yaxis": scale,
        "shapes": shapes,
        "showlegend": len(data) > 1,
        "legend": {"orientation": "h", "y": 1.16, "x": 1, "xanchor": "right"},
    }
    return {"data": data, "layout": layout}


def _figure_table(found: Findings) -> str:
    rows = [
        f'<tr><th scope="row" class="left">{html.escape(each.title)}</th>'
        + "".join(f"<td>{text}</td>" for text in figure_cells(each))
        + "</tr>"
        for each in found.figures
    ]
    heads = ("", "median", "lowest", "highest", f"drawn (seed {found.median.seed})")
    return _table(heads, rows)


def figure_cells(figure: Figure) -> list[str]:
    """Return median, lowest, highest and what is drawn, as text."""
    values = (figure.median, figure.low, figure.high, figure.drawn)
    return [shown(value, digits=figure.digits) for value in values]


def agent_heads() -> list[str]:
    """Return the heads of a table of agents."""
    return ["agent", "score", "profit", *SOURCES, "carried / profit", "liquidated"]


def agent_cells(field: Field) -> list[list[str]]:
    """Return the lines of a table of agents, as text."""
    lines: list[list[str]] = []
    for each in field.conducts:
        numbers = (each.score, each.profit, *(each.sources.get(key, np.nan) for key in SOURCES))
        cells = [shown(value, field.unit.factor) for value in numbers]
        shares = [f"{shown(value, 100.0, 0)} %" for value in (each.carried, each.liquidated)]
        lines.append([each.agent, *cells, *shares])
    return lines


def _agents(field: Field | None) -> str:
    if field is None:
        return ""
    rows = [
        f'<tr><th scope="row" class="left">{html.escape(line[0])}</th>'
        + "".join(f"<td>{text}</td>" for text in line[1:])
        + "</tr>"
        for line in agent_cells(field)
    ]
    failed = "".join(
        f'<p class="bad">{html.escape(each.agent)} failed: {html.escape(each.failure)}</p>'
        for each in field.conducts
        if each.failure
    )
    return (
        f'<h2>What agents did here</h2><p class="why">Means in {field.unit.name}, on the same '
        "seeds. Score: mean + 1.5 standard deviations of the cost relative to a frictionless "
        "hedger; less is better. The sources sum to the profit; liquidated: share of episodes."
        f"</p>{_table(agent_heads(), rows)}{failed}"
    )


def _table(heads: tuple[str, ...] | list[str], rows: list[str]) -> str:
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in heads)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
