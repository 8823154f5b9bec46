"""Write a venue's rules on money into a world: fees, margins, liquidation, hours, changes.

Decimals become quanta and rates of 1e-9 here and nowhere else.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gammagym.errors import CapacityError, ScenarioError, nearest
from gammagym.scenario.schema import ALL_DISCOUNTS, AccountTerms, Scenario
from gammagym.venues.calendar import Calendar
from gammagym.venues.listings import DerivativeListing
from gammagym.venues.portfolio import PortfolioMargin
from gammagym.venues.schema import Listing, Venue
from gammagym.world.codes import (
    BACKSTOP_DELEVERAGING,
    BACKSTOP_INSURANCE,
    BACKSTOP_SOCIALISED_LOSS,
    CHANGE_FUNDING_CAP,
    CHANGE_FUNDING_CLAMP,
    CHANGE_FUNDING_INTEREST,
    CHANGE_LIQUIDATION_FEE,
    CHANGE_MAKER_FEE,
    CHANGE_TAKER_FEE,
    COIN,
    FEE_INCOME,
    FEES_DERIVATIVE,
    FEES_OPTION,
    FEES_SPOT,
    MARGIN_CROSS,
    MARGIN_ISOLATED,
    MARGIN_PORTFOLIO,
    QUOTE,
    RANK_LEVERAGE,
    RANK_MARGIN_RATIO,
    RANK_SIGNED_LEVERAGE,
    STEP_CLOSE_IN_BOOK,
    STEP_REDUCE_SLICE,
    STEP_REDUCE_TO_LOWER_TIER,
    STEP_REDUCE_TO_RESTORE,
    STEP_REDUCE_TWO_TIERS,
    STEP_TAKE_OVER,
)
from gammagym.world.sizes import LARGEST_QUANTA, QUANTA, RATE_UNIT

_STEPS = {
    "reduce_to_restore": STEP_REDUCE_TO_RESTORE,
    "reduce_to_lower_tier": STEP_REDUCE_TO_LOWER_TIER,
    "reduce_two_tiers": STEP_REDUCE_TWO_TIERS,
    "reduce_slice": STEP_REDUCE_SLICE,
    "close_in_book": STEP_CLOSE_IN_BOOK,
    "take_over": STEP_TAKE_OVER,
}
_BACKSTOPS = {
    "insurance": BACKSTOP_INSURANCE,
    "deleveraging": BACKSTOP_DELEVERAGING,
    "socialised_loss": BACKSTOP_SOCIALISED_LOSS,
}
_RANKS = {
    "margin_ratio": RANK_MARGIN_RATIO,
    "leverage": RANK_LEVERAGE,
    "signed_leverage": RANK_SIGNED_LEVERAGE,
}
_MODES = {"cross": MARGIN_CROSS, "isolated": MARGIN_ISOLATED, "portfolio": MARGIN_PORTFOLIO}
_CHANGES = {
    "maker_fee": CHANGE_MAKER_FEE,
    "taker_fee": CHANGE_TAKER_FEE,
    "liquidation_fee": CHANGE_LIQUIDATION_FEE,
    "perpetual.funding.interest": CHANGE_FUNDING_INTEREST,
    "perpetual.funding.clamp": CHANGE_FUNDING_CLAMP,
    "perpetual.funding.cap": CHANGE_FUNDING_CAP,
}
_FEE_CLASSES = {"spot": FEES_SPOT, "option": FEES_OPTION}
_DAY_NS = 86_400 * 10**9


def rate_e9(share: Decimal | float) -> int:
    """Return a rate in 1e-9."""
    return round(Decimal(share) * RATE_UNIT)


def quanta(amount: Decimal | float) -> int:
    """Return an amount of a currency in quanta."""
    return round(Decimal(amount) * QUANTA)


def write_venue(world: Any, row: int, venue: Venue, insurance_account: int) -> None:
    """Write the rules of a venue that are no instrument's."""
    target = world.venues[row]
    target.fee_account = FEE_INCOME
    target.insurance_account = insurance_account
    target.liquidation_fee_e9 = rate_e9(venue.liquidation_fee)
    target.collateral_e9[QUOTE] = rate_e9(venue.collateral.get(venue.quote, Decimal(0)))
    target.collateral_e9[COIN] = rate_e9(venue.collateral.get(venue.coin, Decimal(0)))
    target.outlier = float(venue.index.outlier)
    target.transfer_ns = venue.transfer_time
    _write_liquidation(target, venue)
    _write_ladder(target, venue)
    if venue.portfolio_margin is not None:
        _write_scenarios(target, venue.portfolio_margin)


