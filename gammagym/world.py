"""THE schema: one world is one NumPy record, and every field of it is declared here with its unit.

A table is a class whose annotations say type, NumPy code and meaning; the nested dtype is built
from them, so that type checkers, kernels and the documentation read the same lines. Integers carry
money (quanta, 1e-8 of a currency), prices (ticks), sizes (lots), rates (1e-9) and time (ns);
floats are for models, Greeks and observations, never for what an account owns.

Tables are laid out without padding, so that equal worlds have equal bytes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_type_hints

import numpy as np
from numba.core import config
from numpy.typing import NDArray

_settings: Any = config

I8 = "i8"
I4 = "i4"
U8 = "u8"
U1 = "u1"
F8 = "f8"
F4 = "f4"

Row = TypeVar("Row", covariant=True)
Vector = NDArray[Any]


class Rows(Protocol[Row]):
    """A column of records, as kernels see it."""

    def __getitem__(self, index: Any, /) -> Row: ...
    def __len__(self) -> int: ...


# --- Names for numbers -----------------------------------------------------------------------
# Each family has a range of its own, so that a code of the wrong family is caught. The codes of
# `OrderBook` messages (side, kind, tif, report kinds) are fixed from outside and start at zero.

BUY, SELL = 0, 1
NEW, CANCEL, MODIFY, CANCEL_ALL, DISCONNECT, TELL_PRICE, TELL_POSITION, CLOCK = range(8)
GTC, IOC, FOK, POST_ONLY, GTT = range(5)
LIMIT, MARKET, STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP = range(7)
ON_LAST, ON_MARK, ON_INDEX = range(3)
# Self-trade modes: what happens when an order meets one of its own owner.
UNSET, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH, DECREMENT = range(5)

# A book has eight sides: BUY and SELL, where orders rest, and for each price that triggers may look
# at two where they wait, for a fall and for a rise (`waiting_side`). On an even side the highest
# price comes first, on an odd one the lowest.
SIDES = 8
PRICES = 3

# Values that a digit of the price index can have (`engine/price_index.py`).
BRANCHES = 4

NO_ORDER = -1
NO_LEVEL = -1
NO_NODE = -1
NO_TERMS = -1
NO_ACCOUNT = -1
NO_INSTRUMENT = -1
NO_SIDE = -1
NO_SLOT = -1
NOBODY = 0  # owner of anonymous orders
NOT_LISTED = -2  # a member that is in no list; the end of a list is NO_ACCOUNT

SPOT, PERPETUAL, FUTURE, CALL, PUT = 10, 11, 12, 13, 14
FLOW_NONE, FLOW_IDEAL, FLOW_CROWD = 20, 21, 22
PRICE_GBM, PRICE_REPLAY, PRICE_MERTON, PRICE_HESTON, PRICE_SVCJ, PRICE_REGIME = range(30, 36)
LATENCY_CONSTANT, LATENCY_LOGNORMAL, LATENCY_TABLE = 50, 51, 52
# How a mark is made: the index; the median of index with funding, index with basis, and last
# price; the index with a moving average of the basis.
MARK_INDEX, MARK_MEDIAN, MARK_AVERAGE_BASIS = 70, 71, 72
# How funding is found: a rate from outside, a premium averaged over the interval, or all the time.
FUNDING_IMPOSED, FUNDING_PREMIUM, FUNDING_CONTINUOUS = 80, 81, 82
# What a liquidation does; a venue has a list of them.
(
    STEP_REDUCE_TO_RESTORE,
    STEP_REDUCE_TO_LOWER_TIER,
    STEP_REDUCE_TWO_TIERS,
    STEP_REDUCE_SLICE,
    STEP_CLOSE_IN_BOOK,
    STEP_TAKE_OVER,
) = range(90, 96)
# Who pays when the insurance fund is empty.
BACKSTOP_INSURANCE, BACKSTOP_DELEVERAGING, BACKSTOP_SOCIALISED_LOSS = 100, 101, 102
# Order of deleveraging.
RANK_MARGIN_RATIO, RANK_LEVERAGE, RANK_SIGNED_LEVERAGE = 110, 111, 112
MARGIN_CROSS, MARGIN_ISOLATED, MARGIN_PORTFOLIO = 120, 121, 122
# Rules that may change on a date.
CHANGE_MAKER_FEE, CHANGE_TAKER_FEE, CHANGE_LIQUIDATION_FEE = 130, 131, 132
CHANGE_FUNDING_INTEREST, CHANGE_FUNDING_CLAMP, CHANGE_FUNDING_CAP = 133, 134, 135
# What an event of the timeline acts on.
(
    SHOCK_PRICE,
    SHOCK_SPREAD,
    SHOCK_DEPTH,
    SHOCK_MAKERS,
    SHOCK_ORDERS,
    SHOCK_OUTAGE,
    SHOCK_LATENCY,
    SHOCK_MAKER_FEE,
    SHOCK_TAKER_FEE,
    SHOCK_FUNDING,
    SHOCK_INDEX,
    SHOCK_BASIS,
    SHOCK_COLLATERAL,
    SHOCK_IMPLIED_VOLATILITY,
    SHOCK_VOLATILITY,
    SHOCK_TRANSFERS,
    SHOCK_DELEVERAGING,
    SHOCK_LARGE_ORDER,
    SHOCK_DEFAULT,
) = range(150, 169)
# What a venue in trouble does not do: match orders, publish data, take cancels.
OUTAGE_MATCHING, OUTAGE_DATA, OUTAGE_CANCELS = 170, 171, 172
# What the price does in model PRICE_REGIME.
REGIME_RANGE, REGIME_UP, REGIME_DOWN = 140, 141, 142
# How an action is read, and what a competitor is paid.
SCHEME_HEDGE, SCHEME_QUOTES, SCHEME_BAND, SCHEME_DISCRETE, SCHEME_ORDERS = range(180, 185)
(
    REWARD_RELATIVE,
    REWARD_EQUITY,
    REWARD_RISK,
    REWARD_SHARPE,
    REWARD_UTILITY,
    REWARD_TERMINAL,
) = range(190, 196)
# Why a line of the log of trades was written: its own order, a liquidation, a deleveraging.
FILL_ORDERED, FILL_LIQUIDATION, FILL_DELEVERAGING = 0, 1, 2

# Currencies of a world. Contracts settle in one of the two.
QUOTE, COIN = 0, 1
# Fees differ between these kinds of instrument.
FEES_DERIVATIVE, FEES_SPOT, FEES_OPTION = 0, 1, 2
FEE_CLASSES = 3
# A kind of message that travels back to the agent; no `OrderBook` knows it.
ACKNOWLEDGEMENT = 60

# Accounts that every world has; competitors' accounts follow.
# TRANSIT holds what is being transferred.
CROWD, MAKERS, FEE_INCOME, INSURANCE, ROUNDING, TRANSIT, FIRST_AGENT_ACCOUNT = 0, 1, 2, 3, 4, 5, 6

# Random streams, one per purpose (market/streams.py). `+ row` where each flow has its own.
STREAM_PRICE, STREAM_SEEDING, STREAM_SHOCKS, STREAM_FLOW = 0, 1, 2, 8
STREAM_VARIANCE, STREAM_JUMPS, STREAM_JUMP_SIZES, STREAM_REGIME = 3, 4, 5, 6
STREAM_VARIANTS = 7  # what a scenario's ranges become
# `+ WAYS * agent + way`: of the first LATENCY_STREAMS agents each has a stream for each way, those
# that follow have further streams of the same keys (market/latency.py).
STREAM_LATENCY, LATENCY_STREAMS = 16, 4
STREAM_PATH, STREAM_SURFACE, STREAM_CUSTOMERS, STREAM_ACTIVITY = 32, 33, 36, 38
STREAM_ENTRIES = 40  # at what prices the leveraged crowd came in
# `+ instrument`, `+ flow` and `+ arbitrageur`, each of which has a stream of its own.
STREAM_CARRY, STREAM_SENTIMENT, STREAM_ARBITRAGE = 46, 47, 48
STREAM_PATIENCE = 50  # `+ instrument`: which of its makers leave first

# Ways between an agent and the venue: rows of `Agent.latencies`.
WAY_ENTRY, WAY_CANCEL, WAY_ACKNOWLEDGEMENT, WAY_DATA = 0, 1, 2, 3
WAYS = 4

# Why an order was refused, or canceled without being asked; counted per agent in `Agent.rejects`.
REJECT_REASONS = (
    "none",
    "full",  # the book's quota of orders or levels, or the in-flight queue, is used up
    "unknown order",
    "duplicate order id",
    "bad quantity",
    "would cross",  # post-only
    "out of sequence",
    "insufficient margin",
    "halted",
    "bad price",
    "bad message",
    "overflow",
    "off tick",
    "off lot",
    "below the minimum quantity",
    "above the maximum quantity",
    "below the minimum notional",
    "outside the price band",
    "too many orders",
    "too many messages",
    "expired",
    "would trigger",
    "no reference price",
    "waiting",  # for its trigger, so it cannot be modified
    "nothing to reduce",
    "self-trade",
    "disconnected",
    "too many parts",  # of an iceberg
)
(
    ACCEPTED,
    REJECT_FULL,
    REJECT_UNKNOWN_ORDER,
    REJECT_DUPLICATE_ID,
    REJECT_QUANTITY,
    REJECT_WOULD_CROSS,
    REJECT_SEQUENCE,
    REJECT_MARGIN,
    REJECT_HALTED,
    REJECT_PRICE,
    REJECT_MESSAGE,
    REJECT_OVERFLOW,
    REJECT_TICK,
    REJECT_LOT,
    REJECT_MINIMUM_QUANTITY,
    REJECT_MAXIMUM_QUANTITY,
    REJECT_MINIMUM_NOTIONAL,
    REJECT_BAND,
    REJECT_ORDERS,
    REJECT_RATE,
    REJECT_EXPIRED,
    REJECT_WOULD_TRIGGER,
    REJECT_NO_PRICE,
    REJECT_WAITING,
    REJECT_NOTHING_TO_REDUCE,
    REJECT_SELF_TRADE,
    REJECT_DISCONNECTED,
    REJECT_PARTS,
) = range(len(REJECT_REASONS))

# Where the money of an episode went; the parts sum to the change of equity (exchange/attribution).
PARTS = (
    "gamma",
    "theta",
    "vega",
    "vanna",
    "volga",
    "delta",
    "delay",
    "spread",
    "maker",
    "fees",
    "funding",
    "basis",
    "liquidation",
    "deleveraging",
    "residual",
)
(
    PART_GAMMA,
    PART_THETA,
    PART_VEGA,
    PART_VANNA,
    PART_VOLGA,
    PART_DELTA,
    PART_DELAY,
    PART_SPREAD,
    PART_MAKER,
    PART_FEES,
    PART_FUNDING,
    PART_BASIS,
    PART_LIQUIDATION,
    PART_DELEVERAGING,
    PART_RESIDUAL,
) = range(len(PARTS))

NANOSECONDS = 1_000_000_000
YEAR_NS = 365 * 86_400 * NANOSECONDS
QUANTA = 100_000_000
RATE_UNIT = 1_000_000_000
# Marks of inverse contracts are in 1e-4 quanta a lot, the price of a coin in quanta for 1e4 quanta.
FINE_UNIT = 10_000
# Trading moves the fundamental price for good by no more than a factor of ten, either way (log),
# and hedgers give up before that: prices and money stay in range even where feedback runs away.
LARGEST_PRESSURE = 2.302585092994046
# Largest notional of one account that integer arithmetic is allowed to meet.
LARGEST_QUANTA = 2**62
# No message is longer on its way.
LONGEST_LATENCY_NS = 3_600 * NANOSECONDS
# Numbers of an observation (gammagym/fields.py): the usual ones, and further ones on request with
# what they remember: sums and variances of returns, and counts as of the last decision.
OBSERVED = 29
MORE_OBSERVED = 88
MORE_RETURNS = 6
MORE_COUNTS = 6
# Orders that a competitor keeps track of; instruments that it may hedge with.
SLOTS = 8
HEDGES = 4
# Orders of a competitor with full control; what marks those of its terms that are reduce-only.
FREE_ORDERS = 4
ONLY_REDUCE = 8
# Numbers that a reward may remember from one decision to the next.
REWARD_MEMORY = 4
# Rows of an empirical table of latencies.
LATENCY_SAMPLES = 10
# Direct-mapped cache of the price index, per side of a book; a power of two.
PRICE_CACHE = 64
# Bytes that the processor reads from memory at once; parts of a world that are fetched ahead.
CACHE_LINE = 64
STRETCHES = 56
# A length: as many bytes as are left until the next cache line begins, from 1 to a whole line.
TO_LINE = "to the next line"
# Trades of one step of matching; a longer match takes several steps.
FILLS_AT_ONCE = 32
# Steps of a venue's liquidations, rows of its fee ladder, scenarios of its portfolio margin.
LIQUIDATION_STEPS = 4
FEE_LADDER = 12
MARGIN_SCENARIOS = 40
# Moves at which a circuit breaker pauses trading.
BREAKERS = 3
# Exchanges that an index is made of.
INDEX_SOURCES = 4
# Times to expiry between which the spread of options' quotes differs.
SPREAD_BANDS = 4
# Jumps of the price in one tick; with a mean of at most one, more never happen.
MOST_JUMPS = 16
# Competitors' resting orders that the crowd has an eye on, and how far its looks are apart.
WATCHED = 8
LOOK_NS = 200_000_000
# Random streams; steps in which the price moves between two ticks, at most, each of PATH_STEP_NS.
STREAMS = 64
PATH_STEPS = 150
PATH_STEP_NS = 100_000_000


# --- The book --------------------------------------------------------------------------------


class Order(Protocol):
    """One order of a book: a node of its level's first-in-first-out list."""

    order_id: Annotated[int, I8, "the owner's name for it; unique among the book's orders"]
    price_ticks: Annotated[int, I8, "limit price; while it waits: trigger price (ticks)"]
    quantity_lots: Annotated[int, I8, "open quantity that is displayed (lots)"]
    arrival: Annotated[int, I8, "rank of arrival in its book; later orders have larger numbers"]
    owner: Annotated[int, I4, "account that sent it (row of accounts)"]
    level: Annotated[int, I4, "row of levels it queues at"]
    next: Annotated[int, I4, "order behind it in the queue or in the free list, or NO_ORDER"]
    previous: Annotated[int, I4, "order before it in the queue, or NO_ORDER"]
    id_next: Annotated[int, I4, "next order of the same bucket of the id table, or NO_ORDER"]
    terms: Annotated[int, I4, "row of terms, or NO_TERMS for a plain limit order"]
    side: Annotated[int, U1, "BUY or SELL, or the side on which it waits"]
    tif: Annotated[int, U1, "time in force"]
    live: Annotated[int, U1, "1 while it rests or waits, 0 in the free list"]
    instrument: Annotated[int, U1, "instrument whose book it rests in; 0 in a book on its own"]
    self_trade: Annotated[int, U1, "its self-trade mode"]
    reduce_only: Annotated[int, U1, "1 if it may only bring the position closer to zero"]
    counted: Annotated[int, U1, "1 if it is among its member's orders"]
    kind: Annotated[int, U1, "LIMIT, or what it waits to become"]


