"""A page with the figures of the feedback of hedging, which needs nothing beside it."""

from __future__ import annotations

import os

import gammagym
from gammagym.evaluation.feedback_figures import draw
from gammagym.evaluation.feedback_results import Feedback
from gammagym.evaluation.page import figure_cards, render_page, write_whole


def write_page(found: Feedback, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all.

    Raises:
        GammagymError: plotly is not installed.
    """
    write_whole(render(found), path)


def render(found: Feedback) -> str:
    """Return the page as text."""
    drawn = draw(found)
    sections = [
        f'<h1>Feedback of hedging</h1><p class="lead">{found.days} days of each market.</p>',
        # Below each other: the maps are wide.
        f'<div class="cards" style="grid-template-columns:1fr">{figure_cards(drawn)}</div>',
        f"<footer>gammagym {gammagym.__version__}. Simulated markets: nothing here is advice."
        "</footer>",
    ]
    figures = {key: figure for key, (_, _, figure) in drawn.items()}
    return render_page("Feedback of hedging", sections, figures)
