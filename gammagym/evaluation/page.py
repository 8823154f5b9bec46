"""An HTML page with figures that needs neither network nor anything beside it."""

from __future__ import annotations

import html
import importlib.util
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gammagym.errors import GammagymError

_HERE = Path(__file__).parent
# Nothing may be loaded from anywhere; the browser sees to it.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
)


def render_page(title: str, sections: Iterable[str], drawn: Mapping[str, Any]) -> str:
    """Return a page as text.

    Args:
        title: plain text.
        sections: HTML; an element with data-figure="key" holds a figure.
        drawn: figures by key, as plain dictionaries that plotly.js draws.

    Raises:
        GammagymError: plotly, whose drawing code goes into the page, is not installed.
    """
    # "<" in a string must not end the script element.
    data = json.dumps(drawn, separators=(",", ":")).replace("<", "\\u003c")
    return "".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)} · gammagym</title>",
            f"<style>{_asset('report.css')}</style></head>",
            f"<body><main>{''.join(sections)}</main>",
            f'<script type="application/json" id="figures">{data}</script>',
            f"<script>{_plotly()}</script><script>{_asset('report.js')}</script></body></html>\n",
        ]
    )


def figure_cards(drawn: Mapping[str, tuple[str, str, Mapping[str, Any]]]) -> str:
    """Return a card as HTML for each figure, which `render_page` draws into it.

    Args:
        drawn: title, what it shows, and figure, by key; the layout of a figure has its height.
    """
    return "".join(
        f'<div class="card"><h3>{html.escape(title)}</h3><p class="soft">{html.escape(about)}</p>'
        f'<div class="plot" style="height:{figure["layout"]["height"]}px" data-figure="{key}">'
        "</div></div>"
        for key, (title, about, figure) in drawn.items()
    )


def write_whole(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text file whole or not at all."""
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(target)


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Return the drawing code, from the installed plotly."""
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / "package_data" / "plotly.min.js"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise GammagymError("a report needs plotly: pip install plotly")