class Terms(Protocol):
    """What an order says beyond price and quantity: hidden quantity, expiry, trigger."""

    hidden_lots: Annotated[int, I8, "open quantity that is not displayed (lots)"]
    display_lots: Annotated[int, I8, "how much is displayed at a time (lots); 0: everything"]
    expiry_ns: Annotated[int, I8, "good-till-time: when it ends (ns)"]
    limit_ticks: Annotated[int, I8, "while it waits: limit price once triggered (ticks)"]
    trail_ticks: Annotated[int, I8, "trailing stop: distance of its trigger (ticks)"]
    order: Annotated[int, I4, "row of its order"]
    next: Annotated[int, I4, "terms that expire next or are free next, or NO_TERMS"]
    previous: Annotated[int, I4, "terms that expire just before, or NO_TERMS"]
    side: Annotated[int, I4, "while it waits: BUY or SELL once triggered"]


class Level(Protocol):
    """All orders of one side at one price."""

    price_ticks: Annotated[int, I8, "price (ticks)"]
    quantity_lots: Annotated[int, I8, "sum of the displayed quantities of its orders (lots)"]
    first: Annotated[int, I4, "order at the head of the queue, or NO_ORDER"]
    last: Annotated[int, I4, "order at the tail of the queue, or NO_ORDER"]
    better: Annotated[int, I4, "next level towards the touch, or NO_LEVEL"]
    worse: Annotated[int, I4, "next level away from the touch, or the next free level"]
    parent: Annotated[int, I4, "node of the price index that it hangs under, or NO_NODE"]
    side: Annotated[int, I4, "side it belongs to, or NO_SIDE in the free list"]


class Node(Protocol):
    """One digit of the prices in the price index of a side (`engine/price_index.py`)."""

    bits: Annotated[int, I8, "price of some level under it, sign bit flipped: what they share"]
    child: Annotated[Vector, I4, (BRANCHES,), "rows >= 0 are nodes, -1 - r is the level r"]
    parent: Annotated[int, I4, "node above it, or NO_NODE; of a free row: the next free one"]
    shift: Annotated[int, I4, "where its digit is (bits)"]


class Rules(Protocol):
    """The venue's rules for one book (docs/rules/matching)."""

    tick: Annotated[int, I8, "prices are multiples of it (ticks)"]
    lot: Annotated[int, I8, "quantities are multiples of it (lots)"]
    minimum_lots: Annotated[int, I8, "smallest quantity of an order (lots)"]
    maximum_lots: Annotated[int, I8, "largest quantity of an order (lots)"]
    iceberg_parts: Annotated[int, I8, "an iceberg has at most so many times what it displays"]
    minimum_notional: Annotated[int, I8, "smallest price times quantity (ticks x lots); 0: none"]
    lowest_ticks: Annotated[int, I8, "sellers may not ask less (ticks)"]
    highest_ticks: Annotated[int, I8, "buyers may not bid more (ticks)"]
    protection_ticks: Annotated[
        int, I8, "how far a market order reaches beyond the touch (ticks); negative: everywhere"
    ]
    rate_interval_ns: Annotated[int, I8, "time after which an owner may send one more (ns); 0: any"]
    rate_burst: Annotated[int, I8, "messages an owner may send at once"]
    top_share_e9: Annotated[int, I8, "pro-rata: share of the top order (1e-9)"]
    top_maximum_lots: Annotated[int, I8, "pro-rata: most that the top order gets first (lots)"]
    pro_rata_minimum_lots: Annotated[int, I8, "pro-rata: smaller shares are nothing (lots)"]
    maximum_orders: Annotated[int, I4, "resting orders of one owner; 0: any number"]
    maximum_waiting: Annotated[int, I4, "orders of one owner that wait for a trigger; 0: any"]
    pro_rata: Annotated[int, I4, "1 if a price is shared out, 0 if the first comes first"]
    post_only_slides: Annotated[int, I4, "1 if a post-only order that would trade is moved"]
    amend_keeps_priority: Annotated[
        int, I4, "1 if no larger a size at the same price keeps its place"
    ]
    self_trade: Annotated[int, I4, "self-trade mode of orders that set none"]
    maker_decides: Annotated[int, I4, "1 if the maker's self-trade mode counts, 0: the taker's"]
    cancel_on_disconnect: Annotated[int, I4, "1 if a disconnected owner's orders are canceled"]


class Member(Protocol):
    """What a book knows of an owner whose orders are limited, or whose position it was told."""

    position_lots: Annotated[int, I8, "signed position (lots)"]
    allowed_ns: Annotated[int, I8, "rate limit: when it would have sent all at the slowest pace"]
    owner: Annotated[int, I4, "who it is; NOBODY in a row that is free"]
    resting: Annotated[int, I4, "its orders that rest"]
    waiting: Annotated[int, I4, "its orders that wait for a trigger"]
    reducing: Annotated[int, I4, "its reduce-only orders that rest"]
    known: Annotated[int, I4, "1 once its position was told"]
    next: Annotated[int, I4, "next owner whose reduce-only orders must be looked at"]


