"""Markdown that is made from the code: tables, and figures in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

Rows = Iterable[Sequence[str]]


def table(header: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    # Firm spaces stay as they are.
    return re.sub(r"[ \n]+", " ", text).strip(" ").replace("|", "\\|")


def percent(share: Decimal) -> str:
    """Return a share as a percentage."""
    return f"{round(share * 100, 6).normalize():f} %"
