"""Units, limits, and lengths that are the same in every world."""

from __future__ import annotations

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
# Orders of a competitor with full control.
FREE_ORDERS = 4
# Numbers that a reward may remember from one decision to the next.
REWARD_MEMORY = 4
# Rows of an empirical table of latencies.
LATENCY_SAMPLES = 10
# Values that a digit of the price index can have (`engine/price_index.py`).
BRANCHES = 4
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
# Competitors' resting orders that the crowd has an eye on.
WATCHED = 8
# Random streams; steps in which the price moves between two ticks, at most, and the
# usual length of one.
STREAMS = 64
PATH_STEPS = 150
PATH_STEP_NS = 100_000_000
