"""Tables of those who compete: what each has, knows and has earned."""

from __future__ import annotations

from typing import Annotated, Protocol

from gammagym.world.codes import PARTS, REJECT_REASONS, WAYS
from gammagym.world.columns import F4, F8, I4, I8, Rows, Vector
from gammagym.world.sizes import (
    HEDGES,
    LATENCY_SAMPLES,
    MORE_COUNTS,
    MORE_OBSERVED,
    MORE_RETURNS,
    OBSERVED,
    REWARD_MEMORY,
    SLOTS,
)


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
