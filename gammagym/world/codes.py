"""Names for numbers: what a field of a world may hold.

Most families have a range of their own, so that a code of the wrong family is caught. The codes of
`OrderBook` messages (side, kind, tif, report kinds) are fixed from outside and start at zero.
"""

from __future__ import annotations

BUY, SELL = 0, 1
NEW, CANCEL, MODIFY, CANCEL_ALL, DISCONNECT, TELL_PRICE, TELL_POSITION, CLOCK = range(8)
GTC, IOC, FOK, POST_ONLY, GTT = range(5)
# Added to a time in force in the terms of a competitor's order: it may only reduce a position.
ONLY_REDUCE = 8
LIMIT, MARKET, STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP = range(7)
ON_LAST, ON_MARK, ON_INDEX = range(3)
# Self-trade modes: what happens when an order meets one of its own owner.
UNSET, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH, DECREMENT = range(5)

# A book has eight sides: BUY and SELL, where orders rest, and for each price that triggers may look
# at two where they wait, for a fall and for a rise (`waiting_side`). On an even side the highest
# price comes first, on an odd one the lowest.
SIDES = 8
PRICES = 3

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