class Book(Protocol):
    """One book: where its tables are, its sides, its free rows, its rules, what happened last.

    The tables lie elsewhere: `orders_at` is the distance of the first order from this record in
    bytes, so that a book means the same in every copy of its world (`engine/tables.py`).
    """

    orders_at: Annotated[int, I8, "where the orders are (bytes from here)"]
    orders_count: Annotated[int, I8, "rows of orders"]
    levels_at: Annotated[int, I8, "where the levels are (bytes from here)"]
    levels_count: Annotated[int, I8, "rows of levels"]
    nodes_at: Annotated[int, I8, "where the nodes are (bytes from here)"]
    nodes_count: Annotated[int, I8, "rows of nodes, as many as of levels"]
    terms_at: Annotated[int, I8, "where the terms are (bytes from here)"]
    terms_count: Annotated[int, I8, "rows of terms"]
    members_at: Annotated[int, I8, "where the members are (bytes from here)"]
    members_count: Annotated[int, I8, "rows of members, a power of two"]
    updates_at: Annotated[int, I8, "where the updates are (bytes from here)"]
    updates_count: Annotated[int, I8, "rows of updates; 0: nobody listens"]
    updates_written: Annotated[int, I8, "updates so far"]
    sequence: Annotated[int, I8, "of the message that is being carried out"]
    trailing: Annotated[int, I8, "trailing stops that wait"]
    best: Annotated[Vector, I4, (SIDES,), "level at the touch of each side, or NO_LEVEL"]
    root: Annotated[Vector, I4, (SIDES,), "root of each side's price index, coded as Node.child"]
    level_count: Annotated[Vector, I4, (SIDES,), "live levels of each side"]
    order_count: Annotated[Vector, I4, (SIDES,), "live orders of each side"]
    cache: Annotated[Vector, I4, (2, PRICE_CACHE), "level last seen at price % size, a hint only"]
    free_level: Annotated[int, I4, "first free row of levels, or NO_LEVEL"]
    free_node: Annotated[int, I4, "first free row of nodes, or NO_NODE"]
    free_order: Annotated[int, I4, "first free row of orders, or NO_ORDER"]
    free_terms: Annotated[int, I4, "first free row of terms, or NO_TERMS"]
    first_expiry: Annotated[int, I4, "terms that expire first, or NO_TERMS"]
    last_expiry: Annotated[int, I4, "terms that expire last, or NO_TERMS"]
    members: Annotated[int, I4, "members so far"]
    known_members: Annotated[int, I4, "members whose position was told"]
    top_arrival: Annotated[Vector, I8, (2,), "arrival of the top order of BUY and SELL, or -1"]
    top_order: Annotated[Vector, I4, (2,), "row of the top order; valid if it came at top_arrival"]
    time_ns: Annotated[int, I8, "time of the last message that told one (ns)"]
    price_ticks: Annotated[Vector, I8, (PRICES,), "last, mark and index price (ticks)"]
    lowest_ticks: Annotated[Vector, I8, (PRICES,), "lowest of each since triggers were looked at"]
    highest_ticks: Annotated[Vector, I8, (PRICES,), "highest of each since then"]
    price_known: Annotated[Vector, I4, (PRICES,), "1 once the price is known"]
    price_moved: Annotated[Vector, I4, (PRICES,), "1 while triggers must be looked at"]
    next_arrival: Annotated[int, I8, "rank that the next order to rest gets"]
    trades: Annotated[int, I8, "trades so far"]
    volume_lots: Annotated[int, I8, "quantity traded so far (lots)"]
    bought_lots: Annotated[int, I8, "part of it in which the taker bought (lots)"]
    rules: Annotated[Rules, Rules, (), "the venue's rules"]


class Fill(Protocol):
    """One thing that happened to a resting order: it traded, was canceled or was reduced."""

    price_ticks: Annotated[int, I8, "the order's price (ticks)"]
    quantity_lots: Annotated[int, I8, "traded, canceled, or open after it was reduced (lots)"]
    maker_id: Annotated[int, I8, "order_id"]
    refill_lots: Annotated[int, I8, "what an iceberg displays now (lots), 0: it did not refill"]
    taker_lost_lots: Annotated[int, I8, "what the taker lost with it, without a trade (lots)"]
    maker_owner: Annotated[int, I4, "account"]
    kind: Annotated[int, U1, "TRADE, CANCELED or REDUCED, as in reports"]
    side: Annotated[int, U1, "BUY or SELL"]
    reason: Annotated[int, U1, "ACCEPTED, or why it was canceled or reduced"]
    gone: Annotated[int, U1, "1 if it has left the book"]


class Work(Protocol):
    """The order that is being carried out, and how far its matching has got."""

    order_id: Annotated[int, I8, "order_id"]
    price_ticks: Annotated[int, I8, "limit price (ticks)"]
    left_lots: Annotated[int, I8, "quantity left (lots)"]
    display_lots: Annotated[int, I8, "iceberg: displayed at a time (lots); 0: everything"]
    expiry_ns: Annotated[int, I8, "good-till-time: when it ends (ns)"]
    trigger_ticks: Annotated[int, I8, "trigger price (ticks)"]
    trail_ticks: Annotated[int, I8, "trailing stop: distance (ticks)"]
    owner: Annotated[int, I4, "account"]
    side: Annotated[int, I4, "BUY or SELL"]
    kind: Annotated[int, I4, "LIMIT ... TRAILING_STOP"]
    tif: Annotated[int, I4, "time in force"]
    trigger: Annotated[int, I4, "ON_LAST, ON_MARK or ON_INDEX"]
    self_trade: Annotated[int, I4, "self-trade mode"]
    reduce_only: Annotated[int, I4, "1 if reduce-only"]
    instrument: Annotated[int, I4, "instrument; 0 in a book on its own"]
    stopped: Annotated[int, I4, "ACCEPTED, or why it may not trade on or rest"]
    unfinished: Annotated[int, I4, "1 if matching must go on in another step"]
    look_at: Annotated[int, I4, "owner to be looked at before it goes on, or NOBODY"]
    round_row: Annotated[int, I4, "pro-rata: the order whose turn is next, or NO_ORDER to look"]
    stage: Annotated[int, I8, "pro-rata: where the round stands"]
    stated_ticks: Annotated[int, I8, "price it is reported with (ticks)"]
    cleared: Annotated[int, I8, "arrival of the reduce-only maker that may trade now"]
    turn_arrival: Annotated[int, I8, "pro-rata: arrival of the maker that has been given a share"]
    turn_lots: Annotated[int, I8, "pro-rata: that share (lots)"]
    round_lots: Annotated[int, I8, "pro-rata: quantity of the taker that is shared out (lots)"]
    round_total: Annotated[int, I8, "pro-rata: displayed quantity it is shared over (lots)"]
    round_arrival: Annotated[int, I8, "pro-rata: orders that came before have had their turn"]
    round_end: Annotated[int, I8, "pro-rata: later arrivals are not part of the round"]
    round_ticks: Annotated[int, I8, "pro-rata: price that the round is at (ticks)"]
    first_member: Annotated[int, I4, "first member whose reduce-only orders must be looked at"]
    last_member: Annotated[int, I4, "last of them"]
    fills: Annotated[Rows[Fill], Fill, (FILLS_AT_ONCE,), "what happened in this step"]


class Message(Protocol):
    """One instruction on its way from an agent to a book."""

    arrival_ns: Annotated[int, I8, "when it reaches the matching engine (ns)"]
    acknowledgement_ns: Annotated[
        int, I8, "time its acknowledgement takes longer than market data (ns)"
    ]
    order_id: Annotated[int, I8, "order it creates or speaks of"]
    price_ticks: Annotated[int, I8, "limit or protection price (ticks)"]
    quantity_lots: Annotated[int, I8, "new: quantity; modify: new open quantity (lots)"]
    display_lots: Annotated[int, I8, "iceberg: displayed at a time (lots); 0: everything"]
    trigger_ticks: Annotated[int, I8, "stop, take-profit: trigger price (ticks)"]
    trail_ticks: Annotated[int, I8, "trailing stop: distance (ticks)"]
    expiry_ns: Annotated[int, I8, "good-till-time: when it ends (ns)"]
    decision_mid: Annotated[float, F8, "mid price when it was sent (price units)"]
    account: Annotated[int, I4, "account that sends it"]
    instrument: Annotated[int, I4, "instrument it is for"]
    kind: Annotated[int, U1, "NEW ... DISCONNECT; ACKNOWLEDGEMENT on its way back"]
    type: Annotated[int, U1, "LIMIT ... TRAILING_STOP"]
    side: Annotated[int, U1, "BUY or SELL"]
    tif: Annotated[int, U1, "time in force"]
    trigger: Annotated[int, U1, "ON_LAST, ON_MARK or ON_INDEX"]
    self_trade: Annotated[int, U1, "self-trade mode"]
    reduce_only: Annotated[int, U1, "1 if it may only bring the position closer to zero"]
    liquidation: Annotated[int, U1, "1 if the liquidation engine sends it"]


# --- The exchange ----------------------------------------------------------------------------


class FeeTier(Protocol):
    """One step of a fee ladder."""

    volume_quanta: Annotated[int, I8, "30-day volume from which on it holds (quanta)"]
    maker_fee_e9: Annotated[int, I8, "fee on notional when the order rested (1e-9)"]
    taker_fee_e9: Annotated[int, I8, "fee on notional when the order took (1e-9)"]


class MarginScenario(Protocol):
    """One scenario of a portfolio margin."""

    move: Annotated[float, F8, "relative move of the underlying"]
    volatility: Annotated[float, F8, "relative move of volatility, at 30 days to expiry"]
    share: Annotated[float, F8, "share of its loss that counts"]
    dampener: Annotated[float, F8, "taken off what counts (quote currency)"]


class Venue(Protocol):
    """Rules of one exchange that are not an instrument's."""

    liquidation_fee_e9: Annotated[
        int, I8, "share of a liquidated notional paid to insurance (1e-9)"
    ]
    liquidation_slice_e9: Annotated[int, I8, "share of a position that one slice closes (1e-9)"]
    liquidation_interval_ns: Annotated[int, I8, "time between two steps of a liquidation (ns)"]
    collateral_e9: Annotated[
        Vector, I8, ("currencies",), "share of each currency that counts as margin (1e-9)"
    ]
    transfer_ns: Annotated[int, I8, "time a transfer to another venue takes (ns)"]
    outlier: Annotated[float, F8, "how far off the median an index source is dropped (share)"]
    scenario_count: Annotated[int, I8, "scenarios in use"]
    short_power: Annotated[float, F8, "power of 30 / days by which volatility moves, under 30 days"]
    long_power: Annotated[float, F8, "the same for longer expiries"]
    least_shocked_volatility: Annotated[float, F8, "portfolio margin: least volatility, risen"]
    contingency: Annotated[float, F8, "portfolio margin: share of futures added to the worst loss"]
    maintenance_share: Annotated[float, F8, "portfolio margin: maintenance as a share of initial"]
    ladder_count: Annotated[int, I8, "rows of the ladder in use"]
    liquidation_steps: Annotated[Vector, I4, (LIQUIDATION_STEPS,), "STEP_ codes, in order"]
    step_count: Annotated[int, I4, "steps in use"]
    counts_closing_fee: Annotated[int, I4, "1 if the fee to close counts as maintenance margin"]
    backstop: Annotated[int, I4, "BACKSTOP_ code"]
    rank: Annotated[int, I4, "RANK_ code of deleveraging"]
    fee_account: Annotated[int, I4, "account that collects its fees"]
    insurance_account: Annotated[int, I4, "account of its insurance fund"]
    halted: Annotated[int, I4, "1 while matching is suspended: closed, out of order, or failed"]
    transfers_halted: Annotated[int, I4, "1 while nothing can be transferred"]
    data_halted: Annotated[int, I4, "1 while no market data is published"]
    cancels_halted: Annotated[int, I4, "1 while cancels and modifies are refused"]
    ladder: Annotated[Rows[FeeTier], FeeTier, (FEE_LADDER,), "fees by 30-day volume, rising"]
    scenarios: Annotated[
        Rows[MarginScenario], MarginScenario, (MARGIN_SCENARIOS,), "of its portfolio margin"
    ]


