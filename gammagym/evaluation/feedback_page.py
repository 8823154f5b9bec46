"""A page with the figures of the feedback of hedging, which needs nothing beside it."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

import plotly.io

from gammagym.evaluation.feedback_figures import Figure, draw
from gammagym.evaluation.feedback_results import Feedback

_to_html: Any = plotly.io.to_html


def write_page(found: Feedback, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all."""
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    part.write_text(render(found), encoding="utf-8")
    part.replace(target)


def render(found: Feedback) -> str:
    """Return the page as text."""
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<title>Feedback of hedging · gammagym</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;"
        "padding:0 1rem}</style></head><body><h1>Feedback of hedging</h1>"
    ]
    for place, (title, text, figure) in enumerate(draw(found).values()):
        parts.append(f"<h2>{html.escape(title)}</h2><p>{html.escape(text)}</p>")
        parts.append(_drawn(figure, with_script=place == 0))
    return "".join([*parts, "</body></html>\n"])


def _drawn(figure: Figure, with_script: bool) -> str:
    """Return a figure as HTML; the first one of a page brings the drawing code along."""
    return _to_html(
        figure,
        full_html=False,
        include_plotlyjs=with_script,
        include_mathjax=False,
        config={"displayModeBar": False, "responsive": True},
    )