def _write_liquidation(target: Any, venue: Venue) -> None:
    rules = venue.liquidation
    if len(rules.steps) > len(target.liquidation_steps):
        raise CapacityError(
            f"venue {venue.name!r}: liquidation.steps: {len(rules.steps)} given, a world has room "
            f"for {len(target.liquidation_steps)}"
        )
    target.step_count = len(rules.steps)
    for place, step in enumerate(rules.steps):
        target.liquidation_steps[place] = _STEPS[step]
    target.liquidation_slice_e9 = rate_e9(rules.slice)
    target.liquidation_interval_ns = rules.interval
    target.counts_closing_fee = rules.counts_closing_fee
    target.backstop = _BACKSTOPS[rules.backstop]
    target.rank = _RANKS[rules.rank]


def _write_ladder(target: Any, venue: Venue) -> None:
    """Write the fee ladder; its first row is what everybody pays."""
    rows = [(Decimal(0), venue.maker_fee, venue.taker_fee)]
    rows += [(tier.volume, tier.maker, tier.taker) for tier in venue.fee_tiers]
    if len(rows) > len(target.ladder):
        raise CapacityError(
            f"venue {venue.name!r}: fee_tiers: {len(rows) - 1} rows, "
            f"a world has room for {len(target.ladder) - 1}"
        )
    for place, (volume, maker, taker) in enumerate(rows):
        step = target.ladder[place]
        step.volume_quanta = quanta(volume)
        step.maker_fee_e9 = rate_e9(maker)
        step.taker_fee_e9 = rate_e9(taker)
    # A venue without a ladder has one rate for all, which a listing may replace.
    target.ladder_count = len(rows) if venue.fee_tiers else 0


def _write_scenarios(target: Any, rules: PortfolioMargin) -> None:
    """Write every scenario: each move with volatility up, unchanged and down; far moves with up."""
    up, down = float(rules.volatility_up), -float(rules.volatility_down)
    near = [(float(move), shift, 1.0, 0.0) for move in rules.moves for shift in (up, 0.0, down)]
    widest = max(abs(float(move)) for move in rules.moves)
    dampener = float(rules.extended_dampener or 0)
    far = [
        (float(move), up, min(widest / abs(float(move)), 1.0), dampener)
        for move in rules.extended_moves
    ]
    if len(near) + len(far) > len(target.scenarios):
        raise CapacityError(
            f"portfolio_margin: {len(near) + len(far)} scenarios, a world has room for "
            f"{len(target.scenarios)}: give fewer moves"
        )
    for place, (move, shift, share, taken_off) in enumerate(near + far):
        scenario = target.scenarios[place]
        scenario.move, scenario.volatility = move, shift
        scenario.share, scenario.dampener = share, taken_off
    target.scenario_count = len(near) + len(far)
    target.short_power = rules.short_term_vega_power
    target.long_power = rules.long_term_vega_power
    target.least_shocked_volatility = rules.minimum_volatility_up
    target.contingency = float(rules.futures_contingency)
    target.maintenance_share = float(rules.maintenance_factor)


