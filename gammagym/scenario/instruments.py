"""Write the instruments of a world: what the agent hedges with, what its book is made of.

It hedges with the venue's perpetual, or with its dated future where it lists no perpetual; `places`
says which row is whose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gammagym.engine.rules import BookRules
from gammagym.errors import CapacityError, ScenarioError
from gammagym.scenario.markets import MarketSpec
from gammagym.scenario.places import (
    HEDGE_ROW,
    HEDGE_VENUE,
    Venues,
    hedge_listing,
    instruments_needed,
    leg_listing,
    market_rows,
    market_venue,
    section,
)
from gammagym.scenario.rules import rate_e9, since, write_tiers
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Leg, Task
from gammagym.venues.listings import (
    DerivativeListing,
    FutureListing,
    OptionListing,
    PerpetualListing,
)
from gammagym.venues.marks import Mark
from gammagym.venues.schema import Listing, OrderRules, Venue
from gammagym.world.codes import (
    CALL,
    COIN,
    FEES_DERIVATIVE,
    FEES_OPTION,
    FEES_SPOT,
    FLOW_NONE,
    FUNDING_CONTINUOUS,
    FUNDING_IMPOSED,
    FUNDING_PREMIUM,
    FUTURE,
    MARK_AVERAGE_BASIS,
    MARK_INDEX,
    MARK_MEDIAN,
    NO_ORDER,
    PERPETUAL,
    PUT,
    QUOTE,
    SPOT,
)
from gammagym.world.sizes import QUANTA

_KINDS = {"call": CALL, "put": PUT, "spot": SPOT, "future": FUTURE}
_MARKS = {"index": MARK_INDEX, "median": MARK_MEDIAN, "average_basis": MARK_AVERAGE_BASIS}
_FUNDING = {
    "imposed": FUNDING_IMPOSED,
    "premium": FUNDING_PREMIUM,
    "continuous": FUNDING_CONTINUOUS,
}
_IMPOSED_RATE = Decimal("0.0001")
# A dated future to hedge with expires so long after the episode.
_FUTURE_BEYOND_NS = 30 * 86_400 * 10**9
_FEWEST_TICKS = 100
# Coins are valued to 1e-4 of the quote currency.
_LOWEST_PRICE = 1.0
_LOT_TOLERANCE = 1e-6


def check_scale(scenario: Scenario, venues: Venues, task: Task, lowest: float) -> None:
    """Refuse prices of hardly any ticks, and coins worth hardly any quanta."""
    key = "the lowest price.file price" if scenario.price.file else "price.start"
    if lowest < _LOWEST_PRICE:
        raise ScenarioError(
            f"scenario {scenario.name!r}: {key}, {lowest:g}, must be at least {_LOWEST_PRICE:g}: "
            "quote a larger unit, such as a thousand coins"
        )
    listings: list[tuple[Venue, str, Listing]] = []
    hedge = "perpetual" if venues.hedge.perpetual is not None else "future"
    listings.append((venues.hedge, hedge, hedge_listing(venues.hedge)))
    for leg in task.book:
        listing = leg_listing(venues.book, leg.kind, task)
        if not _is_in_coin(listing):
            listings.append((venues.book, section(leg.kind), listing))
    for venue, kind, listing in listings:
        if lowest < _FEWEST_TICKS * float(listing.tick):
            raise ScenarioError(
                f"scenario {scenario.name!r}: {key}, {lowest:g}, must be at least {_FEWEST_TICKS} "
                f"ticks of {listing.tick} ({kind}.tick of venue {venue.name!r}): take a higher "
                f'price, or a smaller tick with rules = {{ "{kind}.tick" = "..." }}'
            )


def _is_in_coin(listing: Listing) -> bool:
    """Return whether prices of a listing are in coins."""
    return isinstance(listing, OptionListing) and listing.contract == "inverse"


def write_instruments(
    world: Any, scenario: Scenario, venues: Venues, task: Task, start: float, volatility: float
) -> tuple[str, ...]:
    """List everything; returns the names. `start` is the price, `volatility` that of options."""
    listed = venues.hedge.instruments
    count = instruments_needed(scenario, venues, task)
    if count > len(world.instruments):
        raise CapacityError(
            f"task {task.name}: {len(task.book)} legs, {len(listed)} instruments of venue "
            f"{venues.hedge.name!r} and {len(scenario.markets)} markets of scenario "
            f"{scenario.name!r} (futures to hedge with among them) need {count} instruments, this "
            f"capacity has {len(world.instruments)}"
        )
    writer = _Writer(world, scenario, venues, task, start, volatility)
    names = [writer.hedge()]
    names += [writer.leg(row, leg) for row, leg in enumerate(task.book, start=1)]
    for row, each in enumerate(listed, start=1 + len(task.book)):
        names.append(each.name)
        expiry_ns = since(each.expiry, venues.start)
        if expiry_ns <= 0:
            raise ScenarioError(
                f"venue {venues.hedge.name!r}: instrument {each.name!r} has expired when the "
                f"episode begins, {venues.start:%Y-%m-%d %H:%M} UTC: take it out, or let `start` "
                "be earlier"
            )
        strike = float(each.strike or 0)
        writer.dated(row, venues.hedge, HEDGE_VENUE, each.kind, expiry_ns, strike)
    for row, market in zip(market_rows(scenario, venues, task), scenario.markets, strict=True):
        if row == len(names):
            names.append(writer.market(row, market))
    world.instrument_count = len(names)
    return tuple(_distinct(names))


@dataclass
class _Writer:
    """Writes instruments of one world, one after the other.

    Attributes: arguments of `write_instruments`; `tiers`: rows of margin tiers in use.
    """

    world: Any
    scenario: Scenario
    venues: Venues
    task: Task
    start: float
    volatility: float
    tiers: int = 0

    def hedge(self) -> str:
        """Write what the agent hedges with; returns its name."""
        venue, contract = self.venues.hedge, self.world.instruments[HEDGE_ROW]
        if venue.perpetual is not None:
            self._terms(contract, PERPETUAL, HEDGE_VENUE, venue.perpetual)
            self._margins(HEDGE_ROW, venue.perpetual)
            _write_funding(contract.funding, venue.perpetual, self.scenario)
            return f"{venue.coin}-PERP"
        expiry_ns = self.world.end_ns + _FUTURE_BEYOND_NS
        self.dated(HEDGE_ROW, venue, HEDGE_VENUE, "future", expiry_ns, 0.0)
        return f"{venue.coin}-FUT"

    def leg(self, row: int, leg: Leg) -> str:
        """Write a leg of the book; returns its name."""
        venue, contract = self.venues.book, self.world.instruments[row]
        coin = self.venues.hedge.coin
        if leg.kind == "spot":
            listing = leg_listing(venue, "spot", self.task)
            self._terms(contract, SPOT, self.venues.book_row, listing)
            self._quoted(contract, listing)
            return f"{coin}-SPOT"
        self.dated(
            row, venue, self.venues.book_row, leg.kind, round(leg.expiry_days * 86_400e9), 0.0
        )
        contract.moneyness = leg.moneyness
        return dated_name(coin, leg.kind, leg.expiry_days, leg.moneyness)

    def market(self, row: int, market: MarketSpec) -> str:
        """Write one of the scenario's further markets; returns its name."""
        contract = self.world.instruments[row]
        venue_row = market_venue(market, self.venues)
        venue, coin = self.venues.both[venue_row], self.venues.hedge.coin
        if market.expiry is not None:
            self.dated(row, venue, venue_row, market.kind, market.expiry, 0.0)
            contract.moneyness = market.moneyness or 1.0
            return dated_name(coin, market.kind, market.expiry / 86_400e9, contract.moneyness)
        listing = leg_listing(venue, market.kind, self.task)
        kind = SPOT if market.kind == "spot" else PERPETUAL
        self._terms(contract, kind, venue_row, listing)
        self._quoted(contract, listing)
        if isinstance(listing, PerpetualListing):
            self._margins(row, listing)
            _write_funding(contract.funding, listing, self.scenario)
        return f"{coin}-SPOT" if kind == SPOT else f"{coin}-PERP"

    def dated(
        self, row: int, venue: Venue, venue_row: int, kind: str, expiry_ns: int, strike: float
    ) -> None:
        """Write a future, or an option of a strike (0: given by its moneyness)."""
        contract = self.world.instruments[row]
        listing = leg_listing(venue, kind, self.task)
        self._terms(contract, _KINDS[kind], venue_row, listing)
        contract.expiry_ns = expiry_ns
        contract.settlement_ns = listing.settlement_window
        contract.delivery_fee_e9 = rate_e9(listing.delivery_fee)
        if isinstance(listing, FutureListing):
            self._margins(row, listing)
        else:
            self._option(contract, listing, strike)
        if row != HEDGE_ROW:
            self._quoted(contract, listing)

    def _option(self, contract: Any, listing: OptionListing, strike: float) -> None:
        own = self.scenario.options.parameters(self.volatility)
        contract.implied_volatility = own["implied_volatility"]
        contract.strike = strike
        contract.strike_step = 1.0 if listing.contract == "inverse" else contract.tick_size
        contract.fee_cap_e9 = rate_e9(listing.fee_cap or 0)
        contract.delivery_fee_cap_e9 = rate_e9(listing.delivery_fee_cap or 1)
        contract.short_initial = float(listing.short_initial)
        contract.short_minimum = float(listing.short_initial_minimum)
        contract.short_maintenance = float(listing.short_maintenance)

    def _quoted(self, contract: Any, listing: Listing) -> None:
        """Let makers quote an instrument that has no order flow of its own."""
        options = self.scenario.options
        contract.maker_half_spread = options.parameters(self.volatility)["half_spread"]
        contract.maker_size_lots = quoted_lots(options.size, contract, listing)

    def _margins(self, row: int, listing: DerivativeListing) -> None:
        contract = self.world.instruments[row]
        contract.mark_method = _MARKS[listing.mark.method]
        contract.basis_window = _window(listing.mark)
        self.tiers = write_tiers(self.world, contract, listing, self.tiers)
        leverage = self.scenario.account.leverage or listing.leverage
        if leverage is not None and leverage > listing.tiers[0].leverage and row == HEDGE_ROW:
            raise ScenarioError(
                f"scenario {self.scenario.name!r}: account.leverage must be at most "
                f"{listing.tiers[0].leverage:g}, the highest of venue {self.venues.hedge.name!r}, "
                f"was {leverage:g}"
            )
        rate = 0 if leverage is None else rate_e9(1 / Decimal(str(leverage)))
        self.world.positions["initial_e9"][:, row] = rate

    def _terms(self, contract: Any, kind: int, venue_row: int, listing: Listing) -> None:
        """Write what all instruments have: grid of prices and sizes, value of a lot, currency."""
        contract.kind = kind
        contract.venue = venue_row
        contract.flow = FLOW_NONE
        contract.mark_method = MARK_INDEX
        contract.maker_orders[:] = NO_ORDER
        contract.price_band = float(listing.price_band or 0)
        contract.protection = float(listing.market_protection)
        contract.breaker_count = len(listing.breaker_moves)
        for place, move in enumerate(listing.breaker_moves):
            contract.breaker_moves[place] = float(move)
        contract.pause_ns = listing.breaker_pause
        contract.tick_size = float(listing.tick)
        contract.lot_quantity = float(listing.lot)
        contract.fee_class = {SPOT: FEES_SPOT, CALL: FEES_OPTION, PUT: FEES_OPTION}.get(
            kind, FEES_DERIVATIVE
        )
        contract.inverse = isinstance(listing, DerivativeListing) and listing.contract == "inverse"
        contract.currency = COIN if contract.inverse or _is_in_coin(listing) else QUOTE
        if contract.inverse and isinstance(listing, DerivativeListing):
            face = (listing.face or Decimal(1)) * listing.lot
            contract.face = float(face)
            contract.lot_size = contract.face / self.start
            contract.tick_quanta = int(face / listing.tick * QUANTA)
        else:
            contract.lot_size = float(listing.lot)
            contract.tick_quanta = int(listing.tick * listing.lot * QUANTA)
            contract.lot_coin_quanta = int(listing.lot * QUANTA)


