"""One table of a venue's rules, and how its texts are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gammagym.quantities import format_percent
from gammagym.venues.listings import Listing
from gammagym.venues.schema import Venue
from gammagym.venues.words import KINDS

STAR = " *"
LEGEND = "* no source confirms this figure"
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Shown:
    """One table.

    Attributes:
        title: what stands above it.
        columns: headings.
        rows: texts.
        left: how many of the first columns are words; the rest are figures.
        note: what stands below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 2
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """Makes the texts of one venue.

    Attributes:
        venue: whose rules.
    """

    venue: Venue

    def starred(self, text: str, *keys: str) -> str:
        """Return a text with a star if one of its dotted keys, or what holds it, is unverified."""
        unverified = self.venue.unverified
        star = any(key == one or key.startswith(f"{one}.") for key in keys for one in unverified)
        return f"{text}{STAR}" if star else text

    def listings(self) -> dict[str, Listing]:
        """Return the terms of each kind that is listed."""
        found = {kind: getattr(self.venue, kind) for kind in KINDS}
        return {kind: one for kind, one in found.items() if one is not None}

    def by_kind(
        self, title: str, facts: dict[str, Callable[[str, Any], str]], note: str = ""
    ) -> Shown:
        """Return a table with one column a kind of contract; facts that none has are left out."""
        listings = self.listings()
        rows: list[tuple[str, ...]] = []
        for name, fact in facts.items():
            cells = [fact(kind, one) for kind, one in listings.items()]
            if any(cells):
                rows.append((name, *(cell or NOTHING for cell in cells)))
        return Shown(title, ("", *listings), tuple(rows), left=1, note=note)

    def facts(self, title: str, rows: list[tuple[str, str, str]]) -> Shown:
        """Return a table of (name, value, dotted key); those without a value are left out."""
        lines = tuple((name, self.starred(value, key)) for name, value, key in rows if value)
        return Shown(title, ("rule", "value"), lines)

    def share(self, kind: str, one: Any, key: str) -> str:
        """Return a share of a listing, or nothing."""
        value = getattr(one, key, None)
        return "" if value is None else self.starred(format_percent(value), f"{kind}.{key}")