def write_tiers(world: Any, contract: Any, listing: DerivativeListing, used: int) -> int:
    """Write an instrument's margin tiers into the pool; returns the rows in use then."""
    if used + len(listing.tiers) > len(world.tiers):
        raise CapacityError(
            f"{used + len(listing.tiers)} margin tiers, a world has room for {len(world.tiers)}"
        )
    contract.first_tier = used
    contract.tier_count = len(listing.tiers)
    for place, tier in enumerate(listing.tiers):
        row = world.tiers[used + place]
        row.top_quanta = LARGEST_QUANTA if tier.to is None else min(quanta(tier.to), LARGEST_QUANTA)
        row.initial_e9 = rate_e9(1 / Decimal(str(tier.leverage)))
        row.maintenance_e9 = rate_e9(tier.maintenance)
        row.amount_quanta = quanta(tier.amount or 0)
    contract.margin_slope_e9 = rate_e9(listing.margin_slope)
    return used + len(listing.tiers)


# --- Accounts --------------------------------------------------------------------------------


def write_account(account: Any, venue: Venue, terms: AccountTerms) -> None:
    """Write what a competitor pays at a venue, its bonus, and how its positions are margined."""
    for name in ("perpetual", "future", "spot", "option"):
        listing: Listing | None = getattr(venue, name)
        if listing is not None and (name != "future" or venue.perpetual is None):
            group = _FEE_CLASSES.get(name, FEES_DERIVATIVE)
            maker, taker = listing.maker_fee, listing.taker_fee
            account.maker_fee_e9[group] = rate_e9(venue.maker_fee if maker is None else maker)
            account.taker_fee_e9[group] = rate_e9(venue.taker_fee if taker is None else taker)
    account.discount_e9 = rate_e9(_discount(terms, venue))
    account.volume_quanta = quanta(terms.volume)
    account.bonus_quanta = quanta(terms.bonus)
    account.credit_quanta = quanta(terms.fee_credit)
    account.margin_mode = _MODES[_margin_mode(terms, venue)]


def write_short_legs(world: Any, account: int, shorts: int) -> None:
    """Let an account keep its short positions apart from its long ones, in another row."""
    main, row = world.accounts[account], world.accounts[shorts]
    row.agent, row.venue, row.margin_mode = main.agent, main.venue, main.margin_mode
    main.partner, row.partner, row.short_legs = shorts, account, 1


def is_hedge_mode(terms: AccountTerms, venue: Venue) -> bool:
    """Return whether an account has long and short positions side by side.

    Raises:
        ScenarioError: its venue, or its margin mode, does not let it.
    """
    if terms.position_mode == "one_way":
        return False
    offered = venue.margin.position_modes
    if "hedge" not in offered:
        raise ScenarioError(
            f"account.position_mode: venue {venue.name!r} has no position mode 'hedge': "
            f"it has {', '.join(offered)}"
        )
    if _margin_mode(terms, venue) == "portfolio":
        raise ScenarioError(
            "account.position_mode: 'hedge' does not go with margin 'portfolio', which looks at "
            "what is left of long and short together: take 'one_way', or another margin"
        )
    return True


def _discount(terms: AccountTerms, venue: Venue) -> Decimal:
    """Return what is taken off the fees: discounts act one after the other."""
    left = Decimal(1)
    names = tuple(venue.discounts) if terms.discounts == ALL_DISCOUNTS else terms.discounts
    for name in names:
        if name not in venue.discounts:
            known = nearest(name, list(venue.discounts)) if venue.discounts else "it has none"
            raise ScenarioError(
                f"account.discounts: venue {venue.name!r} has no discount {name!r}: {known}"
            )
        left *= 1 - venue.discounts[name]
    return 1 - left


def _margin_mode(terms: AccountTerms, venue: Venue) -> str:
    mode = terms.margin or ("cross" if "cross" in venue.margin.modes else venue.margin.modes[0])
    if mode not in venue.margin.modes:
        raise ScenarioError(
            f"account.margin: venue {venue.name!r} has no margin mode {mode!r}: "
            f"it has {', '.join(venue.margin.modes)}"
        )
    return mode