class Tier(Protocol):
    """One tier of an instrument's margins: holds up to a notional."""

    top_quanta: Annotated[int, I8, "largest notional of the tier (quanta)"]
    initial_e9: Annotated[int, I8, "least initial margin, share of notional (1e-9)"]
    maintenance_e9: Annotated[int, I8, "maintenance margin, share of notional (1e-9)"]
    amount_quanta: Annotated[int, I8, "what is taken off, so that margin does not jump (quanta)"]


class Funding(Protocol):
    """A perpetual's funding: the venue's rule, and what it has seen of the interval."""

    rate_e9: Annotated[int, I8, "rate of the current interval as known (1e-9); > 0: longs pay"]
    imposed_e9: Annotated[int, I8, "imposed: the rate without the timeline (1e-9)"]
    interval_ns: Annotated[int, I8, "time between payments (ns); 0: never"]
    next_ns: Annotated[int, I8, "next payment (ns)"]
    sample_ns: Annotated[int, I8, "time between samples of the premium (ns)"]
    next_sample_ns: Annotated[int, I8, "next sample (ns)"]
    index: Annotated[int, I8, "continuous: what a long lot has paid so far (1e-4 quanta)"]
    samples: Annotated[int, I8, "samples of the interval so far"]
    carry: Annotated[float, F8, "continuous: what is not yet in the index (1e-4 quanta)"]
    interest: Annotated[float, F8, "interest of eight hours"]
    clamp: Annotated[float, F8, "half width of clamp(interest - premium); continuous: the damper"]
    cap: Annotated[float, F8, "largest rate of one interval, either way"]
    impact_notional: Annotated[float, F8, "notional whose prices make the premium (quote currency)"]
    premium_sum: Annotated[float, F8, "weighted sum of the premiums of the interval"]
    premium_weight: Annotated[float, F8, "sum of their weights"]
    method: Annotated[int, I4, "FUNDING_IMPOSED, FUNDING_PREMIUM or FUNDING_CONTINUOUS"]
    rising_weights: Annotated[int, I4, "1 if later samples count more"]


class Carry(Protocol):
    """A dated future's premium over the fundamental price (docs/rules/basis)."""

    level: Annotated[float, F8, "level that the rate reverts to (per year)"]
    deviation: Annotated[float, F8, "standard deviation of the rate in the long run (per year)"]
    reversion: Annotated[float, F8, "its speed of reversion (1 / s)"]
    rate: Annotated[float, F8, "carry now (per year)"]
    log_basis: Annotated[float, F8, "log of the fair price over the fundamental one, now"]


class Instrument(Protocol):
    """One contract: its terms, its mark, its Greeks, its funding."""

    tick_quanta: Annotated[
        int, I8, "value of one tick of one lot; inverse: of a lot times its price in ticks (quanta)"
    ]
    lot_coin_quanta: Annotated[
        int, I8, "spot, option: coin in one lot (quanta of the base currency)"
    ]
    expiry_ns: Annotated[int, I8, "future, call, put: when it settles (ns)"]
    mark_quanta: Annotated[int, I8, "mark value of one lot (quanta; inverse: 1e-4 quanta)"]
    fair_quanta: Annotated[int, I8, "the same at the fair price"]
    delivery_fee_e9: Annotated[int, I8, "fee at expiry, share of the underlying (1e-9)"]
    delivery_fee_cap_e9: Annotated[int, I8, "option: largest of it, share of the payoff (1e-9)"]
    margin_slope_e9: Annotated[int, I8, "added to margin rates for each unit held (1e-9)"]
    fee_cap_e9: Annotated[int, I8, "option: largest fee, share of its price (1e-9); 0: none"]
    settlement_ns: Annotated[int, I8, "index is averaged so long before expiry (ns)"]
    settlement_samples: Annotated[int, I8, "price ticks in that average so far"]
    settlement_sum: Annotated[float, F8, "sum of the index over them"]
    funding: Annotated[Funding, Funding, (), "perpetual: its funding"]
    carry: Annotated[Carry, Carry, (), "future: its carry"]
    maker_size_lots: Annotated[int, I8, "quoted by makers: size of each quote (lots); 0: no quotes"]
    maker_half_spread: Annotated[float, F8, "quoted by makers: half spread as a share of spot"]
    maker_start_lots: Annotated[int, I8, "quoted by makers: what they held at the start (lots)"]
    price_band: Annotated[float, F8, "how far limits may be from the mark (share); 0: anywhere"]
    protection: Annotated[float, F8, "how far through the touch a market order reaches (of mark)"]
    tick_size: Annotated[float, F8, "price of one tick (settlement currency per unit)"]
    lot_size: Annotated[float, F8, "units of the underlying in one lot; inverse: at the fair price"]
    lot_quantity: Annotated[float, F8, "one lot as traders say it: units; inverse: contracts"]
    face: Annotated[float, F8, "inverse: value of one lot (quote currency)"]
    basis_window: Annotated[float, F8, "memory of the mark's average basis (s)"]
    mean_basis: Annotated[float, F8, "moving average of mid less index (price units)"]
    breaker_moves: Annotated[
        Vector, F8, (BREAKERS,), "moves from the day's first price at which trading pauses"
    ]
    breaker_count: Annotated[int, I8, "how many of them there are"]
    breakers_hit: Annotated[int, I8, "how many of them the day has seen"]
    pause_ns: Annotated[int, I8, "how long trading pauses (ns)"]
    paused_until_ns: Annotated[int, I8, "while trading pauses: when it goes on (ns)"]
    first_price: Annotated[float, F8, "first price of the day, that moves are counted from"]
    strike: Annotated[float, F8, "call, put: strike price"]
    strike_step: Annotated[float, F8, "call, put: strikes are multiples of it (quote currency)"]
    moneyness: Annotated[float, F8, "call, put: strike as a multiple of the episode's first price"]
    mark_price: Annotated[float, F8, "mark price, that margins and funding look at (price units)"]
    fair_price: Annotated[float, F8, "price that no order moves, for profit and loss (price units)"]
    implied_volatility: Annotated[float, F8, "call, put: annual volatility of the mark"]
    volatility_change: Annotated[float, F8, "call, put: what the next mark adds to it"]
    level_shift: Annotated[
        float, F8, "call, put: log of what moves of the price did to its expiry's volatility"
    ]
    short_initial: Annotated[float, F8, "short option: initial margin (share of the underlying)"]
    short_minimum: Annotated[float, F8, "short option: least of it, far from the money"]
    short_maintenance: Annotated[float, F8, "short option: maintenance margin (likewise)"]
    value: Annotated[float, F8, "call, put: Black-76 value of one unit (quote currency)"]
    delta: Annotated[float, F8, "change of value per unit of the forward"]
    gamma: Annotated[float, F8, "change of delta per unit of the forward"]
    vega: Annotated[float, F8, "change of value per unit of volatility"]
    theta: Annotated[float, F8, "change of value per year"]
    vanna: Annotated[float, F8, "change of delta per unit of volatility"]
    volga: Annotated[float, F8, "change of vega per unit of volatility"]
    makers_away: Annotated[float, F8, "share of its makers whom the timeline keeps away"]
    basis_shift: Annotated[float, F8, "log premium that the timeline adds to its book"]
    maker_orders: Annotated[Vector, I4, (2,), "rows of the makers' quotes, or NO_ORDER"]
    kind: Annotated[int, I4, "SPOT, PERPETUAL, FUTURE, CALL or PUT"]
    inverse: Annotated[int, I4, "1 if its value is a number of coins that falls with the price"]
    mark_method: Annotated[int, I4, "MARK_INDEX, MARK_MEDIAN or MARK_AVERAGE_BASIS"]
    flow: Annotated[int, I4, "FLOW_NONE, FLOW_IDEAL or FLOW_CROWD"]
    venue: Annotated[int, I4, "row of venues it is listed on"]
    currency: Annotated[int, I4, "currency it settles in: QUOTE or COIN"]
    fee_class: Annotated[int, I4, "FEES_DERIVATIVE, FEES_SPOT or FEES_OPTION"]
    first_tier: Annotated[int, I4, "first row of its tiers"]
    tier_count: Annotated[int, I4, "number of its tiers; 0: no margin"]
    settled: Annotated[int, I4, "1 once it has expired and been paid out"]


class Position(Protocol):
    """What one account holds of one instrument."""

    quantity_lots: Annotated[int, I8, "signed quantity (lots)"]
    entry_quanta: Annotated[int, I8, "signed value at which it was entered (quanta)"]
    margin_quanta: Annotated[int, I8, "isolated: what is set aside for it (quanta)"]
    funding_index: Annotated[int, I8, "continuous funding: up to which it is paid (1e-4 quanta)"]
    initial_e9: Annotated[int, I8, "initial margin chosen, 1 / leverage (1e-9); 0: the tier's"]


class Account(Protocol):
    """One competitor's collateral on one venue, or one of the world's own accounts."""

    maker_fee_e9: Annotated[
        Vector, I8, (FEE_CLASSES,), "fee when its order rested, by FEES_ (1e-9); < 0: rebate"
    ]
    taker_fee_e9: Annotated[Vector, I8, (FEE_CLASSES,), "fee when its order took, by FEES_ (1e-9)"]
    discount_e9: Annotated[int, I8, "share of fees that is taken off (1e-9)"]
    volume_quanta: Annotated[int, I8, "30-day volume that its fees go by (quanta of QUOTE)"]
    bonus_quanta: Annotated[int, I8, "bonus that counts as margin, not withdrawable (QUOTE quanta)"]
    credit_quanta: Annotated[int, I8, "bonus that pays fees, what is left of it (QUOTE quanta)"]
    equity_quanta: Annotated[int, I8, "margin balance at the last price tick (QUOTE quanta)"]
    maintenance_quanta: Annotated[int, I8, "maintenance margin at the last tick (QUOTE quanta)"]
    fees_quanta: Annotated[int, I8, "fees paid so far (QUOTE quanta, as all that follows)"]
    funding_quanta: Annotated[int, I8, "funding received less paid so far"]
    covered_quanta: Annotated[int, I8, "negative equity paid by others so far"]
    socialised_quanta: Annotated[int, I8, "paid of other accounts' losses so far"]
    traded_quanta: Annotated[int, I8, "notional traded so far"]
    taker_fills: Annotated[int, I8, "trades in which its order took"]
    maker_fills: Annotated[int, I8, "trades in which its order rested"]
    liquidations: Annotated[int, I8, "times it was taken over by the liquidation engine"]
    deleveragings: Annotated[int, I8, "times a position of it was deleveraged"]
    next_step_ns: Annotated[int, I8, "next step of its liquidation (ns)"]
    step: Annotated[int, I4, "step of its liquidation"]
    venue: Annotated[int, I4, "row of venues"]
    agent: Annotated[int, I4, "row of agents, or NO_ACCOUNT for the world's own"]
    margin_mode: Annotated[int, I4, "MARGIN_CROSS, MARGIN_ISOLATED or MARGIN_PORTFOLIO"]
    margined: Annotated[int, I4, "1 if margin is required and checked"]
    liquidating: Annotated[int, I4, "1 while the liquidation engine closes it"]
    partner: Annotated[int, I4, "hedge mode: account of its other legs; else NO_ACCOUNT"]
    short_legs: Annotated[int, I4, "1 if it holds the short legs of its partner, and no money"]