def dated_name(coin: str, kind: str, days: float, moneyness: float) -> str:
    """Return the name of a future or an option.

    >>> dated_name("BTC", "future", 30.0, 1.0), dated_name("BTC", "call", 7.0, 1.1)
    ('BTC-30D', 'BTC-7D-110-C')
    """
    date = f"{coin}-{days:g}D"
    return date if kind == "future" else f"{date}-{100 * moneyness:g}-{kind[0].upper()}"


def quoted_lots(size: float, contract: Any, listing: Listing) -> int:
    """Return a size of makers' quotes (units) in lots, no larger than an order may be."""
    lots = int(size / contract.lot_size)
    most = _in_lots(listing.maximum_quantity, listing)
    return lots if most is None else min(lots, most)


def _window(mark: Mark) -> float:
    return max(mark.window, 1) / 1e9


def _write_funding(funding: Any, listing: PerpetualListing, scenario: Scenario) -> None:
    rules = listing.funding
    imposed = scenario.funding is not None or rules.method == "imposed"
    funding.method = FUNDING_IMPOSED if imposed else _FUNDING[rules.method]
    rate = scenario.funding if scenario.funding is not None else _IMPOSED_RATE
    funding.rate_e9 = rate_e9(rate if imposed else rules.interest)
    funding.imposed_e9 = funding.rate_e9
    funding.interval_ns = listing.funding_interval
    funding.next_ns = listing.funding_interval
    funding.sample_ns = rules.sample
    funding.interest = float(rules.interest)
    funding.clamp = float(rules.clamp)
    funding.cap = 1.0 if rules.cap is None else float(rules.cap)
    funding.impact_notional = float(rules.impact_notional)
    funding.rising_weights = rules.weights == "linear"


