"""The fields of observations: name, bounds, scale, and which market data each needs.

The usual ones come first. Further ones are written only where a task's `observation_fields` names
them (envs/kernels/observe_more.py); their numbers 1 to 4 count hedges, orders and options.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Field(NamedTuple):
    """One number of the observation: name, bounds it is clipped to, meaning with its scale.

    While the venue named by `needs` publishes no data, the field stands still: that of the book,
    that of the hedge, or either of them. What needs none, the agent knows of itself.
    """

    name: str
    low: float
    high: float
    meaning: str
    needs: Literal["", "book", "hedge", "both"] = ""


# The order is that in which envs/kernels/observe.py writes them; a test compares the two.
OBSERVATION_FIELDS = (
    Field("net_delta", -20, 20, "delta of book and hedge, in gross book quantities"),
    Field("book_delta", -20, 20, "delta of the book alone, in gross book quantities", "book"),
    Field("hedge", -20, 20, "hedge position, in gross book quantities"),
    Field("gamma", -100, 100, "change of book_delta when the price moves 1 %", "book"),
    Field("vega", -100, 100, "change of the book's value per volatility point, in stakes", "book"),
    Field("theta", -100, 100, "change of the book's value per day, in stakes", "book"),
    Field("time_to_expiry", 0, 100, "time to the first expiry of the book, in weeks; 0 without"),
    Field("time_left", 0, 1, "share of the episode that is left"),
    Field(
        "implied_volatility", 0, 10, "annual implied volatility of the book's first option", "book"
    ),
    Field("realised_volatility", 0, 10, "annual volatility of the mid, last 30 minutes weighted"),
    Field(
        "return_1",
        -20,
        20,
        "log return of the mid over a decision, in deviations of the larger volatility",
    ),
    Field("return_5", -20, 20, "the same over about 5 decisions (exponential memory)"),
    Field("return_15", -20, 20, "the same over about 15 decisions (exponential memory)"),
    Field("price", 0, 100, "mid of the hedge instrument, in reference prices"),
    Field("spread", 0, 1000, "best ask less best bid, in basis points", "hedge"),
    Field("bid_depth", 0, 1000, "quantity at the best bid, in largest orders", "hedge"),
    Field("ask_depth", 0, 1000, "quantity at the best ask, in largest orders", "hedge"),
    Field("imbalance", -1, 1, "(bid - ask) / (bid + ask) quantity at the touch", "hedge"),
    Field("working", -20, 20, "signed open quantity of the working order, in largest orders"),
    Field("working_distance", -1000, 1000, "distance of its price behind the touch, basis points"),
    Field("queue_ahead", 0, 1000, "quantity queued before it, in largest orders"),
    Field(
        "margin_ratio",
        0,
        10,
        "maintenance margin as a share of the hedge account's equity",
        "hedge",
    ),
    Field(
        "funding_rate",
        -1000,
        1000,
        "rate of the current funding interval, in basis points",
        "hedge",
    ),
    Field("time_to_funding", 0, 1, "share of the funding interval that is left"),
    Field(
        "basis", -1000, 1000, "mid of the hedge instrument over the index, in basis points", "hedge"
    ),
    Field("maker_fee", -100, 100, "fee for resting, in basis points"),
    Field("taker_fee", -100, 100, "fee for taking, in basis points"),
    Field("halted", 0, 1, "1 while the hedge's venue does not match, or publishes no data"),
    Field("profit", -1000, 1000, "change of equity since the start, in stakes", "both"),
)
FIELD_NAMES = tuple(field.name for field in OBSERVATION_FIELDS)

# How many hedges, working orders and options of the book have fields of their own.
_HEDGES = _ORDERS = _OPTIONS = (1, 2, 3, 4)


def _of_order(number: int) -> tuple[Field, ...]:
    """Return the fields of a further working order: scheme `quotes` has a bid and then an ask."""
    return (
        Field(f"working_{number}", -20, 20, f"`working` of order {number}"),
        Field(f"working_distance_{number}", -1000, 1000, f"`working_distance` of order {number}"),
        Field(f"queue_ahead_{number}", 0, 1000, f"`queue_ahead` of order {number}"),
    )


def _of_hedge(number: int) -> tuple[Field, ...]:
    """Return the fields of each instrument that it hedges with."""
    of = f"hedge {number}"
    return (
        Field(f"hedge_{number}", -20, 20, f"position in {of}, in gross book quantities"),
        Field(
            f"carry_{number}",
            -10,
            10,
            f"annual log premium of a future's mid over the index, {of}; under a day as a day's",
            "hedge",
        ),
        Field(f"hedge_expiry_{number}", 0, 100, f"time to expiry of {of}, in weeks; 0 without"),
    )


def _of_further_hedge(number: int) -> tuple[Field, ...]:
    """Return what the usual fields say of the first hedge."""
    of = f"hedge {number}"
    return (
        Field(f"spread_{number}", 0, 1000, f"`spread` of {of}", "hedge"),
        Field(f"bid_depth_{number}", 0, 1000, f"`bid_depth` of {of}", "hedge"),
        Field(f"ask_depth_{number}", 0, 1000, f"`ask_depth` of {of}", "hedge"),
        Field(f"basis_{number}", -1000, 1000, f"mid of {of} over the index, basis points", "hedge"),
        Field(f"funding_rate_{number}", -1000, 1000, f"`funding_rate` of {of}", "hedge"),
    )


def _of_option(number: int) -> tuple[Field, ...]:
    """Return the fields of each option of the market."""
    of = f"option {number}"
    return (
        Field(f"option_{number}", -20, 20, f"position in {of}, in gross book quantities"),
        Field(
            f"option_moneyness_{number}",
            -20,
            20,
            f"log of strike over mid, in deviations to expiry, {of}",
            "book",
        ),
        Field(f"option_volatility_{number}", 0, 10, f"annual implied volatility of {of}", "book"),
        Field(
            f"option_spread_{number}",
            0,
            10_000,
            f"best ask less best bid of {of}, in basis points of the hedge's mid",
            "book",
        ),
        Field(f"option_expiry_{number}", 0, 100, f"time to expiry of {of}, in weeks"),
    )


# The order is that in which envs/kernels/observe_more.py writes them.
MORE_FIELDS = (
    *(field for number in _ORDERS[1:] for field in _of_order(number)),
    *(field for number in _HEDGES for field in _of_hedge(number)),
    *(field for number in _HEDGES[1:] for field in _of_further_hedge(number)),
    Field(
        "bid_depth_5_levels", 0, 10_000, "quantity at the five best bids, largest orders", "hedge"
    ),
    Field(
        "ask_depth_5_levels", 0, 10_000, "quantity at the five best asks, largest orders", "hedge"
    ),
    Field(
        "buy_slippage",
        0,
        1000,
        "price over the mid of buying a largest order now, basis points; 1000: too few offers",
        "hedge",
    ),
    Field("sell_slippage", 0, 1000, "the same of selling one, below the mid", "hedge"),
    Field(
        "microprice",
        -1000,
        1000,
        "touch weighted by the other side's quantity, over the mid, basis points",
        "hedge",
    ),
    Field("volume", 0, 10_000, "traded since the last decision, in largest orders", "hedge"),
    Field("trade_imbalance", -1, 1, "takers' bought less sold share of that volume", "hedge"),
    Field(
        "return_1min",
        -20,
        20,
        "log return, memory of a minute, in deviations of the larger volatility over it",
    ),
    Field("return_10min", -20, 20, "the same, memory of 10 minutes"),
    Field("return_1h", -20, 20, "the same, memory of an hour"),
    Field("return_4h", -20, 20, "the same, memory of 4 hours"),
    Field("volatility_5min", 0, 10, "annual volatility of the mid, last 5 minutes weighted"),
    Field("volatility_4h", 0, 10, "annual volatility of the mid, last 4 hours weighted"),
    Field("vanna", -100, 100, "change of book_delta per volatility point", "book"),
    Field("volga", -100, 100, "change of `vega` per volatility point", "book"),
    Field("charm", -100, 100, "change of book_delta per day", "book"),
    *(field for number in _OPTIONS for field in _of_option(number)),
    Field(
        "liquidation_distance",
        -10,
        10,
        "equity over maintenance margin, in notionals of the hedge; 10 without a hedge",
        "hedge",
    ),
    Field("leverage", 0, 1000, "notional of the hedge over what stands behind it", "hedge"),
    Field("filled", -1000, 1000, "signed quantity traded since the last decision, largest orders"),
    Field("taker_fills", 0, 10_000, "trades since the last decision in which its order took"),
    Field("maker_fills", 0, 10_000, "trades since the last decision in which its order rested"),
    Field("rejects", 0, 10_000, "orders refused since the last decision"),
    Field("liquidations", 0, 1000, "liquidations since the last decision"),
    Field("fees_paid", -1000, 1000, "fees paid since the start, in stakes"),
    Field("funding_received", -1000, 1000, "funding received since the start, in stakes"),
    Field("drawdown", 0, 1000, "largest fall of equity from its peak, in stakes", "both"),
    Field("unanswered", 0, 100, "instructions about working orders that have no answer yet"),
    Field("data_age", 0, 3600, "age of the market data at the last decision (s)"),
    Field("book_halted", 0, 1, "`halted` of the book's venue"),
    Field("cancels_halted", 0, 1, "1 while the hedge's venue takes no cancels"),
    Field("option_fee", -100, 1000, "fee for taking options, basis points of the underlying"),
    Field("mark_premium", -1000, 1000, "mark of the hedge over the index, basis points", "hedge"),
)
ALL_FIELDS = OBSERVATION_FIELDS + MORE_FIELDS


def default_fields(hedges: int, orders: int, options: int) -> tuple[str, ...]:
    """Return the names of the fields that an environment shows where its task names none.

    The usual ones, and what a competitor needs that hedges with several instruments, keeps track of
    several orders or trades options.

    Args:
        hedges: instruments that it hedges with.
        orders: working orders in them.
        options: options that it may trade.

    >>> default_fields(1, 1, 0) == FIELD_NAMES
    True
    >>> default_fields(1, 2, 0)[29:]
    ('working_2', 'working_distance_2', 'queue_ahead_2')
    """
    further = [_of_order(number) for number in _ORDERS[1:orders]]
    if hedges > 1:
        further += [_of_hedge(number) for number in _HEDGES[:hedges]]
        further += [_of_further_hedge(number) for number in _HEDGES[1:hedges]]
    further += [_of_option(number) for number in _OPTIONS[:options]]
    return FIELD_NAMES + tuple(field.name for fields in further for field in fields)