class Transfer(Protocol):
    """Money on its way from one account to another."""

    arrival_ns: Annotated[int, I8, "when it arrives (ns)"]
    amount_quanta: Annotated[int, I8, "how much (quanta); 0: a free row"]
    target: Annotated[int, I4, "account it goes to"]
    currency: Annotated[int, I4, "QUOTE or COIN"]


class Closure(Protocol):
    """A time in which a venue is closed."""

    start_ns: Annotated[int, I8, "when it closes (ns)"]
    end_ns: Annotated[int, I8, "when it opens (ns)"]
    venue: Annotated[int, I8, "row of venues"]


class RuleChange(Protocol):
    """A rule of a venue that changes in the episode."""

    time_ns: Annotated[int, I8, "when (ns)"]
    value_e9: Annotated[int, I8, "its new value; fees: by how much they rise (1e-9)"]
    key: Annotated[int, I4, "CHANGE_ code"]
    venue: Annotated[int, I4, "row of venues"]


# --- Everyone else ---------------------------------------------------------------------------


class Process(Protocol):
    """Parameters and state of a price that jumps, or whose variance or regime changes."""

    variance: Annotated[float, F8, "annual variance of the price now, without jumps"]
    reversion: Annotated[float, F8, "reversion of the variance, regime: of the range (per year)"]
    long_run_variance: Annotated[float, F8, "heston, svcj: level the variance reverts to"]
    variance_volatility: Annotated[float, F8, "heston, svcj: annual volatility of the variance"]
    correlation: Annotated[float, F8, "heston, svcj: correlation of price and variance"]
    jump_rate: Annotated[float, F8, "merton, svcj: jumps per year"]
    jump_mean: Annotated[float, F8, "mean of a jump of the logarithm of the price"]
    jump_sigma: Annotated[float, F8, "its standard deviation"]
    jump_correlation: Annotated[float, F8, "svcj: what a jump of the variance of 1 adds to it"]
    variance_jump: Annotated[float, F8, "svcj: mean of a jump of the annual variance"]
    compensator: Annotated[float, F8, "annual drift that jumps bring, taken off again"]
    jump_variance: Annotated[float, F8, "annual variance that jumps bring"]
    range_variance: Annotated[float, F8, "regime: annual variance in a range"]
    trend_variance: Annotated[float, F8, "regime: annual variance in a trend"]
    trend_drift: Annotated[float, F8, "regime: annual drift in a trend, up or down"]
    leave_range: Annotated[float, F8, "regime: rate at which a range ends (per year)"]
    leave_trend: Annotated[float, F8, "regime: rate at which a trend ends (per year)"]
    level: Annotated[float, F8, "regime: logarithm of the price in the middle of the range"]
    regime: Annotated[int, I8, "regime: REGIME_RANGE, REGIME_UP or REGIME_DOWN"]


class Price(Protocol):
    """The fundamental price: the process all instruments follow."""

    tick_ns: Annotated[int, I8, "time between price ticks (ns)"]
    next_tick_ns: Annotated[int, I8, "next price tick (ns)"]
    tick: Annotated[int, I8, "index of the next price tick, which numbers its random draws"]
    tape_start_ns: Annotated[int, I8, "replay: time on the tape at which the episode's clock is 0"]
    tape_choices: Annotated[int, I8, "replay: cells of the tape a seed may start at; 0: the first"]
    tape_step_ns: Annotated[int, I8, "replay: time between two prices of the tape (ns)"]
    drift: Annotated[float, F8, "annual drift of the price"]
    volatility: Annotated[
        float, F8, "annual volatility now, with jumps (replay: of the bridge between two prices)"
    ]
    process: Annotated[float, F8, "price before shocks (price units)"]
    ahead: Annotated[float, F8, "the same at the next price tick; nobody may see it"]
    ahead_variance: Annotated[float, F8, "dynamics.variance at the next price tick"]
    ahead_regime: Annotated[int, I8, "dynamics.regime at the next price tick"]
    ahead_level: Annotated[float, F8, "dynamics.level at the next price tick"]
    path: Annotated[
        Vector, F8, (PATH_STEPS + 1,), "process from this tick to the next, at equal steps"
    ]
    path_steps: Annotated[int, I8, "steps in use"]
    jump: Annotated[float, F8, "jumps at the next tick (log); the path ends before them"]
    jumped: Annotated[float, F8, "jumps at the last tick (log)"]
    activity_sigma: Annotated[float, F8, "standard deviation of the logarithm of the activity"]
    activity_reversion: Annotated[float, F8, "its reversion (per second)"]
    activity_state: Annotated[float, F8, "where it is, in standard deviations"]
    activity: Annotated[float, F8, "speed of business time until the next tick; 1 on average"]
    pace: Annotated[float, F8, "speed of the clocks of orders until then; 1 on average"]
    pressure: Annotated[float, F8, "lasting move that participants' trading has made (log)"]
    pressed: Annotated[int, I8, "1 if trading moves the price for good"]
    value: Annotated[float, F8, "fundamental price: process with the shocks of the timeline"]
    index: Annotated[float, F8, "index price, of sources that may be off"]
    previous_index: Annotated[float, F8, "index price at the tick before, that makers know"]
    sources: Annotated[Vector, F8, (INDEX_SOURCES,), "price at each source of the index"]
    source_weights: Annotated[Vector, F8, (INDEX_SOURCES,), "their weights"]
    source_count: Annotated[int, I8, "sources in use"]
    coin_quanta: Annotated[int, I8, "value of 1e4 quanta of coin at the fundamental price (quanta)"]
    previous: Annotated[float, F8, "fundamental price at the tick before"]
    changed_ns: Annotated[int, I8, "time of the last price tick (ns)"]
    model: Annotated[int, I8, "PRICE_GBM, PRICE_REPLAY or another"]
    dynamics: Annotated[Process, Process, (), "jumps, variance, regimes; not of gbm and replay"]


class Surface(Protocol):
    """Implied volatility of options by strike and expiry: parameters, then state."""

    long_volatility: Annotated[float, F8, "annual volatility at the money in the long run"]
    short_volatility: Annotated[float, F8, "the same of the shortest expiries"]
    term_rate: Annotated[float, F8, "rate at which expiries go from short to long (per year)"]
    correlation: Annotated[float, F8, "rho of SSVI: which side of the smile is higher"]
    curvature: Annotated[float, F8, "eta of SSVI; 0: no smile"]
    decay: Annotated[float, F8, "gamma of SSVI: power by which the smile flattens with variance"]
    stickiness: Annotated[float, F8, "skew-stickiness ratio: 0 sticky moneyness, 1 sticky strike"]
    volatility: Annotated[float, F8, "annual volatility of the logarithm of the level"]
    reversion: Annotated[float, F8, "reversion of the level to where it began (per year)"]
    level: Annotated[float, F8, "logarithm of the level over where it began"]
    forward: Annotated[float, F8, "fundamental price that the surface has seen"]
    shaped: Annotated[int, I8, "1 if volatility differs by strike or expiry, or moves"]


class OptionMakers(Protocol):
    """Makers who quote options in volatility points: parameters, then state."""

    widths: Annotated[Vector, F8, (SPREAD_BANDS,), "bid to ask by time to expiry (volatility)"]
    until_ns: Annotated[Vector, I8, (SPREAD_BANDS,), "time to expiry up to which each holds (ns)"]
    band_count: Annotated[int, I8, "how many there are; 0: half spreads are shares of spot"]
    inventory_units: Annotated[float, F8, "inventory at which quotes moved by half their spread"]
    realised_variance: Annotated[float, F8, "annual variance of the price, memory of half an hour"]
    seen_price: Annotated[float, F8, "price it has counted"]
    seen_ns: Annotated[int, I8, "time up to which it has (ns)"]
    lean: Annotated[float, F8, "-1 ... 1: share of the half spread that quotes are lower by"]


class Customers(Protocol):
    """Customers who trade options at market: parameters, then state."""

    rate: Annotated[float, F8, "orders per second in all options together; 0: none"]
    size_units: Annotated[float, F8, "median size of an order (units)"]
    size_sigma: Annotated[float, F8, "its lognormal sigma"]
    next_ns: Annotated[int, I8, "time of the next order (ns)"]
    event: Annotated[int, I8, "index of the next order, which numbers its draws"]


class Sentiment(Protocol):
    """What side a flow's traders lean to, and the premium that their trading opens."""

    lean: Annotated[float, F8, "now: chance that a market order buys, less that it sells"]
    level: Annotated[float, F8, "its mean"]
    deviation: Annotated[float, F8, "its standard deviation in the long run"]
    reversion: Annotated[float, F8, "its speed of reversion (1 / s)"]
    impact: Annotated[float, F8, "log premium left by a unit bought"]
    decay: Annotated[float, F8, "time constant of the premium (s)"]
    start_premium: Annotated[float, F8, "log premium of a lean of 1 at the start"]
    premium: Annotated[float, F8, "log premium of its book now"]
    seen_lots: Annotated[int, I8, "net volume bought by takers that the premium has seen (lots)"]