def write_books(world: Any, scenario: Scenario, venues: Venues, task: Task) -> None:
    """Write the rules of every book; those of an instrument nobody lists are as the first's."""
    hedge = venues.hedge
    listings = [(hedge, hedge_listing(hedge))]
    listings += [(venues.book, leg_listing(venues.book, leg.kind, task)) for leg in task.book]
    listings += [(hedge, leg_listing(hedge, each.kind, task)) for each in hedge.instruments]
    for row, market in zip(market_rows(scenario, venues, task), scenario.markets, strict=True):
        if row == len(listings):
            venue = venues.both[market_venue(market, venues)]
            listings.append((venue, leg_listing(venue, market.kind, task)))
    for row in range(len(world.books)):
        venue, listing = listings[row] if row < len(listings) else listings[0]
        book_rules(venue.orders, listing).write(world.books[row].rules)
        if world.instruments[row].inverse:
            # An inverse contract has no value at a price of zero.
            world.books[row].rules.lowest_ticks = 1


def book_rules(orders: OrderRules, listing: Listing) -> BookRules:
    """Return a venue's rules for the book of one listing, in ticks and lots."""
    notional = (listing.minimum_notional or 0) / (listing.tick * listing.lot)
    return BookRules(
        minimum_quantity=_in_lots(listing.minimum_quantity, listing) or 1,
        maximum_quantity=_in_lots(listing.maximum_quantity, listing),
        minimum_notional=math.ceil(notional),
        iceberg_parts=orders.iceberg_parts,
        maximum_orders=orders.maximum_orders,
        maximum_waiting=orders.maximum_waiting,
        rate_burst=orders.rate_burst,
        rate_interval=orders.rate_interval,
        matching=listing.matching,
        top_share=float(listing.top_share),
        top_maximum=_in_lots(listing.top_maximum, listing),
        pro_rata_minimum=_in_lots(listing.pro_rata_minimum, listing) or 0,
        post_only=orders.post_only,
        amend_keeps_priority=orders.amend_keeps_priority,
        self_trade=orders.self_trade,
        self_trade_decides=orders.self_trade_decides,
        cancel_on_disconnect=orders.cancel_on_disconnect,
    )


def _in_lots(quantity: Decimal | None, listing: Listing) -> int | None:
    """Return a quantity in whole lots, rounded up."""
    return None if quantity is None else math.ceil(quantity / listing.lot)


def whole_lots(leg: Leg, contract: Any, task: Task) -> int:
    """Return the quantity of a leg in lots, refusing what the venue does not trade."""
    lots = round(leg.quantity / contract.lot_quantity)
    if abs(lots - leg.quantity / contract.lot_quantity) > _LOT_TOLERANCE:
        raise ScenarioError(
            f"task {task.name}: book: the quantity of a {leg.kind} must be a multiple of the "
            f"venue's lot, {contract.lot_quantity:g}, was {leg.quantity!r}"
        )
    return lots


def _distinct(names: list[str]) -> list[str]:
    """Number instruments that would share a name."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return result
