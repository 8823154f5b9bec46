"""Where things are in a world: its venues, and the row of each instrument.

The first row is what an agent hedges with. One row follows for each leg of its book, then what the
venue lists by name and date, then the scenario's further markets, unless the book has them already;
futures that a task hedges with are among these.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from gammagym.errors import ScenarioError
from gammagym.scenario.markets import MarketSpec
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Hedge, Task
from gammagym.venues.listings import DerivativeListing
from gammagym.venues.schema import Venue

HEDGE_ROW = 0
HEDGE_VENUE, BOOK_VENUE = 0, 1


@dataclass(frozen=True)
class Venues:
    """The venues of a world: of the hedge, and of the book, which may be the same.

    Attributes:
        hedge: venue that the agent hedges on.
        book: venue that holds its book.
        start: when the episode begins.
    """

    hedge: Venue
    book: Venue
    start: datetime.datetime

    @property
    def both(self) -> tuple[Venue, ...]:
        """Each venue once, the hedge's first."""
        return (self.hedge,) if self.book is self.hedge else (self.hedge, self.book)

    @property
    def book_row(self) -> int:
        """Row of the book's venue."""
        return HEDGE_VENUE if self.book is self.hedge else BOOK_VENUE


def section(kind: str) -> str:
    """Return the section of a venue file that a leg of the book belongs to."""
    return "option" if kind in ("call", "put") else kind


def hedge_listing(venue: Venue) -> DerivativeListing:
    """Return the terms of what a venue has to hedge with."""
    listing = venue.perpetual or venue.future
    assert listing is not None, "the schema wants one of the two"
    return listing


def leg_listing(venue: Venue, kind: str, task: Task) -> Any:
    """Return the terms of a leg of the book, or of a further market."""
    listing = getattr(venue, section(kind))
    if listing is None:
        raise ScenarioError(
            f"venue {venue.name!r} has no [{section(kind)}], which task {task.name} needs: take "
            "another venue, or hold the book elsewhere with book_venue"
        )
    return listing


def instruments_needed(scenario: Scenario, venues: Venues, task: Task) -> int:
    """Return how many instruments a world needs."""
    first = 1 + len(task.book) + len(venues.hedge.instruments)
    return max(first, *(row + 1 for row in market_rows(scenario, venues, task)), 0)


def market_rows(scenario: Scenario, venues: Venues, task: Task) -> list[int]:
    """Return the row of each further market: one of the book's, or one after all else."""
    following = 1 + len(task.book) + len(venues.hedge.instruments)
    rows: list[int] = []
    for market in scenario.markets:
        row = _row_in_book(market, venues, task)
        rows.append(following if row is None else row)
        following += row is None
    return rows


def _row_in_book(market: MarketSpec, venues: Venues, task: Task) -> int | None:
    """Return the row of a leg of the book that is the same contract, if there is one."""
    if market_venue(market, venues) != venues.book_row:
        return None
    for row, leg in enumerate(task.book, start=1):
        if leg.kind != market.kind:
            continue
        same_date = market.expiry in (None, round(leg.expiry_days * 86_400e9))
        if same_date and (market.moneyness or 1.0) == leg.moneyness:
            return row
    return None


def hedge_rows(scenario: Scenario, venues: Venues, task: Task) -> list[int]:
    """Return the row of each instrument that agents hedge with."""
    rows: list[int] = []
    of_markets = market_rows(scenario, venues, task)
    for hedge in task.hedges or (Hedge(),):
        if hedge.kind == "perpetual":
            rows.append(HEDGE_ROW)
        elif venues.hedge.future is not None:
            place = next(
                place
                for place, market in enumerate(scenario.markets)
                if is_market_of(hedge, market, venues)
            )
            rows.append(of_markets[place])
        elif not hedge.optional:
            raise ScenarioError(
                f"task {task.name}: hedges: venue {venues.hedge.name!r} lists no futures: take "
                "another venue, or hedges=['perpetual']"
            )
    return rows or [HEDGE_ROW]


def is_market_of(hedge: Hedge, market: MarketSpec, venues: Venues) -> bool:
    """Return whether a further market is where a future to hedge with is traded."""
    if market.kind != "future" or market.expiry != hedge.expiry_ns:
        return False
    return market_venue(market, venues) == HEDGE_VENUE


def market_venue(market: MarketSpec, venues: Venues) -> int:
    """Return the row of the venue that a market is at.

    Raises:
        ScenarioError: the market names a venue that the world does not have.
    """
    names = [venue.name for venue in venues.both]
    if market.venue is not None:
        if market.venue not in names:
            raise ScenarioError(
                f"markets: venue {market.venue!r} of a {market.kind} is none of the world's, "
                f"{' and '.join(names)}: name it as the scenario's venue or book_venue"
            )
        return names.index(market.venue)
    lists = getattr(venues.hedge, section(market.kind)) is not None
    return HEDGE_VENUE if lists else venues.book_row