class Flow(Protocol):
    """Background order flow of one book: parameters, then state (docs/rules/flow)."""

    slots: Annotated[int, I8, "places in the list of background orders; bounds their number"]
    touch_slots: Annotated[int, I8, "places of that list kept for quotes at the touch, per side"]
    anchored: Annotated[int, I8, "1 if the crowd quotes about a price it believes in, 0: the book"]
    rate: Annotated[float, F8, "mean events per second"]
    branching: Annotated[float, F8, "share of market orders that others set off, in a burst"]
    excitation_decay: Annotated[float, F8, "time constant of such a burst (s)"]
    slow_branching: Annotated[float, F8, "share that others set off over a longer time"]
    slow_decay: Annotated[float, F8, "time constant of that (s)"]
    probability_market: Annotated[float, F8, "share of events that are market orders"]
    probability_add: Annotated[float, F8, "share of events that are new limit orders"]
    touch_probability: Annotated[float, F8, "share of new limit orders that join the touch"]
    refill_probability: Annotated[float, F8, "chance that an event closes an open spread"]
    queue_response: Annotated[float, F8, "how much a long queue keeps others from joining it"]
    imbalance_response: Annotated[float, F8, "how much market orders take the shorter queue"]
    touch_size_lots: Annotated[float, F8, "median size of an order at the touch (lots)"]
    touch_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    add_size_lots: Annotated[float, F8, "median size of an order behind the touch (lots)"]
    add_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    distance_scale: Annotated[float, F8, "scale of the distance from the touch (ticks)"]
    distance_exponent: Annotated[float, F8, "tail exponent of the distance from the touch"]
    distance_maximum: Annotated[float, F8, "largest distance from the touch (ticks)"]
    growth_distance: Annotated[
        float, F8, "distance over which orders grow by their size at the touch (ticks)"
    ]
    market_size_lots: Annotated[float, F8, "median size of a market order (lots)"]
    market_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    split_probability: Annotated[float, F8, "chance that a market order starts a run of one sign"]
    split_exponent: Annotated[float, F8, "Pareto exponent of the length of such a run"]
    informed_probability: Annotated[float, F8, "chance that a market order knows the next move"]
    informed_scale: Annotated[float, F8, "size of that move at which the chance is full (ticks)"]
    informed_horizon: Annotated[float, F8, "how far ahead an informed trader sees (s)"]
    informed_size_lots: Annotated[float, F8, "median size of an informed order (lots)"]
    informed_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    market_reach: Annotated[float, F8, "how far past the reference a market order goes (ticks)"]
    impact_ticks: Annotated[float, F8, "impact memory left by an order of one unit (ticks)"]
    impact_scale_lots: Annotated[
        float, F8, "size at which impact turns from linear to concave (lots)"
    ]
    impact_decay: Annotated[float, F8, "time constant of the impact memory (s)"]
    surprise_ticks: Annotated[float, F8, "what an order of one unit makes the crowd expect (ticks)"]
    lasting_impact: Annotated[
        float, F8, "lasting log move of the price per unit that participants have bought"
    ]
    stale_ticks: Annotated[float, F8, "distance through the reference at which a quote is stale"]
    widening: Annotated[float, F8, "how much wider the touch is in a stormy market (ticks)"]
    pulling: Annotated[float, F8, "how much less is quoted in a stormy market"]
    distance_cut: Annotated[float, F8, "share of distances beyond the maximum that is cut off"]
    calm_variance: Annotated[float, F8, "variance of the reference in a calm market (ticks^2 / s)"]
    burst: Annotated[float, F8, "what one market order adds to the rate, as a share of its base"]
    slow_burst: Annotated[float, F8, "the same, of the slow part"]
    excitation: Annotated[float, F8, "rate over its base, less 1: the burst's part"]
    slow_excitation: Annotated[float, F8, "the same, of the slow part"]
    recent_variance: Annotated[float, F8, "recent variance of the reference (ticks^2 / s)"]
    last_reference: Annotated[float, F8, "reference when makers last looked (ticks)"]
    looked_ns: Annotated[int, I8, "when that was (ns)"]
    memory: Annotated[float, F8, "impact memory now (ticks)"]
    surprise: Annotated[float, F8, "what the crowd expects of the price, of late orders (ticks)"]
    sentiment: Annotated[Sentiment, Sentiment, (), "side that its traders lean to"]
    quickening: Annotated[float, F8, "factor of the timeline on its events a second"]
    seen_lots: Annotated[int, I8, "net volume bought by takers that the memory has seen (lots)"]
    initial_lots: Annotated[int, I8, "what crowd and makers held at first (lots)"]
    memory_ns: Annotated[int, I8, "time of the last event (ns)"]
    next_ns: Annotated[int, I8, "time of the next event (ns)"]
    event: Annotated[int, I8, "index of the next event, which numbers its draws"]
    run_left: Annotated[int, I8, "market orders left in the current run of one sign"]
    run_side: Annotated[int, I4, "side of the current run"]
    instrument: Annotated[int, I4, "instrument whose book it feeds, or NO_INSTRUMENT"]
    ids: Annotated[Vector, I8, ("background",), "order_id of each background order"]
    rows: Annotated[Vector, I4, ("background",), "row of orders of each, or NO_ORDER"]


class Leverage(Protocol):
    """The leveraged crowd: what its members have in common (docs/rules/crowd)."""

    entry_sigma: Annotated[float, F8, "standard deviation of the logarithm of their entry prices"]
    swept: Annotated[float, F8, "no liquidation price is nearer to the first price (share)"]
    member_notional: Annotated[float, F8, "one member's position, for margin tiers (quote)"]
    reopening_ns: Annotated[int, I8, "time constant of opening again what is gone (ns); 0: never"]
    wish_lots: Annotated[
        Vector, F8, (2,), "longs, shorts: what they want to open and have not yet (lots)"
    ]


class Bucket(Protocol):
    """Members of the leveraged crowd with one side, one leverage and one liquidation price."""

    quantity_lots: Annotated[int, I8, "signed quantity they hold (lots)"]
    opened_lots: Annotated[int, I8, "signed quantity they held at first (lots)"]
    entry_quanta: Annotated[int, I8, "signed value at which they entered (quanta)"]
    margin_quanta: Annotated[int, I8, "what they have set aside for it (quanta)"]
    initial_e9: Annotated[int, I8, "margin they set aside, 1 / leverage (1e-9)"]
    called_ns: Annotated[int, I8, "when the mark reached their liquidation price (ns)"]
    liquidation_price: Annotated[float, F8, "mark at which they are liquidated (price units)"]
    bankruptcy_price: Annotated[float, F8, "price at which nothing is left (price units)"]
    place: Annotated[int, I4, "place among the buckets of its side and leverage"]
    places: Annotated[int, I4, "how many of them there are"]
    account: Annotated[int, I4, "account that holds it: that of the longs or of the shorts"]
    instrument: Annotated[int, I4, "perpetual that it is a position in"]
    called: Annotated[int, I8, "1 while it is being liquidated"]


class Hedger(Protocol):
    """One dealer who holds options and hedges them in the market (docs/feedback)."""

    next_ns: Annotated[int, I8, "when it looks at its delta next (ns)"]
    interval_ns: Annotated[int, I8, "time between two looks (ns)"]
    gamma: Annotated[float, F8, "what its options' delta gains per log move of the price (units)"]
    band: Annotated[float, F8, "net delta that it leaves alone (units)"]
    reference_price: Annotated[
        float, F8, "price at which its options have no delta; 0: it has seen none yet"
    ]
    hedges: Annotated[int, I8, "orders it has sent so far"]
    account: Annotated[int, I4, "account that holds its hedge"]
    instrument: Annotated[int, I4, "instrument it hedges with"]
    stopped: Annotated[int, I8, "1 once the price has run away and it has given up"]


class Arbitrageur(Protocol):
    """Who trades two books against each other (docs/rules/basis)."""

    instruments: Annotated[Vector, I4, (2,), "the two books; the first is traded first"]
    accounts: Annotated[Vector, I4, (2,), "its account for each"]
    initial_lots: Annotated[Vector, I8, (2,), "what it held of each at the start (lots)"]
    order_units: Annotated[float, F8, "largest order (units)"]
    limit_units: Annotated[float, F8, "largest position in the first book (units)"]
    threshold: Annotated[float, F8, "gain at which it trades (share of the price)"]
    financing: Annotated[float, F8, "carry that it takes for fair (per year)"]
    horizon_ns: Annotated[int, I8, "time for which it counts on the funding rate (ns)"]
    largest_variance: Annotated[float, F8, "variance above which it opens nothing (1 / s)"]
    variance: Annotated[float, F8, "recent variance of the first book's mid (1 / s)"]
    seen_mid: Annotated[float, F8, "mid of the first book at its last look; 0: no look yet"]
    seen_ns: Annotated[int, I8, "time of its last look (ns)"]
    interval_ns: Annotated[int, I8, "mean time between two looks (ns)"]
    next_ns: Annotated[int, I8, "next look (ns)"]
    looks: Annotated[int, I8, "looks so far, which number their draws"]


class Shock(Protocol):
    """One event of the scenario's timeline: a trapezoid in time."""

    start_ns: Annotated[int, I8, "when it begins (ns)"]
    ramp_ns: Annotated[int, I8, "time to full strength (ns)"]
    hold_ns: Annotated[int, I8, "time at full strength (ns)"]
    recovery_ns: Annotated[int, I8, "time back to nothing (ns); negative: it stays"]
    magnitude: Annotated[float, F8, "log move, log multiple, share, or rate, by its kind"]
    lots: Annotated[int, I8, "large order: quantity, positive: it buys (lots); fees: rise (1e-9)"]
    done: Annotated[
        int, I8, "lots sent so far; what fees have risen by (1e-9); of what happens once: 1"
    ]
    instrument: Annotated[int, I4, "row of the market it acts on, or NO_INSTRUMENT: all"]
    venue: Annotated[int, I4, "row of the venue it acts on"]
    account: Annotated[int, I4, "large order: whose it is"]
    code: Annotated[int, I4, "OUTAGE_*; sources that are wrong; BUY, SELL: side; QUOTE, COIN"]
    kind: Annotated[int, I8, "SHOCK_*"]


class Stress(Protocol):
    """What the timeline does to the market at this moment."""

    price_shift: Annotated[float, F8, "log move of the fundamental price"]
    next_shift: Annotated[float, F8, "the same at the next price tick"]
    spread_multiple: Annotated[float, F8, "factor on distances and makers' spreads"]
    depth_multiple: Annotated[float, F8, "factor on the sizes of new orders"]
    source_shift: Annotated[float, F8, "log error of sources of the index"]
    sources_off: Annotated[int, I8, "how many of its sources are wrong"]
    implied_shift: Annotated[float, F8, "log multiple of implied volatilities"]
    variance_multiple: Annotated[float, F8, "factor on the variance of the price"]
    latency_multiple: Annotated[float, F8, "factor on all latencies"]
    premium_shift: Annotated[float, F8, "error of the measured premium of perpetuals"]
    collateral_shift: Annotated[
        Vector, F8, ("currencies",), "log of what the venue takes collateral for"
    ]