# --- The calendar ----------------------------------------------------------------------------


def first_moment(scenario: Scenario, venue: Venue) -> datetime.datetime:
    """Return when the episode begins: the scenario's start, or a Monday after the venue's date."""
    if scenario.start is not None:
        return scenario.start
    monday = venue.as_of + datetime.timedelta(days=-venue.as_of.weekday() % 7)
    return datetime.datetime.combine(monday, datetime.time(), datetime.UTC)


def write_closures(
    world: Any, row: int, calendar: Calendar, start: datetime.datetime, end_ns: int
) -> None:
    """Write the times of the episode at which a venue is closed."""
    for begin, end in _closures(calendar, start, end_ns):
        if world.closure_count == len(world.closures):
            raise CapacityError(
                f"calendar: more than {len(world.closures)} closures in one episode: "
                "take a shorter horizon"
            )
        closure = world.closures[world.closure_count]
        closure.start_ns, closure.end_ns, closure.venue = begin, end, row
        world.closure_count += 1


def _closures(
    calendar: Calendar, start: datetime.datetime, end_ns: int
) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of each closure of an episode in its time (ns), summer time or not."""
    zone = calendar.zone
    first = start.astimezone(zone).date() - datetime.timedelta(days=8)
    days_closed = (calendar.open_weekday - calendar.close_weekday) % 7
    if days_closed == 0 and calendar.open_time <= calendar.close_time:
        days_closed = 7
    for number in range(17 + end_ns // _DAY_NS):
        day = first + datetime.timedelta(days=number)
        spans: list[tuple[datetime.time, datetime.time, int]] = []
        if day.weekday() == calendar.close_weekday:
            spans.append((calendar.close_time, calendar.open_time, days_closed))
        elif calendar.break_times is not None and not _is_weekend(calendar, day):
            closes, opens = calendar.break_times
            spans.append((closes, opens, int(opens <= closes)))
        for closes, opens, days in spans:
            begin = _moment(day, closes, zone, start)
            end = _moment(day + datetime.timedelta(days=days), opens, zone, start)
            if end > -_DAY_NS and begin < end_ns:
                yield begin, end


def _is_weekend(calendar: Calendar, day: datetime.date) -> bool:
    """Return whether a day lies between the close and the open of the weekly session."""
    since_close = (day.weekday() - calendar.close_weekday) % 7
    return since_close < (calendar.open_weekday - calendar.close_weekday) % 7


def _moment(
    day: datetime.date, time: datetime.time, zone: datetime.tzinfo, start: datetime.datetime
) -> int:
    return since(datetime.datetime.combine(day, time, zone), start)


def since(moment: datetime.datetime, start: datetime.datetime) -> int:
    """Return how long after the start of the episode a moment is (ns)."""
    return round((moment - start).total_seconds()) * 10**9


def write_changes(
    world: Any, row: int, venue: Venue, start: datetime.datetime, end_ns: int
) -> None:
    """Write the rules that change in the episode; those of the past are what holds at its start."""
    fees = {"maker_fee": venue.maker_fee, "taker_fee": venue.taker_fee}
    for change in venue.changes:
        value = change.value
        if change.key in fees:
            value, fees[change.key] = value - fees[change.key], value
        at = since(change.at, start)
        if at > end_ns:
            continue
        if world.change_count == len(world.changes):
            raise CapacityError(
                f"venue {venue.name!r}: changes: more than {len(world.changes)} of them until the "
                "end of the episode"
            )
        target = world.changes[world.change_count]
        # What has changed before the start is so from the beginning of the warm-up on.
        target.time_ns = at if at > 0 else world.time_ns
        target.key, target.venue = _CHANGES[change.key], row
        target.value_e9 = rate_e9(value)
        world.change_count += 1