# --- The competitors -------------------------------------------------------------------------


class Latency(Protocol):
    """How long a message is on one way: a constant, a lognormal or a table, and jitter on top."""

    fixed_ns: Annotated[int, I8, "constant: all of it; lognormal: its floor (ns)"]
    median_ns: Annotated[int, I8, "lognormal: median of the part above the floor (ns)"]
    sigma: Annotated[float, F8, "lognormal: standard deviation of the logarithm of that part"]
    jitter_ns: Annotated[int, I8, "upper end of the uniform jitter that is added (ns)"]
    samples_ns: Annotated[Vector, I8, (LATENCY_SAMPLES,), "table: equally likely times (ns)"]
    sample_count: Annotated[int, I4, "table: how many of them are in use"]
    kind: Annotated[int, I4, "LATENCY_CONSTANT, LATENCY_LOGNORMAL or LATENCY_TABLE"]


class Working(Protocol):
    """One order that a competitor keeps track of, as it knows it."""

    order_id: Annotated[int, I8, "order_id, 0 for none"]
    price_ticks: Annotated[int, I8, "limit price it asked for (ticks)"]
    quantity_lots: Annotated[int, I8, "quantity it asked for (lots)"]
    seen: Annotated[Vector, F8, (3,), "size, distance and queue as it knows them (observed units)"]
    largest_lots: Annotated[int, I8, "largest order that may be wished for (lots)"]
    unacknowledged: Annotated[
        int, I4, "instructions about it that are carried out, but not yet acknowledged"
    ]
    pending: Annotated[int, I4, "instructions about it that it has no answer to yet"]
    row: Annotated[int, I4, "row of orders once it rests, or NO_ORDER"]
    side: Annotated[int, I4, "BUY or SELL"]
    instrument: Annotated[int, I4, "instrument it is for"]
    account: Annotated[int, I4, "account it is for"]
    strays: Annotated[int, I8, "1 while orders before it may rest that could not be canceled"]
    terms: Annotated[int, I8, "time in force it asked for, with ONLY_REDUCE added if reduce-only"]


class Agent(Protocol):
    """One competitor: its two accounts, its task, what it knows, and where its money went."""

    latencies: Annotated[Rows[Latency], Latency, (WAYS,), "by WAY_ENTRY, WAY_CANCEL and so on"]
    instructions: Annotated[int, I8, "instructions sent so far, which number their latency draws"]
    data_delay_ns: Annotated[int, I8, "age of what it saw at its last decision (ns)"]
    decision_ns: Annotated[int, I8, "time between two decisions (ns)"]
    largest_order_lots: Annotated[int, I8, "largest order in the first hedge instrument (lots)"]
    decisions: Annotated[int, I8, "decisions taken so far"]
    initial_equity_quanta: Annotated[int, I8, "equity of both accounts at the start (quanta)"]
    equity_quanta: Annotated[int, I8, "equity of both accounts, insurance not counted (quanta)"]
    stake: Annotated[float, F8, "expected gamma profit over the horizon; notional for spot books"]
    risk_aversion: Annotated[float, F8, "weight of variance in the reward (1 / currency)"]
    dead_zone: Annotated[float, F8, "smallest order, as a share of the largest"]
    collateral_share: Annotated[float, F8, "collateral of the hedge, as a share of the notional"]
    book_collateral: Annotated[float, F8, "collateral of the book, if it needs margin, likewise"]
    delta_limit: Annotated[float, F8, "largest net delta that orders may lead to (units); 0: any"]
    loss_limit: Annotated[float, F8, "loss at which it is stopped (stakes); 0: never"]
    stopped: Annotated[int, I8, "1 once its loss has reached the limit"]
    relative_aversion: Annotated[float, F8, "risk_aversion times stake"]
    gross_units: Annotated[float, F8, "sum of absolute quantities of the book it is handed (units)"]
    reference_scale: Annotated[float, F8, "price that observed prices are divided by"]
    largest_order_units: Annotated[float, F8, "largest order, before it is rounded to lots (units)"]
    told_aversion: Annotated[
        float, F8, "scheme band: risk aversion an agent is told (1 / currency)"
    ]
    seen_return: Annotated[float, F8, "log return of the mid over the last decision"]
    seen_return_5: Annotated[float, F8, "sum of returns, memory of 5 decisions"]
    seen_return_15: Annotated[float, F8, "sum of returns, memory of 15 decisions"]
    seen_variance: Annotated[float, F8, "annual variance of the mid, memory of 30 minutes"]
    told: Annotated[
        Vector, F8, (OBSERVED,), "timeline: observed fields that need market data, as of the last"
    ]
    observed: Annotated[Vector, F4, (OBSERVED + OBSERVED % 2,), "work space: what it observes now"]
    more: Annotated[Vector, F4, (MORE_OBSERVED,), "further fields that it observes, if it does"]
    more_returns: Annotated[
        Vector, F8, (MORE_RETURNS,), "for them: sums of returns, then annual variances"
    ]
    more_counts: Annotated[
        Vector, I8, (MORE_COUNTS,), "for them: trades, lots and refusals up to the last decision"
    ]
    more_lots: Annotated[Vector, I8, (HEDGES,), "for them: hedges held at the last decision (lots)"]
    initial_hedge_quanta: Annotated[int, I8, "equity of the hedge account at the start (quanta)"]
    book_delta: Annotated[float, F8, "delta of the book it must hedge, coins included (units)"]
    collateral_delta: Annotated[float, F8, "part of it that is coins of the hedge account (units)"]
    book_gamma: Annotated[float, F8, "gamma of that book (units per price unit)"]
    book_vega: Annotated[float, F8, "vega of that book (currency per unit of volatility)"]
    book_theta: Annotated[float, F8, "theta of that book (currency per year)"]
    book_coins: Annotated[float, F8, "coins of the book's account at the start (units)"]
    book_profit: Annotated[
        float, F8, "what the book has earned, where its account trades too (currency)"
    ]
    traded_delta: Annotated[
        float, F8, "option trading: delta beyond that of the book it was handed (units)"
    ]
    reference_units: Annotated[float, F8, "hedge held by the frictionless reference (units)"]
    reference_price: Annotated[float, F8, "price at which the reference was last marked"]
    reference_profit: Annotated[
        float, F8, "hedging profit of the frictionless reference (currency)"
    ]
    reference_next_ns: Annotated[int, I8, "next rebalance of the reference (ns)"]
    risk_penalty: Annotated[float, F8, "integral of squared delta risk so far (currency squared)"]
    reward_equity: Annotated[float, F8, "what its reward adds up to, at the last reward (currency)"]
    turnover_units: Annotated[float, F8, "units of the hedge traded so far"]
    peak_equity: Annotated[float, F8, "largest profit so far (currency)"]
    drawdown: Annotated[float, F8, "largest fall from it so far (currency)"]
    maker_lots: Annotated[
        Vector, I8, ("instruments",), "hedge lots filled passively since the last price tick"
    ]
    seen_mids: Annotated[
        Vector, F8, ("instruments",), "mid of each instrument at its last observation"
    ]
    seen_touch_ticks: Annotated[
        Vector, I8, ("instruments", 2), "best bid and ask likewise, 0: none (ticks)"
    ]
    handed_lots: Annotated[
        Vector, I8, ("instruments",), "book as it was handed over and is not yet settled (lots)"
    ]
    parts: Annotated[Vector, F8, (len(PARTS),), "profit so far by PARTS (currency)"]
    rejects: Annotated[Vector, I8, (len(REJECT_REASONS),), "refused orders by REJECT_REASONS"]
    book_account: Annotated[int, I4, "account that holds the book"]
    hedge_account: Annotated[int, I4, "account that holds the hedge and its collateral"]
    hedge_instrument: Annotated[int, I4, "instrument it hedges with"]
    hedge_count: Annotated[int, I4, "instruments it hedges with"]
    hedges: Annotated[Vector, I4, (HEDGES,), "which they are; the first is `hedge_instrument`"]
    hedge_mask: Annotated[int, I8, "the same as bits"]
    others_mask: Annotated[int, I8, "instruments that only other competitors' books have, as bits"]
    scheme: Annotated[int, I4, "SCHEME_* of its actions"]
    slots: Annotated[int, I4, "rows of `working` in use"]
    option_slots: Annotated[int, I8, "the last of them, which trade options of the book"]
    reward: Annotated[int, I8, "REWARD_* it is paid"]
    reward_memory: Annotated[Vector, F8, (REWARD_MEMORY,), "what its reward remembers"]
    working: Annotated[Rows[Working], Working, (SLOTS,), "orders it keeps track of"]


class FillRecord(Protocol):
    """One line of the log of competitors' trades."""

    time_ns: Annotated[int, I8, "when (ns)"]
    order_id: Annotated[int, I8, "the competitor's order; 0: a liquidation"]
    price_ticks: Annotated[int, I8, "price (ticks)"]
    quantity_lots: Annotated[int, I8, "signed quantity (lots); > 0: bought"]
    fee_quanta: Annotated[int, I8, "fee paid; < 0: received (quanta)"]
    account: Annotated[int, I4, "account"]
    instrument: Annotated[int, I4, "instrument"]
    maker: Annotated[int, I4, "1 if its order rested"]
    cause: Annotated[int, I4, "FILL_ORDERED, FILL_LIQUIDATION or FILL_DELEVERAGING"]


class Stretch(Protocol):
    """Bytes that every step of a world needs (`engine/warming.py`)."""

    start: Annotated[int, I4, "where they begin (bytes from the start of the world)"]
    end: Annotated[int, I4, "where they end (bytes from the start of the world)"]


# --- The world -------------------------------------------------------------------------------


class World(Protocol):
    """One independent market with everything in it, what every step needs first."""

    time_ns: Annotated[int, I8, "now (ns since the episode began; negative while warming up)"]
    end_ns: Annotated[int, I8, "end of the episode (ns)"]
    seed: Annotated[int, U8, "seed of every random stream"]
    fork: Annotated[int, U8, "0, or what stands for the numbers a fork was reseeded with"]
    events: Annotated[int, I8, "events so far"]
    next_order_id: Annotated[int, I8, "id the next order gets; ids start at 1"]
    fill_count: Annotated[int, I8, "competitors' trades so far; the log keeps the last ones"]
    rejected_background: Annotated[int, I8, "background orders refused so far"]
    without_room: Annotated[int, I8, "of these, for want of rows of orders or levels"]
    next_funding_ns: Annotated[int, I8, "earliest funding payment of any instrument (ns)"]
    next_arbitrage_ns: Annotated[int, I8, "earliest look of any arbitrageur (ns)"]
    message_count: Annotated[int, I8, "instructions and acknowledgements in flight"]
    instrument_count: Annotated[int, I8, "rows of instruments in use"]
    account_count: Annotated[int, I8, "rows of accounts in use"]
    agent_count: Annotated[int, I8, "rows of agents in use"]
    flow_count: Annotated[int, I8, "rows of flows in use"]
    hedger_count: Annotated[int, I8, "rows of hedgers in use"]
    arbitrageur_count: Annotated[int, I8, "rows of arbitrageurs in use"]
    shock_count: Annotated[int, I8, "rows of shocks in use"]
    bucket_count: Annotated[int, I8, "rows of buckets in use; 0: there is no leveraged crowd"]
    shock_jitter_ns: Annotated[
        int, I8, "longest delay of the whole timeline, drawn by the seed (ns)"
    ]
    closure_count: Annotated[int, I8, "rows of closures in use"]
    change_count: Annotated[int, I8, "rows of changes in use"]
    changes_made: Annotated[int, I8, "how many of them have come into force"]
    in_transit: Annotated[int, I8, "transfers on their way"]
    next_day_ns: Annotated[int, I8, "when fee ladders are looked at again (ns)"]
    next_look_ns: Annotated[int, I8, "when a competitor's resting order will be overrun (ns)"]
    watching: Annotated[int, I8, "1 while competitors' orders may rest that can be overrun"]
    watched_ids: Annotated[Vector, I8, (WATCHED,), "order_id of the last of these orders"]
    watched_rows: Annotated[Vector, I4, (WATCHED,), "their rows of orders"]
    triggers_due: Annotated[int, I8, "1 while triggered orders may have to be carried out"]
    stretch_count: Annotated[int, I8, "rows of stretches in use"]
    stretches: Annotated[Rows[Stretch], Stretch, (STRETCHES,), "what is fetched before a step"]

    # What happens outside books, by the second.
    price: Annotated[Price, Price, (), "fundamental price"]
    surface: Annotated[Surface, Surface, (), "implied volatility"]
    option_makers: Annotated[OptionMakers, OptionMakers, (), "how options are quoted"]
    customers: Annotated[Customers, Customers, (), "who trades options"]
    stress: Annotated[Stress, Stress, (), "the timeline's effect now"]
    keys: Annotated[Vector, U8, (STREAMS,), "key of each random stream"]
    deposits: Annotated[Vector, I8, ("currencies",), "money brought into the world (quanta)"]
    cash: Annotated[Vector, I8, ("accounts", "currencies"), "cash of each account (quanta)"]

    # What every event needs.
    flows: Annotated[Rows[Flow], Flow, ("flows",), "background order flows"]
    instruments: Annotated[Rows[Instrument], Instrument, ("instruments",), "contracts"]
    books: Annotated[Rows[Book], Book, ("instruments",), "book of each instrument"]
    accounts: Annotated[Rows[Account], Account, ("accounts",), "accounts"]
    positions: Annotated[
        Rows[Position], Position, ("accounts", "instruments"), "positions by account, instrument"
    ]
    agents: Annotated[Rows[Agent], Agent, ("agents",), "competitors"]
    messages: Annotated[Rows[Message], Message, ("messages",), "in flight, by time of arrival"]
    incoming: Annotated[Message, Message, (), "work space: the order being executed"]
    work: Annotated[Work, Work, (), "work space of the matching engine"]

    # The pools; rows of orders are cache lines.
    lined_up: Annotated[Vector, U1, (TO_LINE,), "nothing: what follows begins on a cache line"]
    orders: Annotated[Rows[Order], Order, ("orders",), "pool of resting orders"]
    levels: Annotated[Rows[Level], Level, ("levels",), "pool of price levels"]
    nodes: Annotated[Rows[Node], Node, ("levels",), "pool of nodes of the price indices"]

    # What is rarely looked at.
    terms: Annotated[Rows[Terms], Terms, ("terms",), "pool of further terms of orders"]
    members: Annotated[
        Rows[Member], Member, ("instruments", "members"), "owners that each book knows"
    ]
    venues: Annotated[Rows[Venue], Venue, ("venues",), "exchanges"]
    leverage: Annotated[Leverage, Leverage, (), "the leveraged crowd"]
    hedgers: Annotated[Rows[Hedger], Hedger, ("hedgers",), "dealers who hedge options"]
    arbitrageurs: Annotated[
        Rows[Arbitrageur], Arbitrageur, ("arbitrageurs",), "who trades books against each other"
    ]
    buckets: Annotated[Rows[Bucket], Bucket, ("buckets",), "positions of the leveraged crowd"]
    tiers: Annotated[Rows[Tier], Tier, ("tiers",), "pool of margin tiers"]
    transfers: Annotated[Rows[Transfer], Transfer, ("transfers",), "money on its way"]
    closures: Annotated[Rows[Closure], Closure, ("closures",), "when venues are closed"]
    changes: Annotated[Rows[RuleChange], RuleChange, ("changes",), "rules that change, by time"]
    shocks: Annotated[Rows[Shock], Shock, ("shocks",), "the scenario's timeline"]
    fills: Annotated[Rows[FillRecord], FillRecord, ("fills",), "log of competitors' trades, a ring"]
    filled_up: Annotated[Vector, U1, (TO_LINE,), "nothing: the next world begins on a cache line"]


@dataclass(frozen=True)
class Capacity:
    """How many rows each table of a world has."""

    venues: int
    currencies: int
    tiers: int
    transfers: int
    closures: int
    changes: int
    instruments: int
    accounts: int
    agents: int
    flows: int
    background: int
    hedgers: int
    shocks: int
    buckets: int
    messages: int
    fills: int
    orders: int
    levels: int
    terms: int
    members: int
    arbitrageurs: int


# Few, since each costs a compilation of every kernel: for one market that is not too busy, for one
# or two, for several. In the first, a market has as much room as in the second.
SMALL = Capacity(
    venues=2,
    currencies=2,
    tiers=48,
    transfers=4,
    closures=64,
    changes=8,
    instruments=4,
    accounts=19,
    agents=2,
    flows=1,
    background=320,
    hedgers=1,
    arbitrageurs=1,
    shocks=24,
    buckets=1,
    messages=32,
    fills=64,
    orders=544,
    levels=416,
    terms=32,
    members=32,
)
STANDARD = Capacity(
    venues=2,
    currencies=2,
    tiers=48,
    transfers=4,
    closures=64,
    changes=8,
    instruments=8,
    accounts=19,
    agents=4,
    flows=2,
    background=512,
    hedgers=1,
    arbitrageurs=1,
    shocks=24,
    buckets=1,
    messages=32,
    fills=64,
    orders=640,
    levels=512,
    terms=64,
    members=32,
)
LARGE = Capacity(
    venues=2,
    currencies=2,
    tiers=64,
    transfers=4,
    closures=64,
    changes=8,
    instruments=16,
    accounts=80,
    agents=16,
    flows=5,
    background=512,
    hedgers=12,
    arbitrageurs=4,
    shocks=24,
    buckets=128,
    messages=128,
    fills=64,
    orders=2816,
    levels=2048,
    terms=64,
    members=64,
)


def fields(table: type) -> dict[str, tuple[Any, tuple[Any, ...], str]]:
    """Return the declared fields of a table: name to (NumPy code or table, shape, meaning).

    >>> fields(Position)["entry_quanta"]
    ('i8', (), 'signed value at which it was entered (quanta)')
    """
    result: dict[str, tuple[Any, tuple[Any, ...], str]] = {}
    for name, hint in get_type_hints(table, include_extras=True).items():
        _, code, *shape, meaning = get_args(hint)
        result[name] = (code, shape[0] if shape else (), meaning)
    return result


def table_dtype(table: type, capacity: Capacity | None = None) -> np.dtype[Any]:
    """Build the NumPy dtype of one table; shapes named by words come from the capacity.

    >>> table_dtype(Position).itemsize
    40
    """
    columns: list[tuple[Any, ...]] = []
    used = 0
    for name, (code, shape, _) in fields(table).items():
        cell = np.dtype(code) if isinstance(code, str) else table_dtype(code, capacity)
        sizes = tuple(_length(size, capacity, used) for size in shape)
        columns.append((name, cell, sizes) if sizes else (name, cell))
        used += cell.itemsize * math.prod(sizes)
    return np.dtype(columns)


def _length(size: int | str, capacity: Capacity | None, used: int) -> int:
    """Return a length of a shape as a number; `used` is how many bytes of the table lie before."""
    if size == TO_LINE:
        return CACHE_LINE - used % CACHE_LINE
    return getattr(capacity, size) if isinstance(size, str) else size


ORDER = table_dtype(Order)
TERMS = table_dtype(Terms)
LEVEL = table_dtype(Level)
NODE = table_dtype(Node)
MEMBER = table_dtype(Member)
BOOK = table_dtype(Book)
WORK = table_dtype(Work)
SMALL_WORLD = table_dtype(World, SMALL)
STANDARD_WORLD = table_dtype(World, STANDARD)
LARGE_WORLD = table_dtype(World, LARGE)
_DTYPES = {SMALL: SMALL_WORLD, STANDARD: STANDARD_WORLD, LARGE: LARGE_WORLD}

SCHEMA_VERSION = 5


def schema_hash(dtype: np.dtype[Any]) -> str:
    """Return a short hash of a world dtype, kept beside saved worlds."""
    return hashlib.sha256(repr(dtype.descr).encode()).hexdigest()[:16]


def capacity_of(worlds: NDArray[Any]) -> Capacity:
    """Return the capacity that an array of worlds was built with."""
    return next(capacity for capacity, dtype in _DTYPES.items() if worlds.dtype == dtype)


def empty_worlds(count: int, capacity: Capacity = STANDARD) -> NDArray[Any]:
    """Return an array of zeroed worlds, readable by attribute with and without compilation.

    Each begins on a cache line, so that no row of its orders lies across two.
    """
    dtype = _DTYPES[capacity]
    memory = np.zeros(count * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % CACHE_LINE
    return viewed(memory[start : start + count * dtype.itemsize].view(dtype))


def copied(worlds: NDArray[Any], rows: Any = slice(None)) -> NDArray[Any]:
    """Return a copy of chosen worlds of an array, which begin on cache lines as all worlds do."""
    chosen = worlds[rows]
    copies = empty_worlds(len(chosen), capacity_of(worlds))
    copies[:] = chosen
    return copies


def viewed(table: NDArray[Any]) -> Any:
    """Return a table so that ``row.field`` works also when compilation is switched off."""
    return table.view(np.recarray) if _settings.DISABLE_JIT else table


def fingerprint(world: Any) -> str:
    """Return the hash of a world's bytes: equal fingerprints, equal trajectories."""
    return hashlib.sha256(world.tobytes()).hexdigest()
